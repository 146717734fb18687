"""What a test must not know: checks on the predictions frame itself, beside those that the cohort makes.

In        predictions of all splits
Out       `Check`s; the number of breaches, never which patient
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.evaluate.records import Check

if TYPE_CHECKING:
    import polars as pl


def checks(predictions: pl.DataFrame) -> list[Check]:
    """No subject on two sides, no event before its prediction, one outcome and one split per unit."""
    import polars as pl

    labels, splits = pl.col("label").n_unique().alias("labels"), pl.col("split").n_unique().alias("splits")
    per_unit = predictions.group_by("unit_id").agg(labels, splits)
    sides = predictions.drop_nulls("subject_id").group_by("subject_id").agg(splits)
    first = predictions.unique("unit_id")
    late = first.filter(pl.col("label") & (pl.col("event_time") < pl.col("prediction_time")))
    return [
        Check("subjects", "no subject is in two splits", sides.filter(pl.col("splits") > 1).height),
        Check("time", "no predicted event lies before its prediction", late.height),
        Check("labels", "all outputs are judged by the same outcome", per_unit.filter(pl.col("labels") > 1).height),
        Check("units", "no decision is in two splits", per_unit.filter(pl.col("splits") > 1).height),
    ]


def checks_of_decisions(decisions: pl.DataFrame, predictions: pl.DataFrame) -> list[Check]:
    """No subject and no unit on two sides; for targets that are no event in time.

    decisions     held out alone; predictions of all splits, knowing whose they are
    """
    import polars as pl

    rows = pl.concat([one.select("subject_id", "split") for one in (decisions, predictions)]).drop_nulls().unique()
    per_unit = predictions.group_by("unit_id").agg(pl.col("split").n_unique().alias("splits"))
    return [
        Check("subjects", "no subject is in two splits", rows.height - rows["subject_id"].n_unique()),
        Check("units", "no decision is in two splits", per_unit.filter(pl.col("splits") > 1).height),
    ]
