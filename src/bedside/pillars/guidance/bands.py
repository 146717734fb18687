"""A published chart as a table: ranges of one vital sign and the points of each, for one patient or a whole column.

A chart is written in whole numbers, or tenths for temperature, and leaves no gap between them: a value is rounded
half up to the chart's step first, so that 35.04 is 35.0 and 35.05 is 35.1, also when it was kept as a float32 (35.0499992).
"""

from __future__ import annotations

from bisect import bisect_left
from math import floor
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


_HALF = 0.5 + 1e-4


class Bands(msgspec.Struct, frozen=True):
    """Points of one vital sign.

    ends      last value of each band but the highest, in steps of 1 / `per_unit`
    points    of each band, one more than `ends`
    low, high what a living patient can have; anything else is a wrong entry and scores nothing
    """

    ends: tuple[int, ...]
    points: tuple[int, ...]
    low: float
    high: float
    per_unit: int = 1

    def score(self, value: float) -> int:
        """Points of one value.

        >>> Bands((8, 11, 20, 24), (3, 1, 0, 2, 3), 0, 80).score(21)
        2
        """
        return self.points[bisect_left(self.ends, floor(value * self.per_unit + _HALF))]

    def scores(self, values: Floats) -> Floats:
        """Points of each value; nan where the value is nan or implausible."""
        steps = np.floor(np.where(self.plausible(values), values, 0.0) * self.per_unit + _HALF)
        found = np.array(self.points, dtype=np.float64)[np.searchsorted(self.ends, steps, side="left")]
        return np.where(self.plausible(values), found, np.nan)

    def is_plausible(self, value: float) -> bool:
        return self.low <= value <= self.high

    def plausible(self, values: Floats) -> NDArray[np.bool_]:
        return (values >= self.low) & (values <= self.high)
