"""Promises kept: of those told 10 in 100, does it happen to 10 in 100?

In        outcome  (n,) bool      event within the horizon, one row a prediction
          risk     (n,) float64   predicted probability, 0..1
          codes    (n,) int       which subject a row belongs to
Out       `Estimate`s and curves. Never a picture: those are drawn in `report/`.
Source    Van Calster et al., BMC Med 2019;17:230 (in the large, slope, curve); Cox, Biometrika 1958;45:562;
          Liang & Zeger, Biometrika 1986;73:13 (sandwich variance over subjects); Brier, Mon Weather Rev 1950;78:1.
Elsewhere the smooth curve: `smoothing.py`; ranking: `discrimination.py`; usefulness at a threshold: `net_benefit.py`.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np

from bedside.evaluate.cluster import Bootstrap, sums
from bedside.evaluate.proportions import nothing, proportion, z_of
from bedside.evaluate.records import Bin, Calibration, Estimate
from bedside.evaluate.smoothing import smoothed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_EDGE = 1e-9
_STEPS, _TINY = 50, 1e-10
_SEPARATED = 100.0
_HISTOGRAM = 100
_LEAST_SUBJECTS = 10  # a sandwich over fewer clusters is far too narrow, and over one is none (Cameron & Miller, J Hum Resour 2015;50:317)


def calibration(outcome: Bools, risk: Floats, codes: Ints, *, subjects: int, bootstrap: Bootstrap) -> Calibration:
    """Every calibration measure of one output."""
    smooth, mean_error = smoothed(outcome, risk, codes, subjects=subjects, bootstrap=bootstrap)
    return Calibration(
        in_the_large=in_the_large(outcome, risk, codes, level=bootstrap.level),
        slope=slope(outcome, risk, codes, level=bootstrap.level),
        **_by_bootstrap(outcome, risk, codes, subjects, bootstrap),
        mean_error=mean_error,
        bins=tenths(outcome, risk, codes, subjects=subjects, bootstrap=bootstrap),
        smooth=smooth,
        histogram=np.histogram(risk, bins=_HISTOGRAM, range=(0, 1))[0].tolist(),
    )


def in_the_large(outcome: Bools, risk: Floats, codes: Ints | None = None, *, level: float = 0.95) -> Estimate:
    """Log odds to add to every promise so that as many events are promised as happen; 0 is perfect.

    Fits logit(P) = a + logit(risk). With several rows a subject the variance is a sandwich over subjects.
    """
    offset = _logit(risk)
    return _recalibrated(outcome, np.ones((len(risk), 1)), offset, codes, 0, level)


def slope(outcome: Bools, risk: Floats, codes: Ints | None = None, *, level: float = 0.95) -> Estimate:
    """How far promises must be pulled together (below 1: too extreme) or apart; 1 is perfect.

    Fits logit(P) = a + b logit(risk) and gives b.
    """
    line = np.stack([np.ones(len(risk)), _logit(risk)], axis=1)
    return _recalibrated(outcome, line, np.zeros(len(risk)), codes, 1, level)


def brier(outcome: Bools, risk: Floats) -> float:
    """Mean squared distance between promise and fact; 0 is perfect.

    >>> brier(np.array([True, False]), np.array([0.8, 0.4]))
    0.1
    """
    return round(float(np.mean((risk - outcome) ** 2)), 15)


def observed_to_expected(outcome: Bools, risk: Floats, *, level: float = 0.95) -> Estimate:
    """Observed over expected events; 1 is perfect, above 1 the model promises too few. Rows taken for independent.

    Log-normal interval, standard error sqrt((1 - O/n) / O): Debray et al., BMJ 2017;356:i6460, appendix.

    >>> observed_to_expected(np.array([True, True, False, False, False, False, False, False]), np.full(8, 0.25)).value
    1.0
    """
    events, n = int(outcome.sum()), len(outcome)
    if events == 0:
        return nothing("no event", n=n)
    ratio, spread = events / float(risk.sum()), exp(z_of(level) * sqrt((1 - events / n) / events))
    return Estimate(ratio, ratio / spread, ratio * spread, n, "log-normal (rows taken for independent)")


def _by_bootstrap(outcome: Bools, risk: Floats, codes: Ints, subjects: int, bootstrap: Bootstrap) -> dict[str, Estimate]:
    """O:E, Brier and scaled Brier with intervals from resampled subjects."""
    table = sums(codes, subjects, outcome, risk, (risk - outcome) ** 2, np.ones(len(risk)))

    def measures(draws: Floats) -> Floats:
        events, promised, squares, n = (draws @ table).T
        share = events / n
        return np.stack([events / promised, squares / n, 1 - squares / n / (share * (1 - share))], axis=1)

    with np.errstate(divide="ignore", invalid="ignore"):
        value = measures(np.ones((1, subjects)))[0]
    spread = bootstrap.spread(measures, subjects)
    names = ("observed_to_expected", "brier", "scaled_brier")
    return {name: bootstrap.estimate(value[i], spread[:, i], n=len(risk)) for i, name in enumerate(names)}


def tenths(outcome: Bools, risk: Floats, codes: Ints, *, subjects: int, bootstrap: Bootstrap) -> list[Bin]:
    """Ten groups of equal size by risk (fewer when many promises are equal): mean promise, observed share."""
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, 11)))
    group = np.searchsorted(edges[1:-1], risk, "right")
    clustered = subjects < len(risk)
    return [_bin(outcome[here], risk[here], codes[here], subjects, bootstrap, clustered)
            for here in (group == number for number in range(max(1, len(edges) - 1))) if here.any()]  # fmt: skip


def _bin(outcome: Bools, risk: Floats, codes: Ints, subjects: int, bootstrap: Bootstrap, clustered: bool) -> Bin:
    events, n = int(outcome.sum()), len(outcome)
    observed = proportion(events, n, level=bootstrap.level)
    if clustered:
        table = sums(codes, subjects, outcome, np.ones(n))
        spread = bootstrap.spread(lambda draws: (draws @ table[:, :1]) / (draws @ table[:, 1:]), subjects)
        observed = bootstrap.estimate(events / n, spread[:, 0], n=n)
    return Bin(float(risk.min()), float(risk.max()), float(risk.mean()), observed)


def _recalibrated(outcome: Bools, design: Floats, offset: Floats, codes: Ints | None, which: int, level: float) -> Estimate:
    n, events = len(outcome), int(outcome.sum())
    if not 0 < events < n:
        return nothing(f"{events} events in {n} predictions", n=n)
    fit = _logistic(outcome.astype(np.float64), design, offset)
    if fit is None:
        return nothing("the logistic recalibration does not converge", n=n)
    coefficient, residual, bread = fit
    subjects = n if codes is None else len(np.unique(codes))
    if subjects < min(n, _LEAST_SUBJECTS):
        return Estimate(float(coefficient[which]), None, None, n, f"logistic recalibration; {subjects} subjects are too few for an interval")
    clustered = codes is not None and subjects < n
    variance = _sandwich(design, residual, codes, bread) if clustered and codes is not None else bread
    if not variance[which, which] > 0:  # promises that are all alike: rounding alone decides what their slope is
        return nothing("the promises are too alike for a logistic recalibration", n=n)
    value, half = float(coefficient[which]), z_of(level) * sqrt(float(variance[which, which]))
    kind = "sandwich over subjects" if clustered else "Wald"
    return Estimate(value, value - half, value + half, n, f"logistic recalibration, {kind}")


def _logistic(outcome: Floats, design: Floats, offset: Floats) -> tuple[Floats, Floats, Floats] | None:
    """Newton's method: coefficients, residuals, inverse information; None when it does not settle."""
    coefficient = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(offset + design @ coefficient, -500, 500)))
        information = (design * (fitted * (1 - fitted))[:, None]).T @ design
        try:
            bread: Floats = np.linalg.inv(information).astype(np.float64)
        except np.linalg.LinAlgError:
            return None
        step = bread @ (design.T @ (outcome - fitted))
        coefficient = coefficient + np.clip(step, -5, 5)
        if np.abs(coefficient).max() > _SEPARATED:
            return None
        if np.abs(step).max() < _TINY:
            return coefficient, outcome - fitted, bread
    return None


def _sandwich(design: Floats, residual: Floats, codes: Ints, bread: Floats) -> Floats:
    """Variance when the rows of one subject hang together."""
    _, codes = np.unique(codes, return_inverse=True)
    count = int(codes.max()) + 1
    score = sums(codes, count, *(design * residual[:, None]).T)
    meat = score.T @ score * (count / (count - 1))
    whole: Floats = bread @ meat @ bread
    return whole


def _logit(risk: Floats) -> Floats:
    inside = np.clip(risk, _EDGE, 1 - _EDGE)
    odds: Floats = np.log(inside / (1 - inside))
    return odds
