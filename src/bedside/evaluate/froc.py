"""The FROC curve: share of things found against false positives per unit, as the threshold falls.

In        value (m,), true (m,) bool, code (m,) cluster of each thing, units (clusters,) looked at of each cluster; NaN was not found
Out       sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per unit, and their mean, the FROC score
Source    Setio et al., Med Image Anal 2017;42:1 (LUNA16): linear between operating points, flat after the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bedside.evaluate.records import Curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_CELLS, _DRAWN = 4_000_000, 200


@dataclass(frozen=True)
class Sweep:
    """Things found, surest first. `ends` are the last things of each distinct value; `there` counts true things by cluster."""

    true: Bools
    code: Ints
    ends: Ints
    there: Floats
    units: Floats

    @classmethod
    def of(cls, value: Floats, true: Bools, code: Ints, units: Floats) -> Sweep:
        there = np.bincount(code[true], minlength=len(units)).astype(np.float64)
        found = np.flatnonzero(~np.isnan(value))
        order = found[np.argsort(-value[found], kind="stable")]
        ends = np.flatnonzero(np.append(np.diff(value[order]) != 0, True)) if len(order) else np.zeros(0, dtype=np.int64)
        return cls(true[order], code[order], ends, there, units)

    @property
    def lesions(self) -> int:
        return int(self.there.sum())

    def __call__(self, draws: Floats) -> Floats:
        """(resamples, clusters) of counts to (resamples, 7) sensitivities."""
        high = max(1, _CELLS // max(1, 4 * len(self.code)))
        found: Floats = np.concatenate([self._at_rates(draws[at : at + high]) for at in range(0, len(draws), high)])
        return found

    def mean(self, draws: Floats) -> Floats:
        """The FROC score of each resample, (resamples, 1)."""
        found: Floats = self(draws).mean(axis=1, keepdims=True)
        return found

    def curve(self) -> Curve:
        """Operating points, thinned for drawing."""
        rate, found = (axis[0] for axis in self._points(np.ones((1, len(self.units)))))
        kept = np.unique(np.linspace(0, len(rate) - 1, min(_DRAWN, len(rate))).round().astype(int))
        return Curve(rate[kept].round(6).tolist(), np.nan_to_num(found[kept]).round(6).tolist())

    def _points(self, draws: Floats) -> tuple[Floats, Floats]:
        """False positives per unit and sensitivity, (resamples, points), from nothing found to everything."""
        weight = draws[:, self.code]
        none = np.zeros((len(draws), 1))
        right = np.concatenate([none, np.cumsum(weight * self.true, axis=1)[:, self.ends]], axis=1)
        wrong = np.concatenate([none, np.cumsum(weight * ~self.true, axis=1)[:, self.ends]], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return wrong / (draws @ self.units)[:, None], right / (draws @ self.there)[:, None]

    def _at_rates(self, draws: Floats) -> Floats:
        rate, found = self._points(draws)
        last, row, columns = rate.shape[1] - 1, np.arange(len(draws)), []
        for wanted in RATES:
            left = (rate <= wanted).sum(axis=1) - 1
            right = np.minimum(left + 1, last)
            gap = rate[row, right] - rate[row, left]
            part = np.where(gap > 0, (wanted - rate[row, left]) / np.where(gap > 0, gap, 1), 0.0)
            columns.append(found[row, left] + part * (found[row, right] - found[row, left]))
        return np.stack(columns, axis=1)
