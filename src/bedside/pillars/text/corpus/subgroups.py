"""Whose note it is, as far as results are told by it: sex, age band at the note, race, ethnicity. Never read by a tagger.

In        events of the lake; notes with subject_id and known_at
Out       the notes with those columns of core.predictions; "unknown" where no event says, "several" where more than one is said
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.cohort.plan import BIRTH, YEAR_US
from bedside.cohort.stays import BANDS, OLDEST, SEVERAL, UNKNOWN, standing

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("sex", "age_band", "race", "ethnicity")
_TOLD = {"sex": "SEX//", "race": "RACE//", "ethnicity": "ETHNICITY//"}


def subgroups(events: pl.DataFrame, notes: pl.DataFrame) -> pl.DataFrame:
    """The notes, in their order, with their subgroups."""
    import polars as pl

    for name, prefix in _TOLD.items():
        codes = [code for code in events["code"].unique().to_list() if code.startswith(prefix)]
        word = pl.col("code").str.strip_prefix(prefix)
        one = pl.when(word.n_unique() > 1).then(pl.lit(SEVERAL)).otherwise(word.min()).alias(name)
        told = standing(events, sorted(codes)).group_by("subject_id").agg(one)
        notes = notes.join(told, on="subject_id", how="left", maintain_order="left").with_columns(pl.col(name).fill_null(UNKNOWN))
    births = standing(events, [BIRTH]).group_by("subject_id").agg(pl.col("time").max().alias("birth"))
    aged = notes.join(births, on="subject_id", how="left", maintain_order="left")
    years = (pl.col("known_at") - pl.col("birth")).dt.total_microseconds() // YEAR_US
    band = pl.lit(OLDEST)
    for below, label in reversed(BANDS):
        band = pl.when(years < below).then(pl.lit(label)).otherwise(band)
    return aged.with_columns(pl.when(years.is_null()).then(pl.lit(UNKNOWN)).otherwise(band).alias("age_band")).drop("birth")
