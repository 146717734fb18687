"""The residue proof: is anything of what the patient map knows still in the de-identified files?

In        every output as (name, bytes or path), and whom to look for: the keyring's map, a list of known patients, or both
Out       `Residue`: hits by kind, file and place (line, message, row), never content; and what could not be searched
Strong    medical record numbers and other long numbers, phones, SSNs, full names in both orders, streets, e-mail addresses,
          of every subject, searched everywhere: one hit stops the run
Weak      a single name, a short number, a birth date, a zip: for review, in the records of their own subject. Of a list of known
          patients nobody says which records are whose: there two weak ones of one person must stand in one record
Method    text and identifiers are cut into words of letters and digits, casefolded, accents off; an identifier is a run of words,
          found by its rarest one in a hash table. What a format wraps is unwrapped first, and the bytes themselves are read too.
Elsewhere ways of writing: `residue_forms.py`; the search: `residue_search.py`; formats: `residue_open.py`, `residue_plain.py`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from bedside.core.ids import pseudonym
from bedside.deidentify.patients import KnownIdentifiers
from bedside.deidentify.residue_forms import words_of
from bedside.deidentify.residue_needles import Needles
from bedside.deidentify.residue_open import Closed, Piece, Source, pieces
from bedside.deidentify.residue_plain import embedded, json_keys, unwrapped
from bedside.deidentify.residue_search import Sighting, sightings, told

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

__all__ = ["WEAK_REASONS", "Hit", "Needles", "Residue", "Unsearched", "prove", "words_of"]
_PSEUDONYM = re.compile(r"\bP[0-9A-HJKMNP-TV-Z]{12}\b")
_MESSAGE = re.compile(r"[\x0b\x1c]*MSH")
_MOST_PLACES, _DEEPEST = 1000, 4


class Hit(msgspec.Struct, frozen=True):
    """How often identifiers of one kind were found in one file, and in which of its records (the first thousand)."""

    file: str
    kind: str
    count: int
    places: list[str] = []


class Unsearched(msgspec.Struct, frozen=True):
    """An output, or a layer of one, that could not be opened: of it the proof says nothing."""

    file: str
    reason: str


class Residue(msgspec.Struct, frozen=True):
    """The proof. `strong` hits stop a run; `weak` ones are for review; `needles`: how many forms were looked for."""

    strong: int
    weak: int
    strong_hits: list[Hit]
    weak_hits: list[Hit]
    needles: int
    subjects: int
    files: int
    searched_bytes: int
    unsearched: list[Unsearched] = []

    @property
    def hits(self) -> int:
        """Strong hits."""
        return self.strong


# Why a hit of a kind is for a person to look at, and no proof of a leak.
WEAK_REASONS = {
    "name": "a family name alone, in a record of one who bears it: it may be a word, a place or another person",
    "given name": "a given name alone, in a record of one who bears it: it may be a word or another person",
    "initial and name": "an initial with a family name: it may be another person",
    "name of words": "two everyday words in small letters that are also somebody's name: they may be just words",
    "short number": "digits of a short record number: they may count or measure something",
    "measured number": "digits of a record number where a measurement or a code stands: they may be just that",
    "short phone": "the last seven digits of a phone: they may be another number",
    "birth date": "a birth date: it may be the date of something else, or a code",
    "zip": "five digits of the zip code: they may count or measure something",
}


def prove(
    outputs: Iterable[tuple[str, Source]],
    keyring: Keyring | None = None,
    *,
    known: Iterable[tuple[str | None, KnownIdentifiers]] = (),
    keeps: Collection[str] = (),
    needles: Needles | None = None,
) -> Residue:
    """Search every output for every identifier of the map and of the known patients.

    outputs   (name, bytes or path); files of any size are read in blocks
    known     people beside those of the map, as `known_file.read` gives them; which records are theirs is not known
    keeps     kinds of weak identifiers that the policy lets stand (a limited data set keeps "zip" and "birth date")
    needles   what to look for, where it was worked out before (`needles_of`)
    """
    needles = needles if needles is not None else needles_of(keyring, known, keeps=keeps)
    strong, weak, unsearched, files, size = _Found(), _Found(), list[Unsearched](), 0, 0
    for name, source in outputs:
        files, size = files + 1, size + (len(source) if isinstance(source, bytes) else source.stat().st_size)
        tells = any(one.strong for one in sightings(name, needles))
        search = _File(needles, f"file {files} (its name tells)" if tells else name, strong, weak)
        search.read(Piece(name, "name"))
        try:
            for piece in pieces(source):
                search.read(piece)
        except Closed as error:
            unsearched.append(Unsearched(search.name, str(error)))
        unsearched += (Unsearched(search.name, reason) for reason in search.closed)
    return Residue(
        strong.count, weak.count, strong.hits(), weak.hits(), needles.count, needles.subjects, files, size, unsearched
    )  # fmt: skip


def needles_of(
    keyring: Keyring | None, known: Iterable[tuple[str | None, KnownIdentifiers]] = (), *, keeps: Collection[str] = ()
) -> Needles:
    """Everything to look for: worked out once, it serves for any number of outputs."""
    return Needles(_people(keyring, known), keeps)


def _people(
    keyring: Keyring | None, known: Iterable[tuple[str | None, KnownIdentifiers]]
) -> Iterator[tuple[list[str], KnownIdentifiers]]:
    for subject in keyring.map.subjects if keyring is not None else ():
        yield [pseudonym(code) for code in (subject.code, *subject.former)], subject.known
    yield from (([], one) for _, one in known)


class _Found:
    """Hits by file and kind: how many, and the first places."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)

    @property
    def count(self) -> int:
        return self._counts.total()

    def add(self, file: str, kind: str, place: str, count: int) -> None:
        self._counts[file, kind] += count
        places = self._places[file, kind]
        if len(places) < _MOST_PLACES:
            places[place] = None

    def hits(self) -> list[Hit]:
        return [Hit(file, kind, count, list(self._places[file, kind])) for (file, kind), count in sorted(self._counts.items())]


class _File:
    """The search of one file, piece after piece."""

    def __init__(self, needles: Needles, name: str, strong: _Found, weak: _Found) -> None:
        self.needles, self.name, self.closed = needles, name, list[str]()
        self._found = {True: strong, False: weak}
        self._kinds: set[tuple[bool, str]] = set()
        self._last: Counter[tuple[bool, str, str]] = Counter()
        self._persons: set[int] = set()

    def read(self, piece: Piece, persons: set[int] | None = None, depth: int = 0) -> None:
        """Search a piece as it stands and unwrapped: what is seen in both counts once."""
        seen: Counter[tuple[bool, str, str]] = Counter()
        for text in self._readings(piece):
            read = self._sighted(text, piece, persons)
            for _, _, place in [one for one in seen if one[1] == "measured number"]:
                read.pop((True, "number", place), None)  # without its JSON key a code looks like any number
            seen |= read
        known = self._kinds.copy()
        for (strong, kind, place), count in seen.items():
            fresh = count - (self._last[strong, kind, place] if not piece.whole else 0)
            if fresh > 0 and not (piece.raw and (strong, kind) in known):
                self._found[strong].add(self.name, kind, place, fresh)
                self._kinds.add((strong, kind))
        self._last = seen if depth == 0 else self._last
        if depth < _DEEPEST and piece.kind != "bytes":
            self._embedded(piece, depth)

    def _readings(self, piece: Piece) -> tuple[str, ...]:
        """The text as it stands and unwrapped. Of JSON unwrapping takes only keys out: where those tell nothing one reading is enough."""
        plain = unwrapped(piece.text) if piece.kind != "bytes" else None
        if plain is None:
            return (piece.text,)
        keys = json_keys(piece.text) if piece.json else None
        if keys is None or self.needles.touches(keys):
            return piece.text, plain
        coded = '"code"' in keys and any(one.kind == "number" for one in sightings(plain, self.needles))
        return (piece.text, plain) if coded else (plain,)

    def _sighted(self, text: str, piece: Piece, persons: set[int] | None) -> Counter[tuple[bool, str, str]]:
        seen: Counter[tuple[bool, str, str]] = Counter()
        weak: dict[int, list[Sighting]] = defaultdict(list)
        where = _Where(text, piece)
        for one in sightings(text, self.needles):
            if one.strong:
                seen[True, one.kind, where.place(one.line)] += 1
            elif piece.kind != "name":
                weak[where.record(one.line)].append(one)
        for record, found in weak.items():
            for one in told(found, self._whose(where.text(record), persons, piece.whole), self.needles):
                seen[False, one.kind, where.place(one.line)] += 1
        return seen

    def _whose(self, record: str, persons: set[int] | None, whole: bool) -> set[int] | None:
        """Whose record it is by the pseudonyms in it; None where records go under no name that is known."""
        if not self.needles.people:
            return None
        met = {self.needles.people[one] for one in _PSEUDONYM.findall(record) if one in self.needles.people} | (persons or set())
        if whole:
            self._persons |= met
            return self._persons
        return met

    def _embedded(self, piece: Piece, depth: int) -> None:
        where = _Where(piece.text, piece)
        for line, data in embedded(piece.text, torn=piece.torn):
            whose = self._whose(where.text(where.record(line)), None, False)
            try:
                for inner in pieces(data):
                    held = msgspec.structs.replace(inner, kind="attachment", whole=True, torn=False, place=where.place(line))
                    self.read(held, whose, depth + 1)
            except Closed as error:
                self.closed.append(f"{where.place(line)}, attachment: {error}")


class _Where:
    """Places and records of the lines of a piece."""

    def __init__(self, text: str, piece: Piece) -> None:
        self._text, self._piece = text, piece
        self._lines: list[str] | None = None
        self._messages: list[int] | None = None

    def place(self, line: int) -> str:
        kind, before = self._piece.kind, f"{self._piece.place}, " if self._piece.place else ""
        if kind == "message":
            return f"{before}message {self._piece.first + self.record(line)}"
        return f"{before}{kind} {self._piece.first + line}" if kind in ("line", "row") else f"{before}{self._called()}"

    def _called(self) -> str:
        return f"{self._piece.kind} {self._piece.first}" if self._piece.kind in ("header", "page") else self._piece.kind

    def record(self, line: int) -> int:
        if self._piece.whole:
            return 0
        return self._message_of(line) if self._piece.kind == "message" else line

    def text(self, record: int) -> str:
        if self._piece.whole:
            return self._text
        if self._piece.kind == "message":
            return "\n".join(one for at, one in enumerate(self._all()) if self._message_of(at) == record)
        return self._all()[record]

    def _all(self) -> list[str]:
        if self._lines is None:
            self._lines = self._text.split("\n")
        return self._lines

    def _message_of(self, line: int) -> int:
        if self._messages is None:
            at, self._messages = -1, []
            for one in self._all():
                at += bool(_MESSAGE.match(one))
                self._messages.append(max(0, at))
        return self._messages[line]
