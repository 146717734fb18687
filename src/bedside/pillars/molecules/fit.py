"""Develop a model of molecules and let it speak: from decisions and structures to a sealed bundle and predictions.

In        decisions (one row a unit and target), features (unit_id, smiles, covariates), options
Out       `develop`: the bundle, out-of-fold predictions, alert lines; `predict`: predictions of test rows with a sealed bundle
Beside    every model stands the mean (or base rate) and a line through logP and weight; each with calibration or intervals of its own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from bedside.bundle.runners import molecules_interval as intervals
from bedside.bundle.runners.molecules import DOMAIN, FEATURES, MAIN, OUTPUTS, RUNNER, VERSION, MoleculeModel
from bedside.bundle.runners.molecules_features import Batch, FeatureSpec, spec
from bedside.bundle.runners.molecules_weights import dumps
from bedside.bundle.sealed import seal_files
from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.pillar import Developed, Lines, Material, Predicted
from bedside.core.predictions import conform
from bedside.core.receipt import Figure
from bedside.core.target import Target
from bedside.pillars.molecules.card import card
from bedside.pillars.molecules.crossfit import Asked, Fitted, crossfit
from bedside.pillars.molecules.groups import deal, families, scaffold
from bedside.pillars.molecules.lines import lines
from bedside.pillars.molecules.options import ModelOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FOLD = "fold-"
_KEPT = ("subject_id", "unit_id", "group_id", "prediction_time", "target", "label", "truth", "split", "site", "scaffold")


class _Bench(NamedTuple):
    """Development molecules, once each: structure, fold, and how near its nearest neighbour outside its fold lies."""

    units: pl.DataFrame
    batch: Batch
    fold: Ints
    similarity: Floats


def develop(
    material: Material, decisions: pl.DataFrame, features: pl.DataFrame, options: ModelOptions, *, out: Path, training: Mapping[str, str]
) -> Developed:
    """Fit every target, seal one bundle, and say what each molecule would have got had it not been there."""
    rows = decisions.filter(pl.col("split") != "test", pl.coalesce(pl.col("label").cast(pl.Float64), "truth").is_not_null())
    if rows.is_empty():
        raise Unusable("there is no development molecule", where="decisions", do="see task.split and the cohort's counts")
    bench = _bench(rows, features, options, material.task.covariates, material.seed)
    fitted = {target.name: _fit(bench, rows, target, place, options, material.seed) for place, target in enumerate(material.task.targets)}
    told = {target.name: _lines(target, fitted[target.name][0], _of(rows, target), options) for target in material.task.targets}
    digest = _seal(material, bench, fitted, options, out=out, training=training, lines=told)
    near = dict(zip(bench.units["unit_id"], _bands(bench.similarity), strict=True))
    said = [_rows(_of(rows, target), one, digest, near) for target in material.task.targets for one in fitted[target.name]]
    return Developed(digest, pl.concat(said), told, _figures(rows, bench, told))


def predict(decisions: pl.DataFrame, features: pl.DataFrame, bundle: Path) -> Predicted:
    """What the bundle says of each row, target by target and output by output."""
    model = MoleculeModel.open(bundle)
    units = decisions.select("unit_id").unique(maintain_order=True).join(features, on="unit_id", how="left", maintain_order="left")
    batch = model.batch(units["smiles"].to_list(), {name: units[name].to_list() for name in model.features.covariates})
    near = dict(zip(units["unit_id"], _bands(model.nearest(batch)), strict=True))
    said = []
    for answer in model.answers(batch):
        whole = pl.DataFrame({"unit_id": units["unit_id"], "value": answer.value, "low": answer.low, "high": answer.high})
        own = decisions.filter(target=answer.target).join(whole, on="unit_id", how="left", maintain_order="left")
        said.append(_conformed(own.with_columns(pl.lit(answer.output).alias("output")), model.digest, near))
    return Predicted(pl.concat(said))


def _bench(rows: pl.DataFrame, features: pl.DataFrame, options: ModelOptions, covariates: Mapping[str, str], seed: int) -> _Bench:
    units = rows.select("unit_id", "group_id", "split").unique("unit_id", maintain_order=True).join(
        features, on="unit_id", how="left", maintain_order="left")  # fmt: skip
    wanted = spec(options.blocks, list(covariates))
    batch = Batch(units["smiles"].to_list(), wanted, {name: units[name].to_list() for name in covariates})
    fold = _study_folds(units["split"].to_list())
    if fold is None:
        groups = families([scaffold(one) for one in units["smiles"]], units["skeleton"].to_list())
        fold = deal(groups, min(options.folds, len(set(groups))), seed)
    similarity = np.zeros(len(fold))
    for number in np.unique(fold):
        own = fold == number
        similarity[own] = intervals.nearest(batch.fingerprints[own], batch.fingerprints[~own])
    return _Bench(units, batch, fold, similarity)


def _study_folds(splits: Sequence[str]) -> Ints | None:
    """The study's own folds; None when it has a development and a test split."""
    if not all(name.startswith(FOLD) for name in splits):
        return None
    return np.array([int(name.removeprefix(FOLD)) for name in splits], dtype=np.int64)


def _fit(bench: _Bench, rows: pl.DataFrame, target: Target, place: int, options: ModelOptions, seed: int) -> list[Fitted]:
    """The model first, then what stands beside it."""
    own = _of(rows, target)
    where = dict(zip(bench.units["unit_id"], range(bench.units.height), strict=True))
    answer = own.select(pl.coalesce(pl.col("label").cast(pl.Float64), "truth"))["label"].to_numpy()
    asked = Asked(target, place, bench.batch, np.array([where[unit] for unit in own["unit_id"]], dtype=np.int64), answer, bench.fold,
                  intervals.band(bench.similarity))  # fmt: skip
    voices: list[tuple[str, str]] = [(MAIN, options.kind), *((name, name) for name in options.beside)]
    return [crossfit(asked, learner, name, options, seed=seed) for name, learner in voices]


def _of(rows: pl.DataFrame, target: Target) -> pl.DataFrame:
    return rows.filter(pl.col("target") == target.name)


def _lines(target: Target, main: Fitted, rows: pl.DataFrame, options: ModelOptions) -> Lines:
    if target.kind != "yes-no":
        return Lines(promised=options.coverage)
    splits = rows["split"].to_list()
    folds = {name: (rows["split"] == name).to_numpy() for name in sorted(set(splits))} if _study_folds(splits) is not None else {}
    return lines(options.thresholds, main.value, rows["label"].to_numpy().astype(np.bool_), folds)


def _seal(material: Material, bench: _Bench, fitted: Mapping[str, list[Fitted]], options: ModelOptions, *, out: Path,
          training: Mapping[str, str], lines: Mapping[str, Lines]) -> str:  # fmt: skip
    every = [one for own in fitted.values() for one in own]
    features: FeatureSpec = bench.batch.features
    files = {FEATURES: canonical.dumps(features), OUTPUTS: canonical.dumps([one.output for one in every]),
             DOMAIN: dumps({"fingerprints": bench.batch.fingerprints}), **{name: data for one in every for name, data in one.files.items()}}  # fmt: skip
    alerts = next(iter(lines.values())).serving if lines else {}
    told = card(material, bench.units.height, options, {name: len(own[0].value) for name, own in fitted.items()}, lines)
    return seal_files(out, name=material.task.name, runner=RUNNER, runner_version=VERSION, task=material.task, thresholds=alerts,
                      training=training, files=files, card=told, made=material.made)  # fmt: skip


def _rows(own: pl.DataFrame, one: Fitted, digest: str, near: Mapping[str, str]) -> pl.DataFrame:
    said = own.with_columns(pl.lit(one.output.output).alias("output"), pl.Series("value", one.value), pl.Series("low", one.low), pl.Series("high", one.high))
    return _conformed(said, digest, near)


def _conformed(rows: pl.DataFrame, digest: str, near: Mapping[str, str]) -> pl.DataFrame:
    """Contract 4; an interval without an end is none."""
    ends = [pl.when(pl.col("low").is_finite() & pl.col("high").is_finite()).then(pl.col(name)).alias(name) for name in ("low", "high")]
    told = rows.with_columns(ends).select(*(name for name in _KEPT if name in rows.columns), "output", "value", "low", "high")
    domain = pl.col("unit_id").replace_strict(dict(near), return_dtype=pl.String).alias("domain")
    return conform(told.with_columns(domain, pl.lit(digest).alias("bundle")))


def _bands(similarity: Floats) -> list[str]:
    return [intervals.BANDS[number] for number in intervals.band(similarity)]


def _figures(rows: pl.DataFrame, bench: _Bench, told: Mapping[str, Lines]) -> list[Figure]:
    """What the ledger keeps of development."""
    n = bench.units.height
    counts = {"molecules": n, "measurements": rows.height, "folds": len(np.unique(bench.fold)), "features": len(bench.batch.features.names)}
    found = [Figure(f"development.{name}", value, n=n) for name, value in counts.items()]
    return found + [Figure(f"threshold.{target}.{name}", value, n=n, method="out-of-fold probability of every development molecule")
                    for target, one in told.items() for name, value in one.serving.items()]  # fmt: skip
