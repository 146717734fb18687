"""The same fact through two feeds: kept once, at the earliest time that anybody knew it.

Rule      A fact is its key (for an event: subject, time, code, value, text, status). What one source says n times stays n times;
          of what several sources say, the largest n is kept, so that repeats inside a source are never collapsed.
          What can be true only once (facts without time or encounter, birth, death) is kept once however often it is said.
Kept      the telling that was known first; what it leaves out (unit, offset, encounter, lexeme) is filled from the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

FACT = ("subject_id", "time", "code", "numeric_value", "text_value", "status")
NOTE = ("subject_id", "time", "code", "text")
IMAGE = ("instance_uid",)
STATED = ("subject_id", "time", "kind", "start", "end", "text", "code", "attributes")
ONCE = ("MEDS_BIRTH", "MEDS_DEATH")
_NEVER = (1 << 63) - 1


def merge(told: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, dict[int, int]]:
    """The rows with each fact as often as its most talkative feed says it, and how many rows each feed lost to another telling.

    told   rows with a column `feed`, the number of the source; rows of one feed are in its order
    """
    single = told.select(_once(key)).to_series()
    once, often = told.filter(single), told.filter(~single)
    kept, lost = _fold(once.with_columns(pl.lit(0, dtype=pl.Int64).alias("_nth")), key)
    if told["feed"].n_unique() > 1:
        ranked = often.sort(_known(often), "feed", maintain_order=True)
        often, also = _fold(ranked.with_columns(pl.int_range(pl.len()).over([*key, "feed"]).alias("_nth")), key)
        lost = {feed: lost.get(feed, 0) + also.get(feed, 0) for feed in lost.keys() | also.keys()}
    return pl.concat([kept.select(told.columns), often.select(told.columns)]), lost


def _once(key: Sequence[str]) -> pl.Expr:
    """Whether a row says what can be true only once of a subject: a fact without time or encounter, a birth, a death."""
    if "status" not in key:
        return pl.repeat(False, pl.len(), dtype=pl.Boolean).alias("once")
    static = pl.col("time").is_null() & pl.col("encounter_id").is_null()
    return (static | pl.col("code").is_in(ONCE)).alias("once")


def _fold(told: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, dict[int, int]]:
    """One row for each key and number, the first known and filled from the others; how many rows each feed lost."""
    one = [*key, "_nth"]
    several = told.select((pl.len().over(one) > 1).alias("several")).to_series()
    if not several.any():
        return told, {}
    alone, shared = told.filter(~several), told.filter(several)
    shared = shared.sort(_known(shared), "feed", maintain_order=True)
    rest = [name for name in told.columns if name not in one]
    kept = shared.group_by(one, maintain_order=True).agg(_keep(name) for name in rest)
    lost = shared.filter(~pl.struct(one).is_first_distinct())["feed"].value_counts()
    return pl.concat([alone, kept.select(told.columns)]), dict(lost.iter_rows())


def _known(told: pl.DataFrame) -> pl.Expr:
    """When a row was known, for sorting: a fact without time always was; an unknown moment comes last."""
    if "known_at" not in told.columns:
        return pl.lit(0, dtype=pl.Int64)
    always = pl.when(pl.col("time").is_null()).then(0).otherwise(_NEVER)
    return pl.col("known_at").cast(pl.Int64).fill_null(always)


def _keep(name: str) -> pl.Expr:
    if name in ("known_at", "source", "feed", "file", "note_id", "resource"):
        return pl.col(name).first()
    return pl.col(name).drop_nulls().first()
