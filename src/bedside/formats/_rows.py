"""Rows of a text table: where each begins, which are broken, and why.

Two ways to the same answer. When every quote stands where RFC 4180 wants it, rows are counted by array
arithmetic over the bytes and polars cuts the fields. When one does not, each row is cut here, so that a stray
quote costs its own line and not the rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Positions = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

_LONGEST_QUOTED = 1 << 20
FIELDS = "row has {found} fields, the header has {wanted}"
QUOTE = "quote is not closed, or closes inside a field"
UTF8 = "row is not text in UTF-8"
NUL = "row holds NUL bytes"


class Fault(NamedTuple):
    """A row that was not taken: the line it begins on, why, and its bytes (which may hold anything: never print them)."""

    line: int
    reason: str
    raw: bytes


@dataclass
class Rows:
    """A table's rows. Either `clean`, rows that polars can cut, or `cut`, rows already cut into fields."""

    header: list[str] = field(default_factory=list)
    kept: bytes = b""
    clean: bytes | None = None
    cut: list[list[str | None]] = field(default_factory=list)
    lines: Positions = field(default_factory=lambda: np.zeros(0, np.int64))
    faults: list[Fault] = field(default_factory=list)


class Marks(NamedTuple):
    """The bytes that cut a text table: field separator, quote, end of row."""

    separator: int
    quote: int
    eol: int

    @property
    def separator_byte(self) -> bytes:
        return bytes([self.separator])

    @property
    def eol_byte(self) -> bytes:
        return bytes([self.eol])


def scan(body: bytes, marks: Marks, *, careful: bool = False) -> Rows:
    """Header and rows of a text table without byte order mark; blank lines are no rows.

    careful   cut every row here, whatever the quotes look like
    """
    start = len(body) - len(body.lstrip(b"\r\n"))
    header, end, fault = cut_row(body, start, marks)
    if fault or not header or header == [None]:
        return Rows()
    names = [name or "" for name in header]
    rows = (None if careful else _by_arrays(body, end, marks, len(names))) or _by_row(body, end, marks, len(names))
    rows.header, rows.kept = names, body[:end] + rows.kept
    return rows


def _by_arrays(body: bytes, at: int, marks: Marks, width: int) -> Rows | None:
    """All rows at once; None when a quote stands where it should not, or a broken row spans lines."""
    data = np.frombuffer(body, np.uint8)[at:]
    outside = _outside_quotes(data, marks)
    if outside is None:
        return None
    ends = np.flatnonzero((data == marks.eol) & outside) + 1
    if not len(ends) or ends[-1] != len(data):
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1]))
    blank = _are_blank(data, starts, ends)
    widths = _widths(data, outside, marks, starts, ends)
    spoilt = _spoilt(data, starts, ends)
    bad = ~blank & ((widths != width) | spoilt)
    newlines = np.flatnonzero(data == marks.eol)
    lines = np.searchsorted(newlines, starts) + 1 + body.count(marks.eol_byte, 0, at)
    inner = np.searchsorted(newlines, ends) - np.searchsorted(newlines, starts)
    if (bad & (inner > 1)).any():
        return None
    faults = [_fault(body[at + s : at + e], int(line), int(w), width)
              for s, e, line, w in zip(starts[bad], ends[bad], lines[bad], widths[bad], strict=True)]  # fmt: skip
    good = ~blank & ~bad
    clean = body[at:] if good.all() else b"".join(body[at + s : at + e] for s, e in zip(starts[good], ends[good], strict=True))
    kept = clean if bad.any() else body[at:]
    return Rows(kept=kept, clean=clean, lines=lines[good].astype(np.int64), faults=faults)


def _outside_quotes(data: npt.NDArray[np.uint8], marks: Marks) -> Mask | None:
    """Which bytes stand outside quotes; None when quotes do not pair, or stand inside a field."""
    quotes = data == marks.quote
    if not quotes.any():
        return np.ones(len(data), bool)
    inside: Mask = (np.cumsum(quotes, dtype=np.uint8) & 1).astype(np.bool_)
    if inside[-1]:
        return None
    edge: Mask = (data == marks.separator) | (data == marks.eol) | quotes
    before: Mask = np.concatenate(([True], edge[:-1]))
    ends: Mask = np.concatenate(((data == marks.eol)[1:], [True]))
    after: Mask = np.concatenate(((edge | ((data == 0x0D) & ends))[1:], [True]))
    opens, closes = quotes & inside, quotes & ~inside
    outside: Mask = ~inside
    return outside if bool(before[opens].all() and after[closes].all()) else None


def _are_blank(data: npt.NDArray[np.uint8], starts: Positions, ends: Positions) -> Mask:
    last = ends[-1] - 1
    short = ends - starts
    one = data[np.minimum(starts, last)] if len(data) else np.zeros(len(starts), np.uint8)
    two = data[np.minimum(starts + 1, last)] if len(data) else one
    ending = (one == 0x0A) | (one == 0x0D)
    blank: Mask = (short == 0) | ((short == 1) & ending) | ((short == 2) & (one == 0x0D) & (two == 0x0A))
    return blank


def _widths(data: npt.NDArray[np.uint8], outside: Mask, marks: Marks, starts: Positions, ends: Positions) -> Positions:
    separators = np.flatnonzero((data == marks.separator) & outside)
    return np.searchsorted(separators, ends) - np.searchsorted(separators, starts) + 1


def _spoilt(data: npt.NDArray[np.uint8], starts: Positions, ends: Positions) -> Mask:
    """Rows that hold a NUL, or bytes that are not UTF-8."""
    spoilt = np.zeros(len(starts), bool)
    strange = np.flatnonzero((data == 0) | (data >= 0x80))
    if not len(strange) or _is_text(data.tobytes()):
        return spoilt
    for row in np.unique(np.searchsorted(ends, strange, side="right")):
        spoilt[row] = not _is_text(data[starts[row] : ends[row]].tobytes())
    return spoilt


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in raw


def _fault(raw: bytes, line: int, found: int, wanted: int) -> Fault:
    if b"\0" in raw:
        return Fault(line, NUL, raw)
    return Fault(line, FIELDS.format(found=found, wanted=wanted) if found != wanted else UTF8, raw)


def _by_row(body: bytes, at: int, marks: Marks, width: int) -> Rows:
    """Row after row. A broken row costs its first line; the next line is read as a row again."""
    rows, lines, kept = Rows(), [], []
    line = 1 + body.count(marks.eol_byte, 0, at)
    while at < len(body):
        fields, end, fault = cut_row(body, at, marks)
        if fault or (len(fields) != width and fields != [None]):
            end = _next_line(body, at, marks)
            rows.faults.append(_row_fault(body[at:end], line, fault, len(fields), width))
        elif fields != [None] or (width == 1 and body[at:end].strip(b"\r\n")):
            rows.cut.append(fields)
            lines.append(line)
            kept.append(body[at:end])
        line += body.count(marks.eol_byte, at, end)
        at = end
    rows.lines, rows.kept = np.array(lines, np.int64), b"".join(kept)
    return rows


def _row_fault(raw: bytes, line: int, fault: str | None, found: int, wanted: int) -> Fault:
    return Fault(line, fault, raw) if fault else _fault(raw, line, found, wanted)


def _next_line(body: bytes, at: int, marks: Marks) -> int:
    found = body.find(marks.eol_byte, at)
    return len(body) if found < 0 else found + 1


def cut_row(body: bytes, at: int, marks: Marks) -> tuple[list[str | None], int, str | None]:
    """Fields of the row at `at`, where the next begins, and what is wrong with it."""
    end = _next_line(body, at, marks)
    line = body[at:end]
    if not _is_text(line):
        return [], end, NUL if b"\0" in line else UTF8
    if bytes([marks.quote]) not in line:
        return [part or None for part in line.rstrip(b"\r\n").decode().split(chr(marks.separator))], end, None
    try:
        parts = list(_quoted_fields(body, at, marks))
    except ValueError:
        return [], end, QUOTE
    return [part for part, _ in parts], parts[-1][1], None


def _quoted_fields(body: bytes, at: int, marks: Marks) -> Iterator[tuple[str | None, int]]:
    """(field, where what follows it begins). Raises `ValueError` (also for bytes that are not UTF-8) at a quote out of place."""
    quoted, plain = _patterns(marks)
    size = len(body)
    while True:
        is_quoted = at < size and body[at] == marks.quote
        found = (quoted if is_quoted else plain).match(body, at, min(size, at + _LONGEST_QUOTED))
        if found is None:
            raise ValueError("quote out of place")
        text = found.group(1).decode()
        mark = chr(marks.quote)
        value = text.replace(mark * 2, mark) if is_quoted else text.rstrip("\r") or None
        if found.end() < size and body[found.end()] not in (marks.separator, marks.eol, 0x0D):
            raise ValueError("field is longer than a quoted field may be")
        more = found.end() < size and body[found.end()] == marks.separator
        at = found.end() if more or found.end() >= size else _next_line(body, found.end(), marks)
        at += more
        yield value, at
        if not more:
            return


@lru_cache(maxsize=16)
def _patterns(marks: Marks) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    separator, quote, eol = (re.escape(bytes([mark])) for mark in marks)
    quoted = quote + b"((?:[^" + quote + b"]++|" + quote * 2 + b")*+)" + quote + b"(?=" + separator + b"|\r?" + eol + rb"|\r?\Z)"
    return re.compile(quoted), re.compile(b"([^" + separator + eol + b"]*+)")
