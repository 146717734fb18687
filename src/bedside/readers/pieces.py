"""The one loop of all document readers: split a file, interpret each record, and account for every one of them.

In        a de-identified file, a function that splits its bytes, and a function that interprets one record
Out       a `Reading` whose counts reconcile: each record is written, merged, ignored with a reason, or quarantined
Never     raises for what a file holds; a record that breaks its standard becomes a `Reject` and the next one is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple, Protocol

from bedside.core.accounts import Reject, Tally
from bedside.core.errors import Malformed
from bedside.core.events import Event, frame
from bedside.core.ids import sha256
from bedside.formats.files import RawFile
from bedside.formats.piece import Piece
from bedside.readers.reading import ImageRow, NoteRow, Reading

_NUMBER = re.compile(r"\d+")


class Nothing(Exception):
    """A record that is sound and gives no event, with the reason that its tally shows. Never leaves this room."""

    def __init__(self, reason: str, *, merged: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.merged = reason, merged


class Context:
    """What one record's interpretation needs besides its bytes, and where it counts oddities that it could keep."""

    __slots__ = ("problems", "source", "timezone", "where")

    def __init__(
        self, source: str, *, where: str = "record", timezone: str | None = None, problems: dict[str, int] | None = None
    ) -> None:
        self.source, self.where, self.timezone = source, where, timezone
        self.problems: dict[str, int] = {} if problems is None else problems

    def problem(self, what: str) -> None:
        self.problems[what] = self.problems.get(what, 0) + 1


class Said(NamedTuple):
    """What one record said."""

    events: list[Event]
    notes: Sequence[NoteRow] = ()
    images: Sequence[ImageRow] = ()


class Interpret(Protocol):
    """One record's bytes to what they say; raises `Malformed` or `Nothing`."""

    def __call__(self, raw: bytes, context: Context) -> Said: ...


class Gathering:
    """The growing account of one file."""

    def __init__(self, file: RawFile) -> None:
        self.file, self.key = file, ""
        self.tally = Tally(file.source, file.alias)
        self.problems: dict[str, int] = {}
        self.events: list[Event] = []
        self.notes: list[NoteRow] = []
        self.images: list[ImageRow] = []
        self.rejects: list[Reject] = []
        self._seen: set[bytes] = set()

    def add(self, piece: Piece, interpret: Interpret, timezone: str | None) -> None:
        """Interpret one record and count it."""
        where = f"{self.file.source}/{self.file.alias}, {piece.place}"
        context = Context(self._source(piece.place), where=where, timezone=timezone, problems=self.problems)
        try:
            said = interpret(piece.raw, context)
        except Nothing as nothing:
            self._count(nothing)
        except Malformed as error:
            self.reject(piece.place, piece.raw, error.what)
        else:
            self._keep(piece.raw, said)

    def reject(self, place: str, raw: bytes, reason: str) -> None:
        """Quarantine one record."""
        self.tally.quarantine(reason)
        self.rejects.append(Reject(self.file.source, self.file.alias, place, reason, sha256(raw)))

    def reading(self) -> Reading:
        return Reading(frame(self.events), self.tally, self.notes, self.images, self.rejects, self.problems)

    def repeated(self, raw: bytes) -> bool:
        """Whether these very bytes were a record of this file before."""
        mark = blake2b(raw, digest_size=16).digest()
        before = mark in self._seen
        self._seen.add(mark)
        return before

    def _source(self, place: str) -> str:
        return f"{self.key}#{'.'.join(_NUMBER.findall(place)) or '0'}"

    def _count(self, nothing: Nothing) -> None:
        (self.tally.merge if nothing.merged else self.tally.ignore)(nothing.reason)

    def _keep(self, raw: bytes, said: Said) -> None:
        if not (said.events or said.notes or said.images):
            self.tally.ignore("says nothing that has an event")
        elif self.repeated(raw):
            self.tally.merge("the same record again, byte for byte")
        else:
            self.tally.write()
            self.events += said.events
            self.notes += said.notes
            self.images += said.images


def gather(file: RawFile, split: Callable[[bytes], Iterator[Piece]], interpret: Interpret, *, timezone: str | None) -> Reading:
    """Read one file of records.

    split      the file's bytes to its records; may raise `Malformed`, then what is left is one quarantined record
    interpret  one record to events, notes and image rows
    """
    gathering = Gathering(file)
    data = b""
    try:
        data = file.read()
        gathering.key = sha256(data)[:16]
        for piece in split(data):
            gathering.add(piece, interpret, timezone)
    except Malformed as error:
        gathering.reject("file", data, error.what)
    return gathering.reading()
