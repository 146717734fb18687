"""Develop a risk model: from features and decisions to a sealed bundle and predictions that no subject has taught.

In        task, features (unit_id, float32 columns), decisions (core of `cohort.decisions`, with split), options
Out       `Developed`: the bundle's folder; predictions (core.predictions) of every development row, each out of fold; figures;
          thresholds of each fold, chosen inside its training folds
Outputs   "risk" (the model); "logistic", "physiology", "workup", "clock" (fitted beside it); and the caller's `scores`
Source    calibration: `bundle/calibration.py`; cross-fitting: `crossfit.py`; thresholds: `thresholds.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from bedside.bundle.store import Bundle, seal
from bedside.core.errors import Unusable
from bedside.core.predictions import SUBGROUPS, conform
from bedside.core.receipt import Figure
from bedside.core.task import Task
from bedside.evaluate import utility
from bedside.pillars.risk.card import card
from bedside.pillars.risk.columns import chosen
from bedside.pillars.risk.crossfit import FEWEST_FOLDS, Fitted, Study, crossfit, deal
from bedside.pillars.risk.options import ModelOptions
from bedside.pillars.risk.thresholds import UTILITY, Rows, Rule, rule, threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Score = Callable[[pl.DataFrame], "Floats"]
MAIN, FOLD = "risk", "fold-"
_LEARNER = {"logistic": "logistic", "clock": "hours"}
_ENCOUNTER = ["subject_id", "encounter_start", "encounter_id"]
_ORDER = [*_ENCOUNTER, "prediction_time", "unit_id"]


class Developed(NamedTuple):
    """What development gives.

    fold_thresholds   of each output fitted here: name to {split: threshold}; empty when the study has no folds
    thresholds        of each output fitted here: name to the threshold for serving
    utility           where a threshold's rule is utility: of every output, the caller's scores too, {split: threshold}
    """

    bundle: Path
    digest: str
    predictions: pl.DataFrame
    figures: list[Figure]
    thresholds: dict[str, dict[str, float]]
    fold_thresholds: dict[str, dict[str, dict[str, float]]]
    utility: dict[str, dict[str, float]]


def develop(
    task: Task, features: pl.DataFrame, decisions: pl.DataFrame, *, options: ModelOptions, out: Path, seed: int, made: bool,
    training: Mapping[str, str], scores: Mapping[str, Score] | None = None,
) -> Developed:  # fmt: skip
    """Fit, calibrate, choose thresholds, seal.

    features   unit_id and the columns of the task's feature definition
    decisions  with `split`; rows of split "test" or without a label are left alone
    out        folder of the bundle; there must be none yet
    scores     further outputs by name, from features alone (bedside scores)
    """
    rows = decisions.filter(pl.col("split") != "test", pl.col("label").is_not_null()).sort(_ORDER)
    if rows.is_empty():
        raise Unusable("there is no development row", where="decisions", do="see task.split and the cohort's counts")
    table = rows.select("unit_id").join(features, on="unit_id", how="left", maintain_order="left").drop("unit_id")
    study = _study(task, table, rows, options, seed)
    fitted = _fit_outputs(task, study, options, seed)
    folds = _fold_names(rows)
    by_fold = {name: _by_split(one, folds) for name, one in fitted.items()} if folds else {}
    told = card(task, study, fitted, options, made=made, by_fold=by_fold)
    digest = _seal(task, study, fitted, out=out, made=made, training=training, told=told)
    said = {name: one.risk for name, one in fitted.items()} | {name: score(table) for name, score in (scores or {}).items()}
    return Developed(out, digest, _predictions(rows, said, digest, task.outcome.name), _figures(study, fitted),
                     {name: one.thresholds for name, one in fitted.items()}, by_fold,
                     _utility(options, study, fitted, said, folds))  # fmt: skip


def predict(
    bundle: Bundle, features: pl.DataFrame, decisions: pl.DataFrame, *, scores: Mapping[str, Score] | None = None
) -> pl.DataFrame:
    """Predictions of every decision with a sealed bundle: its risk, what stands beside it, and the caller's `scores`."""
    rows = decisions.sort(_ORDER)
    table = rows.select("unit_id").join(features, on="unit_id", how="left", maintain_order="left").drop("unit_id")
    matrix = matrix_of(table, bundle.names)
    said = {MAIN: bundle.predict(matrix)} | {name: scorer.scores(matrix) for name, scorer in bundle.beside.items()}
    return _predictions(rows, said | {name: score(table) for name, score in (scores or {}).items()}, bundle.digest, bundle.task.outcome.name)


def matrix_of(features: pl.DataFrame, names: tuple[str, ...]) -> NDArray[np.float32]:
    """The columns as one float32 array, row by row in memory, missing as nan."""
    absent = [name for name in names if name not in features.columns]
    if absent:
        raise Unusable(f"{len(absent)} of {len(names)} feature columns are absent, the first is {absent[0]}", where="features",
                       do="build the features from the same task")  # fmt: skip
    matrix = np.empty((features.height, len(names)), dtype=np.float32)
    for place, name in enumerate(names):
        matrix[:, place] = features[name].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return matrix


def _study(task: Task, table: pl.DataFrame, rows: pl.DataFrame, options: ModelOptions, seed: int) -> Study:
    from bedside.cohort.features import FeatureSet

    names = FeatureSet(task.features).names
    outcome = rows["label"].to_numpy().astype(np.bool_)
    subject, encounter = (_numbered(rows, columns) for columns in (["subject_id"], _ENCOUNTER))
    target, weight = _lesson(outcome, encounter, options)
    known = _fold_names(rows)
    places = {name: number for number, name in enumerate(known)}
    fold = (rows["split"].replace_strict(places, return_dtype=pl.Int64).to_numpy() if known
            else deal(subject, outcome, _inner_folds(subject, outcome, options.folds), seed))  # fmt: skip
    return Study(matrix_of(table, names), names, outcome, target, weight, subject, encounter, fold, task.prediction.every_hours)


def _inner_folds(subject: NDArray[np.int64], outcome: NDArray[np.bool_], wanted: int) -> int:
    """As many inner folds as there are subjects with the outcome, so that each fold has one; three at the least."""
    return max(FEWEST_FOLDS, min(wanted, len(np.unique(subject[outcome]))))


def _numbered(rows: pl.DataFrame, columns: list[str]) -> NDArray[np.int64]:
    return rows.select(pl.struct(columns).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()


def _fold_names(rows: pl.DataFrame) -> list[str]:
    """The study's folds in order; none when it has a development and a test split."""
    names = rows["split"].unique().to_list()
    return sorted(names, key=lambda name: int(name.removeprefix(FOLD))) if all(n.startswith(FOLD) for n in names) else []


def _lesson(
    outcome: NDArray[np.bool_], encounter: NDArray[np.int64], options: ModelOptions
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Target and weight of each row: the outcome, or whether an alarm gains utility and how much is at stake."""
    if options.weights == "none":
        return outcome.astype(np.float32), np.ones(len(outcome), dtype=np.float32)
    worth = utility.rows(encounter, outcome)
    gain = worth.alarmed - worth.silent
    return (gain > 0).astype(np.float32), np.abs(gain).astype(np.float32)


def _fit_outputs(task: Task, study: Study, options: ModelOptions, seed: int) -> dict[str, Fitted]:
    """The model and its variants. What stands beside it takes one repeat."""
    single = _once(options)
    made = {MAIN: crossfit(study, study.names, options.kind, options, seed=seed, label=MAIN)}
    for variant in options.variants:
        columns = chosen(variant, task)
        if columns and variant != options.kind:
            made[variant] = crossfit(study, columns, _LEARNER.get(variant, options.kind), single, seed=seed, label=variant)
    return made


def _once(options: ModelOptions) -> ModelOptions:
    import msgspec

    return msgspec.structs.replace(options, repeats=1)


def _seal(task: Task, study: Study, fitted: Mapping[str, Fitted], *, out: Path, made: bool, training: Mapping[str, str],
          told: dict[str, object]) -> str:  # fmt: skip
    from bedside.bundle.reference import reference

    main = fitted[MAIN]
    sketch = reference(study.matrix, study.names, main.risk, stays=int(study.subject.max()) + 1)
    return seal(out, name=task.name, main=main.scorer, beside={n: f.scorer for n, f in fitted.items() if n != MAIN}, task=task,
                thresholds=main.thresholds, training=training, reference=sketch, made=made, card=told)  # fmt: skip


def _by_split(fitted: Fitted, folds: list[str]) -> dict[str, dict[str, float]]:
    return {name: {fold: fitted.by_fold[number][name] for number, fold in enumerate(folds)} for name in fitted.thresholds}


def _utility(
    options: ModelOptions, study: Study, fitted: Mapping[str, Fitted], said: Mapping[str, Floats], folds: list[str]
) -> dict[str, dict[str, float]]:
    """Of every output its utility threshold by split; empty when no threshold's rule asks for it."""
    asked = next((name for name, text in options.thresholds.items() if rule(text).name == UTILITY), None)
    if asked is None:
        return {}
    own = {name: _by_split(one, folds)[asked] if folds else {"test": one.thresholds[asked]} for name, one in fitted.items()}
    return own | {name: _score_lines(study, score, folds) for name, score in said.items() if name not in fitted}


def _score_lines(study: Study, score: Floats, folds: list[str]) -> dict[str, float]:
    """A bedside score's utility threshold for each fold, from the other folds; or for the test, from all rows."""
    told = np.where(np.isnan(score), -np.inf, score)

    def line(rows: NDArray[np.bool_]) -> float:
        on = Rows(study.encounter[rows], study.outcome[rows], study.hours)
        return threshold(Rule(UTILITY), told[rows], on)

    if not folds:
        return {"test": line(np.ones(len(score), dtype=np.bool_))}
    return {fold: line(study.fold != number) for number, fold in enumerate(folds)}


def _predictions(rows: pl.DataFrame, said: Mapping[str, Floats], digest: str, target: str) -> pl.DataFrame:
    """Contract 4: one row a decision and output; the encounter is the parent unit."""
    absent = [pl.lit(None, pl.String).alias(name) for name in SUBGROUPS if name not in rows.columns]
    base = rows.with_columns(*absent, pl.col("encounter_id").alias("parent_unit"), pl.lit(digest).alias("bundle"), pl.lit(target).alias("target"))
    spoken = (base.with_columns(pl.lit(name).alias("output"), pl.Series("value", values)) for name, values in said.items())
    return pl.concat(conform(one) for one in spoken)


def _figures(study: Study, fitted: Mapping[str, Fitted]) -> list[Figure]:
    """What the ledger keeps of development: how many, and the thresholds for serving."""
    n = len(study.outcome)
    struck = int((np.bincount(study.subject, study.outcome) > 0).sum())
    counts = {"rows": n, "subjects": int(study.subject.max()) + 1, "rows_with_outcome": int(study.outcome.sum()),
              "subjects_with_outcome": struck, "features": len(study.names)}  # fmt: skip
    method = "out-of-fold risk of every development row"
    return [Figure(f"development.{name}", value, n=n) for name, value in counts.items()] + [
        Figure(f"threshold.{name}", value, n=n, method=method) for name, value in fitted[MAIN].thresholds.items()
    ]
