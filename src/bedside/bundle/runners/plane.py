"""One 2-D image as a person sees it: DICOM pixels to brightness between 0 (black) and 1 (white), and on to a network's size.

In        the bytes or data set of one instance with one frame
Out       (rows, columns) float32, or (rows, columns, 3) red, green, blue; `Fitted`: the same in a square, with the way back
Order     pixels, modality LUT or rescale, VOI LUT or window (the first one), photometric interpretation: MONOCHROME1 is turned
          round, palettes are looked up, YBR becomes RGB. Without a window the range of the pixels themselves is used.
          Padding (0028,0120) is black and takes no part in that range.
Refuses   what holds no pixels, several frames, or pixels that cannot be decoded: `Malformed`.
Source    DICOM PS3.3 C.7.6.3.1.2 (photometric interpretation), C.11.1 (modality LUT), C.11.2.1.2 and .3 (VOI LUT, window functions)
"""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.core.errors import Malformed
from bedside.formats import dicom

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_DAMAGE = (AttributeError, KeyError, TypeError, ValueError, NotImplementedError, RuntimeError, OverflowError, IndexError, OSError,
           EOFError, ImportError, struct.error)  # fmt: skip
_GREY = {"MONOCHROME1", "MONOCHROME2"}
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


class Fitted(NamedTuple):
    """An image in a square of the network's size; a point (x, y) of it lies at ((x - left) / scale, (y - top) / scale) of the image."""

    pixels: Floats
    scale: float
    left: float
    top: float

    def back(self, x: float, y: float) -> tuple[float, float]:
        """The point of the image, in its pixels, for one of the square."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def there(self, x: float, y: float) -> tuple[float, float]:
        """The point of the square for one of the image."""
        return x * self.scale + self.left, y * self.scale + self.top


def read(data: bytes, *, where: str) -> Floats:
    """The image in the bytes of a DICOM file. Raises `Malformed`."""
    return of(dicom.parse(data, where=where), where=where)


def of(dataset: Any, *, where: str) -> Floats:
    """The image of a data set. Raises `Malformed`."""
    if "PixelData" not in dataset:
        raise Malformed("an instance without pixels", where=where, do="fetch the instance again from the archive")
    try:
        if int(dataset.get("NumberOfFrames") or 1) != 1:
            raise Malformed("an image of several frames, where one is read", where=where, do="give the frames as instances, or ask for a series")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shown = _shown(dataset)
    except _DAMAGE as error:
        raise Malformed(f"pixels that cannot be decoded ({type(error).__name__})", where=where, do="fetch the instance again, or have it decompressed") from None
    if shown.ndim not in (2, 3) or 0 in shown.shape or not np.isfinite(shown).all():
        raise Malformed("pixels that are no image", where=where, do="fetch the instance again from the archive")
    return shown


def _shown(dataset: Any) -> Floats:
    from pydicom.pixels import apply_color_lut, pixel_array

    kind = str(dataset.PhotometricInterpretation)
    stored = pixel_array(dataset)
    if kind == "PALETTE COLOR":
        coloured = apply_color_lut(stored, dataset)
        return _as_float(coloured[..., :3] / np.iinfo(coloured.dtype).max)
    if kind in _GREY:
        grey = _grey(dataset, stored)
        return _as_float(1 - grey) if kind == "MONOCHROME1" else grey
    return _as_float(stored[..., :3] / (2 ** int(dataset.BitsStored) - 1))


def _grey(dataset: Any, stored: NDArray[Any]) -> Floats:
    from pydicom.pixels import apply_modality_lut

    padding = _padding(dataset, stored)
    values = np.asarray(apply_modality_lut(stored, dataset), np.float64)
    grey = _looked_up(dataset, values) if dataset.get("VOILUTSequence") else _windowed(dataset, values, ~padding)
    black = 1.0 if str(dataset.PhotometricInterpretation) == "MONOCHROME1" else 0.0  # what is turned round later
    return np.where(padding, np.float32(black), grey).astype(np.float32)


def _padding(dataset: Any, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels that are none: the padding value, or the range up to its limit (PS3.3 C.7.5.1.1.2)."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, np.bool_)
    limit = dataset.get("PixelPaddingRangeLimit", value)
    return np.asarray((stored >= min(value, limit)) & (stored <= max(value, limit)))


def _looked_up(dataset: Any, values: NDArray[np.float64]) -> Floats:
    """The first VOI LUT: what lies below its first value takes the first entry, what lies above its last the last."""
    table = dataset.VOILUTSequence[0]
    entries, first, bits = (int(number) for number in table.LUTDescriptor)
    entries = entries or 1 << 16
    raw = table.LUTData
    data = np.frombuffer(raw, "<u2" if bits > 8 or len(raw) >= 2 * entries else np.uint8) if isinstance(raw, bytes) else np.asarray(raw)
    if first >= 1 << 15 and values.min() < 0:
        first -= 1 << 16  # the descriptor's second value has the sign of the pixels
    place = np.clip(np.round(values) - first, 0, entries - 1).astype(np.int64)
    return _as_float(data[place] / (2**bits - 1))


def _windowed(dataset: Any, values: NDArray[np.float64], counted: NDArray[np.bool_]) -> Floats:
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width <= 0:
        inside = values[counted] if counted.any() else values
        low, high = float(inside.min()), float(inside.max())
        return np.clip((values - low) / (high - low or 1.0), 0, 1).astype(np.float32)
    return window(values, centre, width, str(dataset.get("VOILUTFunction") or "LINEAR"))


def window(values: NDArray[np.float64], centre: float, width: float, function: str = "LINEAR") -> Floats:
    """Brightness 0..1 under a window (PS3.3 C.11.2.1.2.1 and C.11.2.1.3, with output 0 to 1).

    >>> window(np.array([0.0, 2047.5, 4095.0]), 2048, 4096).tolist()
    [0.0, 0.5, 1.0]
    """
    if function == "SIGMOID":
        shown = 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    elif function == "LINEAR_EXACT":
        shown = (values - centre) / width + 0.5
    else:
        shown = (values - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5
    return np.clip(shown, 0, 1).astype(np.float32)


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str | int | float) and hasattr(value, "__iter__"):
        value = next(iter(value), None)
    return None if value is None else float(value)


# --- to the network's size ------------------------------------------------------------------------


def grey(image: Floats) -> Floats:
    """Brightness of an image, coloured or not."""
    return image if image.ndim == 2 else _as_float(image @ _LUMA)


def fit(image: Floats, size: int, channels: int) -> Fitted:
    """The image in a square (channels, size, size): its longer side fills it, the rest is black on both sides alike.

    Shrinking averages over the pixels that fall together; growing interpolates linearly.
    """
    rows, columns = image.shape[:2]
    scale = size / max(rows, columns)
    height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    layers = [grey(image)] if channels == 1 else [image[..., band] if image.ndim == 3 else image for band in range(3)]
    down, across = _weights(rows, height), _weights(columns, width)
    top, left = (size - height) // 2, (size - width) // 2
    square = np.zeros((len(layers), size, size), np.float32)
    for place, layer in enumerate(layers):
        square[place, top : top + height, left : left + width] = down @ layer @ across.T
    return Fitted(square, scale, left + 0.5 * scale - 0.5, top + 0.5 * scale - 0.5)


def _weights(old: int, new: int) -> Floats:
    """(new, old): how much each old pixel tells each new one; rows sum to 1. A triangle as wide as a new pixel, or an old one."""
    step = old / new
    reach = max(step, 1.0)
    centre = (np.arange(new) + 0.5) * step - 0.5
    weight = np.clip(1 - np.abs(np.arange(old)[None, :] - centre[:, None]) / reach, 0, None)
    return _as_float(weight / weight.sum(axis=1, keepdims=True))


def _as_float(values: NDArray[Any]) -> Floats:
    return np.asarray(values, np.float32)


__all__ = ["Fitted", "fit", "grey", "of", "read", "window"]
