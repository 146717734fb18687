"""One valid resource of every FHIR R4 type, made from the definitions, with an identifier planted in every element that can hold one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from random import Random
from typing import Any

from bedside.deidentify.fhir_definitions import PRIMITIVES, Element, elements

Json = dict[str, Any]
NAME, NUMBER, PHONE, MAIL = "Zebulon Quillfeather", "70707071", "212-555-0147", "zeb@quill.example"
MARKS = ("zebulon", "quillfeather", "70707071", "555-0147", "zeb@quill")
"""What is known of the patient of `conftest.patient`, as it is searched for."""
SAID = f"Mr. {NAME}, MRN {NUMBER}, was called at {PHONE}"
_DEEPEST = 5
_OPEN = ("string", "HumanName", "Identifier", "Reference", "Attachment", "Annotation", "date", "Signature", "ContactPoint", "Address")


class Maker:
    """Makes resources that R4 allows; every one fills all elements of its type, down to a depth."""

    def __init__(self, seed: object, subject: str = "Patient/pat-1") -> None:
        self.chance, self.subject = Random(str(seed)), subject

    def resource(self, kind: str) -> Json:
        """A resource of a type, about the surveyed patient where the type says about whom it is."""
        made = {"resourceType": kind, "id": "pat-1" if kind == "Patient" else f"{kind.lower()}-1"} | self._filled(kind, 0)
        made.pop("contained", None)
        made.pop("implicitRules", None)
        for name in ("subject", "patient", "beneficiary", "for", "individual", "subscriber"):
            if "reference" in (about := made.get(name) or {}):
                made[name] = {"reference": self.subject, "display": NAME} if isinstance(about, dict) else about
        return dict(json.loads(json.dumps(made)))

    def _filled(self, path: str, depth: int) -> Json:
        made: Json = {}
        for choice in self._choices(path):
            element = self._one_of(choice, path)
            if depth < _DEEPEST or element.required:
                value = self._value(element, depth)
                if value is not None:
                    made[element.name] = [value] if element.many else value
        return made

    def _choices(self, path: str) -> Iterator[list[Element]]:
        listed: dict[str, list[Element]] = {}
        for element in elements(path).values():
            listed.setdefault(element.choice, []).append(element)
        yield from listed.values()

    def _one_of(self, choice: list[Element], path: str) -> Element:
        if len(choice) > 12:
            choice = [element for element in choice if element.kind in _OPEN]
        return self.chance.choice(choice)

    def _value(self, element: Element, depth: int) -> Any:
        kind = element.kind
        if kind in PRIMITIVES:
            return self.chance.choice(sorted(element.codes)) if element.codes else self._primitive(kind, element.name)
        if kind in ("Resource", "OperationOutcome", "Extension", "Meta", "ElementDefinition", "Narrative"):
            return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><b>Zebulon</b> {SAID}</div>'} if kind == "Narrative" else None
        if kind in _MADE:
            return _MADE[kind](self, element)
        if depth > _DEEPEST and not element.required:
            return None
        return self._filled(kind, depth + 1) or (self._least(kind, depth) if element.required else None)

    def _least(self, path: str, depth: int) -> Json:
        """One element that is easily made, so that a required one is not empty."""
        listed = elements(path).values()
        element = next((one for one in listed if one.kind in PRIMITIVES or one.kind in _MADE), next(iter(listed)))._replace(required=True)
        value = self._value(element, depth)
        return {element.name: [value] if element.many else value}

    def _primitive(self, kind: str, name: str) -> Any:
        if kind == "code":
            return {"contentType": "text/plain", "language": "en", "currency": "USD"}.get(name, "en-US")
        return _PRIMITIVES[kind]


_PRIMITIVES: dict[str, Any] = {
    "base64Binary": base64.b64encode(SAID.encode()).decode(), "boolean": True, "canonical": "http://example.org/fhir/Thing|1", "date": "2026-01-13",
    "dateTime": "2026-01-13T10:00:00-05:00", "decimal": 1.5, "id": NUMBER, "instant": "2026-01-13T10:00:00.125-05:00", "integer": 3, "markdown": SAID,
    "oid": "urn:oid:1.2.3.70707071", "positiveInt": 2, "string": SAID, "time": "10:00:00", "unsignedInt": 4, "uri": "http://example.org/fhir/thing",
    "url": f"http://hospital.example/{NUMBER}", "uuid": "urn:uuid:7c1e0c1e-0000-4000-8000-000000000001", "xhtml": "<div/>",
}  # fmt: skip
_CONCEPT = {"coding": [{"system": "http://hospital.example/codes", "code": "A1", "display": SAID}], "text": SAID}
_MADE: dict[str, Any] = {
    "Address": lambda made, element: {"use": "home", "line": ["14 Kestrel Mews"], "city": "Fernhollow", "state": "NY", "postalCode": "10301", "text": SAID},
    "Annotation": lambda made, element: {"authorString": NAME, "time": "2026-01-13T10:00:00-05:00", "text": SAID},
    "Attachment": lambda made, element: {"contentType": "text/plain", "data": base64.b64encode(SAID.encode()).decode(), "title": SAID, "url": "http://x.example/z"},
    "CodeableConcept": lambda made, element: _CONCEPT,
    "Coding": lambda made, element: _CONCEPT["coding"][0],
    "ContactPoint": lambda made, element: {"system": "phone", "value": PHONE},
    "HumanName": lambda made, element: {"family": "Quillfeather", "given": ["Zebulon"], "text": NAME},
    "Identifier": lambda made, element: {"system": "http://hospital.example/mrn", "value": NUMBER, "assigner": {"display": NAME}},
    "Reference": lambda made, element: {"reference": "Practitioner/70707071", "display": NAME},
    "Signature": lambda made, element: {"type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}], "when": "2026-01-13T10:00:00.125-05:00", "who": {"display": NAME}, "data": "aGVsbG8="},
    "SampledData": lambda made, element: {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "2 4 8 E"},
    "Timing": lambda made, element: {"event": ["2026-01-13T10:00:00-05:00"]},
}  # fmt: skip


def texts(node: Any) -> Iterator[str]:
    """Every string of a resource, what an attachment holds among them, in small letters."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "data" and isinstance(value, str):
                yield base64.b64decode(value).decode(errors="replace").lower()
            yield from texts(value)
    elif isinstance(node, list):
        for one in node:
            yield from texts(one)
    elif isinstance(node, str):
        yield node.lower()


def faults(node: Any, path: str, at: str = "") -> Iterator[str]:
    """Where a resource or datatype breaks what R4 lets it hold: an unknown element, a missing one, one too many, an empty one."""
    known = elements(path)
    for name, value in node.items():
        plain = name.removeprefix("_")
        if name in ("resourceType", "id", "extension", "modifierExtension"):
            continue
        if plain not in known:
            yield f"{at}.{name}: unknown"
        elif value in ({}, [], "", None):
            yield f"{at}.{name}: empty"
        elif known[plain].many != isinstance(value, list):
            yield f"{at}.{name}: list or not"
        elif known[plain].kind not in PRIMITIVES | {"Resource"}:
            for one in value if isinstance(value, list) else [value]:
                yield from faults(one, known[plain].kind, f"{at}.{name}")
        elif known[plain].codes and name == plain:
            yield from (f"{at}.{name}: no code of its set" for one in (value if isinstance(value, list) else [value]) if one not in known[plain].codes)
    for choice in {element.choice for element in known.values() if element.required}:
        names = {element.name for element in known.values() if element.choice == choice}
        if not names & {name.removeprefix("_") for name in node} and "extension" not in node:
            yield f"{at}.{choice}: missing"
