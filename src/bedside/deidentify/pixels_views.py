"""An image as several pictures in which text of any contrast stands out.

In        stored values of a frame, its interpretation
Out       `brightness`: (rows, columns) or (rows, columns, 3) float32, as a screen would mix it, no window chosen;
          `views`: 8-bit pictures of it: the whole range, the bulk of the values, the file's windows, contrast evened out in tiles
          (Zuiderveld, Graphics Gems IV, 1994), and each place against its own neighbourhood, which shows what no window does
Source    DICOM PS3.3 C.7.6.3.1.2 (interpretations), C.11.2.1.2 (window)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.deidentify.pixels_ocr import vision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Picture = NDArray[np.uint8]

_TILES, _CLIP = 8, 4.0
_ENLARGED, _LARGE_SIDE = 1024, 1600
_REACH, _STRETCH, _LEAST_SPREAD = 12.0, 50.0, 0.004
"""Neighbourhood of a place in pixels, grey levels a standard deviation of it takes, the least spread as a share of the range."""


class View(NamedTuple):
    """One picture, and how strongly it is enlarged for the network."""

    picture: Picture
    scale: float


def brightness(values: NDArray[Any], kind: str, stored: int, dataset: Any) -> Floats:
    """A frame as light: more is brighter, three channels are red, green and blue."""
    if kind == "PALETTE COLOR":
        return _looked_up(values, dataset)
    light = np.nan_to_num(np.asarray(values, np.float32), posinf=0, neginf=0)
    if kind.startswith("YBR") and kind not in ("YBR_RCT", "YBR_ICT"):
        return _from_ybr(light, float(1 << stored - 1))
    return -light if kind == "MONOCHROME1" else light


def _from_ybr(light: Floats, middle: float) -> Floats:
    y, b, r = light[..., 0], light[..., 1] - middle, light[..., 2] - middle
    mixed = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=2)
    return np.asarray(np.clip(mixed, 0, 2 * middle - 1), np.float32)


def _looked_up(values: NDArray[Any], dataset: Any) -> Floats:
    from pydicom.pixels import apply_color_lut

    return np.asarray(apply_color_lut(values, dataset)[..., :3], np.float32)


def views(light: Floats, windows: Sequence[tuple[float, float]] = (), *, quick: bool = False) -> Iterator[View]:
    """The pictures to search, the likeliest first. `quick` leaves out those that only faint text needs.

    windows   (centre, width) in the light's own values
    """
    fine, coarse = _scales(max(light.shape[:2]))
    plain = _stretched(light, float(light.min()), float(light.max()))
    yield View(plain, fine)
    yield View(plain, coarse)
    if quick:
        return
    yield View(_evened(light), fine)
    yield View(_local(light), 0.75 * fine)
    low, high = (float(value) for value in np.percentile(light[::2, ::2], (1, 99)))
    if light.ndim == 2 and high - low < 0.5 * float(light.max() - light.min()):
        yield View(_stretched(light, low, high), 0.75 * fine)
    for centre, width in windows:
        yield View(_stretched(light, centre - width / 2, centre + width / 2), 0.75 * fine)


def _scales(side: int) -> tuple[float, float]:
    """How much to enlarge for small and for large letters: small images more, since theirs are of few pixels.

    >>> _scales(512), _scales(128), _scales(3000)
    ((2.0, 1.0), (4.0, 2.0), (1.0, 0.5))
    """
    fine = 1.0 if side > _LARGE_SIDE else float(np.clip(_ENLARGED / side, 2, 4))
    return fine, fine / 2


def _stretched(light: Floats, low: float, high: float) -> Picture:
    return _three(np.clip((light - low) * (255 / max(high - low, 1e-9)), 0, 255).astype(np.uint8))


def _evened(light: Floats) -> Picture:
    """Contrast-limited equalisation of tiles, of 16 bits, channel by channel."""
    cv, low, high = vision(), float(light.min()), float(light.max())
    fine = ((light - low) * (65535 / max(high - low, 1e-9))).astype(np.uint16)
    even = cv.createCLAHE(_CLIP, (_TILES, _TILES))
    planes = [fine] if fine.ndim == 2 else [np.ascontiguousarray(fine[..., band]) for band in range(3)]
    done = [(even.apply(plane) >> 8).astype(np.uint8) for plane in planes]
    return _three(done[0] if len(done) == 1 else np.stack(done, axis=2))


def _local(light: Floats) -> Picture:
    """How far each place is from its neighbourhood, in standard deviations of it."""
    cv = vision()
    away = light - cv.GaussianBlur(light, (0, 0), _REACH)
    least = (_LEAST_SPREAD * float(light.max() - light.min()) + 1e-6) ** 2
    spread = np.sqrt(cv.GaussianBlur(away * away, (0, 0), _REACH) + least)
    return _three(np.clip(127 + away / spread * _STRETCH, 0, 255).astype(np.uint8))


def _three(picture: Picture) -> Picture:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def strokes(light: Floats) -> tuple[Floats, Floats]:
    """How much each place is brighter, and darker, than all around within a few pixels: the strokes of writing."""
    cv = vision()
    grey = light if light.ndim == 2 else light.max(axis=2)
    kernel = np.ones((9, 9), np.uint8)
    return cv.morphologyEx(grey, cv.MORPH_TOPHAT, kernel), cv.morphologyEx(grey, cv.MORPH_BLACKHAT, kernel)


def windows_of(dataset: Any) -> list[tuple[float, float]]:
    """The file's first windows, in stored values; only of grey that is not turned round, whose values are those of the light."""
    slope, start = (_numbers(dataset.get(name)) or [default] for name, default in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0)))
    pairs = zip(_numbers(dataset.get("WindowCenter")), _numbers(dataset.get("WindowWidth")), strict=False)
    if not slope[0]:
        return []
    return [((centre - start[0]) / slope[0], width / abs(slope[0])) for centre, width in pairs if width > 1][:2]


def _numbers(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    try:
        return [float(one) for one in ([value] if isinstance(value, str | int | float) else value)]
    except (TypeError, ValueError):
        return []
