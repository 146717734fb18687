"""Tables without identifiers: each column by the role that the source's mapping declares for it.

In        a CSV, PSV, TSV or Parquet file, its mapping, the desk, the source's zone
Out       the same columns that have a role that stays, in the same dialect; times as ISO 8601 with their offset
Roles     subject, encounter, identifier: pseudonyms; uid: the new UID that DICOM gets too; birth_date, date, datetime: moved;
          zip: as the policy says; text: scrubbed; keep: stays, but for what is known of the row's own subject;
          name, given, family, phone, address, drop, and columns without a role: removed and counted.
          A row without a surveyed subject, or with a date that cannot be read, goes to quarantine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Malformed, shape_of
from bedside.deidentify.desk import Desk, Person
from bedside.formats import tables as format
from bedside.formats.files import RawFile

if TYPE_CHECKING:
    import polars as pl

GONE = frozenset({"name", "given", "family", "phone", "address", "drop"})
_FILE = "@file"
Fault = tuple[int, str]


def rule_of(mapping: dict[str, Any] | None, relative: str) -> dict[str, Any] | None:
    """The table of a mapping that a file belongs to, None when there is none."""
    import fnmatch

    bare = relative.rsplit("/", 1)[-1]
    for table in ((mapping or {}).get("tables") or {}).values():
        if any(fnmatch.fnmatch(relative, p) or fnmatch.fnmatch(bare, p) for p in table.get("files") or ()):
            return dict(table)
    return None


def zone_of(mapping: dict[str, Any] | None, rule: dict[str, Any], timezone: str | None) -> str | None:
    """The zone of a table's times: declared for the table, for the mapping, or for the source."""
    return rule.get("timezone") or (mapping or {}).get("timezone") or timezone


def columns_of(one_or_more: object) -> list[str]:
    """Column names of a mapping key that may hold one or several."""
    if not one_or_more:
        return []
    return [one_or_more] if isinstance(one_or_more, str) else [str(name) for name in one_or_more]  # type: ignore[attr-defined]


def subjects(frame: pl.DataFrame, rule: dict[str, Any]) -> list[str | None]:
    """The raw subject of each row: the first of the mapping's subject columns that is filled."""
    import polars as pl

    names = [name for name in columns_of(rule.get("subject")) if name in frame.columns]
    if not names:
        return [None] * frame.height
    return frame.select(pl.coalesce(pl.col(name).str.strip_chars().replace("", None) for name in names))[:, 0].to_list()


def iso_text(text: str, formats: list[str]) -> str:
    """A date or time as ISO text, by the declared formats where it is none. Raises `Malformed`."""
    plain = text.strip()
    if plain[:4].isdigit() and plain[4:5] == "-":
        return plain
    for form in formats:
        try:
            said = datetime.strptime(plain, form)
        except ValueError:
            continue
        return said.isoformat() if any(sign in form for sign in ("%H", "%I", "%T", "%X", "%c")) else said.date().isoformat()
    raise Malformed(f"not a date or time: {shape_of(plain)}", where="a cell", do="declare time_formats in the mapping")


def change(
    file: RawFile, desk: Desk, *, mapping: dict[str, Any] | None, rule: dict[str, Any], timezone: str | None
) -> tuple[format.Table, pl.DataFrame, list[Fault]]:
    """The table as read, the frame without identifiers, and the rows (by index) that could not be changed, with reasons."""
    import polars as pl

    table = format.read(file)
    frame, roles, zone = table.text(), rule.get("roles") or {}, zone_of(mapping, rule, timezone)
    if _FILE in columns_of(rule.get("subject")) and not [n for n in columns_of(rule.get("subject")) if n in frame.columns]:
        raise Malformed(
            "the subject of this table is its file name, which is not kept",
            where=f"{file.source}/{file.alias}",
            do="use policy as-received, or put the subject in a column",
        )
    people, faults = _people(subjects(frame, rule), desk, file.source)
    done: dict[str, list[str | None]] = {}
    for name in frame.columns:
        role = roles.get(name, "subject" if name in columns_of(rule.get("subject")) else "drop")
        if role in GONE:
            desk.actions[f"tables: column removed ({'no role' if name not in roles else 'role ' + role})"] += 1
            continue
        done[name] = _column(frame[name].to_list(), _changer(role, desk, zone, rule), people, faults)
    bad = dict(faults)
    new = pl.DataFrame({name: pl.Series(name, values, dtype=pl.String) for name, values in done.items()})
    return table, new.filter(pl.Series([row not in bad for row in range(frame.height)], dtype=pl.Boolean)), sorted(bad.items())


def _people(raw: list[str | None], desk: Desk, source: str) -> tuple[list[Person | None], dict[int, str]]:
    known = {value: desk.find(desk.map.record_key(value, source=source)) for value in dict.fromkeys(raw) if value is not None}
    people = [known.get(value) if value is not None else None for value in raw]
    return people, {row: "row without a subject that the survey knows" for row, person in enumerate(people) if person is None}


def _column(
    values: list[str | None], change_one: Callable[[str, Person], str | None], people: list[Person | None], faults: dict[int, str]
) -> list[str | None]:
    done: list[str | None] = []
    for row, (value, person) in enumerate(zip(values, people, strict=True)):
        if value is None or person is None or not value.strip():
            done.append(None if value is None or person is None else "")
            continue
        try:
            done.append(change_one(value, person))
        except Malformed as error:
            faults.setdefault(row, error.what)
            done.append(None)
    return done


def _changer(role: str, desk: Desk, zone: str | None, rule: dict[str, Any]) -> Callable[[str, Person], str | None]:
    """What a role does to one filled cell."""
    formats = columns_of(rule.get("time_formats"))
    blanks = {text for texts in (rule.get("blank") or [], *(rule.get("blanks") or {}).values()) for text in texts}
    table: dict[str, Callable[[str, Person], str | None]] = {
        "subject": lambda value, person: person.name,
        "encounter": lambda value, person: desk.number(value),
        "identifier": lambda value, person: desk.number(value),
        "uid": lambda value, person: desk.uid(value),
        "birth_date": lambda value, person: person.clock.birth(iso_text(value, formats), where="a cell"),
        "date": lambda value, person: (
            None if value in blanks else person.clock.iso(iso_text(value, formats), where="a cell", timezone=zone)
        ),
        "datetime": lambda value, person: (
            None if value in blanks else person.clock.iso(iso_text(value, formats), where="a cell", timezone=zone)
        ),
        "zip": lambda value, person: desk.policy.zip(value),
        "text": lambda value, person: desk.text(value, person),
        "keep": lambda value, person: desk.kept(value, person),
    }
    return table[role]
