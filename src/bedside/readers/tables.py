"""Tables to events, column by column, by the rules of a mapping.

In        a de-identified CSV, PSV or Parquet file and its source's mapping (`mapping.py`)
Out       a `Reading`: every row is written, ignored with a reason, or quarantined with one
Rules     a row is written when it gave at least one event; a cell that should be a number and is none is kept as text;
          a row without a subject, or whose only facts have no readable time, is quarantined;
          a file that lacks a column the mapping reads is quarantined whole, with that one reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bedside.codes.units import is_known
from bedside.core.accounts import Reject, Tally
from bedside.core.errors import Malformed
from bedside.core.events import frame as event_frame
from bedside.core.events import schema
from bedside.core.ids import sha256, sha256_file
from bedside.formats import tables as formats
from bedside.formats.files import RawFile
from bedside.readers import columns, phrases
from bedside.readers.columns import Clock, Instants
from bedside.readers.fhir_elements import UNKNOWN_UNIT
from bedside.readers.mapping import (
    FILE,
    LINE,
    PATH,
    Column,
    EventRule,
    Join,
    Mapping,
    TableRule,
    alternatives,
    many,
    matches,
    needed,
    rules,
    table_of,
    wide,
)
from bedside.readers.reading import Reading

_TABLES = (".csv", ".psv", ".tsv", ".txt", ".tab", ".parquet")
_NO_TABLE = "table not mapped"
_NO_NUMBER = "value is no number: kept as text"
_KEY_LENGTH = 16
_SLICE = 50_000


def read(file: RawFile, *, mapping: dict[str, Any], timezone: str | None = None) -> Reading:
    """Read one file by its mapping.

    timezone  zone of times of day that carry none, where the mapping declares no zone itself
    Never raises for what the file holds.
    """
    whole = rules(mapping)
    found = table_of(whole, file.relative) or table_of(whole, file.alias)
    try:
        if found is None:
            return _ignored(file, _NO_TABLE)
        if found[1].ignore is not None:
            return _ignored(file, found[1].ignore)
        return _read(file, found[1], whole, timezone)
    except Malformed as error:
        return _quarantined(file, error.what, 1, "file")


def _ignored(file: RawFile, reason: str) -> Reading:
    """A file whose rows are only counted; one that is no table counts as one record."""
    tally = Tally(file.source, file.alias)
    if not _looks_like_a_table(file):
        tally.ignore("not a table")
        return Reading(event_frame([]), tally)
    table = formats.read(file)
    tally.ignore(reason, table.frame.height + len(table.rejects))
    return Reading(event_frame([]), tally)


def _looks_like_a_table(file: RawFile) -> bool:
    name = file.relative.lower().removesuffix(".gz")
    return name.endswith(_TABLES) and not name.endswith(".txt")


def _quarantined(file: RawFile, reason: str, rows: int, place: str) -> Reading:
    tally = Tally(file.source, file.alias)
    tally.quarantine(reason, rows)
    reject = Reject(file.source, file.alias, place, reason, sha256_file(file.path))
    return Reading(event_frame([]), tally, rejects=[reject] if rows else [])


def _read(file: RawFile, rule: TableRule, mapping: Mapping, timezone: str | None) -> Reading:
    table = formats.read(file)
    missing = [group for group in alternatives(rule) if not any(name in table.frame.columns for name in group)]
    if missing:
        lacking = ", ".join(sorted({" or ".join(group) for group in missing}))
        return _quarantined(file, f"the file lacks the column {lacking}", table.frame.height + len(table.rejects), "file")
    try:
        rows = _prepare(table.text(), table.lines, rule, mapping, file)
    except _NoJoin as error:
        return _quarantined(file, str(error), table.frame.height + len(table.rejects), "file")
    zone = rule.timezone or mapping.timezone or timezone
    reading = events_of(rows, rule, units=mapping.units, zone=zone, file=file, key=sha256_file(file.path)[:_KEY_LENGTH])
    for fault in table.rejects:
        reading.tally.quarantine(fault.reason)
        reading.rejects.append(Reject(file.source, file.alias, f"line {fault.line}", fault.reason, sha256(fault.raw)))
    return reading


# --- rows -----------------------------------------------------------------------------------------


class _NoJoin(Exception):
    """A table that must be joined is not among the source's files."""


def _prepare(frame: pl.DataFrame, lines: Any, rule: TableRule, mapping: Mapping, file: RawFile) -> pl.DataFrame:
    """The columns that the rules read: trimmed, blanks null, recoded, joined, with the file's stem and each row's line."""
    wanted = needed(rule) - {new for join in rule.join for new in join.take}
    keep = [name for name in frame.columns if name in wanted]
    rows = frame.select(
        _cell(name, [*mapping.blank, *rule.blank, *rule.blanks.get(name, [])], rule.recode.get(name)) for name in keep
    )
    rows = rows.with_columns(pl.Series(LINE, lines, dtype=pl.Int64))
    for join in rule.join:
        rows = _joined(rows, join, mapping, file)
    return rows.with_columns(pl.lit(_stem(file)).alias(FILE), pl.lit(_trunk(file)).alias(PATH))


def _cell(name: str, blank: list[str], recode: dict[str, str] | None) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    text = pl.when(~text.is_in(["", *blank])).then(text)
    return (text.replace(recode) if recode else text).alias(name)


def _stem(file: RawFile) -> str:
    return file.alias.rsplit("/", 1)[-1].split(".", 1)[0]


def _trunk(file: RawFile) -> str:
    """The file's path inside its source, without its ending."""
    folder, slash, _ = file.alias.rpartition("/")
    return f"{folder}{slash}{_stem(file)}"


def _joined(rows: pl.DataFrame, join: Join, mapping: Mapping, file: RawFile) -> pl.DataFrame:
    """Left join; without the other table its columns are empty, if they may be."""
    ours = list(join.on)
    other = _other(join, file)
    if other is None:
        if not join.optional:
            raise _NoJoin("a table that its rows need is not among the files: " + ", ".join(join.files))
        return rows.with_columns(pl.lit(None, dtype=pl.String).alias(new) for new in join.take)
    taken = other.select([pl.col(theirs).alias(our) for our, theirs in join.on.items()]
                         + [_cell(theirs, mapping.blank, None).alias(new) for new, theirs in join.take.items()])  # fmt: skip
    return rows.join(taken.unique(ours, keep="first", maintain_order=True), on=ours, how="left", maintain_order="left")


def _other(join: Join, file: RawFile) -> pl.DataFrame | None:
    root = file.path.parents[file.relative.count("/")] if "/" in file.relative else file.path.parent
    for path in sorted(one for one in root.rglob("*") if one.is_file()):
        relative = path.relative_to(root).as_posix()
        if any(matches(relative, pattern) for pattern in join.files):
            named = tuple(sorted({*join.on.values(), *join.take.values()}))
            return _lookup(path, relative, path.stat().st_mtime_ns, named, file.encoding)
    return None


@lru_cache(maxsize=4)
def _lookup(path: Path, relative: str, changed: int, names: tuple[str, ...], encoding: str) -> pl.DataFrame:
    """The named columns of a dictionary table; read once for all the files that join it."""
    frame = formats.read(RawFile("dictionary", "tables", path, relative, relative, encoding)).text()
    lacking = [name for name in names if name not in frame.columns]
    if lacking:
        raise _NoJoin(f"the table {relative} lacks the column {', '.join(lacking)}")
    return frame.select(pl.col(name).str.strip_chars() for name in names)


# --- events ---------------------------------------------------------------------------------------


@dataclass
class _Account:
    """What became of each row, as masks of the frame's length."""

    height: int
    problems: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.wrote, self.applied, self.unreadable, self.timeless, self.repeated = (np.zeros(self.height, bool) for _ in range(5))


@dataclass
class _Rows:
    """One frame on its way to events: its clock, subjects and account."""

    frame: pl.DataFrame
    clock: Clock
    subject: pl.Series
    encounter: pl.Series
    units: dict[str, str]
    account: _Account

    def count(self, problem: str, where: pl.Series) -> None:
        """Count an oddity that cost nothing."""
        self.account.problems[problem] += int(where.sum())

    def column(self, names: list[str]) -> pl.Series:
        return columns.first_of(self.frame, names)


def events_of(rows: pl.DataFrame, rule: TableRule, *, units: dict[str, str], zone: str | None, file: RawFile, key: str) -> Reading:
    """Events of prepared rows. A pure function of them: a batch of a table reads as the table does, save `keep`."""
    clock = Clock(rows, zone=zone, formats=rule.time_formats, base=rule.base)
    subject = columns.subjects(columns.first_said(rows, many(rule.subject)))
    state = _Rows(rows, clock, subject, columns.first_of(rows, many(rule.encounter)), units, _Account(rows.height))
    labels = dict[str, str]()
    made = [_kept(part, one, state) for one in rule.events for part in [_events(one, state, labels)]]
    whole = pl.concat(made, rechunk=True) if made else _empty()
    state.account.wrote[whole["row"].to_numpy()] = True
    whole = whole.sort("row", maintain_order=True)
    source = f"{key}#" + rows[LINE].cast(pl.String).gather(whole["row"])
    events = whole.drop("row").with_columns(source.alias("source"))
    reading = Reading(events, Tally(file.source, file.alias), problems=dict(state.account.problems), labels=labels)
    return _account(reading, state, file)


def _events(rule: EventRule, rows: _Rows, labels: dict[str, str]) -> pl.DataFrame:
    """The events of one rule, with the row that each came from; counts in the account what failed."""
    applies = _applies(rule, rows)
    rows.account.applied |= applies.to_numpy()
    time = _time(rule, rows)
    known = _known(rule, rows, time, applies)
    ready = applies & rows.subject.is_not_null()
    if not rule.static:
        rows.account.unreadable |= (ready & time.unreadable & time.us.is_null()).to_numpy()
        rows.account.timeless |= (ready & ~time.unreadable & time.us.is_null()).to_numpy()
        ready &= time.us.is_not_null()
    encounter = rows.column(many(rule.encounter)) if rule.encounter else rows.encounter
    index = pl.int_range(rows.frame.height, eager=True, dtype=pl.UInt32)
    shared = pl.DataFrame({"row": index, "subject_id": rows.subject, "time": time.us, "known_at": known,
                           "utc_offset_min": time.offset_min, "encounter_id": encounter})  # fmt: skip
    if rule.columns:
        return _wide(shared, ready, rule, rows, labels)
    return _long(shared, ready, rule, rows, labels)


def _applies(rule: EventRule, rows: _Rows) -> pl.Series:
    if rule.when is None:
        return columns.same(True, pl.Boolean, rows.frame.height)
    return rows.frame.select(pl.sql_expr(rule.when).alias("when"))["when"].cast(pl.Boolean).fill_null(False)


def _time(rule: EventRule, rows: _Rows) -> Instants:
    """When the fact was: the first phrase that gives an instant."""
    height = rows.frame.height
    kinds = ((None, pl.Int64), (None, pl.Int16), (None, pl.Int64), (False, pl.Boolean))
    found = Instants(*(columns.same(empty, dtype, height) for empty, dtype in kinds))
    for text in _sayable(many(rule.time), rows):
        found = _or(found, rows.clock.at(phrases.time(text)))
    return found


def _or(first: Instants, second: Instants) -> Instants:
    empty = first.us.is_null()
    offset = first.offset_min.zip_with(~empty, second.offset_min)
    slack = first.slack_us.zip_with(~empty, second.slack_us)
    return Instants(first.us.fill_null(second.us), offset, slack, first.unreadable | second.unreadable)


def _sayable(texts: list[str], rows: _Rows) -> list[str]:
    """The phrases whose columns the table has."""
    return [text for text in texts if all(name in rows.frame.columns for name in phrases.time(text).columns)]


def _known(rule: EventRule, rows: _Rows, time: Instants, applies: pl.Series) -> pl.Series:
    """When the fact became available: the first phrase that gives an instant, else its own time; stand-ins are counted."""
    texts = _sayable(many(rule.known_at), rows)
    known = columns.same(None, pl.Int64, rows.frame.height)
    for place, text in enumerate(texts):
        said = rows.clock.at(phrases.time(text)).end_us
        if place:
            rows.count(f"{texts[0]} is empty or unreadable: known at {text}", applies & known.is_null() & said.is_not_null())
        known = known.fill_null(said)
    if rule.static:
        return known
    if texts:
        rows.count(f"{texts[-1]} is empty or unreadable: known at its own time", applies & known.is_null() & time.us.is_not_null())
    known = known.fill_null(time.end_us)
    early = (known < time.us).fill_null(False)
    if rule.ahead or not early.any():
        return known
    rows.count(f"{texts[0]} lies before the fact: known at its own time", applies & early)
    return time.us.zip_with(early, known)


def _long(shared: pl.DataFrame, ready: pl.Series, rule: EventRule, rows: _Rows, labels: dict[str, str]) -> pl.DataFrame:
    """One event a row."""
    code = columns.same(None, pl.String, rows.frame.height)
    for text in many(rule.code):
        holes = phrases.template(text)
        if all(name in rows.frame.columns for name in holes.columns):
            code = code.fill_null(columns.fill(rows.frame, holes))
    value = columns.numbers(rows.column(many(rule.value)))
    rows.count(_NO_NUMBER, ready & value.other.is_not_null() & value.value.is_null())
    words, unit = _text(rule, rows, value), _unit(rule, rows)
    ready = ready & code.is_not_null()
    if rule.needs_value:
        ready &= value.value.is_not_null() | words.is_not_null()
    strange = [text for text in unit.filter(ready).drop_nulls().unique() if not is_known(text)]
    rows.count(UNKNOWN_UNIT, ready & unit.is_in(strange))
    _name(rule, rows, code, ready, labels)
    said = shared.with_columns(code.alias("code"), value.value.alias("numeric_value"), words.alias("text_value"),
                               value.lexeme.alias("lexeme"), unit.alias("unit"))  # fmt: skip
    return _shaped(said.filter(ready), rule)


def _text(rule: EventRule, rows: _Rows, value: columns.Numbers) -> pl.Series:
    """The text value: what the rule says, else what should have been a number; never the number again."""
    said = columns.first_said(rows.frame, many(rule.text))
    said = said.set((said == value.lexeme).fill_null(False) & value.other.is_null(), None)
    return said.fill_null(value.other)


def _unit(rule: EventRule, rows: _Rows) -> pl.Series:
    if rule.unit is None:
        return columns.same(rule.ucum, pl.String, rows.frame.height)
    sent = rows.column([rule.unit])
    return sent.replace(rows.units) if rows.units else sent


def _name(rule: EventRule, rows: _Rows, code: pl.Series, ready: pl.Series, labels: dict[str, str]) -> None:
    """Remember what people call the codes."""
    for text in many(rule.label):
        named = pl.DataFrame({"code": code, "label": columns.fill(rows.frame, phrases.template(text))})
        for one, label in named.filter(ready).drop_nulls().unique("code", keep="first", maintain_order=True).iter_rows():
            labels.setdefault(one, label)


def _wide(shared: pl.DataFrame, ready: pl.Series, rule: EventRule, rows: _Rows, labels: dict[str, str]) -> pl.DataFrame:
    """One event for each filled cell of the rule's columns, some thousand rows at a time."""
    said = wide(rule)
    cells = rows.frame.select(name for name, _ in said).with_columns(shared["row"]).filter(ready)
    parts = [part.unpivot(index="row", variable_name="column").drop_nulls("value") for part in cells.iter_slices(_SLICE)]
    long = pl.concat(parts) if parts else pl.DataFrame(schema={"row": pl.UInt32, "column": pl.String, "value": pl.String})
    value = columns.numbers(long["value"])
    rows.count(_NO_NUMBER, value.other.is_not_null() & value.value.is_null())
    units = {name: column.ucum for name, column in said}
    labels.update({column.code: column.label for _, column in said if column.label and column.code not in labels})
    part = shared[long["row"]].with_columns(
        _codes(long, said, rows).alias("code"), value.value.alias("numeric_value"), value.other.alias("text_value"),
        value.lexeme.alias("lexeme"), long["column"].replace_strict(units, return_dtype=pl.String).alias("unit"),
    )  # fmt: skip
    return _shaped(part.filter(pl.col("code").is_not_null()), rule)


def _codes(long: pl.DataFrame, said: list[tuple[str, Column]], rows: _Rows) -> pl.Series:
    """The code of each cell: its column's, whose template may name other columns of the row."""
    fixed = {name: None if phrases.template(column.code).columns else column.code for name, column in said}
    code = long["column"].replace_strict(fixed, return_dtype=pl.String)
    for name, column in said:
        if fixed[name] is None:
            filled = columns.fill(rows.frame, phrases.template(column.code)).gather(long["row"])
            code = filled.zip_with(long["column"] == name, code)
    return code


def _shaped(part: pl.DataFrame, rule: EventRule) -> pl.DataFrame:
    """The columns of an event, plus the row it came from."""
    wanted = {name: dtype for name, dtype in schema().items() if name != "source"}
    return part.with_columns(pl.lit(rule.status).alias("status")).select("row", *(pl.col(n).cast(t) for n, t in wanted.items()))


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32(), **{name: dtype for name, dtype in schema().items() if name != "source"}})


def _kept(events: pl.DataFrame, rule: EventRule, rows: _Rows) -> pl.DataFrame:
    """With `keep`, only the first or last event of each code for a subject and encounter; the other rows say nothing new."""
    if rule.keep is None or events.is_empty():
        return events
    rows.account.repeated[events["row"].to_numpy()] = True
    ordered = events.sort("time", "row", descending=rule.keep == "last", nulls_last=False)
    return ordered.unique(["subject_id", "encounter_id", "code"], keep="first", maintain_order=True)


# --- accounts -------------------------------------------------------------------------------------


def _account(reading: Reading, rows: _Rows, file: RawFile) -> Reading:
    """Count every row once, and quarantine the broken ones."""
    seen = rows.account
    reading.problems = {what: count for what, count in reading.problems.items() if count}
    left = ~seen.wrote
    reading.tally.write(int(seen.wrote.sum()))
    broken = (("the row names no subject", rows.subject.is_null().to_numpy()), ("a time that cannot be read", seen.unreadable),
              ("no time where the mapping reads one", seen.timeless))  # fmt: skip
    for reason, mask in broken:
        _reject(reading, rows.frame, left & mask, reason, file)
        left = left & ~mask
    for reason, mask in (("says only what an earlier row said", seen.repeated), ("no value in any mapped column", seen.applied),
                         ("no rule of the mapping applies", np.ones_like(left))):  # fmt: skip
        reading.tally.ignore(reason, int((left & mask).sum()))
        left = left & ~mask
    return reading


def _reject(reading: Reading, frame: pl.DataFrame, mask: Any, reason: str, file: RawFile) -> None:
    rows = frame.filter(pl.Series(mask))
    reading.tally.quarantine(reason, rows.height)
    for row in rows.iter_rows(named=True):
        reading.rejects.append(Reject(file.source, file.alias, f"line {row[LINE]}", reason, _digest(row.values())))


def _digest(cells: Iterable[object]) -> str:
    return sha256("\x1f".join("" if cell is None else str(cell) for cell in cells).encode())
