"""Faults of meaning in study.toml: zones, paths, mappings, times, splits, leakage. Each part is asked once its own shape is right.

In        the tree of a TOML file, and the folder that its paths are relative to
Out       faults; a part that is misshapen (`shape.py` says how) hides nothing but itself
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from bedside.core.errors import BedsideError, Refused
from bedside.core.shape import MANUAL, Fault, right
from bedside.core.shape import faults as misshapen
from bedside.core.split import Split
from bedside.core.task import AnyTask, Features, Outcome, Prediction, Signal, Task
from bedside.formats.files import Source, paths
from bedside.study.folder import policy_name

_AS_RECEIVED = "as-received"
_NOTHING = Outcome("nothing", ["nothing"])


def faults(tree: Mapping[str, object], root: Path | None) -> list[Fault]:
    """Every fault of meaning; `root` None leaves out what needs the raw files and mappings."""
    policy, wrong = _policy(tree, root)
    found = [*wrong, *_sources(tree.get("source"), root, policy), *_attestation(tree, policy)]
    if isinstance(zone := tree.get("timezone"), str):
        found += _caught("timezone", lambda: _zone(zone))
    declared, model = tree.get("task"), tree.get("model", {})
    if isinstance(declared, dict) and declared.get("kind", "risk") != "risk":
        return found + _other_kind(declared, model, policy)
    task = _task(declared)
    for key, check in (
        ("task", lambda: _times(task)),
        ("task.split", lambda: _split(task.split)),
        ("task.features", lambda: _features(task.features)),
        ("task", lambda: _leaks(task, policy)),
    ):
        found += _caught(key, check)
    return found + _model(model)


# --- sources ---------------------------------------------------------------------------------------


def _policy(tree: Mapping[str, object], root: Path | None) -> tuple[str | None, list[Fault]]:
    """The shipped policy whose consequences the declared one has, None when that is not known; and what is wrong with it."""
    from bedside.deidentify.policy import policy

    declared = tree.get("deidentify", {})
    said = declared.get("policy", "expert-determination") if isinstance(declared, dict) else None
    if not isinstance(said, str) or (said.endswith(".toml") and root is None):
        return None, []
    found = list[str]()
    wrong = _caught("deidentify.policy", lambda: found.append(policy(policy_name(root or Path(), said)).ground))
    return (found[0] if found else None), wrong


def _attestation(tree: Mapping[str, object], policy: str | None) -> list[Fault]:
    declared = tree.get("deidentify", {})
    if policy != _AS_RECEIVED or (isinstance(declared, dict) and declared.get("attestation")):
        return []
    return [Fault("deidentify.attestation", "is missing for policy as-received", "say who de-identified the source, and how")]


def _sources(declared: object, root: Path | None, policy: str | None) -> list[Fault]:
    if not isinstance(declared, list):
        return []
    if not declared:  # what several sites share has none of its own
        return [] if root is None else [Fault("source", "no source is declared", "add a [[source]] with name, format and path")]
    found: list[Fault] = []
    names = [one.get("name") for one in declared if isinstance(one, dict)]
    for index, one in enumerate(declared):
        if right(one, Source):
            source = msgspec.convert(one, Source)
            found += _source(source, f"source[{index}]", names)
            found += _place(source, f"source[{index}]", root, policy) if root is not None else []
    return found


def _source(source: Source, key: str, names: list[object]) -> list[Fault]:
    found: list[Fault] = []
    if not source.name.replace("-", "").replace("_", "").isalnum() or source.name != source.name.lower():
        found.append(Fault(f"{key}.name", "a source's name is lower-case letters, digits, - and _", "rename it"))
    if names.count(source.name) > 1:
        found.append(Fault(f"{key}.name", f"two sources are called {source.name!r}", "rename one"))
    if source.format == "tables" and source.mapping is None:
        found.append(Fault(f"{key}.mapping", "a source of tables needs a mapping", 'add mapping = "<name or path>"'))
    return found + _caught(f"{key}.timezone", lambda: _zone(source.timezone))


def _place(source: Source, key: str, root: Path, policy: str | None) -> list[Fault]:
    """What the source points at: its files, and its mapping."""
    top, found = root / source.path, list[Fault]()
    if not top.exists():
        found.append(Fault(f"{key}.path", f"no such file or folder: {source.path!r}",
                           "put the raw files there, correct the path (it is relative to study.toml), or take out this [[source]]"))  # fmt: skip
    elif top.is_dir() and not any(path.is_file() for path in top.rglob("*")):
        found.append(Fault(f"{key}.path", f"there is no file in {source.path!r}", "put the raw files there, or take out this [[source]]"))
    elif source.include and not paths(source, root):
        found.append(Fault(f"{key}.include", "no file has a name like these", "correct the patterns, or leave them out for all files"))
    return found + (_mapping(source.mapping, f"{key}.mapping", root, policy) if source.mapping is not None else [])


def _mapping(name: str, key: str, root: Path, policy: str | None) -> list[Fault]:
    from bedside.readers.mapping import load, rules

    wrong = _caught(key, lambda: load(name, root))
    if wrong or policy not in ("expert-determination", "safe-harbor", "limited-data-set"):
        return wrong
    bare = [table for table, rule in rules(load(name, root)).tables.items() if not rule.ignore and not rule.roles]
    if not bare:
        return []
    return [Fault(key, f"no column of {', '.join(bare)} has a role, so de-identification would remove them all",
                  "say in [tables.x] roles what each column is (keep, date, datetime, encounter, identifier, ...); or, where the source "
                  'is de-identified already, set policy = "as-received"')]  # fmt: skip


# --- task and model --------------------------------------------------------------------------------


def _other_kind(declared: dict[str, Any], model: object, policy: str | None) -> list[Fault]:
    """What the pillar of another kind of task says of it, once its shape is right."""
    from bedside.study.pillars import PILLARS

    kind = declared["kind"]
    if wild := _not_finite(model, "model") + _not_finite(declared, "task"):
        return wild
    if kind not in PILLARS or not isinstance(model, dict) or not right(declared, AnyTask):
        return []
    task = msgspec.convert(declared, AnyTask)
    return _caught("task.split", lambda: _split(task.split)) + _caught("task", lambda: PILLARS.get(kind).check(task, model, policy=policy))


def _not_finite(value: object, key: str) -> list[Fault]:
    """TOML has inf and nan, which slip through every comparison: none of them is a setting."""
    if isinstance(value, dict):
        return [fault for name, inner in value.items() for fault in _not_finite(inner, f"{key}.{name}")]
    if isinstance(value, list):
        return [fault for index, inner in enumerate(value) for fault in _not_finite(inner, f"{key}[{index}]")]
    wild = isinstance(value, float) and not isfinite(value)
    return [Fault(key, "is not a finite number", "write a number, or leave it out")] if wild else []


def _task(declared: object) -> Task:
    """The task, with a part that has no fault of meaning in place of each that is misshapen."""
    parts = declared if isinstance(declared, dict) else {}
    told = parts.get("outcome")
    outcome = msgspec.convert(told, Outcome) if right(told, Outcome) else _NOTHING
    prediction, split = parts.get("prediction", {}), parts.get("split", {})
    return Task(
        "task", outcome, _signals(parts.get("features")),
        msgspec.convert(prediction, Prediction) if right(prediction, Prediction) else Prediction(),
        msgspec.convert(split, Split) if right(split, Split) else Split(),
    )  # fmt: skip


def _signals(declared: object) -> Features:
    """The features, without the signals and settings that are misshapen."""
    parts = declared if isinstance(declared, dict) else {}
    signals = parts.get("signals")
    known = {name: value for name, value in parts.items() if name != "signals" and right({"signals": [], name: value}, Features)}
    kept = [one for one in signals if right(one, Signal)] if isinstance(signals, list) else []
    return msgspec.convert({**known, "signals": kept}, Features)


def _model(declared: object) -> list[Fault]:
    from bedside.pillars.risk.options import ModelOptions, options

    found = misshapen(declared, ModelOptions, "model")
    return found or (_caught("model", lambda: options(declared)) if isinstance(declared, dict) else [])


def _times(task: Task) -> None:
    from bedside.cohort.decisions import check

    check(task)


def _split(split: Split) -> None:
    from bedside.cohort.splits import check

    check(split)


def _features(features: Features) -> None:
    from bedside.cohort.plan import compile_plan

    compile_plan(features)


def _leaks(task: Task, policy: str | None) -> None:
    from bedside.cohort.leakage import refuse

    refuse(task, policy=policy)


def _zone(name: str | None) -> None:
    from bedside.core.time import zone

    if name is not None:
        zone(name)


def _caught(key: str, check: Callable[[], object]) -> list[Fault]:
    try:
        check()
    except BedsideError as error:
        return [Fault(key, error.what, error.do, isinstance(error, Refused))]
    except msgspec.ValidationError as error:
        return [Fault(key, str(error), MANUAL)]
    return []
