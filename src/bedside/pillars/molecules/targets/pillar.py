"""Drug targets as a pillar (core.pillar): dated evidence in, the chance that a target-disease pair succeeds out.

In        the lake's events, a pair the subject; [task] of kind target
Refuses   evidence that is the outcome under another name (known drugs, clinical precedence); types taken from the literature in the model.
          Evidence dated on or after `as_of`, or not dated, is withheld and counted; so is a score that is not from 0 to 1.
Beside    "genetic" (genetic types alone), "composite" (one harmonic sum over all types, as Open Targets ranks pairs), "with literature", "base rate"
Source    harmonic sum: Open Targets platform, sum of score_i / i^2 over scores in falling order, over its limit pi^2/6
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Misconfigured, Unusable
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.task_target import PairTask
from bedside.pillars.molecules.frozen import pillar as frozen
from bedside.pillars.molecules.frozen.days import day, years
from bedside.pillars.molecules.frozen.facts import OF_EVIDENCE, known
from bedside.pillars.molecules.frozen.split import split_rows

if TYPE_CHECKING:
    import polars as pl

_LIMIT = np.pi**2 / 6


class TargetPillar:
    """Contract 2 of kind target."""

    main = frozen.MAIN
    extra = "molecules"

    def check(self, task: PairTask, model: Mapping[str, object], *, policy: str | None) -> None:
        """`Refused` for evidence that is the outcome, `Misconfigured` for what is missing or no date."""
        frozen.options(model)
        frozen.refuse_afterwards([*task.evidence.keys(), *(code.split("//")[-1] for code in task.evidence.values())], OF_EVIDENCE, where=f"task {task.name!r}")
        wrong = ["exactly one yes-no target is asked"] * (len(task.asks) != 1 or task.asks[0].kind != "yes-no")
        wrong += ["success has no codes"] * (not task.success)
        wrong += ["all evidence is from the literature"] * (not set(task.evidence) - set(task.mined))
        if wrong:
            raise Misconfigured("; ".join(wrong), where=f"task {task.name!r}", do="correct [task] in study.toml")
        _day(task)

    def cohort(self, material: Material, out: Path) -> Cohort:
        """One row a pair with evidence by then, all predicted on the same day."""
        import polars as pl

        from bedside.lake.store import Lake

        task: PairTask = material.task
        events, start, horizon = Lake(material.root / "lake").events(), _day(task), years(task.years, task=task.name)
        pairs = events.filter(pl.col("code").is_in([*task.evidence.values(), task.gene])).select("subject_id").unique().sort("subject_id")
        at = pairs.with_columns(pl.lit(start).cast(pl.Datetime("us")).alias("prediction_time"))
        dated, withheld = known(events, at, task.evidence.values())
        facts = dated.filter(pl.col("numeric_value").is_between(0, 1))  # a score is a share; anything else is no evidence, and counted
        rows = _whole(events, at, task, start + horizon)
        before = rows.filter(pl.col("event_time") < pl.col("prediction_time")).height
        seen = rows.join(facts.select("subject_id").unique(), on="subject_id", how="semi", maintain_order="left")
        kept = seen.filter(pl.col("event_time").is_null() | (pl.col("event_time") >= pl.col("prediction_time")))
        if kept.is_empty():
            raise Unusable("no pair has evidence dated before the day of prediction", where=f"task {task.name!r}", do="see as_of, and the dates in the source's mapping")
        features = _features(facts, kept, task)
        split, _ = split_rows(kept.with_columns(pl.lit(None, pl.Int64).alias("subject_id")), task.split)
        flow = {"pairs": pairs.height, "no evidence by then, left out": rows.height - seen.height, "succeeded before, left out": before,
                "decisions": split.height, "yes": int(split["label"].sum())}  # fmt: skip
        return Cohort(split.drop("answered"), features, flow, [("events", events.height), ("pairs", pairs.height), ("decisions", split.height)],
                      {"pieces of evidence known only later or not dated, withheld": withheld, "pieces whose score is not from 0 to 1, not used": dated.height - facts.height})  # fmt: skip

    def develop(
        self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]
    ) -> Developed:
        """The linear model of all evidence that is not from the literature, and what stands beside it."""
        columns = [name for name in features.columns if name.startswith("n:")]
        mined = {name for name in columns if name[2:].rsplit(" ", 1)[0] in material.task.mined}
        alone = [name for name in columns if name not in mined and name != COMPOSITE]
        genetic = [name for name in alone if "genetic" in name]
        variants = {frozen.MAIN: alone, "composite": [COMPOSITE]}
        variants |= ({"genetic": genetic} if genetic and len(genetic) < len(alone) else {}) | ({"with literature": [*alone, *sorted(mined)]} if mined else {})
        return frozen.develop(material, decisions, features, out=out, training=training, variants=variants)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        """What the bundle says of each pair."""
        return frozen.predict(decisions, features, bundle=bundle)

    def patient_days(self, task: PairTask, predictions: pl.DataFrame) -> float | None:
        """A pair has none."""
        return None


COMPOSITE = "n:composite"


def _whole(events: pl.DataFrame, at: pl.DataFrame, task: PairTask, end: datetime) -> pl.DataFrame:
    """Every pair with its target, its first success, and whether that came within the horizon."""
    import polars as pl

    dated = events.filter(pl.col("code").is_in(task.success), pl.col("status") != "retracted", pl.col("time").is_not_null())
    won = dated.group_by("subject_id").agg(pl.col("time").min().alias("event_time"))
    genes = events.filter(pl.col("code") == task.gene).group_by("subject_id").agg(pl.col("text_value").drop_nulls().first().alias("group_id"))
    name, close = pl.format("pair-{}", "subject_id"), pl.lit(end).cast(pl.Datetime("us"))
    rows = at.join(won, on="subject_id", how="left", maintain_order="left").join(genes, on="subject_id", how="left", maintain_order="left")
    yes = (pl.col("event_time") < close).fill_null(False)
    return rows.with_columns(name.alias("unit_id"), pl.coalesce("group_id", name).alias("group_id"), pl.lit(task.asks[0].name).alias("target"),
                             yes.alias("label"), pl.when(yes).then("event_time").otherwise(close).alias("answered"))  # fmt: skip


def harmonic(scores: list[float]) -> float:
    """Scores in falling order, each over the square of its rank, summed and brought to 0..1.

    >>> round(harmonic([1.0]), 4), round(harmonic([0.5, 1.0]), 4)
    (0.6079, 0.6839)
    """
    told = sorted(scores, reverse=True)
    return float(sum(score / rank**2 for rank, score in enumerate(told, 1)) / _LIMIT)


def _features(facts: pl.DataFrame, rows: pl.DataFrame, task: PairTask) -> pl.DataFrame:
    """Of each type of evidence its strongest score, harmonic sum and count; and the composite of the types' sums."""
    import polars as pl

    units = rows.select("unit_id", "subject_id")
    sums = []
    for name, code in task.evidence.items():
        told = facts.filter(pl.col("code") == code, pl.col("numeric_value").is_not_null()).group_by("subject_id").agg(
            pl.col("numeric_value").max().cast(pl.Float64).alias(f"n:{name} strongest"), pl.len().cast(pl.Float64).log1p().alias(f"n:{name} pieces"),
            pl.col("numeric_value").cast(pl.Float64).map_batches(lambda one: pl.Series([harmonic(one.to_list())]), return_dtype=pl.Float64, returns_scalar=True)
            .alias(f"n:{name} sum"),
        )  # fmt: skip
        units = units.join(told, on="subject_id", how="left", maintain_order="left").with_columns(pl.col(told.columns[1:]).fill_null(0.0))
        sums.append(f"n:{name} sum")
    composite = [harmonic(list(row)) for row in units.select(sums).iter_rows()]
    return units.drop("subject_id").with_columns(pl.Series(COMPOSITE, composite, dtype=pl.Float64))


def _day(task: PairTask) -> datetime:
    """The day of prediction; `Misconfigured` when the pairs were not watched for the whole horizon after it."""
    start, until = day(task.as_of, "as_of", task=task.name), day(task.until, "until", task=task.name)
    if start + years(task.years, task=task.name) > until:
        raise Misconfigured(f"pairs were not watched for {task.years:g} years after {task.as_of}: successes were looked for until {task.until}",
                            where=f"task {task.name!r}", do="choose an earlier as_of, or fewer years")  # fmt: skip
    return start


PILLAR = TargetPillar()
