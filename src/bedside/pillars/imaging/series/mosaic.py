"""Siemens mosaics: one stored frame that is a whole volume, its slices side by side as tiles.

In        a pydicom data set with MOSAIC in its image type, and its one frame
Out       a frame a slice; `Malformed` where the private header that says how many slices there are is gone
Source    Siemens CSA header (0029,1010), "SV10" layout, as described by the NiBabel project (nipy.org/nibabel/dicom/siemens_csa.html)
          and, for the origin of the first tile, nipy.org/nibabel/dicom/dicom_mosaic.html. De-identification removes private
          attributes, so that a mosaic can be unpacked only where the source was taken as received.
"""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from typing import Any

import numpy as np

from bedside.core.errors import Malformed
from bedside.pillars.imaging.series.frames import UNREADABLE, Frame, millimetres

_CSA, _COUNT = (0x0029, 0x1010), (0x0019, 0x100A)
_MARK, _HEADER, _TAG, _ITEM, _NAME = b"SV10", 16, 84, 16, 64
_MOST = 1024
_DO = "take the series as received, or have the scanner export it as enhanced or single slices"


def is_mosaic(frame: Frame) -> bool:
    return "MOSAIC" in frame.image_type


def tiles(dataset: Any, frame: Frame, *, where: str) -> list[Frame]:
    """The slices of a mosaic, in the order of its tiles."""
    try:
        return _tiles(dataset, frame, where)
    except UNREADABLE as error:
        raise Malformed(f"the private header of a mosaic cannot be read ({type(error).__name__})", where=where, do=_DO) from None


def _tiles(dataset: Any, frame: Frame, where: str) -> list[Frame]:
    told = csa(bytes(dataset[_CSA].value)) if _CSA in dataset else {}
    count = int(dataset[_COUNT].value) if _COUNT in dataset else int((told.get("NumberOfImagesInMosaic") or ["0"])[0] or 0)
    normal, step = _normal(told, frame), millimetres(dataset, "SpacingBetweenSlices") or millimetres(dataset, "SliceThickness")
    side = math.ceil(math.sqrt(count)) if 0 < count <= _MOST else 0
    if not side or step is None or normal is None:
        raise Malformed("a Siemens mosaic without the private header that says how its slices lie", where=where, do=_DO)
    if frame.rows % side or frame.columns % side:
        raise Malformed(f"a mosaic of {count} slices whose size is no multiple of {side}", where=where, do=_DO)
    rows, columns = frame.rows // side, frame.columns // side
    first = frame.origin + frame.across * (frame.columns - columns) / 2 + frame.down * (frame.rows - rows) / 2
    return [
        replace(frame, origin=first + normal * step * index, rows=rows, columns=columns, row=index // side * rows, column=index % side * columns)
        for index in range(count)
    ]


def _normal(told: dict[str, list[str]], frame: Frame) -> Any:
    """Unit vector from slice to slice: as the scanner says, which may be against the cross product of rows and columns."""
    said = [one for one in told.get("SliceNormalVector", []) if one]
    if len(said) < 3:
        return None
    cross = np.cross(frame.across, frame.down)
    cross /= np.linalg.norm(cross)
    return cross if float(np.array([float(one) for one in said[:3]]) @ cross) >= 0 else -cross


def csa(data: bytes) -> dict[str, list[str]]:
    """Tags of a CSA header: name to its values as text; what breaks off is left out."""
    if data[:4] != _MARK or len(data) < _HEADER:
        return {}
    found: dict[str, list[str]] = {}
    at, (count,) = _HEADER, struct.unpack_from("<I", data, 8)
    for _ in range(min(count, _MOST)):
        if at + _TAG > len(data):
            break
        name = data[at : at + _NAME].split(b"\0")[0].decode("latin-1")
        (items,) = struct.unpack_from("<i", data, at + _TAG - 8)
        at += _TAG
        values, at = _items(data, at, items)
        found[name] = values
    return found


def _items(data: bytes, at: int, count: int) -> tuple[list[str], int]:
    values = []
    for _ in range(max(0, min(count, _MOST))):
        if at + _ITEM > len(data):
            break
        _, size, _, _ = struct.unpack_from("<4i", data, at)
        at += _ITEM
        if not 0 <= size <= len(data) - at:
            break
        values.append(data[at : at + size].split(b"\0")[0].decode("latin-1").strip())
        at += -(-size // 4) * 4
    return values, at
