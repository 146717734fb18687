"""DICOM as a stream of elements: where each begins and ends, so that what is not touched is written back bit for bit.

In        the bytes of a Part 10 file, or of a bare data set: implicit or explicit, little or big endian, or deflated
Out       `Part10`: file meta information and data set as `Level`s of `Element`s, nested ones opened when somebody asks
Refuses   an element that is there twice, ends beyond its data set or nests deeper than any IOD does; a data set that is cut off,
          followed by something else, or inflates beyond all measure: `Malformed`, which tells places and never values
Elsewhere back to bytes: `dicom_write.py`
Source    DICOM PS3.5 sections 6.2, 7.1, 7.5, A.4, A.5 and 6.2.2 (UN of unknown length is implicit little endian); PS3.10 section 7
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from bedside.core.errors import Malformed

IMPLICIT, EXPLICIT, BIG, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
TRANSFER_SYNTAX = 0x00020010
_PREAMBLE, _MARK, UNDEFINED, _META_GROUP = 128, b"DICM", 0xFFFFFFFF, 2
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 64  # structured reports of the standard's templates nest ten or so
_MOST_INFLATED = 1 << 29
LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_SHORT = frozenset(["AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"])
_VRS = {vr.encode(): vr for vr in LONG | _SHORT}
_PIXELS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
_NOTHING = b"\0\0\0\0"
_DO = "fetch the instance again from the archive"


class Coding(NamedTuple):
    """How elements are written."""

    implicit: bool
    little: bool


class Element:
    """One element: where it begins, its value begins and it stops; `new` is a value that replaces it, `items` are opened ones.

    `vr` may be corrected to what the attribute is; `un` says that it came as UN.
    """

    __slots__ = ("begin", "items", "new", "start", "stop", "tag", "un", "undefined", "vr")

    def __init__(self, tag: int, vr: str, begin: int, start: int, stop: int, undefined: bool) -> None:
        self.tag, self.vr, self.begin, self.start, self.stop, self.undefined = tag, vr, begin, start, stop, undefined
        self.un = vr == "UN"
        self.new: bytes | None = None
        self.items: list[Level] | None = None


class Level:
    """One data set, the whole or an item: its elements by tag. `touched` once anything in it differs from what came."""

    __slots__ = ("buffer", "coding", "depth", "elements", "touched", "undefined")

    def __init__(self, buffer: bytes, coding: Coding, depth: int, undefined: bool) -> None:
        self.buffer, self.coding, self.depth, self.undefined = buffer, coding, depth, undefined
        self.elements: dict[int, Element] = {}
        self.touched = False

    def value(self, element: Element) -> bytes:
        """The bytes of an element's value."""
        return element.new if element.new is not None else self.buffer[element.start : element.stop]

    def text(self, tag: int) -> str:
        """A short text by tag, its padding off; empty where there is none. Not for names: no character set is asked."""
        element = self.elements.get(tag)
        return "" if element is None else self.value(element).decode("latin-1").strip(" \0")

    def set(self, element: Element, value: bytes) -> None:
        """Replace a value, padded to an even length as its representation wants."""
        self.touched = True
        element.items = None
        element.new = value + (b"\0" if element.vr in _ZERO_PADDED else b" ") if len(value) % 2 else value

    def put(self, tag: int, vr: str, value: bytes) -> None:
        """Add or replace an element."""
        element = self.elements[tag] = Element(tag, vr, 0, 0, 0, False)
        self.set(element, value)

    def remove(self, tag: int) -> None:
        del self.elements[tag]
        self.touched = True

    def items(self, element: Element, where: str) -> list[Level]:
        """The items of a sequence, opened. A sequence of VR UN is implicit little endian, whatever stands around it."""
        if element.items is None:
            coding = Coding(True, True) if element.un else self.coding
            reader = _Reader(self.buffer, where)
            element.items, at = reader.items(element.start, element.stop, coding, self.depth + 1, ends=element.undefined)
            if at != element.stop:
                raise reader.bad("a sequence ends before its length says")
        return element.items


_ZERO_PADDED = _PIXELS | {"UI", "UN", "SQ"}


class Part10(NamedTuple):
    """A file: whether it had a preamble, its meta information (None without), the data set, and how that is coded."""

    meta: Level | None
    level: Level
    syntax: str


@lru_cache(maxsize=1)
def vr_by_tag() -> dict[int, str]:
    """The representation of every attribute of the standard; the first one where a data set decides."""
    from pydicom._dicom_dict import DicomDictionary

    return {tag: entry[0][:2] for tag, entry in DicomDictionary.items()}


def vr_of(tag: int) -> str:
    """The representation of a tag, UN for one that the standard does not have."""
    known = vr_by_tag().get(tag)
    if known is None and not tag >> 16 & 1:
        known = _repeating(tag)
    return known or "UN"


@lru_cache(maxsize=4096)
def _repeating(tag: int) -> str | None:
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag)[:2] if tag & 0xFFFF else "UL"
    except KeyError:
        return None


def parse(raw: bytes, *, where: str, most: int = _MOST_INFLATED) -> Part10:
    """The elements of a file. Raises `Malformed`.

    most   bytes up to which a deflated data set is inflated
    """
    at = _PREAMBLE + 4 if raw[_PREAMBLE : _PREAMBLE + 4] == _MARK else 0
    if not at and raw[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        raise Malformed("neither the DICM mark nor a group 2 or 8 element at the start", where=where, do="send DICOM Part 10 files")
    reader = _Reader(raw, where)
    meta, at = reader.meta(at)
    syntax = meta.text(TRANSFER_SYNTAX) if meta is not None else ""
    if syntax == DEFLATED:
        raw = _inflated(raw[at:], where, most)
        reader, at = _Reader(raw, where), 0
    shown = reader.syntax(at, syntax)
    level, _ = reader.level(at, len(raw), Coding(shown == IMPLICIT, shown != BIG), 0, ends=False)
    return Part10(meta, level, shown if syntax in ("", IMPLICIT, EXPLICIT, BIG) else syntax)


def _inflated(data: bytes, where: str, most: int) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = unpacker.decompress(data, most + 1)
    except zlib.error:
        raise Malformed("the deflated data set is damaged", where=where, do=_DO) from None
    if len(whole) > most:
        raise Malformed(f"the deflated data set inflates to more than {most >> 20} MiB", where=where, do="send it in another transfer syntax")
    if not unpacker.eof:
        raise Malformed("the deflated data set is cut off", where=where, do=_DO)
    trailer = struct.pack("<II", zlib.crc32(whole), len(whole) & 0xFFFFFFFF)  # some writers end as gzip does; it is not copied
    if unpacker.unused_data.removeprefix(trailer).strip(b"\0"):
        raise Malformed("something follows the deflated data set", where=where, do=_DO)
    return whole


class _Reader:
    """Walks one buffer."""

    def __init__(self, buffer: bytes, where: str) -> None:
        self.buffer, self.where = buffer, where

    def bad(self, what: str) -> Malformed:
        return Malformed(what, where=self.where, do=_DO)

    def meta(self, at: int) -> tuple[Level | None, int]:
        """Group 2, always explicit little endian; a wrong group length is not believed."""
        if self.buffer[at : at + 2] != b"\x02\x00":
            return None, at
        level = Level(self.buffer, Coding(False, True), 0, False)
        while self.buffer[at : at + 2] == b"\x02\x00":
            at = self.element(level, at, len(self.buffer))
        return level, at

    def syntax(self, at: int, said: str) -> str:
        """The transfer syntax that the first element shows, where file meta information is missing or wrong about it."""
        first = self.buffer[at : at + 8]
        looks_explicit = first[4:6] in _VRS
        if not said:
            big = first[:1] == b"\0" and first[1:2] != b"\0"
            return (BIG if big else EXPLICIT) if looks_explicit else IMPLICIT
        if said == IMPLICIT:
            return EXPLICIT if looks_explicit else IMPLICIT
        return said if looks_explicit or len(first) < 8 else IMPLICIT

    def level(self, at: int, end: int, coding: Coding, depth: int, *, ends: bool) -> tuple[Level, int]:
        """One data set up to `end`, or up to its item delimiter. Nested data sets may be implicit in an explicit one."""
        if depth > _DEEPEST:
            raise self.bad(f"sequences are nested deeper than {_DEEPEST} levels")
        buffer = self.buffer
        if depth and not coding.implicit and buffer[at + 4 : at + 6] not in _VRS and buffer[at : at + 2] != b"\xfe\xff" and at + 8 <= end:
            coding = Coding(True, coding.little)
        level = Level(buffer, coding, depth, ends)
        delimiter = struct.pack("<HH" if coding.little else ">HH", 0xFFFE, 0xE00D)
        while at < end:
            if buffer[at : at + 4] == delimiter:
                if not ends:
                    raise self.bad("an item ends that has not begun")
                return level, at + 8
            if not depth and buffer[at : at + 4] == _NOTHING and not buffer[at:].strip(b"\0"):
                return level, end
            at = self.element(level, at, end)
        if ends:
            raise self.bad("an item of unknown length does not end")
        return level, at

    def element(self, level: Level, at: int, end: int) -> int:
        """Read one element into a level; where the next one begins."""
        buffer, coding, begin = self.buffer, level.coding, at
        if end - at < 8:
            raise self.bad("the data set is cut off inside an element")
        order = "<" if coding.little else ">"
        group, number = struct.unpack_from(order + "HH", buffer, at)
        tag = group << 16 | number
        if group == _ITEM >> 16:
            raise self.bad("a delimiter stands where an element should")
        if coding.implicit:
            vr, length, start = vr_of(tag), struct.unpack_from(order + "I", buffer, at + 4)[0], at + 8
        else:
            known = _VRS.get(buffer[at + 4 : at + 6])
            if known is None:
                raise self.bad("an element has no value representation of the standard")
            vr = known
            if vr in LONG:
                if end - at < 12:
                    raise self.bad("the data set is cut off inside an element")
                length, start = struct.unpack_from(order + "I", buffer, at + 8)[0], at + 12
            else:
                length, start = struct.unpack_from(order + "H", buffer, at + 6)[0], at + 8
        if tag in level.elements:
            raise self.bad(f"element {tag:08X} is there twice")
        undefined = length == UNDEFINED
        element = level.elements[tag] = Element(tag, vr, begin, start, start + length, undefined)
        if undefined:
            self.unknown_length(level, element, end)
        elif element.stop > end:
            raise self.bad("cut off, or damaged: an element ends beyond its data set")
        return element.stop

    def unknown_length(self, level: Level, element: Element, end: int) -> None:
        """Find the end: of fragments (compressed pixel data), or of a sequence, which is opened on the way."""
        if element.vr in _PIXELS:
            element.stop = self.fragments(element.start, end, level.coding)
            return
        coding = Coding(True, True) if element.un else level.coding
        element.vr = "SQ"
        element.items, element.stop = self.items(element.start, end, coding, level.depth + 1, ends=True)

    def items(self, at: int, end: int, coding: Coding, depth: int, *, ends: bool) -> tuple[list[Level], int]:
        """The items of a sequence, and where it stops."""
        order, found = ("<HHI" if coding.little else ">HHI"), list[Level]()
        if depth > _DEEPEST:
            raise self.bad(f"sequences are nested deeper than {_DEEPEST} levels")
        while at < end:
            if end - at < 8:
                raise self.bad("a sequence is cut off")
            group, number, length = struct.unpack_from(order, self.buffer, at)
            tag, at = group << 16 | number, at + 8
            if tag == _SEQUENCE_END:
                if not ends and at != end:
                    raise self.bad("a sequence ends before its length says")
                return found, at
            if tag != _ITEM or (length != UNDEFINED and at + length > end):
                raise self.bad("a sequence holds something that is no item of it")
            stop = end if length == UNDEFINED else at + length
            item, at = self.level(at, stop, coding, depth, ends=length == UNDEFINED)
            found.append(item)
        if ends:
            raise self.bad("a sequence of unknown length does not end")
        return found, at

    def fragments(self, at: int, end: int, coding: Coding) -> int:
        order = "<HHI" if coding.little else ">HHI"
        while end - at >= 8:
            group, number, length = struct.unpack_from(order, self.buffer, at)
            tag, at = group << 16 | number, at + 8
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM or length == UNDEFINED:
                break
            at += length
        raise self.bad("fragments of pixel data are cut off")


def walk(level: Level, where: str, *, skip: Callable[[int], bool] = lambda tag: False) -> Iterator[tuple[Level, Element]]:
    """Every element of a data set, nested ones too, but for tags to skip."""
    for element in list(level.elements.values()):
        if skip(element.tag):
            continue
        yield level, element
        if element.vr == "SQ":
            for item in level.items(element, where):
                yield from walk(item, where, skip=skip)
