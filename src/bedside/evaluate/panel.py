"""The held-out decisions of one target: who each belongs to, in which split and of which groups it is.

In        decisions (core.pillar), predictions and measures (core.predictions)
Out       `Panel`, sorted by subject, group and unit, so that the same rows in another order give the same numbers
Resampled subjects; where a study has none (molecules), groups, such as scaffolds; where it has neither, the units themselves
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Unusable
from bedside.core.predictions import SUBGROUPS
from bedside.evaluate.cluster import codes_of
from bedside.evaluate.subgroups import UNKNOWN, level_of

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

DEMOGRAPHICS = ("sex", "age_band", "race", "ethnicity")
_COLUMNS = (*SUBGROUPS, "site")
_WHO = ("subject_id", "group_id", "parent_unit", "prediction_time", "split", "modality", *_COLUMNS)
_MOST_LEVELS = 20
OTHERS = "all others"


@dataclass(frozen=True)
class Panel:
    """One row a decision. `clusters` names what the codes stand for: "subjects", "groups" or "units".

    unrecorded   of persons, the demographic columns that no row has: nothing can be said of them, and that is said
    """

    units: list[str]
    codes: Ints
    subjects: int
    clusters: str
    split: list[str]
    levels: dict[str, list[str]]
    unrecorded: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.units)

    def within(self, there: Bools) -> tuple[Ints, int]:
        """Codes of these rows and how many clusters they are; the codes stay those of all rows while all are there."""
        return (self.codes, self.subjects) if there.all() else codes_of(self.codes[there])


def panel(decisions: pl.DataFrame) -> Panel:
    """The panel of decisions that are filled (`filled`) and sorted here."""
    import polars as pl

    if decisions.is_empty():
        raise Unusable("no held-out decision", where="decisions", do='name the held-out split "test", or the folds "fold-0", ...')
    names = decisions.select(pl.coalesce(pl.col("subject_id").cast(pl.String), "group_id", "unit_id").alias("cluster"))["cluster"]
    codes, clusters = codes_of(names.to_numpy().astype(str))
    told, by = levels(decisions), whom(decisions)
    blank = [column for column in DEMOGRAPHICS if set(told.get(column, [])) == {UNKNOWN}]
    kept = {column: named for column, named in told.items() if column not in blank}
    return Panel(decisions["unit_id"].to_list(), codes, clusters, by, decisions["split"].to_list(), kept, blank)


def sort(decisions: pl.DataFrame) -> pl.DataFrame:
    return decisions.sort("subject_id", "group_id", "unit_id", nulls_last=True)


def whom(decisions: pl.DataFrame) -> str:
    """What is resampled."""
    for column, said in (("subject_id", "subjects"), ("group_id", "groups")):
        if decisions[column].null_count() < decisions.height:
            return said
    return "units"


def levels(decisions: pl.DataFrame) -> dict[str, list[str]]:
    """Subgroup columns, level by row. Of persons, whoever is not recorded is a level too; other columns only where they tell rows apart."""
    persons = decisions["subject_id"].null_count() < decisions.height
    found: dict[str, list[str]] = {}
    for column in _COLUMNS:
        if persons and column in DEMOGRAPHICS:
            found[column] = _levels(decisions[column])
        elif len(named := _levels(decisions[column])) and len(set(named)) > 1:
            found[column] = _fewer(named)
    return found


def filled(rows: pl.DataFrame, decisions: pl.DataFrame, on: str = "unit_id") -> pl.DataFrame:
    """Rows that know whose they are: what a row leaves empty is taken from the decision that its column `on` names."""
    import polars as pl

    told = [name for name in _WHO if name in decisions.columns and name != on and decisions[name].null_count() < decisions.height]
    told = [name for name in told if name not in rows.columns or rows[name].null_count()]
    if not told or rows.is_empty():
        return rows
    known = decisions.select(pl.col("unit_id").alias(on), *(pl.col(name).cast(_kind(name)).alias(f"{name} of the decision") for name in told)).unique(on)
    joined = rows.with_columns(pl.lit(None, dtype=_kind(name)).alias(name) for name in told if name not in rows.columns)
    joined = joined.join(known, on=on, how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce(name, f"{name} of the decision").alias(name) for name in told).select(joined.columns[: -len(told)])


def whole(decisions: pl.DataFrame, predictions: pl.DataFrame, main: str) -> pl.DataFrame:
    """Decisions of one target with every column that a panel reads; one that no decision has is taken from the main output's rows."""
    import polars as pl

    ours = predictions.filter(pl.col("output") == main).unique("unit_id", maintain_order=True)
    rows = filled(decisions, ours) if ours.height else decisions
    kept = rows.with_columns(pl.col(name).cast(_kind(name)) if name in rows.columns else pl.lit(None, dtype=_kind(name)).alias(name) for name in _WHO)
    return sort(kept)


def _kind(name: str) -> pl.DataType:
    import polars as pl

    kinds: dict[str, pl.DataType] = {"subject_id": pl.Int64(), "prediction_time": pl.Datetime("us")}
    return kinds.get(name, pl.String())


def _levels(column: pl.Series) -> list[str]:
    named = {value: level_of(value) for value in column.unique()}
    return [named[value] for value in column.to_list()]


def _fewer(named: Sequence[str]) -> list[str]:
    """The most frequent levels by name; all others together."""
    often = Counter(named)
    if len(often) <= _MOST_LEVELS:
        return list(named)
    kept = {level for level, _ in sorted(often.items(), key=lambda one: (-one[1], one[0]))[:_MOST_LEVELS]} | {UNKNOWN}
    return [level if level in kept else OTHERS for level in named]
