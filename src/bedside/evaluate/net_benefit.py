"""Decision curves: is acting on the score worth more than acting on all, or on none?

In        outcome (n,) bool, risk (n,) 0..1, codes (n,) subject of a row
Out       net benefit at each threshold = TP/n - FP/n * t/(1-t), an alert being risk >= t
Source    Vickers & Elkin, Med Decis Making 2006;26:565.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.records import NetBenefit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_POINTS = 40
_BELOW, _ABOVE, _HIGHEST = 5.0, 10.0, 0.9


def net_benefit(outcome: Bools, risk: Floats, threshold: float) -> float:
    """Net true positives per prediction when acting on risk >= threshold.

    >>> net_benefit(np.array([True, False, False, False]), np.array([0.9, 0.6, 0.2, 0.1]), 0.5)
    0.0
    """
    alert = risk >= threshold
    true, false = np.count_nonzero(alert & outcome), np.count_nonzero(alert & ~outcome)
    return float(true / len(risk) - false / len(risk) * threshold / (1 - threshold))


def decision_curve(
    outcome: Bools, risk: Floats, codes: Ints, *, subjects: int, bootstrap: Bootstrap, thresholds: Floats | None = None
) -> list[NetBenefit]:
    """Net benefit over thresholds, by default from a fifth of the base rate to ten times it (at most 0.9)."""
    at = usual_thresholds(float(outcome.mean())) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    n, odds = len(risk), at / (1 - at)
    true, false = (_alerts(risk[rows], codes[rows], at, subjects) for rows in (outcome, ~outcome))
    size = np.bincount(codes, minlength=subjects).astype(np.float64)

    def benefits(draws: Floats) -> Floats:
        return (draws @ true - draws @ false * odds) / (draws @ size)[:, None]

    value, spread = benefits(np.ones((1, subjects)))[0], bootstrap.spread(benefits, subjects)
    everyone = outcome.mean() - (1 - outcome.mean()) * odds
    return [NetBenefit(float(t), bootstrap.estimate(value[i], spread[:, i], n=n), float(everyone[i])) for i, t in enumerate(at)]


def usual_thresholds(base_rate: float) -> Floats:
    """Thresholds at which somebody might act on an event of this base rate."""
    high = min(_HIGHEST, max(_ABOVE * base_rate, 0.02))
    low = min(base_rate / _BELOW, high / 2) or high / _POINTS
    return np.linspace(low, high, _POINTS).round(6)


def _alerts(risk: Floats, codes: Ints, thresholds: Floats, subjects: int) -> Floats:
    """How many rows of each subject stand at or above each threshold, (subjects, thresholds)."""
    passed = np.searchsorted(thresholds, risk, "right")
    width = len(thresholds) + 1
    table = np.bincount(codes * width + passed, minlength=subjects * width).reshape(subjects, width)
    return table[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:].astype(np.float64)
