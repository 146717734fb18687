"""One member of a model of molecules: fitted on some rows, handed over as bytes in a safe format.

In        a `Lesson`: the batch, which of its rows, their answers
Out       `Fit`: LightGBM text, safetensors or JSON; and for a network the scale of its numbers
Elsewhere who answers with them: `bundle/runners/molecules_members.py`; the network: `network.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.bundle.calibration import logistic
from bedside.bundle.runners.molecules_features import Batch
from bedside.bundle.runners.molecules_members import LineFile, Scale
from bedside.core import canonical
from bedside.core.lazy import need
from bedside.pillars.molecules.options import ModelOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_STEPS, _CLOSE, _RIDGE = 50, 1e-10, 1e-3


class Lesson(NamedTuple):
    """What one member learns from: `rows` of the batch and the answer of each; labels are 0 and 1."""

    batch: Batch
    rows: Ints
    answer: Floats
    labels: bool
    seed: int


class Fit(NamedTuple):
    data: bytes
    scale: Scale | None = None


def trees(lesson: Lesson, options: ModelOptions) -> Fit:
    """A LightGBM model; one thread, so that the same rows give the same bytes."""
    library: Any = need("lightgbm", extra="molecules")
    objective = "binary" if lesson.labels else "regression_l1" if options.loss == "absolute" else "regression"
    settings = {
        "objective": objective, "learning_rate": options.learning_rate, "num_leaves": options.leaves, "min_data_in_leaf": options.rows_in_leaf,
        "feature_fraction": options.feature_share, "bagging_fraction": options.row_share, "bagging_freq": 1, "lambda_l2": options.l2,
        "max_bin": options.bins, "seed": lesson.seed, "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    data = library.Dataset(lesson.batch.matrix[lesson.rows], lesson.answer, params={"max_bin": options.bins, "num_threads": 1, "verbosity": -1})
    return Fit(library.train(settings, data, num_boost_round=options.trees).model_to_string().encode())


def mean(lesson: Lesson, options: ModelOptions) -> Fit:
    """The mean of the answers; of labels its log odds, one half added to either side."""
    if not lesson.labels:
        return _line(float(lesson.answer.mean()))
    events = float(lesson.answer.sum())
    return _line(float(np.log((events + 0.5) / (len(lesson.answer) - events + 0.5))))


def logp_weight(lesson: Lesson, options: ModelOptions) -> Fit:
    """A line (or logistic regression) through logP and molecular weight, by least squares with a touch of ridge."""
    read = lesson.batch.size_and_fat[lesson.rows]
    centre, spread = read.mean(axis=0), np.where(read.std(axis=0) > 0, read.std(axis=0), 1.0)
    design = np.column_stack([np.ones(len(read)), (read - centre) / spread])
    found = _logistic(design, lesson.answer) if lesson.labels else _least_squares(design, lesson.answer, np.ones(len(read)))
    return _line(float(found[0]), found[1:].tolist(), centre.tolist(), spread.tolist())


def network(lesson: Lesson, options: ModelOptions) -> Fit:
    from bedside.pillars.molecules.network import train

    return train(lesson, options)


class Learner(NamedTuple):
    """How to fit, the kind of members that come of it (`molecules_members.MEMBERS`), and the ending of their files."""

    fit: Callable[[Lesson, ModelOptions], Fit]
    members: str
    suffix: str


LEARNERS = {
    "lightgbm": Learner(trees, "trees", "txt"), "d-mpnn": Learner(network, "network", "safetensors"),
    "mean": Learner(mean, "line", "json"), "logp_weight": Learner(logp_weight, "line", "json"),
}  # fmt: skip


def _least_squares(design: Floats, answer: Floats, weight: Floats) -> Floats:
    ridge = _RIDGE * np.diag([0.0] + [1.0] * (design.shape[1] - 1))
    found = np.linalg.solve((design * weight[:, None]).T @ design + ridge, design.T @ (weight * answer))
    return np.asarray(found, dtype=np.float64)


def _logistic(design: Floats, answer: Floats) -> Floats:
    """Iteratively reweighted least squares, started at the base rate."""
    rate = (answer.sum() + 0.5) / (len(answer) + 1)
    found: Floats = np.zeros(design.shape[1])
    found[0] = np.log(rate / (1 - rate))
    for _ in range(_STEPS):
        risk = logistic(design @ found)
        weight = np.maximum(risk * (1 - risk), 1e-6)
        before, found = found, _least_squares(design, design @ found + (answer - risk) / weight, weight)
        if np.abs(found - before).max() < _CLOSE:
            break
    return found


def _line(intercept: float, slopes: list[float] | None = None, centre: list[float] | None = None, spread: list[float] | None = None) -> Fit:
    return Fit(canonical.dumps(LineFile(intercept, slopes or [], centre or [], spread or [])))
