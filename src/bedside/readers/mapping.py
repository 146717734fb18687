"""The mapping of a source's tables to events: TOML, not code; every problem of it is told at once.

In        the name of a shipped mapping ("mimic-iv", "physionet-2019", "made-hospital") or the path of a TOML file
Out       `load`: the checked mapping as a plain dict; `rules`: the same as records for `tables.py`
Language  mappings/README.md; in short: a table says which files it is, whose row it is, and which events a row gives.
Elsewhere the small languages inside strings, `phrases.py`; what they compute, `columns.py`.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from bedside.core.errors import BedsideError, Misconfigured
from bedside.readers import phrases

SCHEMA = "bedside.mapping/1"
SHIPPED = Path(__file__).parent / "mappings"
FILE, LINE, PATH = "@file", "@line", "@path"
OneOrMore = str | list[str]
Role = Literal[
    "subject", "name", "given", "family", "birth_date", "date", "datetime", "year", "age", "zip", "city", "phone", "email", "address", "ssn", "ip", "url",
    "identifier", "plan", "uid", "encounter", "text", "keep", "drop",
]  # fmt: skip


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns taken from another table of the same source, at most one row each: a dictionary of labels, or the admission's times.

    on        this table's column = that table's column
    take      new column = that table's column
    optional  without such a file the new columns are empty
    """

    files: list[str]
    on: dict[str, str]
    take: dict[str, str]
    optional: bool = False


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of a wide table: the code of its values, and their unit."""

    code: str
    ucum: str | None = None
    label: str | None = None


class EventRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event that a row gives.

    code      template, or templates of which the first whose columns are all filled is used; or `columns` for a wide table
    time      time phrase, or several of which the first that is filled is used; a fact without time says static = true
    known_at  the same; without it a fact is known at its time, a static one always; a date is known when its day is over anywhere;
              what would be known before it happened is known at its time, unless ahead = true: a plan, such as an order
    value     column of the number, or several; a text in it that is no number becomes the text value
    text      column or template; left out where it only repeats the number
    unit      column of the unit as sent; or `ucum`, the unit itself
    when      SQL condition over the columns, all of them text
    keep      only the first or last by time of each code, for each subject and encounter
    needs_value  no event where value and text are both empty (always so for `columns`)
    """

    code: OneOrMore | None = None
    columns: dict[str, str | Column] = {}
    time: OneOrMore | None = None
    static: bool = False
    known_at: OneOrMore | None = None
    ahead: bool = False
    value: OneOrMore | None = None
    text: OneOrMore | None = None
    unit: str | None = None
    ucum: str | None = None
    label: str | None = None
    encounter: OneOrMore | None = None
    status: Literal["final", "corrected", "retracted"] = "final"
    when: str | None = None
    keep: Literal["first", "last"] | None = None
    needs_value: bool = False


class TableRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table: its files, whose row it is, and what a row says. `ignore` is the reason why its rows give no events.

    subject   column or template, or several of which the first that is filled is used; "{@path}:{@line}" where each row is its own
    blank     texts that mean "empty", for all columns; `blanks` for one column
    recode    column -> value -> value, before anything else reads it
    base      an instant that time phrases may start from
    """

    files: list[str]
    ignore: str | None = None
    subject: OneOrMore = ""
    encounter: OneOrMore | None = None
    timezone: str | None = None
    time_formats: list[str] = []
    base: str | None = None
    blank: list[str] = []
    blanks: dict[str, list[str]] = {}
    recode: dict[str, dict[str, str]] = {}
    join: list[Join] = []
    roles: dict[str, Role] = {}
    events: list[EventRule] = []


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping, whole. A zone declared here is a statement about these very data and goes before the source's.

    units  unit as sent -> UCUM, where a sender spells the same unit otherwise; never a conversion
    """

    schema: Literal["bedside.mapping/1"]
    name: str
    tables: dict[str, TableRule]
    title: str = ""
    timezone: str | None = None
    blank: list[str] = []
    units: dict[str, str] = {}


_NO_EVENTS = ".events: is missing"


def load(name: str, root: Path, *, roles_only: bool = False) -> dict[str, Any]:
    """The mapping of that name or path (relative to `root`), checked; `Misconfigured` lists every problem with table and key.

    roles_only   for de-identification alone: what a row means need not be said
    """
    path = _path(name, root)
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the mapping is not TOML in UTF-8: {error}", where=path.name, do="correct the syntax") from error
    found = [one for one in problems(tree) if not (roles_only and _NO_EVENTS in one)]
    if found:
        listed = "\n  - ".join(found)
        raise Misconfigured(f"the mapping has {len(found)} problem{'s' * (len(found) > 1)}:\n  - {listed}", where=path.name,
                            do="correct the keys above; bedside/readers/mappings/README.md describes them")  # fmt: skip
    return tree


def rules(mapping: dict[str, Any]) -> Mapping:
    """The records of a mapping that `load` gave."""
    return _rules(msgspec.json.encode(mapping))


@lru_cache(maxsize=32)
def _rules(told: bytes) -> Mapping:
    return msgspec.json.decode(told, type=Mapping)


def table_of(mapping: Mapping, relative: str) -> tuple[str, TableRule] | None:
    """The table that a file belongs to, by its path in the source or its bare name."""
    for name, table in mapping.tables.items():
        if any(matches(relative, pattern) for pattern in table.files):
            return name, table
    return None


def matches(relative: str, pattern: str) -> bool:
    return fnmatch.fnmatch(relative, pattern) or fnmatch.fnmatch(relative.rsplit("/", 1)[-1], pattern)


def problems(tree: dict[str, Any]) -> list[str]:
    """Everything wrong with a mapping, as lines `key: what (what to do)`."""
    found = list(_shape(tree, Mapping, ""))
    if not found:
        mapping = msgspec.convert(tree, Mapping)
        found = [*_zone(mapping.timezone, "timezone")]
        for name, table in mapping.tables.items():
            found += _table(table, f"tables.{name}")
    return found


def _path(name: str, root: Path) -> Path:
    shipped = SHIPPED / f"{name}.toml"
    if shipped.is_file() and "/" not in name:
        return shipped
    path = root / name
    if not path.is_file():
        known = sorted(one.stem for one in SHIPPED.glob("*.toml"))
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}, or give a path"
        raise Misconfigured(f"no mapping called {name!r}, and no such file", where="mapping", do=hint)
    return path


def _shape(value: object, wanted: Any, path: str) -> Iterator[str]:
    """Problems of spelling and type, every one, walking records, lists of records and tables of records."""
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        yield from _record(value, wanted, path)
    elif (inner := _inner(wanted, list)) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _shape(item, inner, f"{path}[{index}]")
    elif (inner := _inner(wanted, dict)) and isinstance(value, dict):
        for key, item in value.items():
            yield from _shape(item, inner, f"{path}.{key}")
    else:
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            yield f"{path}: {str(error).split(' - at ')[0]}"


def _record(value: object, wanted: type[msgspec.Struct], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: a table is expected here"
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    for key in value.keys() - fields.keys():
        near = get_close_matches(key, fields, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(sorted(fields))}"
        yield f"{_join(path, key)}: no such key ({hint})"
    for name, field in fields.items():
        if name in value:
            yield from _shape(value[name], field.type, _join(path, name))
        elif field.required:
            yield f"{_join(path, name)}: is missing"


def _inner(wanted: Any, outer: type) -> Any:
    """The record type inside list[Record] or dict[str, Record]."""
    if getattr(wanted, "__origin__", None) is not outer:
        return None
    inner = wanted.__args__[-1]
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _table(table: TableRule, path: str) -> Iterator[str]:
    """Problems of meaning in one table."""
    if not table.files:
        yield f"{path}.files: is empty (name at least one glob)"
    if table.ignore is not None:
        if table.events:
            yield f"{path}.ignore: a table that is ignored cannot have events (remove one of them)"
        return
    if not table.subject:
        yield f'{path}.subject: is missing (say which column holds the subject, or give ignore = "reason")'
    if not table.events:
        yield f'{path}{_NO_EVENTS} (say what a row means, or give ignore = "reason")'
    yield from _zone(table.timezone, f"{path}.timezone")
    for text in many(table.subject):
        yield from _caught(f"{path}.subject", lambda text=text: phrases.template(text) if "{" in text else None)
    yield from _caught(f"{path}.base", lambda: phrases.instant(table.base, None) if table.base is not None else None)
    for index, rule in enumerate(table.events):
        yield from _event(rule, table, f"{path}.events[{index}]")
    yield from _roles(table, path)


def _event(rule: EventRule, table: TableRule, path: str) -> Iterator[str]:
    if bool(rule.code) == bool(rule.columns):
        yield f"{path}.code: give either code or columns"
    if rule.static == (rule.time is not None):
        yield f"{path}.time: give either time, or static = true"
    if rule.unit is not None and rule.ucum is not None:
        yield f"{path}.unit: give either unit (a column) or ucum (the unit itself)"
    if rule.columns and (rule.value or rule.text or rule.unit or rule.ucum):
        yield f"{path}.columns: the columns of a wide table are the values; value, text, unit and ucum do not go with them"
    for key, texts in (("code", _codes(rule)), ("text", many(rule.text)), ("label", many(rule.label))):
        for text in texts:
            yield from _caught(f"{path}.{key}", lambda text=text: phrases.template(text))
    for key in ("time", "known_at"):
        for text in many(getattr(rule, key)):
            yield from _caught(f"{path}.{key}", lambda text=text: _time(text, table))
    if rule.when is not None:
        yield from _caught(f"{path}.when", lambda: phrases.condition(rule.when or ""))


def _time(text: str, table: TableRule) -> None:
    if phrases.time(text).start == "base" and table.base is None:
        raise Misconfigured(
            "a time starts from base, and the table declares none", where="time", do='add base = "2000-01-01T00:00:00Z"'
        )


def _codes(rule: EventRule) -> list[str]:
    return [*many(rule.code), *(column.code for _, column in wide(rule))]


def _roles(table: TableRule, path: str) -> Iterator[str]:
    """What de-identification drops cannot be read afterwards."""
    if not table.roles:
        return
    derived = {FILE, LINE, PATH, *(new for join in table.join for new in join.take)}
    for column in sorted(needed(table) - derived):
        if table.roles.get(column, "drop") == "drop":
            yield f"{path}.roles: column {column!r} is read, and de-identification drops it (declare its role)"


def _zone(name: str | None, path: str) -> Iterator[str]:
    from bedside.core.time import zone

    if name is not None:
        yield from _caught(path, lambda: zone(name))


def _caught(path: str, check: Any) -> Iterator[str]:
    try:
        check()
    except BedsideError as error:
        yield f"{path}: {error.what} ({error.do})"


def many(one_or_more: OneOrMore | None) -> list[str]:
    """A string or a list of them as a list.

    >>> many("a"), many(None)
    (['a'], [])
    """
    if one_or_more is None or one_or_more == "":
        return []
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more


def wide(rule: EventRule) -> list[tuple[str, Column]]:
    """The columns of a wide rule, each with its code and unit."""
    return [(name, column if isinstance(column, Column) else Column(column)) for name, column in rule.columns.items()]


def alternatives(table: TableRule) -> list[list[str]]:
    """The columns that a table must have: of each inner list at least one."""
    given = {FILE, LINE, PATH, *(new for join in table.join for new in join.take)}
    return [group for group in _groups(table) if group and not given & set(group)]


def _groups(table: TableRule) -> list[list[str]]:
    """Columns that stand for each other, as the rules name them; of a list of codes the last must always be sayable."""
    groups = [_filled_by(table.subject), many(table.encounter), *([ours] for join in table.join for ours in join.on)]
    for rule in table.events:
        groups += [many(rule.value), many(rule.encounter), many(rule.unit), *([name] for name in rule.columns)]
        groups += [[c for text in many(getattr(rule, key)) for c in phrases.time(text).columns] for key in ("time", "known_at")]
        groups += [_text_columns(rule), *([name] for text in many(rule.label) for name in phrases.template(text).columns)]
        groups += [[name] for text in _codes(rule)[-1:] for name in phrases.template(text).columns]
        groups += [[name] for name in (phrases.condition(rule.when) if rule.when else ())]
    return groups


def _text_columns(rule: EventRule) -> list[str]:
    """Columns of `text`, which is a column's bare name or a template."""
    return _filled_by(rule.text)


def _filled_by(one_or_more: OneOrMore | None) -> list[str]:
    """Columns behind some texts, each a column's bare name or a template."""
    return [name for text in many(one_or_more) for name in (phrases.template(text).columns if "{" in text else [text])]


def needed(table: TableRule) -> set[str]:
    """Every column of its own that a table's rules read."""
    named = {name for group in _groups(table) for name in group}
    for rule in table.events:
        named |= {name for text in _codes(rule) for name in phrases.template(text).columns}
    return named
