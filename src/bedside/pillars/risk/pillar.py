"""Learned clinical risk as a pillar (core.pillar): encounters in, hourly or admission risks out.

In        the lake's events; [task] of kind risk; [model] (`options.py`)
Elsewhere who is asked and what is known: `cohort/`; fitting: `fit.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core.pillar import Cohort, Developed, Lines, Material, Predicted
from bedside.core.task import Task

if TYPE_CHECKING:
    import polars as pl


class RiskPillar:
    """Contract 2 of kind risk. The model's output is "risk"; bedside scores are handed in by the study."""

    main = "risk"
    extra = "risk"

    def check(self, task: Task, model: Mapping[str, object], *, policy: str | None) -> None:
        """Times, split, features, leaks of the declaration, and [model]; each raises by itself."""
        from bedside.cohort import decisions, plan, splits
        from bedside.cohort.leakage import refuse
        from bedside.pillars.risk.options import options

        decisions.check(task)
        splits.check(task.split)
        plan.compile_plan(task.features)
        refuse(task, policy=policy)
        options(dict(model))

    def cohort(self, material: Material, out: Path) -> Cohort:
        """Decisions by the hour or at admission, split by subject, and the features of each from what was known."""
        import polars as pl

        from bedside.cohort.decisions import cohort as enrol
        from bedside.cohort.divide import divide
        from bedside.cohort.features import FeatureSet
        from bedside.cohort.leakage import audit, refuse
        from bedside.lake.store import Lake

        task: Task = material.task
        refuse(task, policy=material.policy)
        events = Lake(material.root / "lake").events()
        enrolled, flow = enrol(events, task)
        rows = divide(enrolled, task.split, events=events)
        wanted = FeatureSet(task.features)
        features = wanted.columnar(events, rows)
        leakage: dict[str, int] = msgspec.to_builtins(audit(features, rows, events, task, seed=material.seed))
        told: dict[str, int] = msgspec.to_builtins(flow)
        stages = [("events", events.height), *((name, told[name]) for name in ("encounters", "subjects", "decisions"))]
        return Cohort(rows.with_columns(pl.lit(task.outcome.name).alias("target")), features, told, stages, leakage,
                      _signals(task, wanted.left_out(events)))  # fmt: skip

    def develop(
        self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]
    ) -> Developed:
        """Fit, calibrate and seal; the predictions are out of fold."""
        from bedside.pillars.risk.fit import develop
        from bedside.pillars.risk.options import options

        made = develop(material.task, features, decisions, options=options(dict(material.model)), out=out, seed=material.seed,
                       made=material.made, training=training, scores=material.scores)  # fmt: skip
        lines = Lines(made.thresholds[self.main], made.fold_thresholds.get(self.main, {}), made.utility)
        return Developed(made.digest, made.predictions, {material.task.outcome.name: lines}, made.figures)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        """The calibrated risk of each row, and what stands beside it."""
        from bedside.bundle.store import Bundle
        from bedside.pillars.risk.fit import predict

        return Predicted(predict(Bundle.open(bundle), features, decisions, scores=material.scores))

    def patient_days(self, task: Task, predictions: pl.DataFrame) -> float | None:
        """Time that hourly predictions cover."""
        if task.prediction.unit != "encounter-hour":
            return None
        return predictions["unit_id"].n_unique() * task.prediction.every_hours / 24


def _signals(task: Task, usage: pl.DataFrame) -> dict[str, object]:
    """What each signal found in the lake, and those that found nothing: a code or a unit that no fact has is told, not passed over."""
    import polars as pl

    used = dict(usage.filter(reason="used").group_by("signal").agg(pl.col("events").sum()).iter_rows())
    told = usage.sort("signal", "reason", "unit", nulls_last=True).to_dicts()
    return {"signals": told, "signals_without_values": [s.name for s in task.features.signals if not used.get(s.name)]}


PILLAR = RiskPillar()
