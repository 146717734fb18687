"""The cohort to a sealed bundle and the predictions of the development split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core import canonical
from bedside.study.plan import Context, Done
from bedside.study.steps.frames import decisions_and_features, write_frame

if TYPE_CHECKING:
    import polars as pl


class Thresholds(msgspec.Struct, frozen=True):
    """predictions/thresholds.json: alert thresholds of the model, chosen on development data alone; by fold when there are folds.

    utility   of every output, {split: threshold}, where a threshold's rule is utility
    """

    serving: dict[str, float]
    by_fold: dict[str, dict[str, float]]
    utility: dict[str, dict[str, float]] = {}


def train(context: Context, out: Path) -> Done:
    """Fit on the development split and seal the bundle; with folds, every prediction is out of fold."""
    import polars as pl

    from bedside.pillars.risk.fit import develop
    from bedside.pillars.risk.options import options

    rows, features = decisions_and_features(context)
    known = rows.filter(pl.col("split") != "test")
    training = {item.name: item.content or item.digest for item in context.outputs("cohort")}
    made = develop(context.study.task, features, known, options=options(context.study.model), out=out / "bundles" / "model",
                   seed=context.study.seed, made=context.study.made, training=training, scores=bedside_scores())  # fmt: skip
    (out / "predictions").mkdir()
    thresholds = Thresholds(made.thresholds["risk"], made.fold_thresholds.get("risk", {}), made.utility)
    (out / "predictions" / "thresholds.json").write_bytes(canonical.dumps(thresholds))
    predictions = made.predictions.with_columns(pl.lit(context.study.site).alias("site"))
    name = "predictions/development.parquet"
    return Done({name: write_frame(predictions, out / name, made=context.study.made)}, {name: predictions.height}, made.figures)


def bedside_scores() -> dict[str, Callable[[pl.DataFrame], Any]]:
    """Bedside scores, which stand beside every model: made here, since the pillars are strangers."""
    from bedside.pillars.guidance.features import SCORES

    return dict(SCORES)
