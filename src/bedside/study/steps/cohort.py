"""The lake to decisions, features and splits; the test labels leave in a seal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core import canonical
from bedside.core.task import Task
from bedside.study.plan import Context, Done
from bedside.study.steps.frames import frame_bytes, write_frame
from bedside.study.steps.labels import seal_labels

if TYPE_CHECKING:
    import polars as pl


def cohort(context: Context, out: Path) -> Done:
    """Decisions, features and splits; labels of the test split leave in a seal."""
    import polars as pl

    from bedside.cohort.decisions import cohort as enrol
    from bedside.cohort.features import FeatureSet
    from bedside.cohort.leakage import audit, refuse
    from bedside.cohort.splits import assign
    from bedside.lake.store import Lake

    task = context.study.task
    refuse(task, policy=context.study.deidentify.policy)
    events = Lake(context.path("lake")).events()
    enrolled, flow = enrol(events, task)
    rows = assign(enrolled, task.split, events=events)
    wanted = FeatureSet(task.features)
    features = wanted.columnar(events, rows)
    leakage = audit(features, rows, events, task, seed=context.study.seed)
    place = out / "cohort"
    place.mkdir()
    content = {"cohort/features.parquet": write_frame(features, place / "features.parquet", made=context.study.made), **_labels(context, rows, place)}
    (place / "leakage.json").write_bytes(canonical.dumps(leakage))
    (place / "flow.json").write_bytes(canonical.dumps(flow))
    by_split = (
        rows.group_by("split").agg(pl.len().alias("decisions"), pl.col("subject_id").n_unique().alias("subjects")).sort("split")
    )
    counts = {"decisions": rows.height, "flow": msgspec.to_builtins(flow), "splits": by_split.to_dicts(),
              **_signals(task, wanted.left_out(events))}  # fmt: skip
    return Done(content, {"cohort/features.parquet": features.height}, counts=counts)


def _signals(task: Task, usage: pl.DataFrame) -> dict[str, object]:
    """What each signal found in the lake, and those that found nothing: a code or a unit that no fact has is told, not passed over."""
    import polars as pl

    used = dict(usage.filter(reason="used").group_by("signal").agg(pl.col("events").sum()).iter_rows())
    told = usage.sort("signal", "reason", "unit", nulls_last=True).to_dicts()
    return {"signals": told, "signals_without_values": [s.name for s in task.features.signals if not used.get(s.name)]}


def _labels(context: Context, rows: pl.DataFrame, place: Path) -> dict[str, str]:
    """Write the decisions without what happened to the test subjects, and that part sealed."""
    import polars as pl

    hidden = pl.col("split") == "test"
    outcome = rows.filter(hidden).select("unit_id", "label", "event_time")
    shown = rows.with_columns(pl.when(~hidden).then(pl.col(name)).alias(name) for name in ("label", "event_time"))
    if outcome.height:
        (place / "test-labels.sealed").write_bytes(seal_labels(context, frame_bytes(outcome)))
    return {"cohort/decisions.parquet": write_frame(shown, place / "decisions.parquet", made=context.study.made)}
