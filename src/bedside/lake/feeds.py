"""The same fact through two feeds: kept once, at the earliest time that anybody knew it.

Rule      A fact is its key (for an event: subject, time, code, value, text, status). What one source says n times stays n times;
          of what several sources say, the largest n is kept, so that repeats inside a source are never collapsed.
Kept      the telling that was known first; what it leaves out (unit, offset, encounter, lexeme) is filled from the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

FACT = ("subject_id", "time", "code", "numeric_value", "text_value", "status")
NOTE = ("subject_id", "time", "code", "text")
IMAGE = ("instance_uid",)
_NEVER = (1 << 63) - 1


def merge(told: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, dict[int, int]]:
    """The rows with each fact as often as its most talkative feed says it, and how many rows each feed lost to another.

    told   rows with a column `feed`, the number of the source; rows of one feed are in its order
    """
    if told["feed"].n_unique() < 2:
        return told, {}
    ranked = told.with_columns(_known(told).alias("_known")).sort("_known", "feed", maintain_order=True)
    ranked = ranked.with_columns(pl.int_range(pl.len()).over([*key, "feed"]).alias("_nth"))
    one = [*key, "_nth"]
    several = pl.len().over(one) > 1
    alone, shared = ranked.filter(~several), ranked.filter(several)
    if shared.is_empty():
        return told, {}
    rest = [name for name in told.columns if name not in key]
    kept = shared.group_by(one, maintain_order=True).agg(_keep(name) for name in rest)
    lost = shared.filter(~pl.struct(one).is_first_distinct())["feed"].value_counts()
    return pl.concat([alone.select(told.columns), kept.select(told.columns)]), dict(lost.iter_rows())


def _known(told: pl.DataFrame) -> pl.Expr:
    """When a row was known, for sorting: a fact without time always was; an unknown moment comes last."""
    if "known_at" not in told.columns:
        return pl.lit(0, dtype=pl.Int64)
    always = pl.when(pl.col("time").is_null()).then(0).otherwise(_NEVER)
    return pl.col("known_at").cast(pl.Int64).fill_null(always)


def _keep(name: str) -> pl.Expr:
    if name in ("known_at", "source", "feed", "file", "note_id"):
        return pl.col(name).first()
    return pl.col(name).drop_nulls().first()
