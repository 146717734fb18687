"""Whole columns at once: what the phrases of a mapping come to for every row of a table.

In        a frame of text columns, empty cells null
Out       Polars series of the frame's length: texts, numbers, instants
Times     as `core.time.iso_instant` reads them: plain seconds with or without an offset are read by column, all else one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from bedside.core.errors import Malformed
from bedside.core.ids import subject_number
from bedside.core.time import FIRST_US, LAST_US, iso_instant, wall_us
from bedside.readers import phrases
from bedside.readers.phrases import Hole, Template, TimePhrase
from bedside.readers.times import end_of

_MINUTE_US, _HOUR_US = 60_000_000, 3_600_000_000
# Beyond these years the two time zone libraries differ: there each time is read by the standard library.
_RULES_FROM, _RULES_TO = (wall_us(datetime(year, 1, 1)) for year in (1970, 2037))
_HOURS = ("%H", "%I", "%T", "%X", "%c")
_PLAIN = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:[0-5]\d(?:Z|[+-]\d{2}:?\d{2})?$"


class Instants(NamedTuple):
    """Instants of a column: microseconds of UTC, the wall's offset, how long an inexact one lasts, and which texts were no time."""

    us: pl.Series
    offset_min: pl.Series
    slack_us: pl.Series
    unreadable: pl.Series

    @property
    def end_us(self) -> pl.Series:
        """When each instant is certainly over, as `times.end_of` says: itself, or the end of its day, month or year."""
        return self.us + self.slack_us


def instants(text: pl.Series, zone: str | None, formats: Sequence[str] = ()) -> Instants:
    """Instants of a column of texts.

    zone     for times of day without an offset; None makes them unreadable
    formats  further strptime formats of wall-clock times, tried where ISO 8601 fails
    """
    plain = text.str.contains(_PLAIN).fill_null(False)
    index = pl.DataFrame({"row": pl.int_range(text.len(), eager=True, dtype=pl.UInt32), "text": text})
    us, offset = _by_column(text.filter(plain), zone)
    quick = index.filter(plain).select("row", us.alias("us"), offset.alias("offset"), pl.lit(0, dtype=pl.Int64).alias("slack"))
    quick = quick.filter(pl.col("us").is_not_null())
    rest = index.drop_nulls().join(quick, on="row", how="anti")
    slow = rest.join(_one_by_one(rest["text"].unique(), zone, formats), on="text", how="left")
    both = pl.concat([quick, slow.select("row", "us", "offset", "slack")])
    whole = index.join(both, on="row", how="left", maintain_order="left")
    return Instants(whole["us"], whole["offset"], whole["slack"], text.is_not_null() & whole["us"].is_null())


def _by_column(text: pl.Series, zone: str | None) -> tuple[pl.Series, pl.Series]:
    """Microseconds and offset of texts in the plain form; null where they need the slow way."""
    offset = text.str.slice(19)
    wall = (text.str.slice(0, 10) + " " + text.str.slice(11, 8)).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False).cast(pl.Int64)
    hours, minutes = offset.str.slice(1, 2).cast(pl.Int16, strict=False), offset.str.slice(-2).cast(pl.Int16, strict=False)
    said = pl.DataFrame({"wall": wall, "offset": offset, "h": hours, "m": minutes}).with_columns(
        pl.when(pl.col("offset") == "Z").then(0)
        .when(pl.col("offset").str.starts_with("-")).then(-(pl.col("h") * 60 + pl.col("m")))
        .otherwise(pl.col("h") * 60 + pl.col("m")).cast(pl.Int16).alias("minutes")
    )  # fmt: skip
    bare = said.select(pl.when(pl.col("offset") == "").then("wall"))["wall"]
    local = _localise(bare, zone)
    found = said.with_columns(local.alias("local")).select(
        us=pl.coalesce(pl.col("wall") - pl.col("minutes").cast(pl.Int64) * _MINUTE_US, "local"),
        offset=pl.coalesce("minutes", ((pl.col("wall") - pl.col("local")) // _MINUTE_US).cast(pl.Int16)),
    )
    sound = (found["offset"].abs() <= 14 * 60) & found["us"].is_between(FIRST_US, LAST_US)
    return found["us"].set(~sound, None), found["offset"].set(~sound, None)


def _localise(wall: pl.Series, zone: str | None) -> pl.Series:
    """UTC of wall-clock microseconds; the first of two in autumn, and in spring's gap the offset of before it."""
    if zone is None:
        return pl.Series(wall.name, [None] * wall.len(), dtype=pl.Int64)
    if zone == "UTC":
        return wall
    known = wall.is_between(_RULES_FROM, _RULES_TO)
    times = wall.set(~known, None).cast(pl.Datetime("us"))
    found = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").cast(pl.Int64)
    before = (times.cast(pl.Int64) - _HOUR_US).cast(pl.Datetime("us"))
    gap = before.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").cast(pl.Int64) + _HOUR_US
    return found.fill_null(gap)


def _one_by_one(texts: pl.Series, zone: str | None, formats: Sequence[str]) -> pl.DataFrame:
    read = [_slow(text, zone, formats) for text in texts]
    us, offset, slack = zip(*read, strict=True) if read else ((), (), ())
    kinds = {"text": pl.String, "us": pl.Int64, "offset": pl.Int16, "slack": pl.Int64}
    return pl.DataFrame({"text": texts, "us": us, "offset": offset, "slack": slack}, schema=kinds)


def _slow(text: str, zone: str | None, formats: Sequence[str]) -> tuple[int | None, int | None, int | None]:
    for form in ("", *formats):
        try:
            instant = iso_instant(_iso(text, form), where="cell", timezone=zone)
        except (Malformed, ValueError):
            continue
        return instant.us, instant.offset_min, end_of(instant) - instant.us
    return None, None, None


def _iso(text: str, form: str) -> str:
    """The text itself, or as ISO what `form` reads in it: a date where the form has no hour."""
    if not form:
        return text
    wall = datetime.strptime(text, form)
    return wall.isoformat() if any(sign in form for sign in _HOURS) else wall.date().isoformat()


def same(value: object, dtype: type[pl.DataType], height: int) -> pl.Series:
    """One value for every row."""
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


def fill(frame: pl.DataFrame, template: Template) -> pl.Series:
    """A template's text for every row; null where a hole is empty."""
    parts = [pl.lit(part) if isinstance(part, str) else filtered(frame[part.column], part).alias(f"p{i}")
             for i, part in enumerate(template.parts)]  # fmt: skip
    holes = [part for part in parts if isinstance(part, pl.Series)]
    if not holes:
        return same("".join(str(p) for p in template.parts), pl.String, frame.height)
    named = [pl.col(part.name) if isinstance(part, pl.Series) else part for part in parts]
    return pl.DataFrame(holes).select(pl.concat_str(named, ignore_nulls=False).alias("text"))["text"]


def filtered(column: pl.Series, hole: Hole) -> pl.Series:
    """A column's texts through a hole's filters, each distinct text once; what comes out empty is null."""
    if not hole.filters:
        return column
    texts = column.drop_nulls().unique()
    made = texts.to_list()
    for name in hole.filters:
        made = [phrases.FILTERS[name](text) for text in made]
    new = pl.Series([text or None for text in made], dtype=pl.String)
    return column.replace_strict(texts, new, default=None, return_dtype=pl.String)


def first_of(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """The first that is filled of some columns; those that the table lacks do not count."""
    there = [name for name in names if name in frame.columns]
    if not there:
        return pl.Series("none", [None] * frame.height, dtype=pl.String)
    return frame.select(pl.coalesce(there).alias("first"))["first"]


def first_said(frame: pl.DataFrame, texts: Sequence[str]) -> pl.Series:
    """The first that is filled of some columns and templates."""
    said = same(None, pl.String, frame.height)
    for text in texts:
        if "{" in text:
            said = said.fill_null(fill(frame, phrases.template(text)))
        elif text in frame.columns:
            said = said.fill_null(frame[text])
    return said


def subjects(text: pl.Series) -> pl.Series:
    """`subject_id` of every row, as `core.ids.subject_number` says."""
    names = text.drop_nulls().unique()
    numbers = pl.Series([subject_number(name) for name in names], dtype=pl.Int64)
    return text.replace_strict(names, numbers, default=None, return_dtype=pl.Int64)


class Numbers(NamedTuple):
    """A column as float32, its texts that were numbers, and what else must be kept: other texts, and numbers with a comparator."""

    value: pl.Series
    lexeme: pl.Series
    other: pl.Series


_COMPARED = r"^\s*(?:[<>]=?|[≤≥])\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*$"


def numbers(text: pl.Series) -> Numbers:
    """A number with a comparator is that number, and its text stays beside it, as FHIR and HL7v2 have it.

    >>> read = numbers(pl.Series(["7.30", ">60", "hemolysed", None]))
    >>> read.value.to_list()[1:], read.lexeme.to_list()[:2], read.other.to_list()
    ([60.0, None, None], ['7.30', '>60'], [None, '>60', 'hemolysed', None])
    """
    plain = _finite(text)
    value = plain.fill_null(_finite(text.str.extract(_COMPARED)))
    return Numbers(value, text.set(value.is_null(), None), text.set(plain.is_not_null(), None))


def _finite(text: pl.Series) -> pl.Series:
    value = text.cast(pl.Float64, strict=False).cast(pl.Float32)
    return value.set(~value.is_finite().fill_null(False), None)


class Clock:
    """The times of one frame: each column is read once, whatever phrases use it."""

    def __init__(self, frame: pl.DataFrame, *, zone: str | None, formats: Sequence[str] = (), base: str | None = None) -> None:
        self.frame, self.zone, self.formats = frame, zone, formats
        self.base_us = phrases.instant(base, None).us if base is not None else 0
        self._read: dict[str, Instants] = {}

    def at(self, phrase: TimePhrase) -> Instants:
        """Instants of a time phrase."""
        found = self._start(phrase)
        us, unreadable = found.us, found.unreadable
        for sign, amount, unit_us in phrase.steps:
            if isinstance(amount, str):
                count = self.frame[amount].cast(pl.Float64, strict=False)
                unreadable = unreadable | (self.frame[amount].is_not_null() & count.is_null())
                us = us + sign * (count * unit_us).round().cast(pl.Int64, strict=False)
            else:
                us = us + sign * round(amount * unit_us)
        beyond = ~us.is_between(FIRST_US, LAST_US - found.slack_us).fill_null(True) & us.is_not_null()
        return Instants(us.set(beyond, None), found.offset_min, found.slack_us, unreadable | beyond)

    def _start(self, phrase: TimePhrase) -> Instants:
        if phrase.start == "column":
            return self._column(phrase.starts[0])
        if phrase.start == "base":
            return self._exact(self._same(self.base_us, pl.Int64), self._same(False, pl.Boolean))
        year = self.frame[phrase.starts[0]].cast(pl.Int32, strict=False)
        for name in phrase.starts[1:]:
            year = year - self.frame[name].cast(pl.Int32, strict=False)
        said = self.frame.select(pl.all_horizontal(pl.col(phrase.starts).is_not_null()).alias("said"))["said"]
        us = pl.DataFrame({"year": year}).select(pl.datetime("year", 1, 1).cast(pl.Datetime("us")).cast(pl.Int64).alias("us"))["us"]
        return self._exact(us, said & us.is_null())

    def _exact(self, us: pl.Series, unreadable: pl.Series) -> Instants:
        """Instants that no wall clock showed."""
        return Instants(us, self._same(None, pl.Int16), self._same(0, pl.Int64), unreadable)

    def _same(self, value: int | bool | None, dtype: type[pl.DataType]) -> pl.Series:
        return same(value, dtype, self.frame.height)

    def _column(self, name: str) -> Instants:
        if name not in self._read:
            self._read[name] = instants(self.frame[name], self.zone, self.formats)
        return self._read[name]
