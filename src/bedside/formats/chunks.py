"""A big file as parts that end where a record ends, so that memory stays flat and several workers can share one file.

In        a `RawFile` of any size, gzip or not
Out       `Chunk`s in order: each is a `RawFile` of some whole records, that knows how many lines or messages stand before it
Rules     NDJSON, JSON lines and HL7 v2 batches are cut at the beginning of a line or message, text tables at a line end outside
          quotes (each part begins with the header again); one JSON document, a note, a data set and Parquet are one part.
          A record over the limit is never held in memory: its part is empty and says so (`too_large`).
Source    RFC 4180 (a line break inside quotes is no row's end)
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator

from bedside.core.errors import Malformed
from bedside.formats import fhir, notes
from bedside.formats.files import RawFile

PART = 4 << 20
MOST_RECORD = 256 << 20
_HEAD = 1 << 20
_MESSAGE = re.compile(rb"(?<=[\r\n\x0b\x1c])MSH(?=[^A-Za-z0-9\s])")
_ANY_MESSAGE = re.compile(rb"(?:\A|(?<=[\r\n\x0b\x1c\xbf]))MSH(?=[^A-Za-z0-9\s])")
_PLACE = re.compile(r"(line|message|row) (\d+)")


class Chunk(RawFile, frozen=True):
    """Part `part` of a file.

    before      lines or messages that stand before it
    data        None: the whole file, read from disk
    too_large   bytes of the one record that the part stands for and that nobody reads
    divided     whether the file has more parts than this
    """

    part: int = 0
    before: int = 0
    data: bytes | None = None
    too_large: int = 0
    divided: bool = False

    def read(self) -> bytes:
        """The bytes of the part, decompressed."""
        return self.data if self.data is not None else whole(self)

    def place(self, said: str) -> str:
        """A place inside the part as a place of the file: "line 3" of a part with 10 lines before it is "line 13".

        >>> Chunk("s", "fhir", None, "a", "a", part=1, before=10, divided=True).place("entry 3")
        'line 11, entry 3'
        """
        if not self.divided:
            return said
        moved, found = _PLACE.subn(lambda one: f"{one[1]} {int(one[2]) + self.before}", said, count=1)
        return moved if found else f"line {self.before + 1}" + ("" if said == "resource" else f", {said}")


def whole(file: RawFile, most: int = MOST_RECORD * 8) -> bytes:
    """All bytes of a file, decompressed; `Malformed` when gzip breaks off, or when more than `most` come out of it."""
    if not file.relative.endswith(".gz"):
        return file.path.read_bytes()
    parts, size = list[bytes](), 0
    for block in _blocks(file):
        parts.append(block)
        size += len(block)
        if size > most:
            raise Malformed(f"gzip holds more than {most >> 20} MB", where=f"{file.source}/{file.alias}", do="unpack and divide the file")
    return b"".join(parts)


def chunks(file: RawFile, part: int = PART, most: int = MOST_RECORD) -> Iterator[Chunk]:
    """The parts of a file, at least one. Raises `Malformed` in the middle where gzip breaks off."""
    blocks = _blocks(file, part)
    head = next(blocks, b"")
    following = next(blocks, None)
    if following is None:
        yield _chunk(file, 0, 0, head if file.relative.endswith(".gz") else None, divided=False)
        return
    cut = _cutter(file, head)
    if cut is None:
        size = file.path.stat().st_size
        large = _is_too_large(file, size, most)
        yield _chunk(file, 0, 0, b"" if large else None, size if large else 0, divided=False)
        return
    yield from _cut(file, _again(head, following, blocks), cut, part, most)


def _is_too_large(file: RawFile, size: int, most: int) -> bool:
    return file.format == "notes" and size > most // 4


def _again(head: bytes, following: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield following
    yield from rest


def _blocks(file: RawFile, size: int = PART) -> Iterator[bytes]:
    where = f"{file.source}/{file.alias}"
    try:
        with gzip.open(file.path, "rb") if file.relative.endswith(".gz") else file.path.open("rb") as stream:
            while block := stream.read(size):
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Malformed("gzip stream is truncated or damaged", where=where, do="fetch the file again from its sender") from error


class _Lines:
    """Cuts at line ends."""

    def end(self, data: bytes, start: int) -> int:
        """Where the last whole record before the end of `data` ends, at `start` or before it when there is none."""
        return data.rfind(b"\n", start) + 1

    def count(self, data: bytes) -> int:
        """How many lines or messages the data hold."""
        return data.count(b"\n")

    def head(self, data: bytes) -> bytes:
        """What every part begins with."""
        return b""


class _Messages(_Lines):
    def end(self, data: bytes, start: int) -> int:
        last = 0
        for found in _MESSAGE.finditer(data, max(start, 1)):
            last = found.start()
        return last - 1 if last and data[last - 1 : last] in (b"\x0b",) else last

    def count(self, data: bytes) -> int:
        return sum(1 for _ in _ANY_MESSAGE.finditer(data))


class _Rows(_Lines):
    """Cuts at line ends outside quotes: where the number of quotes since the last cut is even."""

    def __init__(self, file: RawFile) -> None:
        self.file = file

    def end(self, data: bytes, start: int) -> int:
        if b'"' not in data:
            return data.rfind(b"\n") + 1
        at = len(data)
        quotes = data.count(b'"')
        while (found := data.rfind(b"\n", 0, at)) >= 0:
            quotes -= data.count(b'"', found, at)
            if quotes % 2 == 0:
                return found + 1
            at = found
        return 0

    def head(self, data: bytes) -> bytes:
        from bedside.formats.tables import header_for

        return header_for(self.file, data) or data[: data.find(b"\n") + 1]


def _cutter(file: RawFile, head: bytes) -> _Lines | None:
    """How a file of that format may be cut, None when it is one record."""
    if file.format == "hl7v2":
        return _Messages()
    if file.format == "tables":
        first = head[: head.find(b"\n") + 1]
        return _Rows(file) if not head.startswith(b"PAR1") and first and first.count(b'"') % 2 == 0 and b"\0" not in head[:64] else None
    if file.format == "fhir":
        return _Lines() if any(fhir._is_resource(line) for line in fhir._first_lines(head[:_HEAD].removeprefix(b"\xef\xbb\xbf")) if b"\n" in head) else None
    return _Lines() if file.format == "notes" and notes.are_lines(head) else None


def _cut(file: RawFile, blocks: Iterator[bytes], cut: _Lines, part: int, most: int) -> Iterator[Chunk]:
    held, number, before, head, skipped = b"", 0, 0, b"", 0
    for block in blocks:
        if skipped:  # the rest of a record over the limit
            end = block.find(b"\n") + 1
            skipped += end or len(block)
            if not end:
                continue
            yield _chunk(file, number, before, b"", skipped)
            number, before, skipped, block = number + 1, before + 1, 0, block[end:]
        start = len(held)
        held += block
        if len(held) < part:
            continue
        end = cut.end(held, start if not isinstance(cut, _Rows) else 0)
        if end > 0:
            yield _chunk(file, number, before, head + held[:end])
            head, number, before = head or cut.head(held), number + 1, before + cut.count(held[:end]) - (1 if number == 0 and cut.head(held) else 0)
            held = held[end:]
        elif len(held) > most:
            skipped, held = len(held), b""
    if skipped:
        yield _chunk(file, number, before, b"", skipped)
    elif held or number == 0:
        yield _chunk(file, number, before, head + held)


def _chunk(file: RawFile, part: int, before: int, data: bytes | None, too_large: int = 0, *, divided: bool = True) -> Chunk:
    return Chunk(file.source, file.format, file.path, file.relative, file.alias, file.encoding, part, before, data, too_large, divided)
