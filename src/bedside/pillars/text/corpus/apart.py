"""Notes without leaks: no subject and no text on both sides of a split, or in two folds.

In        notes with their split
Out       the notes to decide on, and what was looked for: words to count, of the notes that are left
Refuses   a subject, or nearly the same text, on both sides of a declared split; where this room makes the split, copies are left out
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.core.errors import Refused
from bedside.core.task_note import NoteTask
from bedside.pillars.text.corpus.copies import copies, later

if TYPE_CHECKING:
    import polars as pl


def apart(notes: pl.DataFrame, task: NoteTask) -> tuple[pl.DataFrame, dict[str, int]]:
    """The notes without leaks between development and test, and what was looked for."""
    import polars as pl

    if task.split.folds:
        return _folds_apart(notes)
    test = pl.col("split") == "test"
    sides = [dict(part.select("note_id", "text").iter_rows()) for part in (notes.filter(~test), notes.filter(test))]
    shared = set(notes.filter(test)["subject_id"]) & set(notes.filter(~test)["subject_id"])
    pairs = copies(*sides)
    if task.split.by == "declared" and (shared or pairs):
        raise Refused(f"the declared split leaks: {len(shared)} subjects and {len(pairs)} nearly equal texts are on both sides of it",
                      where="development and test notes", do="declare one split for each subject, and leave out one of two copies")  # fmt: skip
    kept = notes.filter(~pl.col("note_id").is_in([name for _, name in pairs]))
    return kept, {"subjects in development and test": len(shared), "test notes compared with development notes": len(sides[1]),
                  "nearly equal texts in development and test": _left(pairs, kept)}  # fmt: skip


def _folds_apart(notes: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The notes less the later of two copies in different folds: each fold is the test of a model of the others."""
    import polars as pl

    fold_of, texts = (dict(notes.select("note_id", column).iter_rows()) for column in ("split", "text"))
    pairs = [(one, other) for one, other in copies(texts, texts) if one < other and fold_of[one] != fold_of[other]]
    kept = notes.filter(~pl.col("note_id").is_in(sorted(later(pairs))))
    torn = kept.group_by("subject_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height
    return kept, {"subjects in more than one fold": torn, "notes compared with notes of other folds": notes.height,
                  "nearly equal texts in more than one fold": _left(pairs, kept)}  # fmt: skip


def _left(pairs: list[tuple[str, str]], kept: pl.DataFrame) -> int:
    """Pairs of copies of which both are still there."""
    there = set(kept["note_id"])
    return sum(one in there and other in there for one, other in pairs)
