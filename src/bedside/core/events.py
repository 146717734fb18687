"""Contract 1, the event: one row per clinical fact, MEDS columns first, then ours.

Source    Medical Event Data Standard 0.4, `meds.DataSchema`: subject_id, time, code, numeric_value, text_value.
Ours      known_at (when the fact became available), status, utc_offset_min, lexeme, unit, encounter_id, source.
Times are microseconds of UTC; null `time` is a static fact. A frame is sorted by subject, then time.

Codes     `VOCABULARY//CODE`, then `//QUALIFIER` where the same code is said in another sense:
          MEDS_BIRTH, MEDS_DEATH, SEX//female, RACE//..., ETHNICITY//..., ENCOUNTER_START//IMP, ENCOUNTER_END//IMP,
          LOCATION//ICU, LOINC//8867-4, RXNORM//161//administered | //ordered | //dispensed,
          ICD10CM//A41.9//diagnosis | //claim, NOTE//34746-8, IMAGE//CR
          Read in a note's text: ICD10CM//I50.9//noted, LOINC//2160-0//noted, RXNORM//161//noted, TEXT//margin//noted; what a note
          denies, doubts, remembers, fears or says of a relative has a qualifier of `NOT_PRESENT`, and none of them is the code
          itself, nor below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    import polars as pl

SCHEMA_NAME = "bedside.events/1"
Status = Literal["final", "corrected", "retracted"]
MADE = "made data, no real person"
MADE_METADATA = {"bedside.made": MADE}

NOT_PRESENT = frozenset(
    {"negated", "uncertain", "historical", "hypothetical", "stopped", "family", "family-negated", "family-uncertain", "family-historical", "family-hypothetical"}
)
"""Qualifiers of what a note states that is not so, not surely so, not now, or not of the patient."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One clinical fact. Times in microseconds of UTC since 1970."""

    subject_id: int
    time: int | None
    code: str
    numeric_value: float | None = None
    text_value: str | None = None
    known_at: int | None = None
    status: Status = "final"
    utc_offset_min: int | None = None
    lexeme: str | None = None
    unit: str | None = None
    encounter_id: str | None = None
    source: str = ""


COLUMNS: tuple[str, ...] = Event.__struct_fields__


def schema() -> dict[str, pl.DataType]:
    """Column types of an event frame."""
    import polars as pl

    when = pl.Datetime("us")
    return {
        "subject_id": pl.Int64(), "time": when, "code": pl.String(), "numeric_value": pl.Float32(),
        "text_value": pl.String(), "known_at": when, "status": pl.String(), "utc_offset_min": pl.Int16(),
        "lexeme": pl.String(), "unit": pl.String(), "encounter_id": pl.String(), "source": pl.String(),
    }  # fmt: skip


def frame(events: Sequence[Event]) -> pl.DataFrame:
    """Events as a frame, in the order given."""
    import polars as pl

    columns = [[getattr(event, name) for event in events] for name in COLUMNS]
    return pl.DataFrame(
        [pl.Series(name, values, dtype=_raw(dtype), strict=False).cast(dtype)
         for (name, dtype), values in zip(schema().items(), columns, strict=True)]
    )  # fmt: skip


def rows(events: pl.DataFrame) -> Iterable[Event]:
    """The events of a frame, in its order."""
    import polars as pl

    plain = events.select(COLUMNS).with_columns(pl.col("time", "known_at").to_physical())
    return (Event(*row) for row in plain.iter_rows())


def check(events: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """The frame itself when it keeps the contract, else `Unusable` naming every breach."""
    wanted, breaches = schema(), []
    for name, dtype in wanted.items():
        if name not in events.columns:
            breaches.append(f"column {name} is missing")
        elif events.schema[name] != dtype:
            breaches.append(f"column {name} is {events.schema[name]}, not {dtype}")
    if not breaches:
        breaches = [
            f"column {name} holds nulls" for name in ("subject_id", "code", "status", "source") if events[name].null_count()
        ]
    if breaches:
        raise Unusable("; ".join(breaches), where=where, do="see bedside.core.events for the contract")
    return events


def _raw(dtype: pl.DataType) -> pl.DataType:
    import polars as pl

    if isinstance(dtype, pl.Datetime):
        return pl.Int64()
    return pl.Float64() if dtype == pl.Float32() else dtype
