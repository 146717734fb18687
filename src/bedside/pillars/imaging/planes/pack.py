"""Images of units in memory at the network's size, sixteen bits a pixel: what is trained on, and what is answered.

In        a study folder, features (unit_id, images), the size
Out       `Pack`: pixels, which unit each image is of, and how a point of the square finds back to the image
Memory    2 bytes a pixel: a hundred thousand images of 224 x 224 are 10 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.bundle.runners.plane import Fitted, fit
from bedside.pillars.imaging.planes.learn import FULL
from bedside.pillars.imaging.planes.units import image

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pack:
    """Images in the order of their units.

    pixels   (m, channels, size, size) uint16
    unit     (m,) place of each image's unit in `names`
    names    unit_id of each unit
    ways     of each image, the way back from the square (its pixels left out)
    """

    pixels: NDArray[np.uint16]
    unit: NDArray[np.int64]
    names: list[str]
    ways: list[Fitted]

    @property
    def brightness(self) -> NDArray[np.float32]:
        return self.pixels.astype(np.float32) / np.float32(FULL)

    def rows(self, units: set[str]) -> NDArray[np.int64]:
        """Places of the images of some units."""
        wanted = np.array([name in units for name in self.names], dtype=np.bool_)
        return np.flatnonzero(wanted[self.unit])

    def by_unit(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean over the images of each unit: (m, ...) to (units, ...)."""
        whole = np.zeros((len(self.names), *values.shape[1:]), np.float64)
        np.add.at(whole, self.unit, values)
        count = np.bincount(self.unit, minlength=len(self.names)).reshape(-1, *[1] * (values.ndim - 1))
        return (whole / count).astype(np.float32)


def pack(root: Path, features: pl.DataFrame, units: set[str], *, size: int, channels: int) -> Pack:
    """The images of these units."""
    known = features.filter(features["unit_id"].is_in(list(units))).sort("unit_id")
    paths = [msgspec.json.decode(text, type=list[str]) for text in known["images"]]
    unit = np.repeat(np.arange(known.height), [len(one) for one in paths])
    pixels, ways = np.zeros((len(unit), channels, size, size), np.uint16), list[Fitted]()
    for place, path in enumerate(path for one in paths for path in one):
        fitted = fit(image(root, path), size, channels)
        pixels[place] = np.round(np.clip(fitted.pixels, 0, 1) * FULL)
        ways.append(fitted._replace(pixels=np.zeros(0, np.float32)))
    return Pack(pixels, unit, known["unit_id"].to_list(), ways)
