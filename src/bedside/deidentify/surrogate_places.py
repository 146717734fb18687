"""Made streets, towns, hospitals and firms for real ones: the words that say what it is stay, those that say which one are made.

In        a place as a text says it
Out       the same form: numbers of as many digits, kinds of streets and of houses, directions, states; made words of no real town
Never     the word itself, or one that is to be avoided
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from bedside.core.ids import keyed
from bedside.deidentify.folding import fold
from bedside.deidentify.lexicon import Word, listed, meanings
from bedside.deidentify.surrogate_names import Draw, in_case
from bedside.deidentify.surrogate_numbers import zip_of
from bedside.deidentify.zip_codes import Zip3

_TOKEN = re.compile(r"(\d+)(st|nd|rd|th)?\b|([^\W_]+(?:['’][^\W\d_]+)*)", re.IGNORECASE)
_STATE = re.compile(
    rf",[ \t]*(?:New (?:York|Jersey|Mexico|Hampshire)|(?:North|South) (?:Carolina|Dakota)|West Virginia|Rhode Island|District of Columbia|"
    rf"(?:{'|'.join(state.upper() for state in sorted(listed('states')))}|AS|MP|FM|MH|PW|AA|AE|AP)|(?:{'|'.join(name.title() for name in sorted(listed('state_names')))}))\b"
)
_TRIES, _ZIP, _ABBREVIATION = 64, 5, 5


class Places:
    """The made places of one subject."""

    def __init__(self, key: bytes, subject: str, avoid: frozenset[str], zip_digits: int, zip3: Zip3 | None = None) -> None:
        self._key, self._subject, self._avoid, self._zip_digits, self._zip3 = key, subject, avoid, zip_digits, zip3

    def street(self, said: str) -> str:
        """A made address."""
        return self._place(said, frozenset(_words_of("beside")), frozenset(_words_of("street")))

    def town(self, said: str) -> str:
        """A made town."""
        words = [found for found in _TOKEN.finditer(said) if found[3]]
        return self._place(said, frozenset() if len(words) == 1 else frozenset(_words_of("town")))

    def house(self, said: str) -> str:
        """A made hospital, office or firm."""
        return self._place(said, frozenset(_words_of("house")))

    def _place(self, said: str, stays: frozenset[str], closes: frozenset[str] = frozenset()) -> str:
        """The words that say what it is and the state after a comma stay; those that close a name (Street) stay behind one, and are one in Park Street."""
        state = _STATE.search(said)
        start, end = state.span() if state else (len(said), len(said))
        parts, at, named = list[str](), 0, False
        for found in _TOKEN.finditer(said):
            named = named and "," not in said[at : found.start()]
            part = found[0] if start <= found.start() < end else self._part(found, stays | closes if named else stays, behind="," in said[: found.start()])
            named = named or found[2] is not None or (found[3] is not None and part != found[0])
            parts += [said[at : found.start()], part]
            at = found.end()
        return "".join([*parts, said[at:]])

    def _part(self, found: re.Match[str], stays: frozenset[str], *, behind: bool) -> str:
        said = found[0]
        if found[1]:
            number = self._number(found[1], is_zip=behind and len(found[1]) == _ZIP)
            return number + (_in_order(int(number)) if found[2] else "")
        plain = fold(said).casefold().replace("’", "'")
        if plain in stays:
            return said
        bare, mark, tail = plain.partition("'s")
        made = self._letters(said) if (said.isupper() and len(said) <= _ABBREVIATION) or any(map(str.isdigit, said)) else self._word(bare)
        return in_case(made, said) + (said[-2:] if mark and not tail else "")

    def _number(self, said: str, *, is_zip: bool) -> str:
        """Another number of as many digits; of a zip code no more is true than the policy lets stand."""
        for attempt in range(_TRIES):
            draw = Draw(self._key, "surrogate", self._subject, "house number", said, str(attempt))
            made = zip_of(said, draw, self._zip_digits, self._zip3) if is_zip else (str(1 + draw.below(9)) if said[0] != "0" else "0") + draw.digits(len(said) - 1)
            if made != said and made not in self._avoid:
                return made
        return "0" * len(said)

    def _letters(self, said: str) -> str:
        """Other letters and digits for an abbreviation."""
        for attempt in range(_TRIES):
            draw = Draw(self._key, "surrogate", self._subject, "letters", said.casefold(), str(attempt))
            made = "".join(draw.one("ABCDEFGHJKLMNPRSTVWXYZ") if sign.isalpha() else draw.digits(1) if sign.isdigit() else sign for sign in said)
            if made.casefold() != said.casefold() and made.casefold() not in self._avoid:
                return made
        return "X" * len(said)

    def _word(self, said: str) -> str:
        """A made word of no real town."""
        for attempt in range(_TRIES):
            draw = Draw(self._key, "surrogate", self._subject, "place", said, str(attempt))
            made = draw.one(_words_of("roots")) + draw.one(_words_of("endings"))
            if attempt > _TRIES // 2:
                made = draw.one(_words_of("roots")) + made
            if made != said and made not in self._avoid and not meanings().get(made, 0) & ~int(Word.FAMILY_WORLD):
                return made.capitalize()
        digest = keyed(self._key, "surrogate", self._subject, "place", said).hex()
        return digest.translate(str.maketrans("0123456789", "ghijklmnop"))[:12].capitalize()


@lru_cache(maxsize=8)
def _words_of(part: str) -> tuple[str, ...]:
    """The words of one part of surrogate_places.txt."""
    text = files("bedside.deidentify").joinpath("surrogate_places.txt").read_text("utf-8")
    return tuple(text.partition(f"\n{part}:\n")[2].partition("\n\n")[0].split())


def _in_order(number: int) -> str:
    return "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
