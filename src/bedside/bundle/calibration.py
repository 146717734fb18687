"""From a model's margin to a probability that keeps its promise, and keeps the order of the margins.

In        margin (n,) float64, outcome (n,) bool, of rows that the model did not learn from
Out       `Calibration`: a record that is stored as JSON and applied with numpy alone
Platt     p = 1 / (1 + exp(-(a m + b))): two numbers. Platt, in Advances in Large Margin Classifiers, 1999:61, with its
          targets (n+ + 1)/(n+ + 2) and 1/(n- + 2) in place of 1 and 0.
Isotonic  the best rising step function, its steps joined at their centres, so that no two margins inside share a value
          (Oron & Flournoy, Stat Biopharm Res 2017;9:258). Needs more events than Platt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

Method = Literal["platt", "isotonic"]
_STEPS, _CLOSE, _STRIDE = 100, 1e-10, 2.0


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`slope` and `intercept` (Platt), or knots of a rising line from `margins` to `risks` (isotonic)."""

    method: Method
    slope: float = 1.0
    intercept: float = 0.0
    margins: list[float] = []
    risks: list[float] = []

    def __call__(self, margin: Floats) -> Floats:
        """Probability of each margin, in 0..1."""
        if self.method == "platt":
            return logistic(self.slope * margin + self.intercept)
        return np.interp(margin, self.margins, self.risks)


def logistic(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def fit(margin: Floats, outcome: Bools, *, method: Method = "platt") -> Calibration:
    """The calibration of these margins.

    Raises `Unusable` when all outcomes are alike: then there is no risk to learn.
    """
    events = int(outcome.sum())
    if not 0 < events < len(outcome):
        raise Unusable("calibration needs rows with and without the outcome", do="widen the development set or the horizon",
                       where=f"{len(outcome)} rows, {events} with the outcome")  # fmt: skip
    return _platt(margin, outcome, events) if method == "platt" else _isotonic(margin, outcome)


def _platt(margin: Floats, outcome: Bools, events: int) -> Calibration:
    """Newton's method on the two numbers; the margins are centred and scaled for it, so that any scale of margin converges."""
    others = len(outcome) - events
    target = np.where(outcome, (events + 1) / (events + 2), 1 / (others + 2))
    centre, spread = float(margin.mean()), float(margin.std()) or 1.0
    design = np.stack([(margin - centre) / spread, np.ones(len(margin))], axis=1)
    found = np.array([0.0, np.log(events / others)])
    for _ in range(_STEPS):
        risk = logistic(design @ found)
        curvature = (design * (risk * (1 - risk))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (target - risk))
        found = found + np.clip(step, -_STRIDE, _STRIDE)
        if np.abs(step).max() < _CLOSE:
            break
    slope = max(float(found[0]), 0.0) / spread
    return Calibration("platt", slope, float(found[1]) - slope * centre)


def _isotonic(margin: Floats, outcome: Bools) -> Calibration:
    """Pool adjacent violators, then one knot at the mean margin of each pool."""
    order = np.argsort(margin, kind="stable")
    values, starts = np.unique(margin[order], return_index=True)
    weight = np.diff(np.append(starts, len(margin))).astype(np.float64)
    rate = np.add.reduceat(outcome[order].astype(np.float64), starts) / weight
    pools: list[tuple[float, float, float]] = []
    for at, risk, heavy in zip(values.tolist(), rate.tolist(), weight.tolist(), strict=True):
        pool = (at, risk, heavy)
        while pools and pools[-1][1] >= pool[1]:
            pool = _pooled(pools.pop(), pool)
        pools.append(pool)
    return Calibration("isotonic", margins=[at for at, _, _ in pools], risks=[risk for _, risk, _ in pools])


def _pooled(left: tuple[float, float, float], right: tuple[float, float, float]) -> tuple[float, float, float]:
    weight = left[2] + right[2]
    return (left[0] * left[2] + right[0] * right[2]) / weight, (left[1] * left[2] + right[1] * right[2]) / weight, weight
