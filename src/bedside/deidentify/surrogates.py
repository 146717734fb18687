"""Surrogates: another identifier of the same form, the same one wherever a subject's is said, in every note and by the key alone.

In        a key, the name of the subject, and the words and numbers of the patient map, which no surrogate may be
Out       `Surrogates.of(said, kind)`; None where a kind has none (dates move by the clock, ages by the cap) or none may be taken: a tag stands
Same      words that differ in case, marks and separators only are the same identifier; two subjects' surrogates do not tell that theirs were
          alike. Two names of one subject may rarely get one surrogate, since each comes of the key alone, in whatever order they are met.
Elsewhere people: `surrogate_names.py`; places: `surrogate_places.py`; numbers: `surrogate_numbers.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bedside.deidentify import surrogate_numbers as numbers
from bedside.deidentify.folding import fold
from bedside.deidentify.patients import KnownIdentifiers, words
from bedside.deidentify.surrogate_names import Draw, Names
from bedside.deidentify.surrogate_places import Places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedside.deidentify.keyring import Keyring
from bedside.deidentify.zip_codes import Zip3

_CHUNK = re.compile(r"[^\W_]+")
_TRIES, _MOST_KEPT, _MOST_JOINED, _PHONE_END = 32, 2_000, 8, 7
# What a number may look like; anything else under its kind holds words that a number's surrogate would leave standing.
_FORMS = {
    "PHONE": re.compile(r"[\s\d().+/#*-]*(?:,?\s*(?:x|ext\.?|extension|#)\s*\d{1,6})?\s*", re.IGNORECASE),
    "SSN": re.compile(r"[\s\dXx*#.-]*"),
    "ZIP": re.compile(r"\s*(?:\d{4,6}(?:\s?-\s?\d{4})?|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d)\s*"),
}
_WORDS, _FEWEST_WORDS = re.compile(r"(?<!\S)[^\W\d_]{3,}[,.]?(?!\S)"), 2
_NUMBERED = frozenset({"PHONE", "SSN", "ID", "ZIP", "URL", "IP"})


class Surrogates:
    """Gives the surrogates of one subject.

    keyring   the keyring, or a key of 32 bytes
    subject   the subject's name in the de-identified files
    avoid     what no surrogate may be: words of the patient map, and its numbers as `plain_numbers` writes them
    known     what the structure knows of the subject: tells given from family names, and whose initial a letter is
    zip_digits  digits of a zip code that the policy lets stand
    zip3        where over 20,000 people live; the shipped census when None

    >>> one = Surrogates(bytes(32), "P000000000001")
    >>> one.of("SMITH", "NAME") == (one.of("Dr. Smith", "NAME") or "").removeprefix("Dr. ").upper()
    True
    """

    def __init__(
        self, keyring: Keyring | bytes, subject: str, avoid: frozenset[str] = frozenset(), *, known: KnownIdentifiers | None = None, zip_digits: int = 3,
        zip3: Zip3 | None = None
    ) -> None:
        self._key = keyring if isinstance(keyring, bytes) else keyring.number_key
        self._subject, self._avoid, self._zip_digits, self._zip3 = subject, avoid, zip_digits, zip3
        self._names, self._places = Names(self._key, subject, avoid, known), Places(self._key, subject, avoid, zip_digits, zip3)
        self._kept: dict[tuple[str, str], str | None] = {}

    def of(self, said: str, kind: str) -> str | None:
        """The surrogate of an identifier; None where its kind has none, and a tag stands."""
        if (said, kind) not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[said, kind] = self._made(said, kind)
        return self._kept[said, kind]

    def _made(self, said: str, kind: str) -> str | None:
        kind = _kind_of(said, kind)
        if kind in _NUMBERED:
            return self._number(said, kind)
        made = {"NAME": self._names.name, "ADDRESS": self._places.street, "CITY": self._places.town, "HOSPITAL": self._places.house, "EMAIL": self._mail}.get(kind)
        new = made(said) if made is not None else None
        return None if new is None or _plain(new) == _plain(said) else new

    def _number(self, said: str, kind: str) -> str | None:
        """The first of some made numbers that is no known one."""
        for attempt in range(_TRIES):
            new = self._drawn(said, kind, Draw(self._key, "surrogate", self._subject, kind, _plain(said), str(attempt)))
            if _plain(new) != _plain(said) and self._is_free(new):
                return new
        return None

    def _drawn(self, said: str, kind: str, draw: Draw) -> str:
        if kind == "ZIP":
            return numbers.zip_of(said, draw, self._zip_digits, self._zip3)
        make = {"PHONE": numbers.phone, "SSN": numbers.social_security, "URL": numbers.web, "IP": numbers.network}.get(kind, numbers.number)
        return make(said, draw)

    def _mail(self, said: str) -> str | None:
        """An address of mail at example.org whose words are those of the made name."""
        local = said.partition("@")[0]
        for attempt in range(_TRIES):
            draw = Draw(self._key, "surrogate", self._subject, "EMAIL", _plain(said), str(attempt))
            made = re.sub(r"[^\W\d_]+|\d+", lambda part, draw=draw: draw.digits(len(part[0])) if part[0].isdigit() else fold(self._names.word(part[0])), local)  # type: ignore[misc]
            if _plain(made) not in ("", _plain(local)) and self._is_free(made):
                return f"{made}@example.org"
        return None

    def _is_free(self, made: str) -> bool:
        """Whether no run of its letters and digits is to be avoided, however it is cut; nor the end of a phone."""
        chunks = _CHUNK.findall(_folded(made))
        runs = ("".join(chunks[at : at + count]) for at in range(len(chunks)) for count in range(1, _MOST_JOINED))
        digits = re.sub(r"\D", "", made)
        return self._avoid.isdisjoint(runs) and self._avoid.isdisjoint(digits[at:] for at in range(len(digits) - _PHONE_END + 1))


def plain_numbers(people: Iterable[KnownIdentifiers]) -> frozenset[str]:
    """The numbers of people, small and without separators; of phones every end of seven digits and more."""
    found = set[str]()
    for known in people:
        found |= {_plain(value) for values in (known.records, known.numbers, known.ssns, known.zips) for value in values}
        for value in known.phones:
            digits = re.sub(r"\D", "", value)
            found |= {digits[at:] for at in range(max(1, len(digits) - _PHONE_END + 1))}
    return frozenset(found - {""})


def _kind_of(said: str, kind: str) -> str:
    """The kind, or ADDRESS and EMAIL for spans that overlapped and became one under the name of a number: their words must go too."""
    form = _FORMS.get(kind)
    if kind != "ID" and (form is None or form.fullmatch(said)):
        return kind
    if len(_WORDS.findall(numbers.unlabelled(said))) < _FEWEST_WORDS:
        return "ID"
    return "EMAIL" if "@" in said else "ADDRESS"


def _folded(text: str) -> str:
    return fold(text).casefold()


def _plain(text: str) -> str:
    return "".join(_CHUNK.findall(_folded(text))) or " ".join(words(text))
