"""What trials and target-disease pairs share as pillars: one linear model a target, others of fewer columns beside it.

In        decisions and features (columns n:, c:, t:) of a cohort whose facts are all older than its predictions
Out       a sealed bundle with one `Linear` a target and output; out-of-fold predictions of the development rows
Outputs   "model"; "base rate" (the development share of yes); and the variants that the kind of task names
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from bedside.bundle.runners import linear_text
from bedside.bundle.sealed import Sealed, seal_files
from bedside.core import canonical
from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.pillar import Developed, Lines, Material, Predicted
from bedside.core.predictions import conform
from bedside.core.receipt import Figure
from bedside.pillars.molecules.frozen.facts import told_afterwards
from bedside.pillars.molecules.frozen.fit import fit, out_of_fold

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

MAIN, BASE = "model", "base rate"


class FrozenOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[model] of study.toml: ridge strength, folds of the development predictions, rows that a level or term must be seen in."""

    kind: Literal["linear"] = "linear"
    penalty: float = 1.0
    folds: int = 5
    fewest: int = 3


def options(model: Mapping[str, object]) -> FrozenOptions:
    """The options; `Misconfigured` for what makes no sense."""
    told = msgspec.convert(dict(model), FrozenOptions)
    if told.penalty <= 0 or told.folds < 2 or told.fewest < 1:
        raise Misconfigured("penalty must be above 0, folds at least 2, fewest at least 1", where="[model]", do="correct [model] in study.toml")
    return told


def refuse_afterwards(names: Sequence[str], words: frozenset[str], *, where: str) -> None:
    """`Refused` for fields that only time tells: a model of them would read the answer."""
    if told := told_afterwards(names, words):
        raise Refused(f"{', '.join(sorted(set(told)))}: known only after the fact, and so no part of a prediction", where=where,
                      do="take these fields out; what a registry or an evidence file says today is not what it said then")  # fmt: skip


def develop(
    material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str], variants: Mapping[str, Sequence[str]]
) -> Developed:
    """Fit every target's model and variants on all development rows, seal them, and predict those rows out of fold.

    variants  output to the feature columns it may see; MAIN among them
    """
    told, files, frames, figures = options(material.model), dict[str, bytes](), [], []
    for target in material.task.targets:
        rows = _labelled(decisions, features, target.name)
        label, groups = rows["label"].to_numpy().astype(np.bool_), rows["group_id"].to_list()
        said: dict[str, NDArray[np.float64]] = {BASE: np.full(len(label), label.mean())}
        files[f"{target.name}/base.json"] = canonical.dumps(float(label.mean()))
        for output, columns in variants.items():
            part = rows.select(columns)
            model = fit(part, label, penalty=told.penalty, fewest=told.fewest)
            files[f"{target.name}/{output}/{linear_text.FILE}"] = canonical.dumps(model)
            said[output] = out_of_fold(part, label, groups, folds=told.folds, penalty=told.penalty, fewest=told.fewest)
        frames.append((rows, said))
        figures += [Figure(f"development.{target.name}.rows", rows.height, n=rows.height), Figure(f"development.{target.name}.yes", int(label.sum()), n=rows.height)]
    card = {"model": "logistic regression with a ridge", "options": msgspec.to_builtins(told), "outputs": {name: list(columns) for name, columns in variants.items()},
            "targets": [target.name for target in material.task.targets]}  # fmt: skip
    digest = seal_files(out, name=material.task.name, runner=linear_text.NAME, runner_version=linear_text.VERSION, task=material.task, thresholds={},
                        training=training, files=files, card=card, made=material.made)  # fmt: skip
    predictions = _stacked(frames, digest)
    return Developed(digest, predictions, {target.name: Lines() for target in material.task.targets}, figures)


def predict(decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path) -> Predicted:
    """Every output of the bundle on these rows; a row whose answer is not known is predicted all the same."""
    import polars as pl

    sealed = Sealed.open(bundle)
    frames = []
    for target in sealed.task.targets:
        rows = decisions.filter(pl.col("target") == target.name).join(features, on="unit_id", how="left", maintain_order="left")
        said = {BASE: np.full(rows.height, float(sealed.record(f"{target.name}/base.json", float)))}
        prefix = f"{target.name}/"
        outputs = sorted({path.split("/")[1] for path in sealed.files if path.startswith(prefix) and path.endswith(linear_text.FILE)})
        for output in outputs:
            said[output] = linear_text.load(sealed.files, where=sealed.where, prefix=f"{prefix}{output}/").probabilities(rows)
        frames.append((rows, said))
    return Predicted(_stacked(frames, sealed.digest))


def _labelled(decisions: pl.DataFrame, features: pl.DataFrame, target: str) -> pl.DataFrame:
    import polars as pl

    rows = decisions.filter(pl.col("target") == target, pl.col("label").is_not_null()).join(features, on="unit_id", how="left", maintain_order="left")
    if rows.is_empty():
        raise Unusable(f"no development row of {target!r} has a known answer", where="decisions", do="see the cohort's counts")
    return rows


def _stacked(frames: Sequence[tuple[pl.DataFrame, Mapping[str, Any]]], digest: str) -> pl.DataFrame:
    """Contract 4; a row that an output could not speak of (no fold without it) is left out."""
    import polars as pl

    parts = [conform(rows.with_columns(pl.lit(output).alias("output"), pl.Series("value", values), pl.lit(digest).alias("bundle"),
                                       pl.lit(None, pl.Int64).alias("subject_id"))).filter(pl.col("value").is_not_nan())
             for rows, said in frames for output, values in said.items()]  # fmt: skip
    return pl.concat(parts)
