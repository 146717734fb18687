"""Which role each column of a table may have, proposed from its name and from what its values look like, with the reason in words and counts.

In        a table: a file, or a frame of its rows; what is known of patients, where there is any
Out       one `ColumnRole` a column: role, confidence 0 to 1, reason. Never a value.
Default   what cannot be told is removed; long texts are scrubbed. A column stays only where its values show what they are: measurements,
          codes of a few kinds in ordinary words, published codes.
Elsewhere what a role does: `tables.py`; how values look: `profile_shapes.py`; names of columns: `profile_names.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core.errors import Malformed
from bedside.deidentify.patients import KnownIdentifiers, PatientMap
from bedside.deidentify.profile_names import is_member, kind_of, published, told_by
from bedside.deidentify.profile_shapes import Shape, shape_of
from bedside.deidentify.tables import NOBODY
from bedside.formats.files import RawFile

if TYPE_CHECKING:
    import polars as pl

_MOST_ROWS, _MOST_VALUES = 50_000, 1_000
_FREE_TEXT_WORDS, _FREE_TEXT_LENGTH, _FEW, _CODE_WIDTH = 5.0, 40.0, 60, 4
_SURE, _LIKELY, _POSSIBLE, _DEFAULT = 0.95, 0.8, 0.6, 0.3
Verdict = tuple[str, float, str]


class ColumnRole(msgspec.Struct, frozen=True):
    """A column, the role proposed, how sure (1: name and values agree), why, and the format of its dates."""

    column: str
    role: str
    confidence: float
    reason: str
    date_format: str = ""


def profile(table: pl.DataFrame | RawFile, *, known: PatientMap | Iterable[KnownIdentifiers] | None = None, rows: int = _MOST_ROWS) -> list[ColumnRole]:
    """A role for each column.

    known   what is known of patients: a column that holds their numbers or names says so by itself
    rows    how many of the first rows are looked at
    """
    frame = _frame(table).head(rows)
    people = _known(known)
    roles = [_column(frame[name], people) for name in frame.columns]
    return _one_subject(roles, frame)


def as_mapping(roles: Sequence[ColumnRole], *, files: str | Sequence[str], table: str = "table", name: str = "proposed", timezone: str | None = None) -> dict[str, Any]:
    """The proposed roles as a mapping that `tables.change` accepts; a table without a subject column is about nobody in particular."""
    subject = next((one.column for one in roles if one.role == "subject"), NOBODY)
    encounter = next((one.column for one in roles if one.role == "encounter"), None)
    rule: dict[str, Any] = {
        "files": [files] if isinstance(files, str) else list(files), "subject": subject, "proposed": True,
        "roles": {one.column: one.role for one in roles},
        "time_formats": sorted({one.date_format for one in roles if one.date_format.startswith("%")}, key=lambda form: (-len(form), form)),
    }  # fmt: skip
    if encounter is not None:
        rule["encounter"] = encounter
    if timezone is not None:
        rule["timezone"] = timezone
    return {"schema": "bedside.mapping/1", "name": name, "tables": {table: rule}}


def proposal(files: Iterable[RawFile], *, known: PatientMap | Iterable[KnownIdentifiers] | None = None) -> dict[str, Any]:
    """One mapping for many files that nobody wrote one for; a file that is no table is left out, and stays unmapped."""
    people = known if known is None or isinstance(known, PatientMap) else list(known)
    tables: dict[str, Any] = {}
    for at, file in enumerate(files, 1):
        try:
            roles = profile(file, known=people)
        except Malformed:
            continue
        tables[f"table_{at}"] = as_mapping(roles, files=_literally(file.relative))["tables"]["table"]
    return {"schema": "bedside.mapping/1", "name": "proposed", "tables": tables}


def _literally(name: str) -> str:
    """A file pattern that only this name fits."""
    return re.sub(r"([*?\[])", r"[\1]", name)


def _frame(table: pl.DataFrame | RawFile) -> pl.DataFrame:
    if isinstance(table, RawFile):
        from bedside.formats import tables as format

        return format.read(table).frame
    return table


def _column(column: pl.Series, people: dict[str, frozenset[str]]) -> ColumnRole:
    import polars as pl

    kind = column.dtype
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        return _lists(column, people)
    said = kind_of(column.name)
    if kind in (pl.Boolean, pl.Duration, pl.Time):
        return ColumnRole(column.name, "keep", _SURE, "true or false" if kind == pl.Boolean else "times of day, or durations")
    values = column.drop_nulls()
    text = (values.dt.to_string("iso:strict") if kind in (pl.Date, pl.Datetime) else values.cast(pl.String)).str.strip_chars()
    filled = text.filter(text != "")
    unique = filled.unique(maintain_order=True)
    sample = unique.head(_MOST_VALUES).to_list()
    shape = shape_of(sample, rows=len(column), filled=len(filled), different=len(unique))
    role, sure, reason = _known_role(sample, people) or (published(column.name, sample) if said == "system" else None) or _verdict("code" if said == "system" else said, shape)
    form = shape.date_format if role in ("date", "datetime", "birth_date") else ""
    return ColumnRole(column.name, role, sure, f"{reason}; {shape.filled} of {shape.rows} rows filled, {shape.different} different values", form)


def _lists(column: pl.Series, people: dict[str, frozenset[str]]) -> ColumnRole:
    """Lists as a column of what is in them: they stay where it would stay as it is, or be scrubbed; lists of anything else go."""
    import polars as pl

    kind = column.dtype
    inner = kind.inner if isinstance(kind, (pl.List, pl.Array)) else None
    if inner is None or not (inner.is_numeric() or inner == pl.String):
        return ColumnRole(column.name, "drop", _POSSIBLE, "records or bytes")
    one = _column(column.explode(), people)
    return msgspec.structs.replace(one, role=one.role if one.role in ("keep", "text") else "drop", reason=f"lists; {one.reason}")


def _known(known: PatientMap | Iterable[KnownIdentifiers] | None) -> dict[str, frozenset[str]]:
    """Role to the plain writings of what is known of patients."""
    if known is None:
        return {}
    people = [one.known for one in known.subjects] if isinstance(known, PatientMap) else list(known)
    parts = {"subject": [p.records for p in people], "identifier": [p.numbers for p in people], "ssn": [p.ssns for p in people],
             "phone": [p.phones for p in people], "email": [p.emails for p in people], "address": [p.streets for p in people]}  # fmt: skip
    found = {role: frozenset(_plain(value) for values in sets for value in values) for role, sets in parts.items()}
    names = [name for person in people for name in person.names]
    full = {_plain(f"{' '.join(order)}") for n in names for order in ((*n.given, n.family), (n.family, *n.given), (*n.given[:1], n.family), (n.family, *n.given[:1])) if n.given}
    return found | {"name": frozenset(full), "family": frozenset(_plain(n.family) for n in names if n.family), "given": frozenset(_plain(n.given[0]) for n in names if n.given)}


def _plain(value: str) -> str:
    return re.sub(r"[\W_]+", "", value).lower()


def _known_role(values: list[str], people: dict[str, frozenset[str]]) -> Verdict | None:
    """A role by what is already known of patients: half of a column's values, or twenty of them, are no accident."""
    plain = [_plain(value) for value in values]
    for role, known in people.items():
        hits = sum(1 for value in plain if len(value) > 3 and value in known)
        if plain and hits and (2 * hits >= len(plain) or hits >= 20):
            return role, _SURE, f"{hits} of {len(plain)} values are known of patients ({role})"
    return None


def _verdict(said: str, shape: Shape) -> Verdict:
    """A role by name and values."""
    if shape.filled == 0:
        return (said, _POSSIBLE, f"named as {said}, and empty") if said in ("subject", "name", "phone") else ("drop", _DEFAULT, "empty")
    agreed = told_by(said, shape)
    if agreed is not None:
        return agreed
    shown = _shown(shape)
    if shown is not None:
        return shown
    return _harmless(said, shape) or ("drop", _DEFAULT, "what it holds cannot be told from its name or values")


def _shown(shape: Shape) -> Verdict | None:
    """Values that say what they are, whatever the column is called."""
    for role in ("email", "url", "ip", "ssn", "phone", "uid"):
        if shape.has(role, 0.5):
            return role, _LIKELY, f"{shape.share[role]:.0%} of the values have the form of {role}"
    if shape.has("uuid", 0.5):
        return "identifier", _LIKELY, "values are UUIDs"
    if shape.date_format:
        return ("datetime" if shape.timed else "date"), _LIKELY, f"values are dates ({shape.date_format})"
    if shape.has("street", 0.5):
        return "address", _LIKELY, f"{shape.share['street']:.0%} of the values look like street addresses"
    if shape.has("postal", 0.8) or (shape.has("zip") and shape.different > 1):
        return "zip", _POSSIBLE, "values may be postal codes"
    if shape.has("coordinate", 0.5):
        return "drop", _POSSIBLE, "values may be coordinates of a place"
    if shape.has("year"):
        return "year", _POSSIBLE, "values are years"
    if shape.person >= 0.5 and shape.words >= 1.7:
        return "name", _LIKELY, f"{shape.person:.0%} of the values are names of people"
    if shape.words >= _FREE_TEXT_WORDS or (shape.length >= _FREE_TEXT_LENGTH and shape.words >= _FREE_TEXT_WORDS / 2):
        return "text", _LIKELY, f"free text: {shape.words:.1f} words a value"
    if max(shape.given, shape.family) >= 0.6 and shape.different > 3 and shape.words < 2:
        role = "given" if shape.given >= shape.family else "family"
        return role, _POSSIBLE, f"{max(shape.given, shape.family):.0%} of the values are {role} names"
    return None


def _harmless(said: str, shape: Shape) -> Verdict | None:
    """Measurements, and codes of a few kinds whose words are ordinary ones, in which the text rules find nobody."""
    if shape.told > 0:
        return ("text", _POSSIBLE, f"the text rules find identifiers in {shape.told:.0%} of the values") if shape.words >= 3 and shape.strange < 0.2 else None
    for code in ("loinc", "ndc"):
        if shape.has(code):
            return "keep", _LIKELY, f"values have the form of {code.upper()} codes"
    if shape.has("icd") and shape.length <= 6 and shape.repeats >= 1.5:
        return "keep", _LIKELY, "values have the form of ICD codes"
    if shape.has("number") and not shape.has("integer"):
        return ("keep", _LIKELY, "decimal numbers") if shape.long_digits < 0.5 else None
    if shape.has("integer"):
        unique = shape.repeats < 1.5 and shape.different > 10
        small = shape.long_digits == 0 and shape.width < _CODE_WIDTH and shape.digits < 0.5 and (not unique or shape.length <= 3)
        return ("keep", _LIKELY, "whole numbers of few digits") if small else None
    few = shape.different <= _FEW or shape.repeats >= 20
    nobody = shape.person < 0.2 and shape.doubtful < 0.4 and shape.place < 0.4 and shape.facility == 0
    if few and shape.repeats >= 1.5 and nobody and shape.digits < 0.1 and shape.strange <= 0.02 * (1 + (said in ("code", "trade"))):
        return "keep", _LIKELY if said in ("code", "trade") else _POSSIBLE, f"codes of {shape.different} kinds"
    if shape.words >= 2 and nobody and shape.strange <= 0.2:
        return "text", _POSSIBLE, f"short texts: {shape.words:.1f} words a value"
    return None


def _one_subject(roles: list[ColumnRole], frame: pl.DataFrame) -> list[ColumnRole]:
    """Of several columns that may name the patient the surest, then the first; the others are identifiers."""
    named = [one for one in roles if one.role == "subject"]
    if not named and (one := _instead(roles, frame)) is not None:
        chosen = msgspec.structs.replace(one, role="subject", reason=f"{one.reason}; no other column names the patient")
        return [chosen if each is one else each for each in roles]
    if len(named) < 2:
        return roles
    chosen = max(named, key=lambda one: (one.confidence, -roles.index(one)))
    return [
        msgspec.structs.replace(one, role="identifier", reason=f"{one.reason}; {chosen.column!r} names the patient already")
        if one.role == "subject" and one is not chosen
        else one
        for one in roles
    ]


def _instead(roles: list[ColumnRole], frame: pl.DataFrame) -> ColumnRole | None:
    """Who names the patient where no column says so: the member's number; in a table of people their `id`."""
    member = next((one for one in roles if one.role == "plan" and is_member(one.column)), None)
    if member is not None or not any(one.role in ("birth_date", "name", "family", "given") for one in roles):
        return member
    return next((one for one in roles if one.role == "identifier" and one.column.lower() == "id" and frame[one.column].n_unique() == frame.height), None)
