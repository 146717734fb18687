"""Which subjects develop the model and which test it.

In        decisions, a split (core.task); events, to find copies of one patient under two numbers
Out       the decisions with `split`: train, tune, test; or fold-0 .. fold-<n-1> for out-of-fold testing
Elsewhere units that are no subjects, and the other ways to split (site, time, random, scaffold, cluster, declared): `divide.py`

A subject's place is a keyed hash of its id (BLAKE2b, the key is the seed): it does not depend on who else is there, so a
cohort that grows keeps everybody where they were. Subjects whose record is the same but for the calendar (time since the
first event, code and value of every timed fact) are one group and go where the lowest id goes; records of fewer
than FEWEST facts are too bare to be called copies.

Only where the outcome is so rare that a fold would hold nobody with it (or nobody without), subjects of either kind are
dealt to the folds in turn, in the order of the same hash: by the seed alone, but no longer whoever else is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import polars as pl

from bedside.cohort.plan import BIRTH
from bedside.core.errors import Misconfigured
from bedside.core.split import Split

FEWEST = 10
_WHOLE = 1 << 64


def assign(decisions: pl.DataFrame, split: Split, *, events: pl.DataFrame | None = None) -> pl.DataFrame:
    """The decisions with their split; every row of a subject, and of its copies, has the same."""
    check(split)
    subjects = decisions["subject_id"].unique().sort()
    leader = copies(events) if events is not None else {}
    groups = [leader.get(subject, subject) for subject in subjects.to_list()]
    told = {group: place(group, split) for group in groups}
    if split.folds and "label" in decisions.columns:
        ill = {leader.get(subject, subject) for subject in decisions.filter("label")["subject_id"].unique().to_list()}
        told = _both_kinds(told, ill, split)
    table = pl.DataFrame([subjects, pl.Series("split", [told[group] for group in groups], dtype=pl.String)])
    return decisions.drop("split", strict=False).join(table, on="subject_id", how="left", maintain_order="left")


def _both_kinds(told: dict[int, str], ill: set[int], split: Split) -> dict[int, str]:
    """The folds as they are when each holds subjects of both kinds, or when there are too few for that; else dealt in turn."""
    kinds = [sorted(told.keys() & ill, key=_by_hash(split)), sorted(told.keys() - ill, key=_by_hash(split))]
    if all(len({told[group] for group in kind}) == split.folds for kind in kinds) or min(map(len, kinds)) < split.folds:
        return told
    return {group: f"fold-{turn % split.folds}" for kind in kinds for turn, group in enumerate(kind)}


def place(subject_id: int | str, split: Split) -> str:
    """The split of one subject, or of a group by its name.

    >>> place(7, Split(seed=1)), place(7, Split(seed=1, folds=5))
    ('tune', 'fold-2')
    """
    number = _hashed(subject_id, split)
    if split.folds:
        return f"fold-{number * split.folds // _WHOLE}"
    part = number / _WHOLE
    return "test" if part < split.test_fraction else "tune" if part < split.test_fraction + split.tune_fraction else "train"


def _hashed(subject_id: int | str, split: Split) -> int:
    seen = hashlib.blake2b(str(subject_id).encode(), digest_size=8, key=f"bedside split {split.seed}".encode())
    return int.from_bytes(seen.digest(), "big")


def _by_hash(split: Split) -> Callable[[int], int]:
    return lambda group: _hashed(group, split)


def check(split: Split) -> None:
    """`Misconfigured` when the fractions (of all subjects) leave nobody to train on, or there is one fold."""
    fractions = (split.test_fraction, split.tune_fraction)
    if split.folds < 0 or split.folds == 1 or (not split.folds and (min(fractions) < 0 or sum(fractions) >= 1)):
        raise Misconfigured("test_fraction and tune_fraction must leave subjects to train on; folds is 0 or at least 2",
                            where="task.split", do="correct the split in study.toml")  # fmt: skip
    if not split.folds and split.by != "declared" and split.test_fraction <= 0:
        raise Misconfigured("test_fraction leaves nobody to test on", where="task.split", do="set it above 0, or use folds")


def copies(events: pl.DataFrame) -> dict[int, int]:
    """Of each subject that is a copy of another: the lowest id of its group. A subject without a copy is not listed."""
    timed = events.filter(pl.col("time").is_not_null() & (pl.col("code") != BIRTH))
    since = (pl.col("time") - pl.col("time").min().over("subject_id")).to_physical()
    fact = pl.struct(since.alias("since"), "code", "numeric_value", "text_value")
    prints = timed.select("subject_id", fact.hash(1).alias("one"), fact.hash(2).alias("two")).group_by("subject_id").agg(
        pl.len().alias("facts"), pl.col("one").sum(), pl.col("two").sum())  # fmt: skip
    groups = prints.filter(pl.col("facts") >= FEWEST).group_by("facts", "one", "two").agg(pl.col("subject_id").sort())
    alike = groups.filter(pl.col("subject_id").list.len() > 1)["subject_id"].to_list()
    return {subject: group[0] for group in alike for subject in group}


def counts(decisions: pl.DataFrame) -> pl.DataFrame:
    """Per split: subjects, subjects with the outcome, encounters, decisions, positive decisions."""
    ill = pl.col("subject_id").filter(pl.col("label")).n_unique()
    return decisions.group_by("split").agg(
        pl.col("subject_id").n_unique().alias("subjects"), ill.alias("subjects_positive"),
        pl.struct("subject_id", "encounter_start").n_unique().alias("encounters"),
        pl.len().alias("decisions"), pl.col("label").sum().alias("positive")).sort("split")  # fmt: skip
