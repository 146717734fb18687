"""Uncompressed pixels, read and painted where they lie.

In        a data set whose pixels are not encapsulated: 1, 8, 16, 32 or 64 bits, either byte order, samples by pixel or by plane,
          colour of its own for each pixel or for pairs
Out       stored values of one frame; the same bytes with the masked pixels black
Refuses   pixel data that are shorter than the header says
Source    DICOM PS3.5 8.1.1 and 8.2 (native pixels), D (bits of single-bit pixels), PS3.3 C.7.6.3.1.2 (YBR_FULL_422), C.7.6.3.1.3 (planes)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import ExplicitVRBigEndian

from bedside.core.errors import Malformed
from bedside.deidentify.pixels_black import darkest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bedside.deidentify.pixels_frames import Frames

    Values = NDArray[Any]
    Mask = NDArray[np.bool_]
    Masks = Callable[[int], "Mask | None"]

FLOATS = {"FloatPixelData": "f4", "DoubleFloatPixelData": "f8"}
_DO = "fetch the instance again from the archive, or have its pixels cleaned by hand"


class Native:
    """Uncompressed pixels, changed where they lie."""

    def __init__(self, frames: Frames) -> None:
        self.of = frames
        element = frames.dataset[frames.keyword]
        self.swapped = frames.syntax == ExplicitVRBigEndian and element.VR == "OW" and frames.allocated <= 8
        self.subsampled = frames.kind == "YBR_FULL_422" and frames.samples == 3
        self.planar = frames.samples == 3 and not self.subsampled and frames.number_of("PlanarConfiguration", 0) == 1
        if frames.kind.startswith("YBR_PARTIAL") or (self.subsampled and (frames.columns % 2 or frames.allocated != 8)):
            raise Malformed("pixels of an unknown layout", where=frames.where, do=_DO)
        self.pixels = frames.rows * frames.columns
        self.values = self.pixels * (2 if self.subsampled else frames.samples)
        bits = self.values * frames.allocated * frames.number
        data = element.value
        if not isinstance(data, bytes | bytearray) or len(data) < (bits + 7) // 8:
            raise Malformed("pixel data are shorter than the header says", where=frames.where, do=_DO)
        self.length = (bits + 7) // 8
        order = ">" if frames.syntax == ExplicitVRBigEndian else "<"
        whole = "f" if frames.keyword in FLOATS else "i" if frames.signed else "u"
        self.dtype = np.dtype(f"{order}{whole}{max(8, frames.allocated) // 8}")

    def _bytes(self) -> NDArray[np.uint8]:
        """All pixel data in the order of the pixels; a view of the element's value wherever that is possible."""
        raw = np.frombuffer(self.of.dataset[self.of.keyword].value, np.uint8)
        return _pairs_swapped(raw) if self.swapped else raw

    def frame(self, index: int) -> Values:
        found = self._flat(self._bytes(), index)
        if self.of.signed and self.of.keyword == "PixelData" and self.of.stored < self.of.allocated:
            found = found & _stored_mask(self.of)
            found = np.where(found >> self.of.high & 1, found | ~_stored_mask(self.of), found)
        elif self.of.keyword == "PixelData" and self.of.stored < self.of.allocated:
            found = found & found.dtype.type(_stored_mask(self.of))
        return np.array(self._shaped(found))

    def _flat(self, data: NDArray[np.uint8], index: int) -> Values:
        if self.of.allocated == 1:
            first, last = index * self.pixels, (index + 1) * self.pixels
            return np.unpackbits(data[first // 8 : (last + 7) // 8], bitorder="little")[first % 8 : first % 8 + self.pixels]
        size = self.values * self.dtype.itemsize
        return data[index * size : (index + 1) * size].view(self.dtype)

    def _shaped(self, flat: Values) -> Values:
        rows, columns = self.of.rows, self.of.columns
        if self.subsampled:
            four = flat.reshape(rows, columns // 2, 4)
            whole = np.empty((rows, columns, 3), flat.dtype)
            whole[:, 0::2, 0], whole[:, 1::2, 0] = four[..., 0], four[..., 1]
            whole[..., 1:] = np.repeat(four[..., 2:], 2, axis=1)
            return whole
        if self.planar:
            return flat.reshape(3, rows, columns).transpose(1, 2, 0)
        return flat.reshape(rows, columns) if self.of.samples == 1 else flat.reshape(rows, columns, 3)

    def paint(self, masks: Masks) -> None:
        data: NDArray[np.uint8] | None = None
        for index in range(self.of.number):
            mask = masks(index)
            if mask is None or not mask.any():
                continue
            if data is None:
                data = np.array(self._bytes())
            self._paint_one(data, index, mask)
        if data is not None:
            self._store(data)

    def _paint_one(self, data: NDArray[np.uint8], index: int, mask: Mask) -> None:
        black = darkest(self.frame(index), self.of.kind, self.of.stored, self.of.dataset)
        if self.of.allocated == 1:
            places = index * self.pixels + np.flatnonzero(mask)
            bits = np.left_shift(np.uint8(1), (places % 8).astype(np.uint8))
            (np.bitwise_or if black else np.bitwise_and).at(data, places // 8, bits if black else ~bits)
            return
        flat = self._flat(data, index)
        if self.subsampled:
            four, pair = flat.reshape(self.of.rows, -1, 4), mask[:, 0::2] | mask[:, 1::2]
            four[pair] = [black[0], black[0], *black[1:]]
        elif self.planar:
            planes = flat.reshape(3, self.of.rows, self.of.columns)
            for plane, value in zip(planes, np.broadcast_to(black, 3), strict=True):
                plane[mask] = value
        else:
            flat.reshape(self.of.rows, self.of.columns, *([3] if self.of.samples == 3 else []))[mask] = black

    def _store(self, data: NDArray[np.uint8]) -> None:
        element = self.of.dataset[self.of.keyword]
        element.value = (_pairs_swapped(data) if self.swapped else data).tobytes()

    def clear_unused_bits(self) -> bool:
        of = self.of
        if of.keyword != "PixelData" or of.allocated not in (8, 16, 32) or of.stored >= of.allocated or self.subsampled:
            return False
        data, changed = self._bytes(), False
        for index in range(of.number):
            flat = self._flat(data, index)
            true = flat & flat.dtype.type(_stored_mask(of)) if not of.signed else self._flat_signed(flat)
            if not np.array_equal(true, flat) and not (of.signed and np.array_equal(flat & _stored_mask(of), flat)):
                if not changed:
                    data, changed = np.array(data), True
                self._flat(data, index)[:] = true
        if changed:
            self._store(data)
        return changed

    def _flat_signed(self, flat: Values) -> Values:
        plain = flat & _stored_mask(self.of)
        return np.where(plain >> self.of.high & 1, plain | ~_stored_mask(self.of), plain)


def _stored_mask(of: Frames) -> int:
    low = of.high - of.stored + 1
    mask = ((1 << of.stored) - 1) << max(0, low)
    return mask - (1 << of.allocated) if of.signed and mask >= 1 << of.allocated - 1 else mask


def _pairs_swapped(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    even = len(data) // 2 * 2
    return np.concatenate([data[:even].reshape(-1, 2)[:, ::-1].reshape(-1), data[even:]])
