"""Which units develop the model and which test it, where what stays together is not, or not only, a person.

In        units: one row a unit of decision, with the column that the split goes by; events, for "declared"
Out       the units with `split`: train, tune, test; or fold-0 .. fold-<n-1>

by         stays together                  where it goes
subject    `subject_id`                    by a keyed hash of the id, copies of a record together (`splits.py`)
site       `site`                          by a keyed hash of the name: test sites are never seen in development
random     `group_id`, else `unit_id`      by a keyed hash of the name
scaffold   `scaffold_group`                the largest groups develop, the smallest test (DeepChem's ScaffoldSplitter: Wu et al., Chem Sci
cluster    `cluster_group`                 2018;9:513). With folds: by a keyed hash of the group
time       nothing                         the latest test, those just before tune: `time`, equal times together
declared   `subject_id`                    the data say it: an event SPLIT//train, SPLIT//tune or SPLIT//test of each
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from bedside.cohort.splits import assign, check, place
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.split import Split

DECLARED = "SPLIT//"
_NAMES = ("train", "tune", "test")
_GROUPS = {"site": "site", "random": "group_id", "scaffold": "scaffold_group", "cluster": "cluster_group"}


def divide(units: pl.DataFrame, split: Split, *, events: pl.DataFrame | None = None) -> pl.DataFrame:
    """The units with their split.

    Raises `Misconfigured` when the units do not have what the split goes by, `Unusable` when a unit has none.
    """
    check(split)
    if split.by == "subject":
        return assign(units, split, events=events)
    if split.by == "declared":
        return declared(units, events if events is not None else pl.DataFrame())
    if split.by == "time":
        return by_time(units, split)
    names = _names(units, split)
    largest = split.by in ("scaffold", "cluster") and not split.folds
    told = largest_first(names, split) if largest else [place(name, split) for name in names]
    return units.drop("split", strict=False).with_columns(pl.Series("split", told, dtype=pl.String))


def _names(units: pl.DataFrame, split: Split) -> list[str]:
    """The name of each unit's group."""
    column = _GROUPS[split.by]
    if column not in units.columns and split.by == "random":
        column = "unit_id"
    if column not in units.columns:
        raise Misconfigured(f"these units have no {column} to split by", where="task.split.by", do="choose another split for this kind of task")
    if missing := units[column].null_count():
        raise Unusable(f"{missing} of {units.height} units have no {column}", where="task.split.by", do="choose another split, or give it to them")
    return [str(name) for name in units[column].to_list()]


def largest_first(groups: Sequence[str], split: Split) -> list[str]:
    """The split of each unit: whole groups, the largest first, fill train, then tune, then test.

    Of groups of one size, the one whose first unit stands later goes first, as in DeepChem.

    >>> largest_first(["a", "a", "a", "b", "c"], Split(test_fraction=0.2, tune_fraction=0.2))
    ['train', 'train', 'train', 'test', 'tune']
    """
    rows: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        rows.setdefault(group, []).append(index)
    train, tune = (share * len(groups) for share in (1 - split.test_fraction - split.tune_fraction, 1 - split.test_fraction))
    told, counts = ["test"] * len(groups), {"train": 0, "tune": 0}
    for own in sorted(rows.values(), key=lambda own: (len(own), own[0]), reverse=True):
        if counts["train"] + len(own) <= train + 1e-9:
            name = "train"
        elif counts["train"] + counts["tune"] + len(own) <= tune + 1e-9:
            name = "tune"
        else:
            continue
        counts[name] += len(own)
        for index in own:
            told[index] = name
    return told


def by_time(units: pl.DataFrame, split: Split) -> pl.DataFrame:
    """The latest units test, those before them tune. A time is never divided, so that the shares are met from below."""
    if split.folds:
        raise Misconfigured("a split by time has no folds: each would learn from the future", where="task.split.folds", do="set folds = 0")
    if "time" not in units.columns or units["time"].null_count():
        missing = units["time"].null_count() if "time" in units.columns else units.height
        raise Unusable(f"{missing} of {units.height} units have no time to split by", where="task.split.by", do="map the date of the assay, or split otherwise")
    after = pl.col("time").rank("max", descending=True) / pl.len()  # the share of units at this time or later
    test, tune = (share + 1e-9 for share in (split.test_fraction, split.test_fraction + split.tune_fraction))
    name = (pl.when(after <= test).then(pl.lit("test")).when(after <= tune)
            .then(pl.lit("tune")).otherwise(pl.lit("train")))  # fmt: skip
    return units.drop("split", strict=False).with_columns(name.alias("split"))


def declared(units: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """What the data say, by an event SPLIT//<name> of each subject.

    Raises `Unusable` when a unit has none, or more than one, or one of another name.
    """
    said = events.filter(pl.col("code").str.starts_with(DECLARED)) if events.width else pl.DataFrame(schema={"subject_id": pl.Int64, "code": pl.String})
    named = said.select("subject_id", pl.col("code").str.strip_prefix(DECLARED).alias("split")).unique(maintain_order=True)
    rows = units.drop("split", strict=False).join(named, on="subject_id", how="left", maintain_order="left")
    twice, without = rows.height - units.height, rows["split"].null_count()
    strange = rows.filter(~pl.col("split").is_in(_NAMES)).height
    if twice or without or strange:
        raise Unusable(f"of {units.height} units {without} declare no split, {twice} more than one, and {strange} one that is not train, tune or test",
                       where="events SPLIT//...", do="correct the mapping of the split's column, or choose another task.split.by")  # fmt: skip
    return rows
