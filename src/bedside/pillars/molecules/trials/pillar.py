"""Trial outcome as a pillar (core.pillar): the registration in, the chance of each outcome out.

In        the lake's events, a trial the subject; [task] of kind trial
Refuses   fields that only time tells, by name; a task that does not say who froze the fields. Facts that became known later than
          the registration itself are withheld and counted.
Beside    "fields" (numbers and categories), "text" (words alone), "base rate"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core.errors import Misconfigured, Unusable
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.task_trial import TrialTask
from bedside.pillars.molecules.frozen import pillar as frozen
from bedside.pillars.molecules.frozen.days import day, years
from bedside.pillars.molecules.frozen.facts import OF_TRIALS, known
from bedside.pillars.molecules.frozen.split import split_rows

if TYPE_CHECKING:
    import polars as pl


class TrialPillar:
    """Contract 2 of kind trial."""

    main = frozen.MAIN
    extra = "molecules"

    def check(self, task: TrialTask, model: Mapping[str, object], *, policy: str | None) -> None:
        """`Refused` for fields of the end of a trial, `Misconfigured` for what is missing."""
        frozen.options(model)
        named = {**task.fields, **task.categories, **task.texts}
        frozen.refuse_afterwards([*named.keys(), *(code.split("//")[-1] for code in named.values())], OF_TRIALS, where=f"task {task.name!r}")
        day(task.until, "until", task=task.name)
        years(task.years, task=task.name)
        wrong = [f"no outcome codes for {target.name!r}" for target in task.asks if not task.outcomes.get(target.name)]
        wrong += [f"{target.name!r} must be of kind yes-no" for target in task.asks if target.kind != "yes-no"]
        wrong += ["frozen_by is empty"] * (not task.frozen_by.strip()) + ["no field, category or text is named"] * (not named)
        if wrong or not task.asks:
            raise Misconfigured("; ".join(wrong or ["nothing is asked"]), where=f"task {task.name!r}", do="correct [task] in study.toml")

    def cohort(self, material: Material, out: Path) -> Cohort:
        """One row a trial and target; trials that were not watched for the whole horizon are left out and counted."""
        import polars as pl

        from bedside.lake.store import Lake

        task: TrialTask = material.task
        events = Lake(material.root / "lake").events()
        trials = _registered(events, task)
        at = trials.select("subject_id", "prediction_time")
        facts, withheld = known(events, at, [*task.fields.values(), *task.categories.values(), *task.texts.values()])
        rows = pl.concat([_asked(events, trials, task, target.name) for target in task.asks])
        short = rows.filter(pl.col("label").is_null()).height
        rows = rows.filter(pl.col("label").is_not_null())
        if rows.is_empty():
            raise Unusable(f"no trial was watched for {task.years:g} years before {task.until}", where=f"task {task.name!r}",
                           do="see `until` and `years`, and whether the codes of `registered` are in the lake")  # fmt: skip
        features = _features(facts, rows, task)
        rows, unknown_then = split_rows(rows.with_columns(pl.lit(None, pl.Int64).alias("subject_id")), task.split)
        flow = {"trials registered": trials.height, "not watched for as long, left out": short, "answer not known when the test begins, left out": unknown_then,
                "decisions": rows.height, "yes": int(rows["label"].sum())}  # fmt: skip
        return Cohort(rows.drop("answered"), features, flow, [("events", events.height), ("trials", trials.height), ("decisions", rows.height)],
                      {"facts known only after the registration, withheld": withheld}, {"frozen_by": task.frozen_by})  # fmt: skip

    def develop(
        self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]
    ) -> Developed:
        """The linear model of all columns; of fields alone and of words alone beside it."""
        columns = [name for name in features.columns if name != "unit_id"]
        some = {"fields": [name for name in columns if name[:2] in ("n:", "c:")], "text": [name for name in columns if name.startswith("t:")]}
        variants = {frozen.MAIN: columns} | {name: part for name, part in some.items() if part and len(part) < len(columns)}
        return frozen.develop(material, decisions, features, out=out, training=training, variants=variants)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        """What the bundle says of each trial."""
        return frozen.predict(decisions, features, bundle=bundle)

    def patient_days(self, task: TrialTask, predictions: pl.DataFrame) -> float | None:
        """A trial has none."""
        return None


def _registered(events: pl.DataFrame, task: TrialTask) -> pl.DataFrame:
    """Every registered trial with its moment of prediction: just after the registration is known, which is told by the day."""
    import polars as pl

    first = events.filter(pl.col("code") == task.registered, pl.col("time").is_not_null()).group_by("subject_id").agg(
        pl.col("time").min().alias("registered"), pl.coalesce("known_at", "time").min().alias("prediction_time")
    )
    if first.is_empty():
        raise Unusable(f"no event {task.registered!r} with a time", where="the lake", do="see [task] registered and the source's mapping")
    name = pl.format("trial-{}", "subject_id")
    return first.sort("subject_id").with_columns(
        pl.col("prediction_time") + pl.duration(microseconds=1), name.alias("unit_id"), name.alias("group_id")
    )


def _asked(events: pl.DataFrame, trials: pl.DataFrame, task: TrialTask, target: str) -> pl.DataFrame:
    """Yes where an outcome came within the years after the registration, else no; not asked of trials that were not watched for as long."""
    import polars as pl

    def after(codes: list[str], called: str) -> pl.DataFrame:
        told = events.filter(pl.col("code").is_in(codes), pl.col("status") != "retracted").join(trials.select("subject_id", "registered"), on="subject_id")
        return told.filter(pl.col("time") > pl.col("registered")).group_by("subject_id").agg(pl.col("time").min().alias(called))

    horizon, until = years(task.years, task=task.name), day(task.until, "until", task=task.name)
    rows = trials.join(after(task.outcomes[target], "event_time"), on="subject_id", how="left", maintain_order="left")
    rows = rows.join(after(task.ended, "ended"), on="subject_id", how="left", maintain_order="left")
    close = pl.col("registered") + pl.lit(horizon)
    yes = (pl.col("event_time") < close).fill_null(False)
    label = pl.when(close <= pl.lit(until)).then(yes)
    answered = pl.when(yes).then("event_time").otherwise(pl.min_horizontal("ended", close))
    return rows.select("unit_id", "subject_id", "group_id", "prediction_time", "event_time", label.alias("label"), answered.alias("answered"),
                       pl.lit(target).alias("target"))  # fmt: skip


def _features(facts: pl.DataFrame, rows: pl.DataFrame, task: TrialTask) -> pl.DataFrame:
    """Of each field its last value known by then; of each text all that was said, in order."""
    import polars as pl

    units = rows.select("unit_id", "subject_id").unique(maintain_order=True)
    for kind, codes, value in (
        ("n", task.fields, pl.col("numeric_value").drop_nulls().last().cast(pl.Float64)),
        ("c", task.categories, pl.col("text_value").drop_nulls().last()),
        ("t", task.texts, pl.col("text_value").drop_nulls().str.join(" ")),
    ):
        for name, code in codes.items():
            told = facts.filter(pl.col("code") == code).group_by("subject_id").agg(value.alias(f"{kind}:{name}"))
            units = units.join(told, on="subject_id", how="left", maintain_order="left")
    return units.drop("subject_id")


PILLAR = TrialPillar()
