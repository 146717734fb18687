"""Stored pixel data to numbers: bits that are stored, their sign, and the rescaling of each frame.

In        a pydicom data set with pixel data, its frames
Out       (frames, rows, columns) of stored values; a frame's numbers, float32 where they are rescaled
Refuses   `Malformed`: shorter than rows x columns x frames; colour; no decoder for the transfer syntax; not decodable
Source    DICOM PS3.5 section 8.1 (bits allocated, stored, high bit), PS3.3 C.7.6.3.1 and C.11.1.1.2 (rescale)
"""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Malformed
from bedside.pillars.imaging.series.frames import UNREADABLE, Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DO = "fetch the instance again from the archive"
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
    shape = (int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns))
    name = next((name for name in _FLOATS if name in dataset), "PixelData")
    kind = np.dtype(_FLOATS[name]) if name in _FLOATS else np.dtype(f"u{int(dataset.BitsAllocated) // 8}")
    data, wanted = dataset[name].value, int(np.prod(shape)) * kind.itemsize
    if len(data) < wanted:
        raise Malformed("pixel data is shorter than its rows, columns and frames", where=where, do=_DO)
    values = np.frombuffer(data, kind.newbyteorder("<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"), count=int(np.prod(shape))).reshape(shape)
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
    shape = (int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns))
    return np.asarray(values).reshape(shape)


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


def plane(values: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """A frame's numbers: its tile of the stored values, by slope and intercept; integers stay where these change nothing."""
    tile = values[frame.number - 1, frame.row : frame.row + frame.rows, frame.column : frame.column + frame.columns]
    slope, intercept = frame.slope if frame.slope is not None else 1.0, frame.intercept or 0.0
    if slope == 1.0 and intercept == 0.0:
        return tile
    if float(slope).is_integer() and float(intercept).is_integer() and tile.dtype.kind in "iu" and tile.dtype.itemsize <= 2:
        whole = tile.astype(np.int32) * int(slope) + int(intercept)
        return whole
    return (tile.astype(np.float64) * slope + intercept).astype(np.float32)
