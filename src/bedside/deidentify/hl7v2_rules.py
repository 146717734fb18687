"""The table of HL7 v2 fields, and what a site's policy changes in it.

In        `hl7v2_fields.toml`: kinds of data types, OBX-5 by OBX-2, fields of 175 segments; `policy.hl7v2`
Out       for each segment the kind of each field that stays in some form: what is not there is blanked, or its segment dropped
Refuses   a policy that names no field, or a kind that the table does not have: `Misconfigured`
Source    HL7 v2.3 to v2.8.2: data types of fields, read from hl7apy (MIT) by scripts/make_hl7v2_fields.py
Elsewhere what a kind does to a value: `hl7v2_values.py`
"""

from __future__ import annotations

import re
from importlib.resources import files

import msgspec

from bedside.core.errors import Misconfigured
from bedside.deidentify.policy import Action, Hl7v2Rules

Fields = dict[int, str]
LEAVES = frozenset(
    {
        "keep", "remove", "pseudonymise", "shift", "surrogate", "scrub", "subject", "patient", "who", "birth", "value", "code", "quantity",
        "address", "unit", "structured", "encapsulated", "year", "as it is", "another name", "text", "number",
    }
)  # fmt: skip
_ACTIONS: dict[Action, str] = {"keep": "as it is", "shift": "time", "surrogate": "another name"}
_ALIASES = {"text": "scrub", "number": "pseudonymise"}
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9]\d{0,2})\Z")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\Z")


class _Table(msgspec.Struct, frozen=True):
    schema: str
    kinds: dict[str, list[str]]
    values: dict[str, list[str]]
    segments: dict[str, dict[str, list[int]]]


_TABLE = msgspec.toml.decode(files("bedside.deidentify").joinpath("hl7v2_fields.toml").read_bytes(), type=_Table)
KINDS: dict[str, tuple[str, ...]] = {name: tuple(parts) for name, parts in _TABLE.kinds.items()}
VALUES: dict[str, str] = {kind: name for name, kinds in _TABLE.values.items() for kind in kinds}
FIELDS: dict[str, Fields] = {name: {n: kind for kind, ns in kinds.items() for n in ns} for name, kinds in _TABLE.segments.items()}


def plan(rules: Hl7v2Rules) -> dict[str, Fields]:
    """The fields of each segment under a policy. Raises `Misconfigured` for all that it names wrongly, at once."""
    if not rules.fields and not rules.segments:
        return FIELDS
    wrong = [f"fields.{place} is no place such as PID-10" for place in rules.fields if not _PLACE.match(place)]
    wrong += [f"segments.{name} is no name of a segment such as ZPI" for name in rules.segments if not _SEGMENT.match(name)]
    wrong += [
        f"segments.{name}.{kind} is no kind" for name, kinds in rules.segments.items() for kind in kinds if kind not in LEAVES and kind not in KINDS
    ]
    if wrong:
        raise Misconfigured("; ".join(wrong), where="the policy, [hl7v2]", do="see hl7v2_fields.toml for segments, fields and kinds")
    fields = {name: dict(numbers) for name, numbers in FIELDS.items()}
    for name, kinds in rules.segments.items():
        fields[name] = fields.get(name, {}) | {n: _ALIASES.get(kind, kind) for kind, numbers in kinds.items() for n in numbers}
    for place, action in rules.fields.items():
        _override(fields, place, action)
    return fields


def _override(fields: dict[str, Fields], place: str, action: Action) -> None:
    """One field by the policy's action. The patient's own number stays theirs whatever a policy says: records hang on it."""
    name, _, number = place.partition("-")
    segment = fields.setdefault(name, {})
    said = segment.get(int(number))
    if action == "remove":
        segment.pop(int(number), None)
    elif said != "subject" and not (name == "MSH" and int(number) <= 2):
        segment[int(number)] = _generalised(said) if action == "generalise" else _ACTIONS.get(action, action)


def _generalised(kind: str | None) -> str:
    """Dates to their year, addresses as the policy says, anything else to nothing."""
    return {"time": "year", "validity": "year", "birth": "year", "address": "address"}.get(kind or "", "remove")
