"""Ranking: does the score put those with the event above those without?

In        outcome  (n,) bool      event within the horizon, one row a prediction
          score    (n,) float     higher means more likely: the direction is fixed, an AUROC may lie below 0.5
          codes    (n,) int       which subject a row belongs to
Out       `Estimate`; curves of at most 200 points
Source    DeLong et al., Biometrics 1988;44:837; fast midranks: Sun & Xu, IEEE SPL 2014;21:1389.
          Average precision (step, no interpolation): Boyd et al., ECML 2013.
Note      DeLong's variance takes rows for independent. Where subjects have several rows, `Ranking` under the patient
          bootstrap gives the interval to rely on, and DeLong's stands beside it for comparison.
Elsewhere promises kept: `calibration.py`; usefulness: `net_benefit.py`.
"""

from __future__ import annotations

from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.proportions import nothing, z_of
from bedside.evaluate.records import Curve, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

CURVE_POINTS = 200
_STEPS = 256


class Ranking:
    """AUROC and average precision of any reweighting of subjects, from counts made once.

    Between two neighbouring scores of rows with the event, rows without it are alike for both measures: what counts is how
    many lie between. Resamples use at most 256 steps of score that hold equally many cases, moved so that the sample itself
    has its exact value; with at most 256 distinct scores among the cases nothing is lost by that.

    strata   compare rows only within the same stratum (time since admission, say); average precision is then unused,
             and every resample is exact
    """

    def __init__(self, outcome: Bools, score: Floats, codes: Ints, *, strata: Ints | None = None) -> None:
        score = np.asarray(score, dtype=np.float64)
        order = np.argsort(score, kind="stable") if strata is None else np.lexsort((score, strata))
        outcome, score = outcome[order], score[order]
        new = np.r_[True, score[1:] != score[:-1]]
        layer = None if strata is None else strata[order]
        if layer is not None:
            new |= np.r_[True, layer[1:] != layer[:-1]]
        group = np.cumsum(new) - 1
        self._positive, self._negative = codes[order][outcome], codes[order][~outcome]
        self._control_group = group[~outcome]
        held, self._case = np.unique(group[outcome], return_inverse=True)
        self._below, self._through = (np.searchsorted(self._control_group, held, side) for side in ("left", "right"))
        self._floor, self._ceiling = self._limits(held, None if layer is None else layer[new])
        self._stratified = strata is not None

    def _limits(self, held: Ints, layer: Ints | None) -> tuple[Ints, Ints]:
        """First and last control that each group of cases is compared with."""
        if layer is None:
            return np.zeros(len(held), dtype=np.int64), np.full(len(held), len(self._control_group), dtype=np.int64)
        ends = (np.searchsorted(layer, layer[held], side) for side in ("left", "right"))
        first, last = (np.searchsorted(self._control_group, end, "left") for end in ends)
        return first, last

    def plain(self) -> tuple[float, float]:
        """AUROC and average precision of the sample itself."""
        with np.errstate(divide="ignore", invalid="ignore"):
            area, precision = self._exact(np.ones(len(self._negative)), np.ones(len(self._positive)))
        return area, precision

    def __call__(self, draws: Floats) -> Floats:
        """(resamples, subjects) of counts to (resamples, 2) of AUROC and average precision."""
        if self._stratified:
            return np.array([self._exact(row[self._negative], row[self._positive]) for row in draws])
        cases, controls = self._steps(draws.shape[1])
        moved = np.array(self.plain()) - _stepped(cases.sum(axis=0)[None, :], controls.sum(axis=0)[None, :])
        return (_stepped(draws @ cases, draws @ controls) + moved).clip(0, 1)

    def _exact(self, control: Floats, case: Floats) -> tuple[float, float]:
        """Both measures from the weight of every row without and with the event."""
        passed = np.concatenate(([0.0], np.cumsum(control)))
        cases = np.bincount(self._case, weights=case, minlength=len(self._floor)).astype(np.float64)
        below, floor = passed[self._below], passed[self._floor]
        area = np.dot(cases, (below + passed[self._through]) / 2 - floor) / np.dot(cases, passed[self._ceiling] - floor)
        above = np.cumsum(cases[::-1])[::-1]
        precision = np.divide(above, above + passed[-1] - below, out=np.zeros_like(above), where=above > 0)
        return float(area), float(np.dot(cases, precision) / cases.sum())

    def _steps(self, subjects: int) -> tuple[Floats, Floats]:
        """Cases of each subject by step, and controls level with the steps (odd columns) and between them (even columns)."""
        size = np.bincount(self._case, minlength=len(self._floor))
        step = np.arange(len(size))
        if len(size) > _STEPS:
            _, step = np.unique((np.cumsum(size) - size) * _STEPS // size.sum(), return_inverse=True)
        first = np.r_[True, step[1:] != step[:-1]][: len(step)]
        last = np.r_[first[1:], True][: len(step)]
        edges = np.stack([self._below[first], self._through[last]], axis=1).ravel()
        column = np.searchsorted(edges, np.arange(len(self._negative)), "right")
        cases = _table(self._positive, step[self._case], subjects, len(edges) // 2)
        return cases, _table(self._negative, column, subjects, len(edges) + 1)


def _table(codes: Ints, column: Ints, subjects: int, width: int) -> Floats:
    """How many rows of each subject are in each column."""
    return np.bincount(codes * width + column, minlength=subjects * width).reshape(subjects, width).astype(np.float64)


def _stepped(cases: Floats, controls: Floats) -> Floats:
    """AUROC and average precision from cases by step and controls level with and between the steps."""
    passed, above = np.cumsum(controls, axis=1), np.cumsum(cases[:, ::-1], axis=1)[:, ::-1]
    total, all_controls = cases.sum(axis=1), passed[:, -1]
    below, through = passed[:, :-1:2], passed[:, 1::2]
    with np.errstate(divide="ignore", invalid="ignore"):
        area = (cases * (below + through)).sum(axis=1) / 2 / (total * all_controls)
        caught = np.divide(above, above + all_controls[:, None] - below, out=np.zeros_like(above), where=above > 0)
        return np.stack([area, (cases * caught).sum(axis=1) / total], axis=1)


def auroc(outcome: Bools, score: Floats) -> float:
    """Chance that a random row with the event scores above a random one without; ties count half.

    >>> auroc(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    return Ranking(outcome, score, np.zeros(len(score), dtype=np.int64)).plain()[0]


def average_precision(outcome: Bools, score: Floats) -> float:
    """Area under the precision-recall steps.

    >>> round(average_precision(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    return Ranking(outcome, score, np.zeros(len(score), dtype=np.int64)).plain()[1]


def delong(outcome: Bools, score: Floats, *, level: float = 0.95) -> Estimate:
    """AUROC with DeLong's interval, which takes rows for independent.

    The interval is symmetric and cut at 0 and 1, as pROC does it.
    """
    if (lack := _lacking(outcome)) is not None:
        return nothing(lack, n=len(outcome))
    area, variance = delong_covariance(outcome, np.asarray(score, dtype=np.float64)[None, :])
    half = z_of(level) * sqrt(max(0.0, variance[0, 0]))
    value = float(area[0])
    if (poor := _too_few(outcome)) or half == 0:
        return Estimate(value, None, None, len(outcome), poor or "no interval: DeLong's variance is 0 where scores separate wholly")
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), len(outcome), "DeLong (rows taken for independent)")


def delong_difference(
    outcome: Bools, one: Floats, other: Floats, *, level: float = 0.95
) -> tuple[Estimate, float | None, float | None]:
    """AUROC of `one` minus that of `other` on the same rows, with z and two-sided p."""
    if (lack := _lacking(outcome)) is not None:
        return nothing(lack, n=len(outcome)), None, None
    area, covariance = delong_covariance(outcome, np.stack([one, other]).astype(np.float64))
    value = float(area[0] - area[1])
    error = sqrt(max(0.0, float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])))
    half = z_of(level) * error
    if poor := _too_few(outcome):
        return Estimate(value, None, None, len(outcome), poor), None, None
    estimate = Estimate(value, value - half, value + half, len(outcome), "paired DeLong (rows taken for independent)")
    if error == 0:
        return estimate, None, None
    return estimate, value / error, erfc(abs(value / error) / sqrt(2))


def delong_covariance(outcome: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """AUROCs of k scores (k, n) on the same rows, and their (k, k) covariance."""
    if (lack := _lacking(outcome)) is not None:
        raise Unusable(f"DeLong needs rows with and without the event: {lack}", where=f"{len(outcome)} predictions",
                       do="widen the window, or report the counts alone")  # fmt: skip
    case, control = _placements(outcome, scores)
    covariance = _covariance(case) / case.shape[1] + _covariance(control) / control.shape[1]
    return case.mean(axis=1), covariance


def _placements(outcome: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """DeLong's V10 and V01: for each case the share of controls below it, for each control the share of cases above."""
    cases, controls = int(outcome.sum()), int((~outcome).sum())
    case, control = np.empty((len(scores), cases)), np.empty((len(scores), controls))
    for row, score in enumerate(scores):
        whole = midranks(score)
        case[row] = (whole[outcome] - midranks(score[outcome])) / controls
        control[row] = 1 - (whole[~outcome] - midranks(score[~outcome])) / cases
    return case, control


def _covariance(placements: Floats) -> Floats:
    if placements.shape[1] < 2:
        return np.zeros((len(placements), len(placements)))
    return np.atleast_2d(np.cov(placements))


def midranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing their mean rank, in float64 so that products of counts cannot overflow.

    >>> midranks(np.array([5.0, 1.0, 5.0]))
    array([2.5, 1. , 2.5])
    """
    _, where, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count).astype(np.float64)
    mean: Floats = last - (count - 1) / 2
    return mean[where]


def roc_curve(outcome: Bools, score: Floats, *, points: int = CURVE_POINTS) -> Curve:
    """(1 - specificity, sensitivity) from (0, 0) to (1, 1), thinned evenly along its length."""
    true, false = _cumulated(outcome, score)
    x, y = np.r_[0.0, false / max(1, false[-1])], np.r_[0.0, true / max(1, true[-1])]
    keep = _thin(x + y, points)
    return Curve(x[keep].round(6).tolist(), y[keep].round(6).tolist())


def precision_recall_curve(outcome: Bools, score: Floats, *, points: int = CURVE_POINTS) -> Curve:
    """(recall, precision) from the highest score down, thinned evenly along recall."""
    true, false = _cumulated(outcome, score)
    recall, precision = true / max(1, true[-1]), true / (true + false)
    keep = _thin(recall, points)
    return Curve(recall[keep].round(6).tolist(), precision[keep].round(6).tolist())


def _cumulated(outcome: Bools, score: Floats) -> tuple[Floats, Floats]:
    """Cases and controls at or above each distinct score, highest first."""
    if len(score) == 0:
        return np.zeros(1), np.ones(1)
    order = np.argsort(-np.asarray(score, dtype=np.float64), kind="stable")
    sorted_score, hit = np.asarray(score)[order], outcome[order]
    last = np.r_[sorted_score[1:] != sorted_score[:-1], True]
    return np.cumsum(hit)[last].astype(np.float64), np.cumsum(~hit)[last].astype(np.float64)


def _thin(along: Floats, points: int) -> Ints:
    if len(along) <= points:
        return np.arange(len(along))
    wanted = np.linspace(along[0], along[-1], points)
    return np.unique(np.r_[0, np.searchsorted(along, wanted).clip(max=len(along) - 1), len(along) - 1])


def _too_few(outcome: Bools) -> str:
    """Why DeLong's variance cannot be had: it is a variance among events and among the rest, and of one there is none."""
    few = min(int(outcome.sum()), int((~outcome).sum())) < 2
    return "no interval: DeLong needs two predictions with the event and two without" if few else ""


def _lacking(outcome: Bools) -> str | None:
    events = int(np.count_nonzero(outcome))
    if 0 < events < len(outcome):
        return None
    return f"{events} events in {len(outcome)} predictions"
