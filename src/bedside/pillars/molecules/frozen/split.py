"""Development and test of records with a day and a group: by time the latest are the test, else whole groups are drawn.

In        rows with group_id and prediction_time; a split (core.split)
Out       the rows with `split`: train or test
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.core.errors import Misconfigured
from bedside.core.split import Split

if TYPE_CHECKING:
    import polars as pl


def split_rows(rows: pl.DataFrame, split: Split) -> tuple[pl.DataFrame, int]:
    """The rows, each with its split, all rows of a group in one; and the number left out of development."""
    import polars as pl

    from bedside.cohort.splits import place

    if split.folds or split.by not in ("time", "subject", "random"):
        raise Misconfigured("this kind of task has a development and a test split, by time or by subject", where="task.split", do='set by = "time", without folds')
    if split.by != "time":
        told = {group: "test" if place(group, split) == "test" else "train" for group in rows["group_id"].unique().to_list()}
        return rows.with_columns(pl.col("group_id").replace_strict(told, return_dtype=pl.String).alias("split")), 0
    first = rows.group_by("group_id").agg(pl.col("prediction_time").min().alias("first"))
    line = first["first"].sort()[min(int(first.height * (1 - split.test_fraction)), first.height - 1)]
    late = first.with_columns(pl.when(pl.col("first") >= line).then(pl.lit("test")).otherwise(pl.lit("train")).alias("split"))
    whole = rows.join(late.select("group_id", "split"), on="group_id", how="left", maintain_order="left")
    kept = whole.filter((pl.col("split") == "test") | (pl.col("answered") < line))
    return kept, whole.height - kept.height
