"""An output opened for the residue proof: every layer of it as pieces of text, block by block, whatever its size.

In        a path or bytes: text in any encoding, gzip, bzip2, xz, zip (and what office programs make of it), Parquet, DICOM, PDF
Out       `Piece`s: a text of whole lines and how its lines are called; what could not be opened raises `Closed` at its end
Memory    blocks of 4 MiB, longer only for a line that is longer, up to 64 MiB; Parquet by 50,000 rows
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from bedside.core.errors import Malformed
from bedside.deidentify.residue_pdf import pdf_texts
from bedside.deidentify.residue_plain import decoded, wide

Source = bytes | Path
_BLOCK, _LONGEST_LINE, _OVERLAP, _ROWS = 1 << 22, 1 << 26, 512, 50_000
_MOST_INFLATED, _BOMB_FLOOR, _BOMB_RATIO, _MOST_MEMBERS = 1 << 30, 1 << 24, 300, 100_000
_PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.GzipFile, b"BZ": bz2.BZ2File, b"\xfd7": lzma.LZMAFile}
_MESSAGE = re.compile(rb"(?:\A|[\r\n])[\x0b\x1c]*MSH")
_BREAK = re.compile(rb"[^A-Za-z0-9\x80-\xff]")
_TEXT_KINDS = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "CS", "UR", "UI", "UN", "DA", "DT", "AS", "IS", "OB"})
_BINARY_HEAD, _LONGEST_VALUE = 1 << 26, 1 << 20
_DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
)


class Closed(Exception):
    """A layer that cannot be opened, and why. Stays in this room."""


class Piece(msgspec.Struct, frozen=True):
    """A text of whole lines.

    kind    how its lines are called: "line", "row", "message", or a name for all of it ("note", "header", "bytes")
    first   number of the first line, row or message
    whole   the whole file is one record, and no line by itself
    torn    it begins inside a line
    raw     bytes as they lie there, read besides their meaning
    place   where it lies in the file when that is a container
    json    it is JSON, all of it
    """

    text: str
    kind: str
    first: int = 1
    whole: bool = False
    torn: bool = False
    raw: bool = False
    place: str = ""
    json: bool = False


def pieces(source: Source) -> Iterator[Piece]:
    """Every layer of an output. Raises `Closed` after all that could be read, when some could not."""
    head = _head(source)
    if head.startswith(tuple(_PACKED)):
        yield from _unpacked(source, head)
    elif head.startswith(b"PK\x03\x04"):
        yield from _members(source)
    elif head.startswith(b"PAR1"):
        yield from _meaning(_table(source), source)
    elif head[128:132] == b"DICM" or head[:2] in (b"\x02\x00", b"\x08\x00"):
        yield from _meaning(_header(source), source)
    elif b"%PDF-" in head[:1024]:
        yield from _meaning(_pages(source), source)
    else:
        with _opened(source) as stream:
            yield from _text(stream)


def _head(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source[:4096]
    with source.open("rb") as stream:
        return stream.read(4096)


def _opened(source: Source) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _whole(source: Source, most: int = -1) -> bytes:
    with _opened(source) as stream:
        return stream.read(most)


def _unpacked(source: Source, head: bytes) -> Iterator[Piece]:
    """What a packed stream holds; its raw bytes too when it breaks off."""
    made = next(maker for mark, maker in _PACKED.items() if head.startswith(mark))
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    broken = ""
    with _opened(source) as packed:
        try:
            with made(fileobj=packed) if made is gzip.GzipFile else made(packed) as stream:
                if (first := stream.read(4096)).startswith((b"PK\x03\x04", b"PAR1", b"%PDF-", *_PACKED)) or first[
                    128:132
                ] == b"DICM":
                    rest = stream.read(_MOST_INFLATED)
                    if len(rest) == _MOST_INFLATED:
                        raise Closed("a container of more than 1 GiB inside a packed stream")
                    yield from pieces(first + rest)
                    return
                yield from _text(_Measured(stream.read, first, size))
        except _DAMAGE:
            broken = "the packed stream is damaged or cut off"
    if broken:
        yield from _raw(source)
        raise Closed(broken)


class _Measured:
    """A stream that stops at what no honest file inflates to."""

    def __init__(self, more: Callable[[int], bytes], first: bytes, size: int) -> None:
        self._more, self._first, self._size, self._read = more, first, size, 0

    def read(self, many: int) -> bytes:
        data = self._first + self._more(max(0, many - len(self._first)))
        self._first, self._read = b"", self._read + len(data)
        if self._read > max(_BOMB_FLOOR, _BOMB_RATIO * self._size):
            raise Closed("it inflates to more than three hundred times its size")
        return data


def _members(source: Source) -> Iterator[Piece]:
    closed = ""
    try:
        with _opened(source) as stream, zipfile.ZipFile(stream) as archive:
            for at, info in enumerate(archive.infolist()[:_MOST_MEMBERS], 1):
                yield Piece(info.filename, "name", place=f"member {at}")
                try:
                    with archive.open(info) as member:
                        data = member.read(_MOST_INFLATED + 1)
                    if len(data) > min(_MOST_INFLATED, max(_BOMB_FLOOR, _BOMB_RATIO * info.compress_size)):
                        raise Closed("a member inflates to more than three hundred times its size")
                    for piece in pieces(data):
                        yield msgspec.structs.replace(piece, place=f"member {at}")
                except (*_DAMAGE, Closed) as error:
                    closed = closed or (str(error) if isinstance(error, Closed) else "a member of the archive is locked or damaged")
    except _DAMAGE:
        closed = "the archive is damaged"
        yield from _raw(source)
    if closed:
        raise Closed(closed)


def _meaning(read: Iterator[Piece], source: Source) -> Iterator[Piece]:
    """The decoded values, then the bytes themselves; when there is no meaning after all, the bytes alone."""
    closed = ""
    try:
        yield from read
    except Closed as error:
        closed = str(error)
    yield from _raw(source)
    if closed:
        raise Closed(closed)


def _raw(source: Source) -> Iterator[Piece]:
    with _opened(source) as stream:
        for piece in _text(stream):
            yield msgspec.structs.replace(piece, kind="bytes", whole=True, raw=True)


def _text(stream: BinaryIO | _Measured) -> Iterator[Piece]:
    """Blocks of whole lines; a line beyond all measure is cut, with an overlap, where no word is."""
    line, torn, kind, whole, json, rest, encoding = 1, False, "", False, False, b"", None
    while True:
        fresh = stream.read(_BLOCK)
        last, data = len(fresh) < _BLOCK, rest + fresh
        if not kind:
            encoding, (kind, whole) = wide(data[:4096]), _kind(decoded(data[:4096], wide(data[:4096])))
            json = kind == "line" and decoded(data[:64], encoding).lstrip("\ufeff \r\n\t").startswith(("{", "["))
        cut = len(data) if last else _cut(data, encoding)
        if not cut and not last:
            rest = data
            continue
        text = decoded(data[:cut], encoding).replace("\r\n", "\n").replace("\r", "\n")
        if text:
            yield Piece(text, kind, line, whole, torn, json=json)
        if last:
            return
        back = cut if encoding else _back(data, cut)
        line += text.count("\n") if encoding else _counted(data[:back], kind)
        rest, torn = data[back:], not data[:back].endswith((b"\n", b"\r"))


def _counted(data: bytes, kind: str) -> int:
    """Lines, or messages, that end before the next block."""
    if kind == "message":
        return len(_MESSAGE.findall(data))
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def _cut(data: bytes, encoding: str | None) -> int:
    """Where a block ends: after its last line, or when a line is beyond all measure, anywhere."""
    if encoding:
        return len(data) // 4 * 4 if len(data) >= _BLOCK else 0
    end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
    return end or (len(data) if len(data) >= _LONGEST_LINE else 0)


def _back(data: bytes, cut: int) -> int:
    """Where the next block begins: a little before the end of this one, between two words."""
    if cut <= _OVERLAP:
        return 0
    found = _BREAK.search(data, cut - _OVERLAP, cut)
    return found.start() if found else cut


def _kind(head: str) -> tuple[str, bool]:
    start = head.lstrip("\ufeff \r\n\t\x0b")
    if start.startswith(("MSH", "FHS", "BHS")):
        return "message", False
    if start.startswith(("{", "[")):
        first = start.split("\n", 1)[0].strip()
        return "line", "\n" in start and not first.endswith("}")
    if start.startswith("Patient-ID:") or "\n\n" in head[:2000].replace("\r\n", "\n"):
        return "note", True
    return "line", False


def _table(source: Source) -> Iterator[Piece]:
    """The rows of a Parquet file as JSON, nested values too."""
    import polars as pl

    try:
        frame = pl.scan_parquet(source if isinstance(source, Path) else BytesIO(source))
        height = int(frame.select(pl.len()).collect().item())
        for first in range(0, height, _ROWS):
            rows = frame.slice(first, _ROWS).collect()
            yield Piece(_rows(rows), "row", first + 1, json=True)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise Closed("no Parquet file that can be read") from error


def _rows(frame: object) -> str:
    import polars as pl

    assert isinstance(frame, pl.DataFrame)
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    shown = frame.with_columns(
        pl.Series(name, [None if one is None else decoded(one, wide(one[:4096])) for one in frame[name].to_list()], dtype=pl.String)
        for name in binary
    )
    try:
        return shown.write_ndjson()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return "\n".join(" | ".join(map(str, row)).replace("\n", " ") for row in shown.iter_rows())


def _header(source: Source) -> Iterator[Piece]:
    """All text of a DICOM header, nested, private and of unknown kind too."""
    from bedside.formats.dicom import parse

    found = list[str]()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings may repeat values
            dataset = parse(_whole(source, _BINARY_HEAD), where="output", stop_before_pixels=True)
            for element in (*dataset.file_meta, *dataset.iterall()):
                if element.VR in _TEXT_KINDS and element.value not in (None, ""):
                    found.append(_value(element.value))
    except (Malformed, AttributeError, KeyError, TypeError, ValueError, NotImplementedError, OverflowError):
        found.append("")
    if any(found):
        yield Piece("\n".join(found), "header", whole=True)


def _value(value: object) -> str:
    if isinstance(value, bytes):
        text = decoded(value[:_LONGEST_VALUE], wide(value[:4096]))
    elif isinstance(value, (list, tuple)) or (hasattr(value, "__iter__") and not isinstance(value, str)):
        text = " | ".join(map(str, value))
    else:
        text = str(value)
    return text.replace("\n", " ").replace("\r", " ").replace("^", " ").replace("=", " | ")


def _pages(source: Source) -> Iterator[Piece]:
    data = _whole(source, _MOST_INFLATED)
    texts, hidden = pdf_texts(data)
    yield from (Piece(text, "page", whole=True) for text in texts)
    if hidden:
        raise Closed(hidden)
