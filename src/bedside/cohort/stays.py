"""Encounters of a cohort: when each began and ended, and whose it is.

In        events (core.events)
Out       one row an encounter: subject_id, encounter_id, encounter_start, encounter_end, open, age_years and the subgroups

Start and end belong together by encounter id; without ids, an end belongs to the subject's latest start before it.
The earliest start and the latest end count when one is told twice. An encounter that was never ended lasts until its
last event (without id: the subject's last event before the next start). What was retracted or corrected is judged
with all that is known by now: who is in a cohort is a question of hindsight, unlike what a feature may see.
"""

from __future__ import annotations

import polars as pl

from bedside.cohort.facts import known, stand
from bedside.cohort.plan import AGE, BIRTH, YEAR_US
from bedside.cohort.timeline import NEVER
from bedside.core.errors import Unusable
from bedside.core.task import Task

BANDS = ((18, "0-17"), (40, "18-39"), (65, "40-64"), (80, "65-79"))
OLDEST, UNKNOWN, SEVERAL = "80+", "unknown", "several"
_STAY = ["subject_id", "encounter_id", "turn"]


def stays(events: pl.DataFrame, task: Task) -> pl.DataFrame:
    """Every encounter that the task's start codes open; `Unusable` when there is none."""
    starts = standing(events, task.prediction.start_codes).filter(pl.col("time").is_not_null())
    if not starts.height:
        raise Unusable(f"no encounter starts: no event is {' or '.join(task.prediction.start_codes)}",
                       where="task.prediction.start_codes", do='see bedside sql "select distinct code from events"')  # fmt: skip
    opened = (
        _turns(starts)
        .group_by(_STAY)
        .agg(pl.col("time").min().alias("encounter_start"))
        .sort("subject_id", "encounter_start", "turn")
    )
    closed = opened.join(_ends(events, task, opened), on=_STAY, how="left", nulls_equal=True, maintain_order="left")
    whole = _last_events(events, closed)
    return _described(events, task, whole).sort("subject_id", "encounter_start", "encounter_id", "turn")


def standing(events: pl.DataFrame, codes: list[str]) -> pl.DataFrame:
    """Events of these codes that no later statement replaced."""
    told = events.filter(pl.col("code").is_in(codes))
    return stand(told.with_columns(known())).filter(pl.col("until") == NEVER)


def _turns(starts: pl.DataFrame) -> pl.DataFrame:
    """Number the starts that carry no encounter id, so that each is an encounter of its own."""
    ranked = starts.select("subject_id", "encounter_id", "time").unique()
    number = pl.col("time").rank("dense").over("subject_id", "encounter_id").cast(pl.Int64)
    return ranked.with_columns(pl.when(pl.col("encounter_id").is_null()).then(number).otherwise(0).alias("turn"))


def _ends(events: pl.DataFrame, task: Task, opened: pl.DataFrame) -> pl.DataFrame:
    """The latest end of each encounter that is not before its start."""
    told = standing(events, task.prediction.end_codes).filter(pl.col("time").is_not_null())
    ends = told.select("subject_id", "encounter_id", pl.col("time").alias("ended"))
    named = ends.filter(pl.col("encounter_id").is_not_null()).with_columns(pl.lit(0, pl.Int64).alias("turn"))
    bare = opened.filter(pl.col("encounter_id").is_null()).select("subject_id", "turn", "encounter_start").sort("encounter_start")
    paired = ends.filter(pl.col("encounter_id").is_null()).sort("ended").join_asof(
        bare, left_on="ended", right_on="encounter_start", by="subject_id", strategy="backward",
        check_sortedness=False)  # fmt: skip
    both = pl.concat([named.select(*_STAY, "ended"), paired.drop_nulls("turn").select(*_STAY, "ended")])
    fitting = both.join(opened, on=_STAY, nulls_equal=True).filter(pl.col("ended") >= pl.col("encounter_start"))
    return fitting.group_by(_STAY).agg(pl.col("ended").max())


def _last_events(events: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Fill in the end of encounters that are still open."""
    following = pl.col("encounter_start").shift(-1).over("subject_id", order_by="encounter_start")
    closed = closed.with_columns(pl.col("ended").is_null().alias("open"), following.alias("next_start"))
    still = closed.filter(pl.col("open"))
    if not still.height:
        return closed.with_columns(pl.col("ended").alias("encounter_end"))
    timed = events.filter(pl.col("time").is_not_null() & (pl.col("code") != BIRTH)).select("subject_id", "encounter_id", "time")
    own = timed.drop_nulls("encounter_id").group_by("subject_id", "encounter_id").agg(pl.col("time").max().alias("own_last"))
    bare = still.filter(pl.col("encounter_id").is_null()).join(timed.select("subject_id", "time"), on="subject_id")
    before = (pl.col("time") >= pl.col("encounter_start")) & (
        pl.col("next_start").is_null() | (pl.col("time") < pl.col("next_start"))
    )
    any_last = bare.filter(before).group_by("subject_id", "turn").agg(pl.col("time").max().alias("any_last"))
    filled = closed.join(own, on=["subject_id", "encounter_id"], how="left").join(any_last, on=["subject_id", "turn"], how="left")
    last = pl.max_horizontal("encounter_start", pl.when(pl.col("turn") == 0).then("own_last").otherwise("any_last"))
    return filled.with_columns(pl.coalesce("ended", last).alias("encounter_end"))


# --- whose it is -----------------------------------------------------------------------------------


def _described(events: pl.DataFrame, task: Task, whole: pl.DataFrame) -> pl.DataFrame:
    """Age at the start and the subgroups by which results are told. Never features."""
    for name, prefix in (("sex", "SEX//"), ("race", "RACE//"), ("ethnicity", "ETHNICITY//")):
        whole = whole.join(_text(events, prefix, name), on="subject_id", how="left").with_columns(pl.col(name).fill_null(UNKNOWN))
    aged = whole.join(_births(events), on="subject_id", how="left").join(_told_ages(events, task), on="subject_id", how="left")
    since = (pl.col("encounter_start") - pl.col("birth")).dt.total_microseconds() // YEAR_US
    aged = aged.with_columns(pl.coalesce(since, "told_age").alias(AGE)).with_columns(pl.when(pl.col(AGE) >= 0).then(AGE).alias(AGE))
    kept = [*_STAY, "encounter_start", "encounter_end", "open", AGE, "sex", "race", "ethnicity"]
    return aged.select(*kept, _band(pl.col(AGE)).alias("age_band"))


def _text(events: pl.DataFrame, prefix: str, name: str) -> pl.DataFrame:
    """One text a subject from codes such as SEX//female; `several` when more than one is told."""
    codes = [code for code in events["code"].unique().to_list() if code.startswith(prefix)]
    word = pl.col("code").str.strip_prefix(prefix)
    told = standing(events, sorted(codes)).group_by("subject_id").agg(word.min().alias(name), word.n_unique().alias("words"))
    return told.select("subject_id", pl.when(pl.col("words") > 1).then(pl.lit(SEVERAL)).otherwise(name).alias(name))


def _births(events: pl.DataFrame) -> pl.DataFrame:
    """The birth that was told last."""
    told = standing(events, [BIRTH]).drop_nulls("time").sort("known_at", "time", nulls_last=False)
    return told.group_by("subject_id", maintain_order=True).agg(pl.col("time").last().alias("birth"))


def _told_ages(events: pl.DataFrame, task: Task) -> pl.DataFrame:
    """Age in years as a fact of its own, for sources without birth dates."""
    code = task.features.static_codes.get(AGE)
    told = standing(events, [code] if code else []).filter(pl.col("time").is_null() & pl.col("numeric_value").is_finite())
    ordered = told.sort("known_at", "numeric_value", nulls_last=False)
    latest = ordered.group_by("subject_id", maintain_order=True).agg(pl.col("numeric_value").last())
    return latest.select("subject_id", pl.col("numeric_value").floor().cast(pl.Int64).alias("told_age"))


def _band(age: pl.Expr) -> pl.Expr:
    bands = pl.lit(OLDEST)
    for below, band in reversed(BANDS):
        bands = pl.when(age < below).then(pl.lit(band)).otherwise(bands)
    return pl.when(age.is_null()).then(pl.lit(UNKNOWN)).otherwise(bands)
