"""Contract 4, predictions and measures: one row per decision and output, alike for every pillar.

Predictions   what was said of a unit at a time, and what was true of it.
Measures      one row per unit and measure (Dice, HD95, ...), for what a score per row cannot say.
`target` names what was asked (core.target), `output` what spoke: the model ("risk", "model"), or what stands beside it ("news2", "clock",
"logistic", ...). What was true stands in `label` (yes-no), `truth` (a number, a grade), or is told by the row itself: of a target of
kind "found", each row is a thing. `label` says whether it is truly there, `value` how sure the output was, NaN where it did not find
it; `parent_unit` is where it was looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    import polars as pl

SCHEMA_NAME = "bedside.predictions/2"
SUBGROUPS: tuple[str, ...] = ("sex", "age_band", "race", "ethnicity", "scanner", "scaffold", "domain")
TRUTHS: tuple[str, ...] = ("label", "truth", "event_time", "answer")


def prediction_schema() -> dict[str, pl.DataType]:
    """Column types of a predictions frame."""
    import polars as pl

    when = pl.Datetime("us")
    text, number = pl.String(), pl.Float64()
    return {
        "subject_id": pl.Int64(), "unit_id": text, "parent_unit": text, "group_id": text, "prediction_time": when,
        "target": text, "output": text, "value": number, "low": number, "high": number, "label": pl.Boolean(), "truth": number,
        "event_time": when, "reader": text, "modality": text, "artifact_digest": text, "split": text, "site": text, "bundle": text,
        **dict.fromkeys(SUBGROUPS, text),
    }  # fmt: skip


def measure_schema() -> dict[str, pl.DataType]:
    """Column types of a measures frame."""
    import polars as pl

    text, number = pl.String(), pl.Float64()
    return {"subject_id": pl.Int64(), "unit_id": text, "group_id": text, "target": text, "output": text, "measure": text,
            "value": number, "unit": text, "split": text, "site": text, "bundle": text,
            **dict.fromkeys(SUBGROUPS, text)}  # fmt: skip


def conform(frame: pl.DataFrame) -> pl.DataFrame:
    """A predictions frame with every column of the contract, missing ones null, in the contract's order and types."""
    return _conformed(frame, prediction_schema())


def conform_measures(frame: pl.DataFrame) -> pl.DataFrame:
    """A measures frame with every column of the contract, missing ones null, in the contract's order and types."""
    return _conformed(frame, measure_schema())


def check(frame: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """The frame itself when it keeps the contract, else `Unusable` naming every breach."""
    return _checked(frame, prediction_schema(), ("unit_id", "target", "output"), ("value", "split"), where)


def check_measures(frame: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """The measures frame itself when it keeps the contract, else `Unusable` naming every breach; a value may be NaN or null: not defined."""
    return _checked(frame, measure_schema(), ("unit_id", "target", "output", "measure"), ("split",), where)


def _conformed(frame: pl.DataFrame, wanted: dict[str, pl.DataType]) -> pl.DataFrame:
    import polars as pl

    return frame.select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype=dtype).alias(name) for name, dtype in wanted.items()
    )


def _checked(frame: pl.DataFrame, wanted: dict[str, pl.DataType], key: tuple[str, ...], filled: tuple[str, ...], where: str) -> pl.DataFrame:
    """The frame when it has these columns and types, no null in key and `filled`, and no key twice."""
    import polars as pl

    breaches = [f"column {name} is missing or not {dtype}" for name, dtype in wanted.items() if frame.schema.get(name) != dtype]
    if not breaches:
        breaches = [f"column {name} holds nulls" for name in (*key, *filled) if frame[name].null_count()]
        if frame.select(pl.struct(key).is_duplicated().any()).item():
            named = [name.removesuffix("_id") for name in key]
            breaches.append(f"a {', '.join(named[:-1])} and {named[-1]} occur twice")
    if breaches:
        raise Unusable("; ".join(breaches), where=where, do="see bedside.core.predictions for the contract")
    return frame
