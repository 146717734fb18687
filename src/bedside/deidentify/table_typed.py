"""What a role does to a typed column: of Parquet, or of a frame that somebody hands in.

In        a column of any type, and whose each of its rows is
Out       the column without identifiers, or None where nothing of it may stay. Dates and times stay dates and times, shifted; numbers that stay are
          the same numbers, null where they are known of their row's own person; lists of numbers stay, lists of texts are scrubbed; records and
          bytes are removed
Elsewhere columns of texts: `table_columns.py`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedside.core.time import DAY_US, UNSTATED
from bedside.deidentify.desk import Person
from bedside.deidentify.table_columns import LAST_YEAR, Columns

if TYPE_CHECKING:
    import polars as pl

_TIMED = frozenset({"date", "datetime", "birth_date", "year"})


class Typed(Columns):
    """Changes columns of every type."""

    def changed(self, column: pl.Series, role: str) -> pl.Series | None:
        """The column in its role."""
        import polars as pl

        kind = column.dtype
        if kind == pl.String:
            return self.text(column, role)
        if kind in (pl.Categorical, pl.Enum):
            return self.text(column.cast(pl.String), role)
        if kind.is_nested() or kind in (pl.Binary, pl.Object):
            return self._nested(column, role)
        if kind.is_temporal():
            return self._typed_time(column, role)
        if kind in (pl.Boolean, pl.Null):
            return column if role in ("keep", "text", "age") else None
        return self._typed_number(column, role)

    def _typed_time(self, column: pl.Series, role: str) -> pl.Series | None:
        """Dates and times as they are typed. Times of day and durations tell nobody."""
        import polars as pl

        kind = column.dtype
        if kind in (pl.Time, pl.Duration):
            return column if role in ("keep", "date", "datetime") else None
        if role not in (*_TIMED, "keep"):
            return None
        if role == "birth_date" or any(person is None for person in self.rows.people) or role == "year":
            return self.text(column.cast(pl.Date).dt.to_string("%Y-%m-%d"), role)
        if isinstance(kind, pl.Datetime) and kind.time_zone is None:
            if self.zone is None:
                return self.text(column.dt.to_string("iso:strict"), "datetime")
            column = column if self.zone == UNSTATED else self._zoned(column)
        shifts = pl.Series([person.clock.shift_us if person else 0 for person in self.rows.people], dtype=pl.Int64).gather(self.rows.which)
        frame = pl.DataFrame({"x": column, "us": shifts})
        moved = pl.col("x") + (pl.duration(days=pl.col("us") // DAY_US) if kind == pl.Date else pl.duration(microseconds="us"))
        return frame.select(pl.when(pl.col("x").dt.year() >= LAST_YEAR).then(pl.col("x")).otherwise(moved).alias(column.name))[column.name]

    def _zoned(self, column: pl.Series) -> pl.Series:
        """Wall times as instants of their zone; of an hour that clocks show twice the first, of one that they skip an hour later."""
        import polars as pl

        zone = self.zone or "UTC"
        known, later = ((column + pl.duration(hours=hours)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null") for hours in (0, 1))
        return pl.select(pl.coalesce(known, later))[:, 0].alias(column.name)

    def _typed_number(self, column: pl.Series, role: str) -> pl.Series | None:
        import polars as pl

        if role == "age" and self.desk.policy.age_cap is not None:
            cap = self.desk.policy.age_cap
            return pl.select(pl.when(column >= cap + 1).then(pl.lit(cap + 1, dtype=column.dtype)).otherwise(column))[:, 0].alias(column.name)
        if role in ("keep", "age", "text"):
            return self._same_numbers(column)
        if role == "zip":
            return self.text(column.cast(pl.String).str.zfill(5), role)
        done = self.text(column.cast(pl.String), role)
        if role in ("year", "birth_date") and column.dtype.is_integer():
            years = done.cast(column.dtype, strict=False)
            return years if years.null_count() == done.null_count() else done
        return done

    def _same_numbers(self, column: pl.Series) -> pl.Series:
        """Numbers as they are, but for those that are known of their row's own person: they become null."""
        import polars as pl

        if not column.dtype.is_integer():
            return column
        said = column.cast(pl.String)
        new = self.kept(said)
        return pl.select(pl.when(new == said).then(column).otherwise(None))[:, 0].alias(column.name)

    def _nested(self, column: pl.Series, role: str) -> pl.Series | None:
        """Lists of numbers stay, lists of texts are scrubbed text by text, anything else goes."""
        import polars as pl

        kind = column.dtype
        inner = kind.inner if isinstance(kind, (pl.List, pl.Array)) else None
        if role in ("keep", "text") and inner is not None and inner.is_numeric():
            return column
        if role in ("keep", "text") and inner == pl.String:
            people = self.rows.people
            done = [
                None if cell is None or row in self.faults else [None if one is None else self._item(one, people[whose]) for one in cell]
                for row, (cell, whose) in enumerate(zip(column.to_list(), self.rows.which, strict=True))
            ]
            return pl.Series(column.name, done, dtype=pl.List(pl.String))
        self.desk.actions["tables: column removed (records, bytes or lists that no rule reads)"] += 1
        return None

    def _item(self, text: str, person: Person | None) -> str:
        """One text of a list; alone, a name that is a word too is known by the record of its own person."""
        return self.desk.kept(self.desk.text(text, person), person)
