"""Faults of type and spelling in a TOML file: every one is found, each with its key, and a key with its line.

In        the tree of a TOML file (study.toml, a policy) and the record that it should be
Out       faults
Elsewhere what is well formed and still makes no sense: `study/sense.py`, `deidentify/policy_check.py`
"""

from __future__ import annotations

import types
from difflib import get_close_matches
from math import isfinite
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

MANUAL = "see docs/study.md"


class Fault(NamedTuple):
    """What is wrong at a key, and what to do. `refused`: a rule of safety or privacy says no."""

    key: str
    what: str
    do: str
    refused: bool = False


def faults(value: object, wanted: object, path: str) -> list[Fault]:
    """Faults of a value, walking structs and lists so that every one is found."""
    wanted = _told(value, wanted)
    if (tagged := kinds(wanted)) and isinstance(value, dict):
        return _choice(str(value.get("kind")), sorted(tagged), join(path, "kind"))
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _struct(value, wanted, path)
    if get_origin(wanted) is list and isinstance(value, list):
        inner = get_args(wanted)[0]
        return [fault for index, item in enumerate(value) for fault in faults(item, inner, f"{path}[{index}]")]
    if get_origin(wanted) is dict and isinstance(value, dict):
        inner = get_args(wanted)[1]
        return [fault for key, item in value.items() for fault in faults(item, inner, join(path, key))]
    if get_origin(wanted) is Literal and isinstance(value, str):
        return _choice(value, [str(choice) for choice in get_args(wanted)], path)
    if isinstance(value, float) and not isfinite(value):  # TOML has inf and nan, which slip through every comparison
        return [Fault(path, "is not a finite number", "write a number, or leave it out")]
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        return [Fault(path, str(error).split(" - at ")[0], MANUAL)]
    return []


def right(value: object, wanted: object) -> bool:
    return not faults(value, wanted, "")


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def kinds_told(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree with the kind of task spelt out: one that says none is of kind "risk"."""
    task = tree.get("task")
    return {**tree, "task": {"kind": "risk", **task}} if isinstance(task, dict) else tree


def _told(value: object, wanted: object) -> object:
    """The one type that may stand beside None, when something stands there; of records told apart by a tag, the one that is meant."""
    if get_origin(wanted) not in (Union, types.UnionType) or value is None:
        return wanted
    choices = [one for one in get_args(wanted) if one is not type(None)]
    if (tagged := kinds(wanted)) and isinstance(value, dict):
        return tagged.get(str(value.get("kind")), wanted)
    return choices[0] if len(choices) == 1 else wanted


def kinds(wanted: object) -> dict[str, type[msgspec.Struct]]:
    """Of a union of records told apart by their kind: kind to record; else empty."""
    records = [one for one in get_args(wanted) if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return {str(one.__struct_config__.tag): one for one in records if one.__struct_config__.tag_field == "kind"}


def _choice(value: str, choices: list[str], path: str) -> list[Fault]:
    if value in choices:
        return []
    near, listed = get_close_matches(value, choices, 1), ", ".join(repr(choice) for choice in choices)
    if len(choices) == 1:
        return [Fault(path, f"{value!r} is not what it must be", f"write {listed}")]
    return [Fault(path, f"{value!r} is not one of the choices", f"did you mean {near[0]!r}? choose from {listed}" if near else f"choose from {listed}")]


def _struct(value: object, wanted: type[msgspec.Struct], path: str) -> list[Fault]:
    if not isinstance(value, dict):
        return [Fault(path, f"expected a table, got {type(value).__name__}", MANUAL)]
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    found: list[Fault] = []
    for key in value.keys() - fields.keys() - {wanted.__struct_config__.tag_field}:
        near = get_close_matches(key, fields, 1)
        found.append(Fault(join(path, key), "no such key", f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(sorted(fields))}"))
    for name, field in fields.items():
        if name in value:
            found += faults(value[name], field.type, join(path, name))
        elif field.required:
            found.append(Fault(join(path, name), "is missing", "add it"))
    return found


def line_of(text: str, key: str) -> int | None:
    """Line of a dotted key such as task.outcome.codes or source[1].path: the deepest part of it that stands in the file."""
    table, counts, best = "", dict[str, int](), None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("[["):
            name = line.strip("[] ")
            counts[name] = counts.get(name, -1) + 1
            table = f"{name}[{counts[name]}]"
        elif line.startswith("["):
            table = line.split("]")[0].strip("[ ")
        name = join(table, line.split("=")[0].strip().strip('"')) if "=" in line and not line.startswith(("[", "#")) else table
        if key == name:
            return number
        if name and key.startswith(name) and key[len(name) : len(name) + 1] in (".", "["):
            best = best if best and best[1] >= len(name) else (number, len(name))
    return best[0] if best else None
