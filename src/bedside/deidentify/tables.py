"""Tables without identifiers: each column by the role that the source's mapping declares for it, or the profiler proposed.

In        a CSV, PSV, TSV or Parquet file, or a frame of some of its rows, its mapping, the desk, the source's zone
Out       the same columns that have a role that stays, in the same dialect; times as ISO 8601 with their offset, in Parquet as times
Roles     subject, encounter, identifier, plan: pseudonyms; uid: the new UID that DICOM gets too; birth_date, date, datetime, year: moved;
          age: capped; zip: as the policy says; city: removed unless the policy keeps it; text: scrubbed; keep: stays, but for what is known of
          the row's own subject; name, given, family: removed, or surrogates where the policy says so; phone, email, address, ssn, ip, url,
          drop, and columns without a role: removed and counted. A header that tells somebody's name is replaced.
          A row without a surveyed subject, or with a date that cannot be read, goes to quarantine.
Elsewhere what a role does to a column: `table_columns.py`, `table_typed.py`; which role a column may have: `profile.py`
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Malformed
from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.lexicon import everyday, meanings
from bedside.deidentify.patients import words
from bedside.deidentify.profile_names import kind_of
from bedside.deidentify.profile_rare import without_odd_words
from bedside.deidentify.profile_shapes import strange
from bedside.deidentify.table_columns import Rows, columns_of, iso_text
from bedside.deidentify.table_typed import Typed
from bedside.deidentify.text import spans_of
from bedside.formats import tables as format
from bedside.formats.files import RawFile

if TYPE_CHECKING:
    import polars as pl

__all__ = ["GONE", "Fault", "change", "change_frame", "columns_of", "iso_text", "rule_of", "subjects", "zone_of"]
GONE = frozenset({"phone", "email", "address", "ssn", "ip", "url", "drop"})
NAMES = frozenset({"name", "given", "family"})
NOBODY = "@nobody"
_SHORT_WORD = 3
_DATED = re.compile(r"(?<!\d)(?:19|20)\d{2}[-_/. ]?[01]?\d[-_/. ]?[0-3]?\d(?!\d)|\d{6}")
_FILE = "@file"
_TELLING = frozenset({"EMAIL", "PHONE", "SSN", "ID", "NAME", "IP"})
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
    return rule.get("timezone") or (mapping or {}).get("timezone") or timezone  # the last may be UNSTATED


def subjects(frame: pl.DataFrame, rule: dict[str, Any]) -> list[str | None]:
    """The raw subject of each row: the first of the mapping's subject columns that is filled."""
    import polars as pl

    names = [name for name in columns_of(rule.get("subject")) if name in frame.columns]
    if not names:
        return [None] * frame.height
    filled = (pl.col(name).cast(pl.String).str.strip_chars().replace("", None) for name in names)
    return frame.select(pl.coalesce(filled).alias("subject"))["subject"].to_list()


def change(
    file: RawFile, desk: Desk, *, mapping: dict[str, Any] | None, rule: dict[str, Any], timezone: str | None
) -> tuple[format.Table, pl.DataFrame, list[Fault]]:
    """The table as read, the frame without identifiers, and the rows (by index) that could not be changed, with reasons."""
    table = format.read(file)
    named = columns_of(rule.get("subject"))
    if _FILE in named and not [name for name in named if name in table.frame.columns]:
        raise Malformed(
            "the subject of this table is its file name, which is not kept",
            where=f"{file.source}/{file.alias}",
            do="use policy as-received, or put the subject in a column",
        )
    new, faults = change_frame(table.frame, desk, mapping=mapping, rule=rule, timezone=timezone, source=file.source)
    if not new.columns and new.height:
        raise Malformed(
            "no column of this table may stay",
            where=f"{file.source}/{file.alias}",
            do="declare the roles of its columns in a mapping, where some of them identify nobody",
        )
    return table, new, faults


def change_frame(
    frame: pl.DataFrame, desk: Desk, *, mapping: dict[str, Any] | None, rule: dict[str, Any], timezone: str | None, source: str
) -> tuple[pl.DataFrame, list[Fault]]:
    """Some rows of a table without identifiers, and the rows (by index) that could not be changed, with reasons.

    frame   text columns as a text table gives them, or typed ones, which keep their type where what is written still has it
    rule    the table's part of the mapping; subject "@nobody" for rows that are about nobody in particular: of their dates the year stays
    """
    import polars as pl

    roles, named = rule.get("roles") or {}, columns_of(rule.get("subject"))
    people, faults = _people(frame, rule, desk, source)
    rows = Rows.of(people)
    columns = Typed(desk, zone_of(mapping, rule, timezone), rule, rows, faults)
    done = dict[str, pl.Series]()
    for at, name in enumerate(frame.columns):
        role = roles.get(name, "subject" if name in named else "drop")
        if role in GONE or (role in NAMES and desk.policy.names != "surrogate") or (role == "city" and not desk.policy.city):
            desk.actions[f"tables: column removed ({'no role' if name not in roles else 'role ' + role})"] += 1
            continue
        try:
            new = columns.changed(frame[name], role)
            if role == "keep" and rule.get("proposed") and new is not None and new.dtype == pl.String:
                new = without_odd_words(new, desk)
        except pl.exceptions.PolarsError:  # a type that no rule reads: nothing of it goes on
            desk.actions["tables: column removed (of a type that cannot be changed)"] += 1
            continue
        if new is not None:
            done[_header(name, at, desk, written=name in roles and not rule.get("proposed"))] = new
    bad = dict(faults)
    safe = pl.DataFrame(done, height=frame.height) if done else pl.DataFrame(height=frame.height)
    return safe.filter(pl.Series([row not in bad for row in range(frame.height)], dtype=pl.Boolean)) if bad else safe, sorted(bad.items())


def _people(frame: pl.DataFrame, rule: dict[str, Any], desk: Desk, source: str) -> tuple[list[Person | None], dict[int, str]]:
    """Whose each row is, and the rows of nobody whom the survey knows."""
    if NOBODY in columns_of(rule.get("subject")):
        return [None] * frame.height, {}
    raw = subjects(frame, rule)
    known = {value: desk.find(desk.map.record_key(value, source=source)) for value in dict.fromkeys(raw) if value is not None}
    people = [known.get(value) if value is not None else None for value in raw]
    return people, {row: "row without a subject that the survey knows" for row, person in enumerate(people) if person is None}


def _header(name: str, at: int, desk: Desk, *, written: bool) -> str:
    """A column's name; its place instead, where it tells a person. What the author of a mapping wrote down is no patient's.

    Headers come from data too: a pivoted table has a column a patient.
    """
    if written:
        return name
    said = re.sub(r"[\W_]+", " ", name)
    named = any(word not in everyday() for word in desk.map.tokens.intersection(words(said))) or any(map(_is_name, said.split())) or _DATED.search(name)
    if named or desk.text(name, None) != name or any(span.kind in _TELLING for span in spans_of(said)):
        desk.actions["tables: header replaced"] += 1
        return f"column_{at + 1}"
    return name


def _is_name(word: str) -> bool:
    """Whether a word of a header is a name or a town and nothing else, written as one."""
    return word.istitle() and len(word) > _SHORT_WORD and strange(word) and bool(meanings().get(word.lower())) and not kind_of(word)
