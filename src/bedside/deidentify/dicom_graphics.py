"""Graphics that are no pixels: overlays are bitmaps and go; of a curve the geometry stays where the policy cleans graphics.

In        elements of groups 50xx and 60xx; overlay planes in the unused bits of the pixels
Out       overlays removed, the bits they used cleared; curves without labels, descriptions and sound
Refuses   overlay bits inside compressed pixels: `Malformed`
Source    DICOM PS3.15 E.3.3; PS3.3 C.9.2 (overlays, retired embedding: PS3.5-2003 8.1.2), C.10.2 of 2004 (curves, retired)
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from bedside.core.errors import Malformed
from bedside.deidentify.dicom_stream import Element, Level
from bedside.deidentify.dicom_values import tells

if TYPE_CHECKING:
    from bedside.deidentify.dicom_clean import Cleaner

_GONE = "dicom: private, curve or overlay element removed"
# Dimensions, points, type of data, representation, axis units, sampling, limits, and the coordinates themselves.
_GEOMETRY = {0x0005: "US", 0x0010: "US", 0x0020: "CS", 0x0103: "US", 0x0104: "US", 0x0105: "US", 0x0110: "US", 0x0112: "US", 0x0114: "US", 0x3000: "OW"}
_POINTS, _REPRESENTATION, _DATA = 0x0010, 0x0103, 0x3000
_SIZES = {0: 2, 1: 2, 2: 4, 3: 8, 4: 4}  # US SS FL FD SL
_OVERLAY_DATA, _OVERLAY_ALLOCATED, _OVERLAY_POSITION = 0x3000, 0x0100, 0x0102
_ALLOCATED, _STORED, _HIGH, _PIXEL_DATA = 0x00280100, 0x00280101, 0x00280102, 0x7FE00010
_COMPRESSED = "an overlay plane lies in the bits of compressed pixels"


def overlay_or_curve(cleaner: Cleaner, level: Level, element: Element) -> None:
    """One element of an overlay or a curve."""
    group, number = element.tag >> 16, element.tag & 0xFFFF
    if group >> 8 == 0x50 and cleaner.rules.graphics and number in _GEOMETRY and _is_geometry(level, group):
        if number == 0x0020:
            cleaner.codes.string(level, element)
        return
    level.remove(element.tag)
    cleaner.desk.actions[_GONE] += 1


def _is_geometry(level: Level, group: int) -> bool:
    """Whether the curve's data are as many coordinates as it says, and do not read as words."""
    dimensions, points, kind = (_short(level, group << 16 | number) for number in (0x0005, _POINTS, _REPRESENTATION))
    data = level.elements.get(group << 16 | _DATA)
    if data is None or dimensions is None or points is None or kind not in _SIZES:
        return False
    size, value = dimensions * points * _SIZES[kind], level.value(data)
    return size <= len(value) <= size + size % 2 and not tells(value)


def _short(level: Level, tag: int) -> int | None:
    element = level.elements.get(tag)
    value = level.value(element) if element is not None else b""
    return int(struct.unpack("<H" if level.coding.little else ">H", value)[0]) if len(value) == 2 else None


def clear_embedded(level: Level, where: str) -> None:
    """Clear the bits above those that a pixel stores, where an overlay says that it lies there (or may: any without data of its own)."""
    planes = {tag >> 16 for tag in level.elements if tag >> 24 == 0x60 and not tag >> 16 & 1}
    pixels = level.elements.get(_PIXEL_DATA)
    if pixels is None or all(group << 16 | _OVERLAY_DATA in level.elements and not _short(level, group << 16 | _OVERLAY_POSITION) for group in planes):
        return
    allocated, stored, high = (_short(level, tag) for tag in (_ALLOCATED, _STORED, _HIGH))
    if pixels.undefined:
        raise Malformed(_COMPRESSED, where=where, do="decompress the pixels, and run again")
    if allocated not in (8, 16, 32) or stored is None or high is None or not 0 < stored <= allocated or not stored - 1 <= high < allocated:
        raise Malformed("overlay planes lie in pixels of an unknown layout", where=where, do="remove the overlays at the source")
    level.set(pixels, masked(level.value(pixels), allocated // 8, ((1 << stored) - 1) << (high - stored + 1), "little" if level.coding.little else "big"))


def masked(pixels: bytes, size: int, mask: int, order: str) -> bytes:
    """Every cell of `size` bytes, with the bits of the mask only.

    >>> masked(bytes([0xCD, 0xAB, 0x34, 0x12]), 2, 0x0FFF, "little").hex()
    'cd0b3402'
    """
    whole = int.from_bytes(pixels, "big") & int.from_bytes((mask.to_bytes(size, "little" if order == "little" else "big") * (len(pixels) // size + 1))[: len(pixels)], "big")
    return whole.to_bytes(len(pixels), "big")
