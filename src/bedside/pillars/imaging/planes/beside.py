"""What stands beside every model of images: how many have it, and what brightness and size alone tell.

base-rate   the share of the training images with the finding, or their middle grade, for all alike
intensity   logistic regression (a grade: least squares, rounded) on the nine numbers of `units.INTENSITY`; no shape, no place.
            A model that is no better has learned which scanner took whom.
In, out     numbers of the training rows; `Coefficients`, which `bundle/runners/logistic.py` answers from
Source      iteratively reweighted least squares with a ridge: le Cessie & van Houwelingen, Appl Stat 1992;41:191
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.bundle.calibration import logistic
from bedside.bundle.runners.logistic import LIMIT, Coefficients

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RIDGE, _STEPS, _CLOSE = 1.0, 50, 1e-8


def fit_logistic(x: Floats, outcome: NDArray[np.bool_], *, ridge: float = RIDGE) -> Coefficients:
    """Logistic regression on standardised columns; all alike gives the share alone."""
    told, centre, scale = _standard(x)
    weights = np.zeros(told.shape[1])
    share = np.clip(outcome.mean(), 1 / (len(outcome) + 2), 1 - 1 / (len(outcome) + 2))
    weights[0] = np.log(share / (1 - share))
    penalty = np.full(told.shape[1], ridge)
    penalty[0] = 0.0
    if outcome.all() or not outcome.any():
        return _told(weights, centre, scale)
    for _ in range(_STEPS):
        risk = logistic(told @ weights)
        slope = told.T @ (outcome - risk) - penalty * weights
        step = np.linalg.solve((told * np.maximum(risk * (1 - risk), 1e-9)[:, None]).T @ told + np.diag(penalty), slope)
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < _CLOSE:
            break
    return _told(weights, centre, scale)


def fit_linear(x: Floats, value: Floats, *, ridge: float = RIDGE) -> Coefficients:
    """Least squares on standardised columns."""
    told, centre, scale = _standard(x)
    penalty = np.diag([0.0, *[ridge] * x.shape[1]])
    return _told(np.linalg.solve(told.T @ told + penalty, told.T @ value), centre, scale)


def _standard(x: Floats) -> tuple[Floats, Floats, Floats]:
    centre = x.mean(axis=0)
    spread = x.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    return np.column_stack([np.ones(len(x)), np.clip((x - centre) / scale, -LIMIT, LIMIT)]), centre, scale


def _told(weights: NDArray[np.floating[Any]], centre: Floats, scale: Floats) -> Coefficients:
    return Coefficients(centre.tolist(), scale.tolist(), weights[1:].tolist(), float(weights[0]))


def margins(told: Coefficients, x: Floats) -> Floats:
    """Margin, or value, of each row."""
    away = np.clip((x - np.array(told.centre)) / np.array(told.scale), -told.limit, told.limit)
    return np.asarray(told.intercept + away @ np.array(told.coefficient))
