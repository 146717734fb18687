"""The lake to decisions, features and splits; the test labels leave in a seal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.predictions import TRUTHS
from bedside.study.pillars import material, pillar_of
from bedside.study.plan import Context, Done
from bedside.study.steps.frames import frame_bytes, write_frame
from bedside.study.steps.labels import seal_labels

if TYPE_CHECKING:
    import polars as pl


def cohort(context: Context, out: Path) -> Done:
    """Decisions, features and splits; what was true of the test split leaves in a seal."""
    import polars as pl

    place = out / "cohort"
    place.mkdir()
    made = pillar_of(context.study.task).cohort(material(context), place)
    rows = _checked(made.decisions)
    content = {"cohort/features.parquet": write_frame(made.features, place / "features.parquet", made=context.study.made), **_labels(context, rows, place)}
    for name, record in (("leakage", made.leakage), ("flow", made.flow), ("stages", made.stages)):
        (place / f"{name}.json").write_bytes(canonical.dumps(record))
    subjects = pl.coalesce(pl.col("subject_id").cast(pl.String), "unit_id").n_unique()
    by_split = rows.group_by("split").agg(pl.len().alias("decisions"), subjects.alias("subjects")).sort("split")
    counts = {"decisions": rows.height, "flow": made.flow, "splits": by_split.to_dicts(), **made.counts}
    return Done(content, {"cohort/features.parquet": made.features.height}, counts=counts)


def _checked(rows: pl.DataFrame) -> pl.DataFrame:
    """The decisions, when each says whose and in which split it is, and none stands there twice."""
    import polars as pl

    if rows.is_empty():
        raise Unusable("no decision is left", where="the cohort", do="see the task in study.toml and what the lake holds: bedside check")
    if rows.select(pl.struct("unit_id", "target").is_duplicated().any()).item() or rows["split"].null_count():
        raise Unusable("a unit and target stand twice, or a decision has no split", where="the cohort", do="this is a fault of bedside: report it")
    return rows


def _labels(context: Context, rows: pl.DataFrame, place: Path) -> dict[str, str]:
    """Write the decisions without what was true of the test rows, and that part sealed."""
    import polars as pl

    hidden, truths = pl.col("split") == "test", [name for name in TRUTHS if name in rows.columns]
    outcome = rows.filter(hidden).select("unit_id", "target", *truths)
    shown = rows.with_columns(pl.when(~hidden).then(pl.col(name)).alias(name) for name in truths)
    if outcome.height:
        (place / "test-labels.sealed").write_bytes(seal_labels(context, frame_bytes(outcome)))
    return {"cohort/decisions.parquet": write_frame(shown, place / "decisions.parquet", made=context.study.made)}
