"""Facts of a subject that were known at its day of prediction, and none that came after.

In        the lake's events; a frame of subject_id and prediction_time
Out       those events, one row a fact; how many were withheld because they became known later
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# Words of registry fields that say how a trial ended; a field called just "outcome" is one, "primary outcome" (what will be measured) is not.
OF_TRIALS = frozenset(
    {"status", "stop", "stopped", "why", "terminated", "termination", "withdrawn", "suspended", "completion", "completed", "results", "result", "actual",
     "disposition", "update", "updated", "dropout", "adverse", "approval", "approved", "success", "failure", "failed"}
)  # fmt: skip
# Words of evidence that is clinical success under another name.
OF_EVIDENCE = frozenset({"known", "drug", "drugs", "clinical", "precedence", "chembl", "approval", "approved", "phase", "trial", "trials", "success"})

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def told_afterwards(names: Iterable[str], words: frozenset[str]) -> list[str]:
    """Names of fields that only time tells, by their words.

    >>> told_afterwards(["phase", "primary_outcome", "why_stopped", "enrollment-actual", "CTGOV//OverallStatus", "outcome"], OF_TRIALS)
    ['why_stopped', 'enrollment-actual', 'CTGOV//OverallStatus', 'outcome']
    """
    return [name for name in names if words & set(_words(name)) or name.lower() in ("outcome", "outcomes")]


def known(events: pl.DataFrame, at: pl.DataFrame, codes: Iterable[str]) -> tuple[pl.DataFrame, int]:
    """Events of these codes with known_at (else time) before the subject's prediction time, and the number withheld; an undated fact is withheld."""
    import polars as pl

    told = events.filter(pl.col("code").is_in(sorted(set(codes))), pl.col("status") != "retracted").join(at, on="subject_id", how="inner")
    when = pl.coalesce("known_at", "time")
    before = told.filter(when < pl.col("prediction_time"))
    return before.sort("subject_id", "time", "source"), told.height - before.height


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
