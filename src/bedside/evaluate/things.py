"""Things of one target as arrays: what each output found, what it missed, and in which unit.

In        prediction rows of kind "found" and the decisions that name every unit looked at
Out       `Things` by output; units whose truth is not known are left out whole, and counted
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.judged import FoundCounts
from bedside.evaluate.records import Check

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from bedside.evaluate.question import Question

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Things:
    """What one output says: `parent` is the place of the unit in the panel; `found` says whether it counts as found."""

    parent: Ints
    true: Bools
    value: Floats
    found: Bools

    @property
    def scored(self) -> bool:
        """Whether values order the things, so that there is a curve to draw."""
        return len(np.unique(self.value[~np.isnan(self.value)])) > 1

    def at(self, line: Floats) -> Things:
        """Found only where the value reaches the line of its unit, (units,)."""
        return Things(self.parent, self.true, self.value, ~np.isnan(self.value) & (self.value >= line[self.parent]))

    def counts(self, there: Bools) -> FoundCounts:
        tp, fp, missed = (int((mark & there[self.parent]).sum()) for mark in self.marks)
        return FoundCounts(tp, fp, missed, int(there.sum()))

    @property
    def marks(self) -> tuple[Bools, Bools, Bools]:
        """Rightly found, wrongly found, missed."""
        return self.true & self.found, ~self.true & self.found, self.true & ~self.found


def looked_at(asked: Question) -> tuple[pl.DataFrame, dict[str, int]]:
    """Decisions whose things are all known, and what was left out."""
    import polars as pl

    rows = asked.predictions
    if rows.filter(pl.col("output") == asked.main).is_empty():
        raise Unusable(f"no held-out prediction of {asked.main!r}: it says of no thing whether it found it", where=f"predictions of target {asked.target.name!r}",
                       do="write a row for each thing that is there, and for each that was found")  # fmt: skip
    if rows["parent_unit"].null_count():
        raise Unusable("a thing does not say where it was looked for", where=f"predictions of target {asked.target.name!r}, column parent_unit",
                       do="give the unit_id of its decision")  # fmt: skip
    unknown = rows.filter(pl.col("label").is_null())["parent_unit"].unique()
    kept = asked.decisions.filter(~pl.col("unit_id").is_in(unknown.implode()))
    astray = rows.join(asked.decisions, left_on="parent_unit", right_on="unit_id", how="anti").height
    if kept.is_empty():
        raise Unusable("of no unit is it known what is there", where=f"predictions of target {asked.target.name!r}, column label",
                       do="say of each thing whether it is truly there")  # fmt: skip
    return kept, {"truth not known": asked.decisions.height - kept.height, "things in units that were not asked about": astray}


def things_of(predictions: pl.DataFrame, decisions: pl.DataFrame, name: str) -> Things:
    import polars as pl

    place = decisions.select(pl.col("unit_id").alias("parent_unit")).with_row_index("place")
    own = predictions.filter(pl.col("output") == name).join(place, on="parent_unit", how="inner").sort("place", "unit_id")
    value, true = own["value"].to_numpy().astype(np.float64), own["label"].to_numpy().astype(np.bool_)
    if np.isinf(value).any():
        raise Unusable("a value is infinite", where=f"predictions, output {name!r}", do="fix the output that wrote it")
    found = ~np.isnan(value)
    kept = true | found  # neither there nor found: says nothing
    return Things(own["place"].to_numpy().astype(np.int64)[kept], true[kept], value[kept], found[kept])


def same_things(things: Mapping[str, Things], units: int) -> Check:
    """Every output must be asked for the same things: as many truly there in each unit."""
    there: list[Any] = [np.bincount(own.parent[own.true], minlength=units) for own in things.values()]
    wrong = sum(int((one != there[0]).sum()) for one in there[1:])
    return Check("things", "all outputs are judged by the same things", wrong)
