"""Stored pixel data to numbers: bits that are stored, their sign, and the rescaling of each frame.

In        a pydicom data set with pixel data, its frames
Out       (frames, rows, columns) of stored values; a frame's numbers, in a type that holds what rescaling makes of them
Refuses   `Malformed`: shorter than rows x columns x frames; colour; no decoder for the transfer syntax; not decodable; rescaled
          beyond what 32 bits hold, which is no measurement
Source    DICOM PS3.5 section 8.1 (bits allocated, stored, high bit), PS3.3 C.7.6.3.1 and C.11.1.1.2 (rescale)
"""

from __future__ import annotations

import struct
import warnings
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Malformed
from bedside.pillars.imaging.series.frames import UNREADABLE, Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DO = "fetch the instance again from the archive"
MOST = 2.0**32
"""Largest magnitude of a rescaled number, of a slope and of an intercept."""
_FLOATS = {"FloatPixelData": np.float32, "DoubleFloatPixelData": np.float64}
_DAMAGE = (*UNREADABLE, RuntimeError, EOFError, OSError, MemoryError, struct.error)


def stored(dataset: Any, *, where: str) -> NDArray[Any]:
    """(frames, rows, columns) of the values as stored, after masking and sign."""
    try:
        if not any(name in dataset for name in ("PixelData", *_FLOATS)):
            raise Malformed("an instance without pixel data", where=where, do="leave it out: it is no image")
        if int(dataset.get("SamplesPerPixel") or 1) != 1:
            raise Malformed("a colour image in a series of slices", where=where, do="leave it out: it is a capture, not a slice")
        return _native(dataset, where) if not dataset.file_meta.TransferSyntaxUID.is_compressed else _decoded(dataset, where)
    except _DAMAGE as error:
        raise Malformed(f"pixel data cannot be decoded ({type(error).__name__})", where=where, do=_DO) from None


def _native(dataset: Any, where: str) -> NDArray[Any]:
    shape = _shape(dataset, where)
    name = next((name for name in _FLOATS if name in dataset), "PixelData")
    kind = np.dtype(_FLOATS[name]) if name in _FLOATS else np.dtype(f"u{int(dataset.BitsAllocated) // 8}")
    data, wanted = dataset[name].value, prod(shape) * kind.itemsize
    if len(data) < wanted:
        raise Malformed("pixel data is shorter than its rows, columns and frames", where=where, do=_DO)
    values = np.frombuffer(data, kind.newbyteorder("<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"), count=prod(shape)).reshape(shape)
    return values.astype(kind) if name in _FLOATS else _bits(values, dataset)


def _decoded(dataset: Any, where: str) -> NDArray[Any]:
    """Pixel data of a compressed transfer syntax, by whichever decoder of pydicom is installed."""
    from pydicom.pixels import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        able = get_decoder(syntax).is_available
    except NotImplementedError:
        able = False
    if not able:
        raise Malformed(f"no decoder for transfer syntax {syntax.name} is installed", where=where, do="pip install 'pydicom[pixels]' pylibjpeg, or export the series uncompressed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values, _ = get_decoder(syntax).as_array(dataset, raw=True)
    return np.asarray(values).reshape(_shape(dataset, where))


def _shape(dataset: Any, where: str) -> tuple[int, int, int]:
    """Frames, rows, columns. Frames of no pixels fit into any pixel data, however many a header says there are."""
    shape = (int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns))
    if min(shape) < 1:
        raise Malformed("rows, columns or frames are not positive", where=where, do=_DO)
    return shape


def _bits(values: NDArray[Any], dataset: Any) -> NDArray[Any]:
    """Only the bits stored, with their sign; what else lies in the allocated bits (old overlays) is dropped."""
    allocated, bits = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    high = int(dataset.get("HighBit") or bits - 1)
    kept = values.astype(values.dtype.newbyteorder("="))
    if bits < allocated:
        kept = (kept >> (high + 1 - bits)) & ((1 << bits) - 1)
    if int(dataset.get("PixelRepresentation") or 0) == 0:
        return kept
    signed = kept.view(f"i{allocated // 8}")
    up = allocated - bits
    return (signed << up) >> up if up else signed


def checked(values: NDArray[Any], frame: Frame, *, where: str) -> Frame:
    """The frame, when its rescaled numbers are ones that an image can hold; else `Malformed`."""
    slope, intercept = _rescale(frame)
    if not (_plausible(slope, intercept) and max(map(abs, _ends(_tile(values, frame), slope, intercept))) <= MOST):
        raise Malformed("rescale slope or intercept is no number, or makes numbers beyond 32 bits", where=where, do=_DO)
    return frame


def plane(values: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """A frame's numbers: its tile of the stored values, by slope and intercept; integers stay where these change nothing.

    Whole numbers stay whole and exact: int32 where that holds them, else float64. Fractions are float32, or float64 where float32
    would make one number of two neighbouring stored values. The frame is one that `checked` let pass.
    """
    tile, (slope, intercept) = _tile(values, frame), _rescale(frame)
    if slope == 1.0 and intercept == 0.0:
        return tile
    return (tile.astype(np.float64) * slope + intercept).astype(_kind(tile, slope, intercept))


def _tile(values: NDArray[Any], frame: Frame) -> NDArray[Any]:
    return values[frame.number - 1, frame.row : frame.row + frame.rows, frame.column : frame.column + frame.columns]


def _rescale(frame: Frame) -> tuple[float, float]:
    return frame.slope if frame.slope is not None else 1.0, frame.intercept or 0.0


def _plausible(slope: float, intercept: float) -> bool:
    """Within these, products and sums of whole numbers are exact in float64. False for what is no number."""
    return abs(slope) <= MOST and abs(intercept) <= MOST


def _ends(tile: NDArray[Any], slope: float, intercept: float) -> tuple[float, float]:
    """The least and the most of the rescaled numbers; of floats those that are finite, and none when nothing is rescaled."""
    found = tile[np.isfinite(tile)] if tile.dtype.kind == "f" else tile
    if not found.size or (slope == 1.0 and intercept == 0.0):
        return 0.0, 0.0
    first, second = float(found.min()) * slope + intercept, float(found.max()) * slope + intercept
    return min(first, second), max(first, second)


def _kind(tile: NDArray[Any], slope: float, intercept: float) -> np.dtype[Any]:
    """The smallest type that holds a tile's rescaled numbers without loss."""
    if tile.dtype.kind == "f":
        return tile.dtype
    least, most = _ends(tile, slope, intercept)
    if slope.is_integer() and intercept.is_integer():
        held = np.iinfo(np.int32)
        return np.dtype(np.int32 if held.min <= least and most <= held.max else np.float64)
    return np.dtype(np.float32 if np.spacing(np.float32(max(-least, most))) <= abs(slope) else np.float64)
