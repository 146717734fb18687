"""What a role does to one column of texts: each different value is worked out once, dates of one form by the column.

In        a column of texts, and whose each of its rows is
Out       the column without identifiers, null where a cell cannot be changed (its row is then at fault)
Time      a text time gets its UTC offset, resolved on the true date; without any zone a row is at fault, unless the zone is `UNSTATED`
Elsewhere columns of other types: `table_typed.py`
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from bedside.core.errors import Malformed, shape_of
from bedside.core.time import UNSTATED
from bedside.deidentify.desk import Desk, Person

if TYPE_CHECKING:
    import polars as pl

LAST_YEAR, _OFFSETS_SINCE = 9990, 1970  # before it, offsets may have seconds
PACKED = {"%Y%m%d": 8, "%Y%m%d%H%M": 12, "%Y%m%d%H%M%S": 14}  # without separators any number is read as some of them
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_MOMENT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}$"
_YEAR, _AS_OF = 4, 2026  # whoever was born so many years before this as the cap says may be above it
_AGE = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)(.*)\Z", re.DOTALL)
Cell = Callable[[str, Person | None], str | None]


class Rows(NamedTuple):
    """Whose each row is: `people` without repeats, and for each row which of them."""

    people: list[Person | None]
    which: list[int]

    @classmethod
    def of(cls, people: list[Person | None]) -> Rows:
        """Of the person of each row."""
        order: dict[str, int] = {}
        found: list[Person | None] = []
        which = []
        for person in people:
            name = person.name if person is not None else ""
            if name not in order:
                order[name] = len(found)
                found.append(person)
            which.append(order[name])
        return cls(found, which)


class Columns:
    """Changes the columns of one frame. Faults are noted by row, the first reason of each."""

    def __init__(self, desk: Desk, zone: str | None, rule: dict[str, Any], rows: Rows, faults: dict[int, str]) -> None:
        self.desk, self.zone, self.rule, self.rows, self.faults = desk, zone, rule, rows, faults
        self.formats = columns_of(rule.get("time_formats"))
        self.blanks = {text for texts in (rule.get("blank") or [], *(rule.get("blanks") or {}).values()) for text in texts}
        self._cells: dict[str, Cell] = {
            "subject": lambda value, person: person.name if person else None, "encounter": self._number, "identifier": self._number, "plan": self._number,
            "uid": lambda value, person: desk.uid(value), "birth_date": self._birth, "date": self._time, "datetime": self._time, "year": self._time,
            "zip": lambda value, person: desk.policy.zip(value), "text": desk.text, "keep": desk.kept, "age": self._age, "city": lambda value, person: value,
            "name": self._name, "given": self._name, "family": self._name,
        }  # fmt: skip

    def text(self, column: pl.Series, role: str) -> pl.Series:
        import polars as pl

        if role == "keep":
            return self.kept(column)
        if role in ("identifier", "encounter", "plan", "uid", "zip"):
            return self._by_value(column, self._cells[role])
        done = self._quick_times(column, role) if role in ("date", "datetime") and not self.blanks else None
        slow = column if done is None else pl.select(pl.when(done.is_null()).then(column).otherwise(None))[:, 0]
        rest = self._by_pair(slow, self._cells[role])
        return rest.alias(column.name) if done is None else pl.select(pl.coalesce(done, rest))[:, 0].alias(column.name)

    def _by_value(self, column: pl.Series, change: Cell) -> pl.Series:
        """A role that does not ask whose row it is."""
        import polars as pl

        new = {value: (change(value, None) if value.strip() else "") for value in column.unique().drop_nulls().to_list()}
        return column.replace_strict(list(new), list(new.values()), default=None, return_dtype=pl.String) if new else column

    def _by_pair(self, column: pl.Series, change: Cell) -> pl.Series:
        """A role that asks whose row it is: each pair of value and person is worked out once."""
        import polars as pl

        memory: dict[tuple[str, int], str | Malformed | None] = {}
        done: list[str | None] = [None] * len(column)
        filled = column.is_not_null().arg_true()
        for row, value in zip(filled.to_list(), column.gather(filled).to_list(), strict=True):
            if row in self.faults:
                continue
            key = (value, self.rows.which[row])
            if key not in memory:
                memory[key] = self._tried(change, value, self.rows.people[key[1]]) if value.strip() else ""
            new = memory[key]
            if isinstance(new, Malformed):
                self.faults.setdefault(row, new.what)
            else:
                done[row] = new
        return pl.Series(column.name, done, dtype=pl.String)

    def _tried(self, change: Cell, value: str, person: Person | None) -> str | Malformed | None:
        try:
            return change(value, person)
        except Malformed as error:
            return error

    def kept(self, column: pl.Series) -> pl.Series:
        """A column that stays: only values with a word or long number that may be somebody's are looked at row by row."""
        import polars as pl

        loud = [value for value in column.unique().drop_nulls().to_list() if value.strip() and not self.desk.silent(value)]
        if not loud:
            return column
        told = column.is_in(loud)
        new = self._by_pair(pl.select(pl.when(told).then(column).otherwise(None))[:, 0], self._cells["keep"])
        return pl.select(pl.when(told).then(new).otherwise(column))[:, 0].alias(column.name)

    def _quick_times(self, column: pl.Series, role: str) -> pl.Series | None:
        """ISO dates, and times to the second in a declared zone, moved by the column; null where a cell is of another form."""
        import polars as pl

        if any(person is None for person in self.rows.people) or any(person.clock.relative for person in self.rows.people if person):
            return None
        days = pl.Series([person.clock.days if person else 0 for person in self.rows.people], dtype=pl.Int64).gather(self.rows.which)
        frame = pl.DataFrame({"x": column, "days": days})
        is_day, is_moment = pl.col("x").str.contains(_DAY), pl.col("x").str.contains(_MOMENT)
        day = pl.col("x").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        moved = pl.when(day.dt.year().is_between(1, LAST_YEAR - 1)).then(day + pl.duration(days="days")).otherwise(None)
        told = pl.when(moved.dt.year().is_between(1000, 9999)).then(moved.dt.to_string("%Y-%m-%d")).otherwise(None)
        plan: Any = pl.when(is_day).then(told)
        if self.zone == UNSTATED:
            sound = pl.col("x").str.slice(11, 8).str.to_time("%H:%M:%S", strict=False).is_not_null()
            plan = plan.when(is_moment & sound).then(told + "T" + pl.col("x").str.slice(11, 8))
        elif self.zone:
            wall = pl.col("x").str.replace(" ", "T").str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
            known = wall.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
            offset = known.dt.to_string("%:z")
            plan = plan.when(is_moment & offset.is_not_null() & (day.dt.year() >= _OFFSETS_SINCE)).then(told + "T" + pl.col("x").str.slice(11, 8) + offset)
        return frame.select(plan.otherwise(None).alias("x"))["x"]

    # --- cells ------------------------------------------------------------------------------------

    def _number(self, value: str, person: Person | None) -> str | None:
        return self.desk.number(value)

    def _name(self, value: str, person: Person | None) -> str | None:
        return self.desk.surrogates(person).of(value, "NAME") if person is not None else None

    def _birth(self, value: str, person: Person | None) -> str | None:
        text = iso_text(value, self.formats)
        if person is None:
            return self._year_of_nobody(text)
        moved = person.clock.birth(text, where="a cell")
        return moved[:4] if len(text) == _YEAR else moved  # a column of years stays one

    def _time(self, value: str, person: Person | None) -> str | None:
        if value in self.blanks:
            return None
        text = iso_text(value, self.formats)
        if person is None:
            return text if self.desk.policy.dates == "keep" else self._year_of_nobody(text)
        return person.clock.iso(text, where="a cell", timezone=self.zone)

    def _year_of_nobody(self, text: str) -> str | None:
        """The year of a date; none where it may be the birth of somebody above the cap, whose last event nobody knows."""
        cap = self.desk.policy.age_cap
        return None if cap is not None and int(text[:_YEAR]) < _AS_OF - cap else text[:_YEAR]

    def _age(self, value: str, person: Person | None) -> str | None:
        """An age in years; months and days of small children stay."""
        cap, found = self.desk.policy.age_cap, _AGE.match(value)
        if found is None:
            return self.desk.text(value, person)
        if cap is None or float(found[1]) < cap + 1 or found[2].strip().lower().startswith(("d", "m", "w")):
            return value if self.desk.silent(found[2]) else self.desk.text(value, person)
        return f"{cap + 1}{found[2] if self.desk.clean(found[2]) else ''}"


def columns_of(one_or_more: object) -> list[str]:
    """Column names of a mapping key that may hold one or several."""
    if not one_or_more:
        return []
    return [one_or_more] if isinstance(one_or_more, str) else [str(name) for name in one_or_more]  # type: ignore[attr-defined]


def iso_text(text: str, formats: list[str]) -> str:
    """A date or time as ISO text, by the declared formats where it is none. Raises `Malformed`."""
    plain = text.strip()
    if plain[:4].isdigit() and (plain[4:5] == "-" or len(plain) == 4):
        return plain
    for form in formats:
        if len(plain) != PACKED.get(form, len(plain)):
            continue
        try:
            said = datetime.strptime(plain, form)
        except ValueError:
            continue
        return said.isoformat() if any(sign in form for sign in ("%H", "%I", "%T", "%X", "%c")) else said.date().isoformat()
    raise Malformed(f"not a date or time: {shape_of(plain)}", where="a cell", do="declare time_formats in the mapping")
