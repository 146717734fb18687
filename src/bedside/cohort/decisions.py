"""Who gets a prediction, when, and what then happened.

In        events (core.events), a task (core.task)
Out       one row a decision, sorted by subject, encounter start and prediction time: unit_id, subject_id, encounter_id,
          encounter_start, prediction_time, label, event_time, sex, age_band, race, ethnicity; and a `Flow` of counts

Times     encounter start + first_hours, then every every_hours, up to the encounter's end (or last_hours), ends included;
          unit "admission" has the first of them only. unit_id is "<encounter>@<k>", k from 1; the subject's pseudonym stands
          for an encounter without id.
Label     an outcome event of the subject with time in [prediction + from_hours, prediction + to_hours). What the record does
          not hold did not happen: a stay that ends before the horizon is labelled by what is known within the record.
event_time   the subject's first outcome event at or after the encounter's start, whether or not it is inside the horizon
stop_at_first   no decision is left at or after event_time
Ages      by the age at the encounter's start; a subject of unknown age stays in.
"""

from __future__ import annotations

import msgspec
import polars as pl

from bedside.cohort.plan import AGE
from bedside.cohort.stays import standing, stays
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.ids import pseudonym
from bedside.core.task import Outcome, Prediction, Task
from bedside.core.time import HOUR_US

COLUMNS = ("unit_id", "subject_id", "encounter_id", "encounter_start", "prediction_time", "label", "event_time",
           "sex", "age_band", "race", "ethnicity")  # fmt: skip


class Flow(msgspec.Struct, frozen=True):
    """How the cohort came about, in encounters and then in decisions: the boxes of a STROBE diagram."""

    encounters: int
    open_encounters: int
    too_young: int
    age_unknown: int
    too_short: int
    outcome_before_first: int
    kept_encounters: int
    subjects: int
    subjects_with_outcome: int
    decisions: int
    positive: int


def decisions(events: pl.DataFrame, task: Task) -> pl.DataFrame:
    """Every decision of the task; `Unusable` when none is left."""
    return cohort(events, task)[0]


def cohort(events: pl.DataFrame, task: Task) -> tuple[pl.DataFrame, Flow]:
    """The decisions, and how many encounters and decisions were left out for which reason."""
    check(task)
    every = stays(events, task)
    adult = every.filter(pl.col(AGE).is_null() | (pl.col(AGE) >= (task.exclude_ages_below or 0)))
    outcomes = _outcomes(events, task.outcome)
    grid = _event_times(_grid(_named(adult), task.prediction), outcomes)
    before = pl.col("event_time").is_null() | (pl.col("prediction_time") < pl.col("event_time"))
    kept = grid.filter(before) if task.outcome.stop_at_first else grid
    labelled = _labelled(kept, outcomes, task.outcome).sort("subject_id", "encounter_start", "name", "prediction_time")
    if not labelled.height:
        raise Unusable("no decision is left: every encounter is too short, too young, or has its outcome first",
                       where=f"task {task.name!r}", do="see first_hours, exclude_ages_below and the outcome's codes")  # fmt: skip
    return labelled.select(COLUMNS), _flow(every, adult, grid, labelled)


def check(task: Task) -> None:
    """`Misconfigured` with every fault of the task's times at once."""
    prediction, outcome = task.prediction, task.outcome
    faults = [
        ("every_hours must be above 0", prediction.every_hours <= 0),
        ("first_hours must not be negative", prediction.first_hours < 0),
        ("last_hours is before first_hours", prediction.last_hours is not None and prediction.last_hours < prediction.first_hours),
        ("the outcome's to_hours must be after its from_hours", outcome.to_hours <= outcome.from_hours),
        ("the outcome has no codes", not outcome.codes),
        ("start_codes is empty", not prediction.start_codes),
    ]
    told = [text for text, wrong in faults if wrong]
    if told:
        raise Misconfigured("; ".join(told), where=f"task {task.name!r}", do="correct [task] in study.toml")


def _named(stay: pl.DataFrame) -> pl.DataFrame:
    """Give every encounter a name that no other has: its id, with the subject's where two subjects share it."""
    subject = pl.col("subject_id").map_elements(_subject_name, return_dtype=pl.String)
    turn = pl.when(pl.col("turn") > 1).then(pl.format("{}-{}", subject, "turn")).otherwise(subject)
    shared = pl.col("subject_id").n_unique().over("encounter_id") > 1
    told = pl.when(shared).then(pl.format("{}/{}", subject, "encounter_id")).otherwise("encounter_id")
    return stay.with_columns(pl.when(pl.col("encounter_id").is_null()).then(turn).otherwise(told).alias("name"))


def _subject_name(subject_id: int) -> str:
    return pseudonym(subject_id) if 0 <= subject_id < 1 << 60 else str(subject_id)


def _grid(stay: pl.DataFrame, prediction: Prediction) -> pl.DataFrame:
    """One row a prediction time."""
    first, every = round(prediction.first_hours * HOUR_US), round(prediction.every_hours * HOUR_US)
    start, end = pl.col("encounter_start").to_physical(), pl.col("encounter_end").to_physical()
    if prediction.last_hours is not None:
        end = pl.min_horizontal(end, start + round(prediction.last_hours * HOUR_US))
    steps = (end - start - first) // every + 1
    number = pl.min_horizontal(steps, pl.lit(1, pl.Int64)) if prediction.unit == "admission" else steps
    numbers = pl.int_ranges(1, pl.max_horizontal(number, pl.lit(0, pl.Int64)) + 1).alias("k")
    rows = stay.with_columns(numbers).explode("k").drop_nulls("k")
    time = (start + first + (pl.col("k") - 1) * every).cast(pl.Datetime("us"))
    return rows.with_columns(time.alias("prediction_time"), pl.format("{}@{}", "name", "k").alias("unit_id"))


# --- what happened ---------------------------------------------------------------------------------


def _outcomes(events: pl.DataFrame, outcome: Outcome) -> pl.DataFrame:
    """Subject and time of every outcome event, in the order of time."""
    told = standing(events, outcome.codes).filter(pl.col("time").is_not_null())
    counted = told if outcome.at_least is None else told.filter(pl.col("numeric_value") >= outcome.at_least)
    return counted.select("subject_id", pl.col("time").alias("outcome_time")).unique().sort("outcome_time")


def _event_times(grid: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    starts = grid.select("subject_id", "encounter_start").unique().sort("encounter_start")
    found = _next(starts, outcomes, "encounter_start").rename({"outcome_time": "event_time"})
    return grid.join(found, on=["subject_id", "encounter_start"], how="left")


def _labelled(grid: pl.DataFrame, outcomes: pl.DataFrame, outcome: Outcome) -> pl.DataFrame:
    opens, closes = (pl.col("prediction_time") + _hours(hours) for hours in (outcome.from_hours, outcome.to_hours))
    found = _next(grid.with_columns(opens.alias("opens")).sort("opens"), outcomes, "opens")
    return found.with_columns((pl.col("outcome_time") < closes).fill_null(False).alias("label"))


def _hours(hours: float) -> pl.Expr:
    return pl.duration(microseconds=round(hours * HOUR_US))


def _next(rows: pl.DataFrame, outcomes: pl.DataFrame, since: str) -> pl.DataFrame:
    """The subject's first outcome at or after `since`, rows being in its order."""
    return rows.join_asof(outcomes, left_on=since, right_on="outcome_time", by="subject_id", strategy="forward",
                          coalesce=False, check_sortedness=False)  # fmt: skip


def _flow(every: pl.DataFrame, adult: pl.DataFrame, grid: pl.DataFrame, kept: pl.DataFrame) -> Flow:
    """Counts of what came in, what fell out at each gate, and what is left."""
    gridded, left = grid["name"].n_unique(), kept["name"].n_unique()
    return Flow(
        encounters=every.height, open_encounters=int(every["open"].sum()), too_young=every.height - adult.height,
        age_unknown=adult[AGE].null_count(), too_short=adult.height - gridded, outcome_before_first=gridded - left,
        kept_encounters=left, subjects=kept["subject_id"].n_unique(), decisions=kept.height, positive=int(kept["label"].sum()),
        subjects_with_outcome=kept.filter(pl.col("event_time").is_not_null())["subject_id"].n_unique(),
    )  # fmt: skip
