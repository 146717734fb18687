"""The cohort to a sealed bundle and the predictions of the development split."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from bedside.core import canonical
from bedside.core.predictions import check, check_measures, conform, conform_measures
from bedside.study.pillars import material, pillar_of
from bedside.study.plan import Context, Done
from bedside.study.steps.frames import decisions_and_features, write_frame

LINES = "predictions/thresholds.json"


def train(context: Context, out: Path) -> Done:
    """Fit on the development split and seal the bundle; with folds, every prediction is out of fold."""
    rows, features = decisions_and_features(context)
    known = rows.filter(pl.col("split") != "test")
    training = {item.name: item.content or item.digest for item in context.outputs("cohort")}
    (out / "predictions").mkdir()
    made = pillar_of(context.study.task).develop(material(context), known, features, out=out / "bundles" / "model", training=training)
    (out / LINES).write_bytes(canonical.dumps(made.lines))
    content = write_said(context, out, "development", made.predictions, made.measures)
    return Done(content, {"predictions/development.parquet": made.predictions.height}, made.figures)


def write_said(context: Context, out: Path, name: str, predictions: pl.DataFrame, measures: pl.DataFrame | None) -> dict[str, str]:
    """Predictions, and measures where there are any, under contract 4; their content digests by name."""
    site, made = context.study.site, context.study.made
    said = check(conform(_sited(predictions, site)), where="predictions")
    told = {f"predictions/{name}.parquet": write_frame(said, out / f"predictions/{name}.parquet", made=made)}
    if measures is None:
        return told
    measured = check_measures(conform_measures(_sited(measures, site)), where="measures")
    return told | {f"predictions/{name}-measures.parquet": write_frame(measured, out / f"predictions/{name}-measures.parquet", made=made)}


def _sited(frame: pl.DataFrame, site: str) -> pl.DataFrame:
    """Rows that do not say at which site they were made were made at the study's."""
    own = [pl.col("site").cast(pl.String)] if "site" in frame.columns else []
    return frame.with_columns(pl.coalesce(*own, pl.lit(site)).alias("site"))
