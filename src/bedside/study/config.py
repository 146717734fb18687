"""study.toml: what a study is made of, decoded strictly, all problems at once and each with its line.

In        the text of study.toml, schema "bedside.study/1"
Out       a `StudyFile`, or one `Misconfigured` that lists every problem
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args, get_origin

import msgspec

from bedside.core.errors import BedsideError, Misconfigured
from bedside.core.task import Task
from bedside.formats.files import Source, paths

SCHEMA = "bedside.study/1"
Policy = Literal["expert-determination", "safe-harbor", "limited-data-set", "as-received"]


class Deidentify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[deidentify]: the policy by its name, where the keyring lies, and who says so when the source was de-identified before."""

    policy: Policy = "expert-determination"
    keyring: str = ""
    naming: Literal["sealed", "keyed"] = "sealed"
    attestation: str | None = None


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[claims]: what people say the model is for; printed as said, never inferred."""

    intended_use: str | None = None
    intended_users: str | None = None
    population: str | None = None
    operating_point: str | None = None


class StudyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """study.toml, whole. `model` is decoded by the pillar that fits it."""

    schema: Literal["bedside.study/1"]
    name: str
    source: list[Source]
    task: Task
    deidentify: Deidentify = msgspec.field(default_factory=Deidentify)
    model: dict[str, object] = msgspec.field(default_factory=dict)
    claims: Claims = msgspec.field(default_factory=Claims)
    seed: int = 1
    made: bool = False
    site: str = "site-1"
    timezone: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong in study.toml: where (key and line), what, and what to do."""

    key: str
    line: int | None
    what: str
    do: str

    def text(self) -> str:
        at = f"line {self.line}, {self.key}" if self.line else self.key
        return f"study.toml, {at}: {self.what} ({self.do})"


def load(path: Path, *, sources: bool = True) -> StudyFile:
    """The study file at `path`; `Misconfigured` lists all its problems.

    sources   False leaves out whether the raw files are there: a finished study is read, served and verified without them
    """
    text = _text(path)
    if problems(text, path.parent, sources=sources):
        found = problems(text, path.parent)  # whoever must correct the file is told all of it
        raise Misconfigured(f"study.toml has {len(found)} problem{'s' * (len(found) > 1)}:\n  - " + "\n  - ".join(p.text() for p in found),
                            where=path.name, do="correct the lines above; `bedside check` shows them again")  # fmt: skip
    return decode(text)


def decode(text: str) -> StudyFile:
    return msgspec.convert(tomllib.loads(text), StudyFile)


def problems(text: str, root: Path, *, sources: bool = True) -> list[Problem]:
    """Everything wrong with a study file, in the order of the file."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [Problem("file", None, f"not TOML: {error}", "correct the syntax")]
    found = [Problem(key, _line(text, key), what, do) for key, what, do in _shape(tree, StudyFile, "")]
    if not found:
        study = decode(text)
        found = [Problem(key, _line(text, key), what, do) for key, what, do in _sense(study, root if sources else None)]
    return sorted(found, key=lambda problem: problem.line or 0)


_Fault = tuple[str, str, str]


def _shape(value: object, wanted: object, path: str) -> list[_Fault]:
    """Faults of type and spelling, walking structs and lists so that every one is found."""
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _struct(value, wanted, path)
    if get_origin(wanted) is list and isinstance(value, list):
        inner = get_args(wanted)[0]
        return [fault for index, item in enumerate(value) for fault in _shape(item, inner, f"{path}[{index}]")]
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        return [(path, str(error).split(" - at ")[0], "see docs/study.md")]
    return []


def _struct(value: object, wanted: type[msgspec.Struct], path: str) -> list[_Fault]:
    if not isinstance(value, dict):
        return [(path, f"expected a table, got {type(value).__name__}", "see docs/study.md")]
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    faults: list[_Fault] = []
    for key in value.keys() - fields.keys():
        near = get_close_matches(key, fields, 1)
        faults.append(
            (_join(path, key), "no such key", f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(sorted(fields))}")
        )
    for name, field in fields.items():
        if name in value:
            faults += _shape(value[name], field.type, _join(path, name))
        elif field.required:
            faults.append((_join(path, name), "is missing", "add it"))
    return faults


def _sense(study: StudyFile, root: Path | None) -> list[_Fault]:
    """Faults that need the meaning: zones, leakage; and, relative to `root`, paths and mappings."""
    faults: list[_Fault] = []
    names = [source.name for source in study.source]
    for index, source in enumerate(study.source):
        faults += _source_faults(source, f"source[{index}]", names)
        if root is not None:
            faults += _place_faults(source, f"source[{index}]", root, study.deidentify.policy)
    if not study.source:
        faults.append(("source", "no source is declared", "add a [[source]] with name, format and path"))
    if study.deidentify.policy == "as-received" and not study.deidentify.attestation:
        faults.append(("deidentify.attestation", "is missing for policy as-received", "say who de-identified the source, and how"))
    for key, check in (
        ("timezone", lambda: _zone(study.timezone)),
        ("task", lambda: _leaks(study.task)),
        ("model", lambda: _model(study.model)),
    ):
        faults += _caught(key, check)
    return faults


def _source_faults(source: Source, key: str, names: list[str]) -> list[_Fault]:
    faults: list[_Fault] = []
    if not source.name.replace("-", "").replace("_", "").isalnum() or source.name != source.name.lower():
        faults.append((f"{key}.name", "a source's name is lower-case letters, digits, - and _", "rename it"))
    if names.count(source.name) > 1:
        faults.append((f"{key}.name", f"two sources are called {source.name!r}", "rename one"))
    if source.format == "tables" and source.mapping is None:
        faults.append((f"{key}.mapping", "a source of tables needs a mapping", 'add mapping = "<name or path>"'))
    faults += _caught(f"{key}.timezone", lambda: _zone(source.timezone))
    return faults


def _place_faults(source: Source, key: str, root: Path, policy: Policy) -> list[_Fault]:
    """What the source points at: its files, and its mapping."""
    top, faults = root / source.path, list[_Fault]()
    if not top.exists():
        faults.append((f"{key}.path", f"no such file or folder: {source.path!r}",
                       "put the raw files there, correct the path (it is relative to study.toml), or take out this [[source]]"))  # fmt: skip
    elif top.is_dir() and not any(path.is_file() for path in top.rglob("*")):
        faults.append((f"{key}.path", f"there is no file in {source.path!r}", "put the raw files there, or take out this [[source]]"))
    elif source.include and not paths(source, root):
        faults.append((f"{key}.include", "no file has a name like these", "correct the patterns, or leave them out for all files"))
    if source.mapping is not None:
        faults += _mapping_faults(source.mapping, f"{key}.mapping", root, policy)
    return faults


def _mapping_faults(name: str, key: str, root: Path, policy: Policy) -> list[_Fault]:
    from bedside.readers.mapping import load as load_mapping
    from bedside.readers.mapping import rules

    wrong = _caught(key, lambda: load_mapping(name, root))
    if wrong or policy == "as-received":
        return wrong
    bare = [table for table, rule in rules(load_mapping(name, root)).tables.items() if not rule.ignore and not rule.roles]
    if not bare:
        return []
    return [(key, f"no column of {', '.join(bare)} has a role, so de-identification would remove them all",
             "say in [tables.x] roles what each column is (keep, date, datetime, encounter, identifier, ...); or, where the source "
             'is de-identified already, set policy = "as-received"')]  # fmt: skip


def _caught(key: str, check: object) -> list[_Fault]:
    try:
        check()  # type: ignore[operator]
    except BedsideError as error:
        return [(key, error.what, error.do)]
    except msgspec.ValidationError as error:
        return [(key, str(error), "see docs/study.md")]
    return []


def _zone(name: str | None) -> None:
    from bedside.core.time import zone

    if name is not None:
        zone(name)


def _leaks(task: Task) -> None:
    from bedside.cohort.leakage import refuse

    refuse(task)


def _model(model: dict[str, object]) -> None:
    from bedside.pillars.risk.options import options

    options(model)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Misconfigured(
            "there is no study.toml here", where=str(path.parent), do="bedside new my-study, or bedside demo --out my-demo"
        ) from error
    except UnicodeDecodeError as error:
        raise Misconfigured("study.toml is not UTF-8 text", where=str(path), do="save it as UTF-8") from error


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _line(text: str, key: str) -> int | None:
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
        name = _join(table, line.split("=")[0].strip().strip('"')) if "=" in line and not line.startswith(("[", "#")) else table
        if key == name:
            return number
        if name and key.startswith(name) and key[len(name) : len(name) + 1] in (".", "["):
            best = best if best and best[1] >= len(name) else (number, len(name))
    return best[0] if best else None
