"""A changed data set back to bytes, in the coding it came in: what nobody touched is copied as it stood.

In        a `Level`
Out       its bytes; sequences and items keep known or unknown lengths as they had them
Source    DICOM PS3.5 sections 7.1, 7.5, A.5
"""

from __future__ import annotations

import struct
import zlib

from bedside.deidentify.dicom_stream import LONG, UNDEFINED, Coding, Element, Level

Chunk = bytes | memoryview


def written(level: Level) -> bytes:
    """The bytes of a data set."""
    return b"".join(chunks_of(level))


def chunks_of(level: Level) -> list[Chunk]:
    """The bytes of a data set in pieces; pixels are not copied."""
    chunks: list[Chunk] = []
    _write(level, chunks)
    return chunks


def deflated(data: bytes) -> bytes:
    """PS3.5 A.5: raw deflate, padded to an even length."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    return packed + b"\0" * (len(packed) % 2)


def _write(level: Level, chunks: list[Chunk]) -> None:
    """Elements in the order of their tags; neighbours that nobody touched are one piece."""
    buffer, elements = memoryview(level.buffer), level.elements
    begin = stop = 0
    for tag in sorted(elements):
        element = elements[tag]
        if element.new is None and (element.items is None or not any(item.touched for item in element.items)):
            if element.begin != stop:
                chunks.append(buffer[begin:stop])
                begin = element.begin
            stop = element.stop
            continue
        chunks.append(buffer[begin:stop])
        begin = stop = 0
        _write_element(level, element, chunks)
    chunks.append(buffer[begin:stop])


def _write_element(level: Level, element: Element, chunks: list[Chunk]) -> None:
    if element.new is not None:
        chunks += (_header(element.tag, element.vr, len(element.new), level.coding), element.new)
        return
    coding = Coding(True, True) if element.un else level.coding
    order = "<HHI" if coding.little else ">HHI"
    inside: list[Chunk] = []
    for item in element.items or ():
        content: list[Chunk] = []
        _write(item, content)
        size = UNDEFINED if item.undefined else sum(map(len, content))
        inside += (struct.pack(order, 0xFFFE, 0xE000, size), *content)
        if item.undefined:
            inside.append(struct.pack(order, 0xFFFE, 0xE00D, 0))
    if element.undefined:
        inside.append(struct.pack(order, 0xFFFE, 0xE0DD, 0))
    size = UNDEFINED if element.undefined else sum(map(len, inside))
    chunks += (_header(element.tag, "UN" if element.un else "SQ", size, level.coding), *inside)


def _header(tag: int, vr: str, length: int, coding: Coding) -> bytes:
    order = "<" if coding.little else ">"
    group, number = tag >> 16, tag & 0xFFFF
    if coding.implicit:
        return struct.pack(order + "HHI", group, number, length)
    if vr in LONG:
        return struct.pack(order + "HH2sHI", group, number, vr.encode(), 0, length)
    return struct.pack(order + "HH2sH", group, number, vr.encode(), length)
