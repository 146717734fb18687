"""Letters without their marks: text as a search for names sees it, and where in the original a stretch of it stands.

In        any text
Out       the same text with every letter plain (å a, ß ss, ø o, æ ae, ł l), dashes and blanks of one kind, marks and invisible signs
          gone; case stays
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_SPECIAL = {"ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
            "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T"}  # fmt: skip
_PAIRS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe", "Å": "Aa"})

_MARKED = re.compile(r"[^\x00-\x7f]")
_SIGNS = {"’": "'", "‘": "'", "ʼ": "'", "‛": "'", "´": "'", "`": "'", "“": '"', "”": '"', "…": ".", "\u2028": "\n", "\u2029": "\n", "\u0085": "\n", "½": "½",
          "¼": "¼", "¾": "¾", "™": "™", "²": "²", "³": "³"}  # fmt: skip


class Folded(NamedTuple):
    """A folded text and, where it is not as long as the original, the place in the original of each of its letters and of its end."""

    text: str
    at: list[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that a stretch of the folded text was."""
        if self.at is None:
            return start, end
        # A letter folded into two, or followed by a mark, ends where the next one begins.
        while end < len(self.text) and self.at[end] == self.at[end - 1]:
            end += 1
        return self.at[start], self.at[end]


def folded(text: str) -> Folded:
    """The text without marks, with the way back.

    >>> folded("Ångström, Weiß").text, folded("Weiß ist da").span(0, 5)
    ('Angstrom, Weiss', (0, 4))
    """
    if text.isascii():
        return Folded(text, None)
    plain = {letter: _plain(letter) for letter in set(_MARKED.findall(text))}
    if all(len(one) == 1 for one in plain.values()):
        for letter, one in plain.items():
            if letter != one:
                text = text.replace(letter, one)
        return Folded(text, None)
    parts = _parts(text)
    return Folded("".join(parts), [at for at, part in enumerate(parts) for _ in part] + [len(text)])


def in_ascii(text: str) -> str:
    """A folded text with a stand-in of ASCII for every other letter, digit and sign, one for one: what the rules read.

    >>> in_ascii("Dr. Ωμέγα • ٣")
    'Dr. Xxxxx * 3'
    """
    if not text.isascii():
        for letter in set(_MARKED.findall(text)):
            text = text.replace(letter, _stand_in(letter))
    return text


def fold(text: str) -> str:
    """The text without marks.

    >>> fold("MÜLLER-Łukasz Ærø")
    'MULLER-Lukasz Aero'
    """
    return text if text.isascii() else "".join(_parts(text))


def written_out(text: str) -> str:
    """A name as those write it who have no such letters: ü as ue, å as aa.

    >>> written_out("Jürgen Åberg")
    'Juergen Aaberg'
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(_PAIRS)


def _parts(text: str) -> list[str]:
    """Each letter without its marks; one that becomes two is in capitals in a word of capitals."""
    parts = [_plain(letter) for letter in text]
    for at, part in enumerate(parts[:-1]):
        if len(part) == 2 and part[0].isupper() and text[at + 1].isupper():
            parts[at] = part.upper()
    return parts


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    if letter in _SPECIAL or letter in _SIGNS:
        return _SPECIAL.get(letter) or _SIGNS[letter]
    kind = unicodedata.category(letter)
    if kind == "Pd":
        return "-"
    return "".join(
        _SPECIAL.get(part, part) for part in unicodedata.normalize("NFKD", letter) if unicodedata.category(part) not in ("Mn", "Cf")
    )


@lru_cache(maxsize=4096)
def _stand_in(letter: str) -> str:
    if letter.isdigit() and (number := unicodedata.digit(letter, -1)) >= 0 and unicodedata.category(letter) == "Nd":
        return str(number)
    if letter.isalpha():
        return "X" if letter.isupper() else "x"
    return " " if letter.isspace() else "*"
