"""The held-out rows of a predictions frame as arrays: one row per unit, one column per output.

In        predictions (core.predictions), long
Out       `Sample`, sorted by subject, time and unit, so that the same rows in another order give the same numbers
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.cluster import codes_of
from bedside.evaluate.panel import levels, whom

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """Rows of one set of splits. `scores` hold NaN where an output said nothing.

    encounter  whose hour a row is; hours  whole hours since the first prediction of the same encounter; both None where
               encounters or times are not given
    """

    outcome: Bools
    codes: Ints
    subjects: int
    split: list[str]
    scores: dict[str, Floats]
    levels: dict[str, list[str]]
    hours: Ints | None = None
    encounter: Ints | None = None
    clusters: str = "subjects"

    @property
    def clustered(self) -> bool:
        return self.subjects < len(self.outcome)

    def spoke(self, *outputs: str) -> Bools:
        """Rows on which all these outputs said something."""
        there = np.ones(len(self.outcome), dtype=np.bool_)
        for output in outputs:
            there &= ~np.isnan(self.scores[output])
        return there


def is_held_out(split: str) -> bool:
    """Whether a split was kept from development: "test", or the fold that a model did not see.

    >>> [name for name in ("train", "tune", "test", "fold-0") if is_held_out(name)]
    ['test', 'fold-0']
    """
    return split == "test" or split.startswith("fold-")


def sample(predictions: pl.DataFrame, *, main: str, splits: list[str]) -> Sample:
    """Arrays of the rows of these splits, on the units that the main output scored."""
    import polars as pl

    rows = predictions.filter(pl.col("split").is_in(splits), pl.col("label").is_not_null())
    base = rows.filter(pl.col("output") == main).sort("subject_id", "group_id", "prediction_time", "unit_id", nulls_last=True)
    if base.is_empty():
        raise Unusable(f"no held-out prediction of {main!r} with a known outcome", where="predictions, splits " + ", ".join(splits),
                       do=f"outputs present: {', '.join(sorted(predictions['output'].unique()))}")  # fmt: skip
    names = base.select(pl.coalesce(pl.col("subject_id").cast(pl.String), "group_id", "unit_id").alias("cluster"))["cluster"]
    codes, subjects = codes_of(names.to_numpy().astype(str))
    return Sample(
        base["label"].to_numpy().astype(np.bool_), codes, subjects, base["split"].to_list(),
        {output: _score(rows, base, output) for output in _outputs(rows, main)},
        levels(base),
        _hours(base, predictions.filter(pl.col("output") == main)), _encounters(base), whom(base),
    )  # fmt: skip


def _encounters(base: pl.DataFrame) -> Ints | None:
    import polars as pl

    if base["parent_unit"].null_count():
        return None
    return base.select(pl.struct("subject_id", "parent_unit").rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()


def _hours(base: pl.DataFrame, ours: pl.DataFrame) -> Ints | None:
    import polars as pl

    if base["parent_unit"].null_count() or base["prediction_time"].null_count():
        return None
    first = ours.group_by("parent_unit").agg(pl.col("prediction_time").min().alias("first"))
    joined = base.select("parent_unit", "prediction_time").join(first, on="parent_unit", how="left", maintain_order="left")
    return (
        joined.select((pl.col("prediction_time") - pl.col("first")).dt.total_hours())["prediction_time"].to_numpy().astype(np.int64)
    )


def _outputs(rows: pl.DataFrame, main: str) -> list[str]:
    return [main, *sorted(set(rows["output"].unique()) - {main})]


def _score(rows: pl.DataFrame, base: pl.DataFrame, output: str) -> Floats:
    import polars as pl

    said = rows.filter(pl.col("output") == output).select("unit_id", pl.col("value").alias("said"))
    joined = base.select("unit_id").join(said, on="unit_id", how="left", maintain_order="left")["said"]
    scores = joined.fill_null(float("nan")).to_numpy().astype(np.float64)
    if np.isinf(scores).any():
        raise Unusable("a score is infinite", where=f"predictions, output {output!r}", do="fix the output that wrote it")
    return scores
