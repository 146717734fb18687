"""Made names for names: every word of a name gives one word, by the key alone, so that "John Smith", "SMITH, J." and "Mr. Smith" agree.

In        a name as a text says it; what the structure knows of the person tells which words are given and which family names
Out       the same form: titles, degrees, particles, order, initials, hyphens, case and possessive stay, given names keep their gender
Never     the word itself, one with its first letter, or a word that is to be avoided
Source    names of Faker 40.63.0 (MIT), reduced by scripts/make_surrogate_names.py; when all of them are to be avoided, made syllables
"""

from __future__ import annotations

import lzma
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from bedside.core.ids import keyed
from bedside.deidentify.folding import fold
from bedside.deidentify.lexicon import Word, meanings
from bedside.deidentify.patients import KnownIdentifiers, words

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d")
_POSSESSIVE = re.compile(r"(?<=[^\W\d_]{2})['’][sS]\Z")
_TITLES = re.compile(r"(?:(?:Drs?|Doctor|Mr|Mrs|Ms|Miss|Mx|Prof|Professor|Rev|Nurse|Sister|Sir|Madam|Patient)\b\.?[ \t]+)+(?=[^\W\d_])", re.IGNORECASE)
_DEGREES = re.compile(
    r"(?:,?\s+(?:M\.?D\.?|D\.O\.|R\.?N\.?|F?NP(?:-C)?|PA-C|Ph\.?D\.?|DDS|LPN|CRNA|MBBS|DNP|Pharm\.?D\.?|RPh|LCSW|MSW|Jr\.?|Sr\.?|I{2,3}|IV|Esq\.?)(?![\w])|,\s*(?:DO|PA|BS|MS|MA)(?!\w))+\.?\Z"
)
_PARTICLE = re.compile(r"(?:van|von|de|der|den|del|della|di|da|la|le|el|al|bin|ibn|ten|ter|y|and|or|of|the)(?=[ \t]+[^\W\d_])")
_ONSETS = ("b", "br", "d", "dr", "f", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "tr", "v", "w", "z")
_CORES, _ENDS = ("a", "e", "i", "o", "u", "ai", "ou"), ("n", "l", "r", "nd", "rk", "ston", "mar", "vin", "sk", "lo", "ra")
_TRIES, _LETTERS = 24, "ABCDEFGHIJKLMNOPRSTVW"


class Draw:
    """Numbers that a key and an identifier give, one after the other."""

    def __init__(self, key: bytes, *parts: str) -> None:
        self._seed, self._at = keyed(key, *parts), 0

    def below(self, most: int) -> int:
        """The next number, 0 to `most` - 1."""
        self._at += 1
        return int.from_bytes(keyed(self._seed, str(self._at))[:8], "big") % most

    def one(self, of: Sequence[str]) -> str:
        """The next of some texts."""
        return of[self.below(len(of))]

    def digits(self, count: int) -> str:
        """So many digits."""
        return "".join(str(self.below(10)) for _ in range(count))


class _Lists(NamedTuple):
    """Names that tell a gender (small), and those that stand instead."""

    women: frozenset[str]
    men: frozenset[str]
    instead_of_women: tuple[str, ...]
    instead_of_men: tuple[str, ...]
    instead_of_families: tuple[str, ...]


@lru_cache(maxsize=1)
def lists() -> _Lists:
    """The names of surrogate_names.txt.xz."""
    packed = files("bedside.deidentify").joinpath("surrogate_names.txt.xz").read_bytes()
    lines = [line.split() for line in lzma.decompress(packed).decode().split("\n")]
    return _Lists(frozenset(lines[0]), frozenset(lines[1]), tuple(lines[2]), tuple(lines[3]), tuple(lines[4]))


class Names:
    """The made names of one subject."""

    def __init__(self, key: bytes, subject: str, avoid: frozenset[str], known: KnownIdentifiers | None) -> None:
        self._key, self._subject, self._avoid = key, subject, avoid
        names = sorted(known.names) if known is not None else []
        self._families = frozenset(word for name in names for word in (*words(name.family), _bare(name.family)))
        self._given = tuple(dict.fromkeys(word for name in names for part in name.given for word in words(part)))
        self._made: dict[str, str] = {}

    def name(self, said: str) -> str:
        """A made name in the form of the one said."""
        text = "".join(letter for letter in unicodedata.normalize("NFC", said) if unicodedata.category(letter) != "Mn")
        title, degrees = _TITLES.match(text), _DEGREES.search(text)
        start, end = title.end() if title else 0, degrees.start() if degrees else len(text)
        parts, at = [text[:start]], start
        for word in _WORD.finditer(text, start, end):
            parts += [text[at : word.start()], word[0] if _PARTICLE.match(text, word.start()) else self.word(word[0])]
            at = word.end()
        return "".join([*parts, text[at:]])

    def word(self, said: str) -> str:
        """The made word for one word of a name, in its case."""
        tail = _POSSESSIVE.search(said)
        bare = said[: tail.start()] if tail else said
        if bare.isdigit():
            return str((int(bare) + 1 + self._draw("digit", bare).below(9)) % 10)
        made = self._initial(fold(bare).upper()[:1]) if len(bare) == 1 else self._name_for(_bare(bare))
        return in_case(made, bare) + (tail[0] if tail else "")

    def _name_for(self, token: str) -> str:
        made = self._made.get(token)
        if made is None:
            made = self._made[token] = self._drawn(token)
        return made

    def _drawn(self, token: str) -> str:
        """Names of the right list until one may be taken, then syllables."""
        draw, of = self._draw("name", token), self._list(token)
        for attempt in range(4 * _TRIES):
            made = draw.one(of) if attempt < _TRIES else syllables(draw, 2 + attempt // (2 * _TRIES))
            if made[0].casefold() != token[:1] and made.casefold() not in self._avoid:
                return made
        return syllables(draw, 5)

    def _list(self, token: str) -> Sequence[str]:
        named = lists()
        woman, man = token in named.women, token in named.men
        flags = meanings().get(token, 0)
        family = token in self._families or (flags & Word.FAMILY and not flags & Word.GIVEN) or not (woman or man)
        if family and token not in self._given:
            return named.instead_of_families
        return named.instead_of_women if woman and not man else named.instead_of_men if man and not woman else named.instead_of_women + named.instead_of_men

    def _initial(self, letter: str) -> str:
        """The initial of the made name for the person's name that begins so; of none known, any other letter."""
        for token in (*self._given, *sorted(self._families)):
            if token[:1].upper() == letter:
                return self._name_for(token)[0]
        others = _LETTERS.replace(letter, "")
        return others[self._draw("initial", letter).below(len(others))]

    def _draw(self, kind: str, value: str) -> Draw:
        return Draw(self._key, "surrogate", self._subject, kind, value)


def in_case(made: str, said: str) -> str:
    """A made word in capitals or small where the one said is."""
    return made.upper() if said.isupper() and (len(said) > 1 or len(made) == 1) else made.lower() if said.islower() else made


def syllables(draw: Draw, count: int) -> str:
    """A made word of some syllables, with a capital."""
    return ("".join(draw.one(_ONSETS) + draw.one(_CORES) for _ in range(count - 1)) + draw.one(_ENDS)).capitalize()


def _bare(text: str) -> str:
    return re.sub(r"[\W\d_]", "", fold(text)).casefold()

