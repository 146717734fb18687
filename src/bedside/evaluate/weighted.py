"""Ranks and quantiles under weights: what a resample that drew each row so often would give.

In        values (n,), weights (resamples, n) whole numbers: how often each row was drawn
Out       (resamples, ...), equal to what the repeated rows give by numpy and scipy
Source    midranks: Kendall, Biometrika 1945;33:239; quantiles: Hyndman & Fan, Am Stat 1996;50:361, type 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def quantiles(values: Floats, weights: Floats, at: Sequence[float]) -> Floats:
    """Quantiles of each resample, (resamples, len(at)); NaN where a resample holds no row.

    >>> quantiles(np.array([3.0, 1.0, 2.0]), np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 0.0]]), [0.5]).tolist()
    [[2.0], [1.0]]
    """
    order = np.argsort(values, kind="stable")
    ordered, reached = values[order], np.cumsum(weights[:, order], axis=1)
    total, found = reached[:, -1], np.full((len(weights), len(at)), np.nan)
    some = total > 0
    for place, q in enumerate(at):
        rank = (total - 1) * q
        low, high = (_at(ordered, reached, np.floor(rank) + step) for step in (0, 1))
        part = rank - np.floor(rank)
        found[some, place] = (low + part * (np.where(part > 0, high, low) - low))[some]
    return found


def _at(ordered: Floats, reached: Floats, rank: Floats) -> Floats:
    """The value of this rank (from 0) in each resample."""
    place = (reached <= rank[:, None]).sum(axis=1).clip(0, len(ordered) - 1)
    found: Floats = ordered[place]
    return found


def midranks(values: Floats, weights: Floats) -> Floats:
    """Midrank of every row in each resample, (resamples, n).

    >>> midranks(np.array([5.0, 7.0, 7.0]), np.array([[1.0, 1.0, 1.0]])).tolist()
    [[1.0, 2.5, 2.5]]
    """
    _, same = np.unique(values, return_inverse=True)
    order = np.argsort(same, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(same[order]) > 0))
    many = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks = np.cumsum(many, axis=1) - many / 2 + 0.5
    found: Floats = ranks[:, same]
    return found


def correlation(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's correlation of each resample, (resamples,); x and y (n,) or (resamples, n). NaN where one of them does not vary."""
    total = weights.sum(axis=1)
    x = x - ((weights * x).sum(axis=1) / total)[:, None]
    y = y - ((weights * y).sum(axis=1) / total)[:, None]
    spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
    found: Floats = np.where(spread > 0, (weights * x * y).sum(axis=1) / np.sqrt(np.where(spread > 0, spread, 1)), np.nan)
    return found
