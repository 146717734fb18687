"""One member of a model: arrays in, weights as bytes out. The same arrays, options and seed give the same bytes.

LightGBM  deterministic, row-wise, one thread a member: two members train beside each other instead.
Logistic  scikit-learn, ridge, Newton's method on standardised columns; a missing value stands at the centre.
Hours     share of events by hours since admission, in bins with about as many events each, shrunk towards the average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.bundle.runners import hours, logistic
from bedside.core import canonical
from bedside.core.lazy import need
from bedside.pillars.risk.options import ModelOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVENTS_IN_BIN, _MOST_BINS, _PRIOR_ROWS = 20, 48, 50.0
_ROWS_FOR_BINS = 20_000


class Lesson(NamedTuple):
    """What one member learns from."""

    matrix: NDArray[np.float32]
    target: NDArray[np.float32]
    weight: NDArray[np.float32]
    columns: tuple[str, ...]
    seed: int


def lightgbm_member(lesson: Lesson, options: ModelOptions) -> bytes:
    """A LightGBM text model."""
    library: Any = need("lightgbm", extra="risk")
    settings = {
        "objective": "binary", "learning_rate": options.learning_rate, "num_leaves": options.leaves,
        "min_data_in_leaf": options.rows_in_leaf, "feature_fraction": options.feature_share, "bagging_fraction": options.row_share,
        "bagging_freq": 1, "lambda_l2": options.l2, "max_bin": options.bins, "seed": lesson.seed, "deterministic": True,
        "force_row_wise": True, "bin_construct_sample_cnt": _ROWS_FOR_BINS, "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    data = library.Dataset(lesson.matrix, lesson.target, weight=lesson.weight, feature_name=list(lesson.columns), params=settings)
    text: str = library.train(settings, data, options.trees).model_to_string()
    return text.encode()


def logistic_member(lesson: Lesson, options: ModelOptions) -> bytes:
    """Coefficients as canonical JSON."""
    linear: Any = need("sklearn.linear_model", extra="risk")
    known = np.isfinite(lesson.matrix)
    count = np.maximum(known.sum(axis=0), 1)
    values = np.where(known, lesson.matrix, 0.0).astype(np.float64)
    centre = values.sum(axis=0) / count
    spread = np.sqrt(np.where(known, (values - centre) ** 2, 0.0).sum(axis=0) / count)
    scale = np.where(spread > 0, spread, 1.0)
    design = np.where(known, np.clip((values - centre) / scale, -logistic.LIMIT, logistic.LIMIT), 0.0)
    model = linear.LogisticRegression(C=1.0 / options.penalty, solver="newton-cholesky", max_iter=30, tol=1e-5)
    model.fit(design, lesson.target, sample_weight=lesson.weight)
    told = logistic.Coefficients(centre.tolist(), scale.tolist(), model.coef_[0].tolist(), float(model.intercept_[0]))
    return canonical.dumps(told)


def hours_member(lesson: Lesson, options: ModelOptions) -> bytes:
    """Log odds by hours since admission, from the one column of the lesson."""
    every, weights = lesson.target.astype(np.float64), lesson.weight.astype(np.float64)
    average = float((every * weights).sum() / weights.sum())
    known = np.isfinite(lesson.matrix[:, 0])
    at, event, weight = lesson.matrix[known, 0].astype(np.float64), every[known], weights[known]
    bins = int(np.clip(event.sum() // _EVENTS_IN_BIN, 1, _MOST_BINS))
    ends = np.unique(np.quantile(at[event > 0], np.arange(1, bins) / bins)) if event.any() else np.zeros(0)
    place = np.searchsorted(ends, at, side="right")
    seen, happened = (np.bincount(place, each, minlength=len(ends) + 1) for each in (weight, weight * event))
    prior = _PRIOR_ROWS * float(weights.mean())
    share = (happened + prior * average) / (seen + prior)
    odds = [float(np.log(p / (1 - p))) for p in np.clip([*share, average], 1e-9, 1 - 1e-9)]
    return canonical.dumps(hours.Bins(ends.tolist(), odds[:-1], odds[-1]))


LEARNERS = {"lightgbm": lightgbm_member, "logistic": logistic_member, "hours": hours_member}
SUFFIX = {"lightgbm": "txt", "logistic": "json", "hours": "json"}
