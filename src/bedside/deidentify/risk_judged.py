"""What was found of one table's risk: the record that the verb prints and the expert's report is drawn from.

In        nothing: records only
Out       `Judged`. Column names, counts and rates; never a value of the table
"""

from __future__ import annotations

import msgspec

from bedside.deidentify.risk import Risk
from bedside.deidentify.risk_population import Uniques
from bedside.deidentify.risk_search import Asked, Chosen


class Table(msgspec.Struct, frozen=True):
    """Which table was judged."""

    name: str
    digest: str
    records: int
    columns: int


class Judged(msgspec.Struct, frozen=True):
    """A table's risk. The measures of the table as it is stand in `before`; with k asked, those of the generalised one in `after`."""

    schema: str
    table: Table
    k: int
    least_diversity: int | None = msgspec.field(name="l")
    greatest_distance: float | None = msgspec.field(name="t")
    before: Risk
    uniques: Uniques | None
    asked: Asked | None
    chosen: Chosen | None
    after: Risk | None
