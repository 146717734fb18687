"""The bundle of a federated fit: calibrated, with thresholds and a sketch, from what may be told of rows.

In        the fitted weights of each output, groups of rows out of fold (rows, events, mean margin), summed histograms
Out       a sealed bundle, the same contract as `fit.develop` makes; its card says how it was fitted and over how many sites
Without   groups (folds = 0) the model's own log odds are taken at their word, and a threshold is a risk that was said beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration, fit
from bedside.bundle.reference import RISK_QUANTILES, Reference, Sketch, sketch
from bedside.bundle.scorer import Scorer
from bedside.bundle.store import seal
from bedside.core.federable import Sealing
from bedside.core.task import Task
from bedside.pillars.risk.options import ModelOptions
from bedside.pillars.risk.thresholds import Rows, Rule, rule, threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MAIN = "risk"


def sealed(task: Task, told: ModelOptions, sealing: Sealing, columns: Mapping[str, tuple[str, ...]], *, out: Path) -> str:
    """Seal at `out`, where there is none yet; the bundle's digest. `columns`: of each output."""
    names = names_of(task)
    scorers = {output: Scorer(one.runner, one.weights, columns[output], names, calibration=_calibration(sealing.groups[output], told), where="model")
               for output, one in sealing.fitted.items()}  # fmt: skip
    risk, outcome = _risks(sealing.groups[MAIN], scorers[MAIN].calibration)
    lines = {name: _threshold(rule(text), risk, outcome, task) for name, text in told.thresholds.items()}
    return seal(out, name=task.name, main=scorers[MAIN], beside={name: one for name, one in scorers.items() if name != MAIN}, task=task,
                thresholds=lines, training=sealing.training, reference=_reference(sealing, names, risk), card=_card(task, told, sealing, lines),
                made=sealing.made)  # fmt: skip


def names_of(task: Task) -> tuple[str, ...]:
    """The columns that the task's features compile to."""
    from bedside.cohort.features import FeatureSet

    return tuple(FeatureSet(task.features).names)


def _calibration(groups: Floats, told: ModelOptions) -> Calibration:
    """Of the groups' margins; without groups the model's own log odds are taken at their word, and the card says so."""
    margin, outcome = _spread(groups)
    return fit(margin, outcome, method=told.calibration) if len(margin) else Calibration("platt")


def _spread(groups: Floats) -> tuple[Floats, Bools]:
    many = groups[:, 0].astype(np.int64)
    outcome = np.concatenate([np.arange(n) < k for n, k, _ in groups] or [np.zeros(0)]).astype(np.bool_)
    return np.repeat(groups[:, 2], many), outcome


def _risks(groups: Floats, calibration: Calibration | None) -> tuple[Floats, Bools]:
    margin, outcome = _spread(groups)
    return (calibration(margin) if calibration is not None else margin), outcome


def _threshold(said: Rule, risk: Floats, outcome: Bools, task: Task) -> float:
    if said.name == "risk":
        return said.number
    return threshold(said, risk, Rows(np.zeros(len(risk), dtype=np.int64), outcome, task.prediction.every_hours))


def _reference(sealing: Sealing, names: tuple[str, ...], risk: Floats) -> Reference:
    """The sketch that monitoring compares with, added up over sites."""
    edges, counts = sealing.histograms["edges"], sealing.histograms["counts"]
    rows = sealing.counts["rows"] if counts.any() else 0  # with privacy nothing of the columns is told, and the sketch is empty
    sketches = {name: Sketch(edges[place].tolist(), [int(one) for one in counts[place]], max(0, rows - int(counts[place].sum())), rows)
                for place, name in enumerate(names)}  # fmt: skip
    return Reference(sketches, sketch(risk, quantiles=RISK_QUANTILES), stays=sealing.counts["subjects"])


def _card(task: Task, told: ModelOptions, sealing: Sealing, lines: Mapping[str, float]) -> dict[str, object]:
    """As `card.py`, from what is known without rows; counts that a small cell keeps back are null."""
    known = {name: None if value < 0 else value for name, value in sealing.counts.items() if name != "outcome_told"}
    ill = known.get("rows_with_outcome")
    folds = told.federated.folds
    fitting = ("a member for each fold left out, in the same rounds; calibration and thresholds are of groups of rows that the member speaking did "
               "not learn from; the member on all rows is served") if folds else "one member; its own probability, not calibrated further"  # fmt: skip
    return {
        "schema": "bedside.card/1", "name": task.name, "made": sealing.made, "learner": told.kind,
        "outcome": msgspec.to_builtins(task.outcome), "prediction": msgspec.to_builtins(task.prediction),
        "development": {**known, "folds": folds, "prevalence": ill / known["rows"] if ill is not None and known["rows"] else None},
        "features": len(names_of(task)), "signals": [s.label or s.name for s in task.features.signals],
        "options": msgspec.to_builtins(told), "calibration": told.calibration if folds else "none",
        "thresholds": {name: {"rule": told.thresholds[name], "value": value} for name, value in lines.items()},
        "beside": sorted(name for name in sealing.fitted if name != MAIN), "thresholds_by_fold": {}, "fitting": fitting,
        "federated": dict(sealing.told),
    }  # fmt: skip
