"""Observed share against promise as a smooth curve, with its band and its mean distance from the promise.

In        outcome (n,) bool, risk (n,) 0..1, codes (n,) subject of a row
Out       `Band`; the mean absolute error of the curve (ICI)
Method    rows are gathered into at most 100 groups of neighbouring risk; through these a local linear regression with
          tricube weights over the nearest two thirds. Per resample only sums per subject and group change.
Source    Cleveland, JASA 1979;74:829 (without the robustness steps); Austin & Steyerberg, Stat Med 2019;38:4051 (ICI).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.records import Band, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_GROUPS, _FEWEST, _CELLS = 100, 20, 20_000_000
_SPAN = 2 / 3
_TINY = 1e-12


class Smoother:
    """The curve of any reweighting of subjects, at fixed places `x` along the risk."""

    def __init__(self, outcome: Bools, risk: Floats, codes: Ints, subjects: int) -> None:
        groups = min(len(risk), _GROUPS, max(_FEWEST, _CELLS // max(1, subjects)))
        group = np.empty(len(risk), dtype=np.int64)
        group[np.argsort(risk, kind="stable")] = np.arange(len(risk)) * groups // len(risk)
        cell, size = codes * groups + group, subjects * groups
        self._rows = np.bincount(cell, minlength=size).reshape(subjects, groups).astype(np.float64)
        self._events = np.bincount(cell, weights=outcome, minlength=size).reshape(subjects, groups)
        self.x = np.bincount(group, weights=risk) / np.bincount(group)
        away = self.x[None, :] - self.x[:, None]
        nearest = np.sort(np.abs(away), axis=1)[:, max(1, int(np.ceil(_SPAN * groups)) - 1) if groups > 1 else 0]
        self._away = away
        self._kernel = np.clip(1 - (np.abs(away) / np.maximum(nearest, _TINY)[:, None]) ** 3, 0, None) ** 3

    def __call__(self, draws: Floats) -> Floats:
        """(resamples, subjects) of counts to (resamples, groups + 1): the curve, then its mean distance from the promise."""
        rows, events = draws @ self._rows, draws @ self._events
        fitted = self._fit(rows, events).clip(0, 1)
        distance = (rows * np.abs(fitted - self.x)).sum(axis=1) / rows.sum(axis=1)
        return np.concatenate([fitted, distance[:, None]], axis=1)

    def _fit(self, rows: Floats, events: Floats) -> Floats:
        """Height at its own place of the weighted straight line around each place."""
        flat, tilted, bent = self._kernel, self._kernel * self._away, self._kernel * self._away**2
        s0, s1, s2 = rows @ flat.T, rows @ tilted.T, rows @ bent.T
        t0, t1 = events @ flat.T, events @ tilted.T
        bottom = s0 * s2 - s1**2
        straight = bottom > _TINY * np.maximum(s0**2, _TINY)
        line = np.divide(s2 * t0 - s1 * t1, bottom, out=np.zeros_like(s0), where=straight)
        level = np.divide(t0, s0, out=np.full_like(s0, np.nan), where=s0 > 0)
        fitted: Floats = np.where(straight, line, level)
        return fitted


def smoothed(outcome: Bools, risk: Floats, codes: Ints, *, subjects: int, bootstrap: Bootstrap) -> tuple[Band, Estimate]:
    """The curve with its band, and the mean absolute distance between curve and promise (ICI)."""
    smoother = Smoother(outcome, risk, codes, subjects)
    value, spread = smoother(np.ones((1, subjects)))[0], bootstrap.spread(smoother, subjects)
    low, high = np.nanquantile(spread[:, :-1], [0.5 - bootstrap.level / 2, 0.5 + bootstrap.level / 2], axis=0)
    band = Band(*(side.round(6).tolist() for side in (smoother.x, value[:-1], low, high)))
    return band, bootstrap.estimate(float(value[-1]), spread[:, -1], n=len(risk))
