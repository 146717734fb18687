"""What is wrong with a site's own policy: all of it at once, each with its line and what to do.

In        the tree of a TOML file with `base`
Out       the policy; or `Misconfigured` with faults of spelling and of meaning
Meaning   a policy on the base of safe-harbor stays within 45 CFR 164.514(b)(2), one on limited-data-set within (e)(2). Whoever wants to keep more
          begins with expert-determination, and has an expert say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

import msgspec

from bedside.core.errors import Misconfigured
from bedside.core.shape import MANUAL, Fault, faults, line_of
from bedside.deidentify.policy import NAMES, SCHEMA_NAME, FhirRules, Policy
from bedside.deidentify.spans import KINDS

_GUIDE = "docs/deidentify.md lists what a policy holds"
_BASES = tuple(name for name in NAMES if name != "as-received")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}\Z")
_MOST_WEEKS, _HARBOR_AGE, _HARBOR_ZIP = 1040, 89, 3
# What a limited data set keeps in texts: 164.514(e)(2) names neither dates, ages, towns nor zip codes. All else of a text's kinds it removes.
_LIMITED_KINDS = frozenset({"DATE", "AGE", "CITY", "ZIP"})
_HARBOR_RETAINED = frozenset({"modified-dates", "characteristics", "safe-private"})
_LIMITED_RETAINED = _HARBOR_RETAINED | {"full-dates", "uids", "institution"}
_SPELT = {
    "fhir.elements": (re.compile(r"(?:\*|[A-Z][A-Za-z]*)(?:\.[A-Za-z]\w*)+\Z"), 'a path, as "Patient.maritalStatus" or "*.note"'),
    "dicom.elements": (re.compile(r"[0-9a-fA-F]{8}\Z"), 'eight hexadecimal digits, as "00101010"'),
    "dicom.private": (re.compile(r".+,[0-9a-fA-F]{4},xx[0-9a-fA-F]{2}\Z"), '"CREATOR,gggg,xxee"'),
}
# Where a person's own identifiers stand: no rule of these two policies lets one of them be kept.
_DIRECT = {
    "fhir.elements": frozenset(f"{kind}.{part}" for kind in ("Patient", "Person", "RelatedPerson", "*") for part in ("name", "telecom", "photo", "identifier", "contact")),
    "hl7v2.fields": frozenset({"PID-2", "PID-3", "PID-4", "PID-5", "PID-6", "PID-9", "PID-13", "PID-14", "PID-18", "PID-19", "PID-20", "PID-21", "NK1-2", "NK1-5", "GT1-3",
                               "GT1-6", "IN1-2", "IN1-36", "IN1-49", "MRG-1"}),
    "dicom.elements": frozenset({"00100010", "00100020", "00101000", "00101001", "00101002", "00101005", "00101060", "00101090", "00102154", "00102155", "00181000"}),
}  # fmt: skip


def checked(said: dict[str, Any], text: str, name: str, shipped: Callable[[str], dict[str, Any]]) -> Policy:
    """The policy of a tree; `Misconfigured` with every fault. `text` is what the tree was read from, for the lines."""
    found, whole = _base(said), dict(said)
    if said.get("base") in _BASES:
        whole = joined(shipped(said["base"]), said)
        found += faults(whole, Policy, "")
        if not any(fault.key != "name" for fault in found):
            found += _sense(msgspec.convert(whole, Policy)) or _formats(msgspec.convert(whole, Policy))
    if found:
        lines = [f"{_at(text, fault.key)}: {fault.what} ({fault.do.replace(MANUAL, _GUIDE)})" for fault in found]
        raise Misconfigured(f"the policy has {len(found)} problem{'s' * (len(found) > 1)}:\n  - " + "\n  - ".join(lines), where=name,
                            do=f"correct the lines above; bedside policy {name} shows them again")  # fmt: skip
    return msgspec.convert(whole, Policy)


def joined(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A policy's tables joined to its base's; other values replaced."""
    return {**base, **{key: joined(base.get(key) or {}, value) if isinstance(value, dict) and key != "zip3" else value for key, value in own.items()}}


def _at(text: str, key: str) -> str:
    line = line_of(text, key)
    return f"line {line}, {key}" if line else key


def _base(said: Mapping[str, Any]) -> list[Fault]:
    base, name, found = said.get("base"), said.get("name"), list[Fault]()
    if base not in _BASES:
        near = get_close_matches(str(base), _BASES, 1)
        found.append(Fault("base", "a policy of your own begins with a shipped one", (f"did you mean {near[0]!r}? " if near else "") + f"choose one of {', '.join(_BASES)}"))
    if name is None or name in NAMES:
        found.append(Fault("name", "a policy of your own needs a name of its own", "give it one that no shipped policy has"))
    elif not isinstance(name, str) or not _NAME.match(name):
        found.append(Fault("name", "up to 40 lower-case letters, digits, dots and hyphens: it stands in every output", "rename it"))
    if said.get("schema", SCHEMA_NAME) != SCHEMA_NAME:
        found.append(Fault("schema", f"must be {SCHEMA_NAME!r}", "correct it, or leave it out"))
    return found


def _sense(policy: Policy) -> list[Fault]:
    found = [Fault("unchanged", "only as-received leaves files unchanged", "leave it out")] if policy.unchanged else []
    if policy.dates == "shift" and not 1 <= policy.shift_weeks <= _MOST_WEEKS:
        found.append(Fault("shift_weeks", f"must be 1 to {_MOST_WEEKS} where dates are shifted", "104 is two years to either side"))
    if policy.age_cap is not None and not 1 <= policy.age_cap <= 150:
        found.append(Fault("age_cap", "is no age", "89, or leave it out of a policy on the base of limited-data-set"))
    found += [Fault(f"text.kinds.{kind}", "no such kind of identifier in a text", f"choose from {', '.join(KINDS)}") for kind in policy.text.kinds if kind not in KINDS]
    found += [Fault(f"zip3.{key}", what, "correct the table") for key, what in (policy.zip3.faults() if policy.zip3 else [])]
    found += [Fault(f"{table}.{key}", "is none of this format", f"write {form}") for table, (spelling, form) in _SPELT.items() for key in _keys(policy, table) if not spelling.match(key)]
    return found + (_harbor(policy) if policy.base == "safe-harbor" else _limited(policy) if policy.base == "limited-data-set" else [])


def _formats(policy: Policy) -> list[Fault]:
    """What the formats say of their own sections; each element of FHIR is asked by itself, so that all are told."""
    from bedside.deidentify import dicom_rules, fhir_rules, hl7v2_rules

    alone = [(path, msgspec.structs.replace(policy, fhir=FhirRules({path: action}))) for path, action in policy.fhir.elements.items()]
    asked: list[tuple[str, Callable[[], object]]] = [(f"fhir.elements.{path}", partial(fhir_rules.Rules, one)) for path, one in alone]
    asked += [("hl7v2", partial(hl7v2_rules.plan, policy.hl7v2)), ("dicom", partial(dicom_rules.rules_of, policy))]
    return [fault for key, compiled in asked for fault in _caught(key, compiled)]


def _caught(key: str, compiled: Callable[[], object]) -> list[Fault]:
    try:
        compiled()
    except Misconfigured as error:
        return [Fault(key, error.what, error.do)]
    return []


def _keys(policy: Policy, table: str) -> list[str]:
    section, _, name = table.partition(".")
    return list(getattr(getattr(policy, section), name))


def _harbor(policy: Policy) -> list[Fault]:
    """What leaves safe harbor: 164.514(b)(2)(i)."""
    do = "take it out, or begin with expert-determination"
    wrong = [
        ("dates", policy.dates != "relative", "safe harbor lets no date stand or move, only its year (C)"),
        ("birth_date", policy.birth_date != "year", "safe harbor lets only the year of birth stand (C)"),
        ("age_cap", policy.age_cap is None or policy.age_cap > _HARBOR_AGE, "safe harbor lets no age over 89 stand (C)"),
        ("zip_digits", policy.zip_digits > _HARBOR_ZIP, "safe harbor lets three digits of a zip code stand (B)"),
        ("city", policy.city, "safe harbor lets nothing smaller than a state stand (B)"),
        ("dicom.retain", not _HARBOR_RETAINED.issuperset(policy.dicom.retain), "retains what safe harbor removes (C, M, R)"),
        ("dicom.clean", not {"pixels", "graphics", "structured-content", "descriptors"}.issubset(policy.dicom.clean), "leaves text uncleaned"),
        *((f"text.kinds.{kind}", become == "keep", "safe harbor keeps no identifier in a text") for kind, become in policy.text.kinds.items()),
    ]
    return [Fault(key, what, do) for key, bad, what in wrong if bad] + _kept(policy, do)


def _limited(policy: Policy) -> list[Fault]:
    """What leaves a limited data set: 164.514(e)(2)."""
    do = "take it out, or begin with expert-determination"
    found = [Fault(f"text.kinds.{kind}", "164.514(e)(2) removes it", do) for kind, become in policy.text.kinds.items() if become == "keep" and kind not in _LIMITED_KINDS]
    if not _LIMITED_RETAINED.issuperset(policy.dicom.retain):
        found.append(Fault("dicom.retain", "retains device identifiers, which 164.514(e)(2)(xii) removes", do))
    return found + _kept(policy, do)


def _kept(policy: Policy, do: str) -> list[Fault]:
    return [Fault(f"{table}.{key}", "is a direct identifier, and kept", do)
            for table, direct in _DIRECT.items() for key, action in getattr(getattr(policy, table.split(".")[0]), "elements" if "elements" in table else "fields").items()
            if action == "keep" and (key.upper() if table != "fhir.elements" else key) in direct]  # fmt: skip
