"""Where a slide has tissue: stained is more colourful than glass.

In        a small picture of the slide, (rows, columns, 3) uint8
Out       (rows, columns) bool
Source    Otsu, IEEE Trans Syst Man Cybern 1979;9:62, on saturation; below LEAST saturation nothing is tissue, however the rest divides
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 0.05
_BINS = 256


def tissue(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels that show tissue.

    >>> glass = np.full((4, 4, 3), 240, np.uint8); glass[:2] = (200, 120, 180)
    >>> tissue(glass).sum(axis=1).tolist()
    [4, 4, 0, 0]
    """
    colour = picture.astype(np.float64)
    brightest = colour.max(axis=2)
    saturation = np.where(brightest > 0, (brightest - colour.min(axis=2)) / np.maximum(brightest, 1), 0)
    return np.asarray(saturation > max(otsu(saturation), LEAST))


def otsu(values: NDArray[np.float64]) -> float:
    """The threshold in 0..1 that divides the values with the greatest variance between the two sides."""
    count, edges = np.histogram(values, _BINS, (0, 1))
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(count)[:-1].astype(np.float64)
    above, mass = values.size - below, np.cumsum(count * middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass[:-1] / below - (mass[-1] - mass[:-1]) / above) ** 2
    best = np.nan_to_num(between)
    return float(edges[1:-1][best >= best.max() * (1 - 1e-12)].mean()) if best.max() > 0 else 1.0
