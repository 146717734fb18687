"""Short ways to write a patient's chart in tests: hours since a fixed start, one subject unless said otherwise."""

from __future__ import annotations

import polars as pl

from bedside.core.events import Event, Status, frame
from bedside.core.split import Split
from bedside.core.task import Features, Outcome, Prediction, Signal, Task
from bedside.core.time import HOUR_US

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
HEART, LACTATE, TEMPERATURE = "LOINC//8867-4", "LOINC//2524-7", "LOINC//8310-5"


def at(hours: float) -> int:
    return START + round(hours * HOUR_US)


def fact(
    code: str,
    hours: float | None,
    value: float | None = None,
    *,
    known: float | None = None,
    subject: int = 1,
    unit: str | None = None,
    text: str | None = None,
    status: Status = "final",
    encounter: str | None = None,
) -> Event:
    """One event; known when it happens unless told otherwise."""
    time = None if hours is None else at(hours)
    known_at = time if known is None else at(known)
    return Event(subject, time, code, value, text, known_at, status, unit=unit, encounter_id=encounter, source="chart")


def decisions_at(*hours: float, subject: int = 1) -> pl.DataFrame:
    """Decisions of one subject whose encounter began at hour 0."""
    when = pl.Datetime("us")
    return pl.DataFrame(
        {
            "unit_id": [f"{subject}@{h}" for h in hours],
            "subject_id": [subject] * len(hours),
            "prediction_time": [at(h) for h in hours],
            "encounter_start": [START] * len(hours),
        },
        schema={"unit_id": pl.String, "subject_id": pl.Int64, "prediction_time": when, "encounter_start": when},
    )


def stay(name: str, start: float, end: float | None, *, subject: int = 1, kind: str = "IMP") -> list[Event]:
    """The start and, when it is over, the end of an encounter."""
    began = fact(f"ENCOUNTER_START//{kind}", start, subject=subject, encounter=name)
    return [began] if end is None else [began, fact(f"ENCOUNTER_END//{kind}", end, subject=subject, encounter=name)]


def chart(*events: Event) -> pl.DataFrame:
    """Events as a lake would hold them: by subject, then time."""
    return frame(sorted(events, key=lambda event: (event.subject_id, event.time is not None, event.time or 0)))


def task(
    *,
    features: Features | None = None,
    outcome: Outcome | None = None,
    prediction: Prediction | None = None,
    split: Split | None = None,
    exclude_ages_below: float | None = None,
) -> Task:
    return Task(
        "deterioration",
        outcome or Outcome("icu", ["LOCATION//ICU"]),
        features or Features([Signal("heart_rate", [HEART])]),
        prediction or Prediction(),
        split or Split(),
        exclude_ages_below,
    )
