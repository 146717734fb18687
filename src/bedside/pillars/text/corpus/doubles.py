"""Notes under one Note-ID: the same note handed in twice is one; of different notes nobody can say which was annotated.

In        the lake's notes
Out       `Doubles`: the notes whose id names one text of one subject; how many were said again; those left out, with source and reason
Never     stops: one bad id costs the notes under it, and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

SEVERAL = "its Note-ID names several texts"


class Doubles(NamedTuple):
    """again: notes that say an id, a subject and a text a second time; left_out: note_id, source, reason of each note left out."""

    notes: pl.DataFrame
    again: int
    left_out: pl.DataFrame


def doubles(notes: pl.DataFrame) -> Doubles:
    """Notes (note_id, subject_id, text, known_at, source), each id once; of a note said twice the copy known first is kept."""
    import polars as pl

    once = notes.sort("note_id", "known_at", "source", nulls_last=True).unique(["note_id", "subject_id", "text"], keep="first", maintain_order=True)
    several = once.filter(pl.col("note_id").is_duplicated())["note_id"].unique().to_list()
    torn = notes.filter(pl.col("note_id").is_in(several)).sort("note_id", "source").select("note_id", "source", pl.lit(SEVERAL).alias("reason"))
    kept = once.filter(~pl.col("note_id").is_in(several))
    return Doubles(kept, notes.height - torn.height - kept.height, torn)
