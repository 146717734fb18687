"""What FHIR R4 lets a type hold: its elements in JSON, their datatypes, how often, and the codes that they are bound to.

In        a type or a path in it: "Patient", "Patient.contact", "HumanName"
Out       its elements by their names in JSON, one for each datatype of a choice (`valueString`, `valueQuantity`)
Refuses   nothing: a path that R4 does not have has no elements
Source    HL7 FHIR R4 (4.0.1) StructureDefinitions, CC0; `fhir_elements.tsv.xz` by scripts/make_fhir_elements.py
"""

from __future__ import annotations

import lzma
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

PRIMITIVES = frozenset(
    ["base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer", "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid", "xhtml"]
)
_BACKBONES = ("BackboneElement", "Element")


class Element(NamedTuple):
    """One element of a type.

    name      as JSON has it: valueQuantity for value[x] as a Quantity
    kind      its datatype; the path where its own elements are listed, when it has some ("Patient.contact")
    many      a list
    required  at least one
    codes     the codes that a required binding allows; empty where there is none
    choice    the name that the alternatives of a choice share: "value[x]"; its own name otherwise
    """

    name: str
    kind: str
    many: bool
    required: bool
    codes: frozenset[str]
    choice: str


class _Table(NamedTuple):
    rows: dict[str, list[tuple[str, str, str, str]]]
    sets: dict[str, frozenset[str]]


@lru_cache(maxsize=1)
def _table() -> _Table:
    raw = files("bedside.deidentify").joinpath("fhir_elements.tsv.xz").read_bytes()
    found = _Table({}, {"": frozenset()})
    for line in lzma.decompress(raw).decode().splitlines():
        path, name, *rest = line.split("\t")
        if path.startswith("="):
            found.sets[path[1:]] = frozenset(name.split())
        else:
            found.rows.setdefault(path, []).append((name, rest[0], rest[1], rest[2]))
    return found


@cache
def elements(path: str) -> dict[str, Element]:
    """The elements of a type or path, by their names in JSON, without those that every element may have.

    >>> elements("Patient.link")["type"].required, sorted(elements("Observation"))[-1], elements("Nothing")
    (True, 'valueTime', {})
    """
    found: dict[str, Element] = {}
    table = _table()
    for name, types, times, bound in table.rows.get(path, ()):
        many, required, codes = times[1] == "*", times[0] == "1", table.sets[bound]
        kinds = types.split()
        if not name.endswith("[x]"):
            found[name] = Element(name, _kind(path, name, kinds[0]), many, required, codes, name)
            continue
        for kind in kinds:
            full = name[:-3] + kind[0].upper() + kind[1:]
            found[full] = Element(full, kind, many, required, codes, name)
    return found


@lru_cache(maxsize=1)
def resource_types() -> frozenset[str]:
    """The types of resources.

    >>> len(resource_types()), "Patient" in resource_types(), "HumanName" in resource_types()
    (146, True, False)
    """
    rows = _table().rows
    return frozenset(path for path, listed in rows.items() if any(name == "implicitRules" for name, *_ in listed)) - {"Resource", "DomainResource"}


def _kind(path: str, name: str, said: str) -> str:
    if said.startswith("@"):
        return said[1:]
    return f"{path}.{name}" if said in _BACKBONES and f"{path}.{name}" in _table().rows else said
