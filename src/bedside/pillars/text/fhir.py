"""Facts of a note as FHIR R4 resources.

In        a fact, its note, and who found it
Out       Condition, MedicationStatement, Procedure, Observation or FamilyMemberHistory as plain JSON values; None for a bare date
Negated   verificationStatus refuted, status not-taken or not-done. Uncertain: unconfirmed, unknown. Historical: clinicalStatus inactive,
          status completed. Hypothetical, and a relative who has it not: a modifierExtension, so that who does not know it must not use it.
Place     the extension derivation-reference: the document, the offset of the first character and the length, in code points of its text
Source    HL7 FHIR R4 (4.0.1); FHIR Extensions Pack 5.2.0, StructureDefinition/derivation-reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bedside.codes.vocabulary import system
from bedside.core.time import wall_time
from bedside.pillars.text.fact import Attribute, Fact
from bedside.readers.reading import NoteRow

Json = dict[str, Any]
DERIVATION = "http://hl7.org/fhir/StructureDefinition/derivation-reference"
ASSERTION = "urn:bedside:fhir:assertion"
FOUND_BY = "urn:bedside:fhir:found-by"
SUBJECT = "urn:bedside:subject"
_CONCEPT = "urn:bedside:text"
_UCUM = "http://unitsofmeasure.org"
_ABSOLUTE = re.compile(r"\d{4}(?:-\d\d){0,2}\Z")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"
_FLAGS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_FAMILY = {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "FAMMEMB", "display": "family member"}
_SIDES = {"systolic": ("8480-6", "Systolic blood pressure"), "diastolic": ("8462-4", "Diastolic blood pressure")}
_COMPARATOR = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "≤": "<=", "≥": ">=", "less than": "<", "greater than": ">"}
_SIGN = re.compile(r"<=|>=|[<>≤≥]|less than|greater than")


def resource(fact: Fact, note: NoteRow, extractor: str) -> Json | None:
    """The resource of one fact; None for a date, which says nothing by itself."""
    if fact.kind == "date":
        return None
    if fact.experiencer != "patient" and fact.kind in ("problem", "histology", "procedure"):
        made = _relative(fact, note)
    else:
        made = _MAKERS.get(fact.kind, _observation)(fact, note)
    made["extension"] = [_place(fact, note), {"url": FOUND_BY, "valueString": extractor}]
    modifier = _modifier(fact)
    return made | ({"modifierExtension": [{"url": ASSERTION, "valueCode": modifier}]} if modifier else {})


def _condition(fact: Fact, note: NoteRow) -> Json:
    status = "refuted" if fact.negated else "unconfirmed" if fact.uncertain or fact.temporality == "hypothetical" else "confirmed"
    told: Json = {"resourceType": "Condition", "verificationStatus": _coded(_CONDITION + "ver-status", status), "code": _concept(fact),
                  "subject": _subject(note), "onsetDateTime": _dated(fact), "recordedDate": _when(note), "evidence": [{"detail": [_document(note)]}]}  # fmt: skip
    if status == "confirmed":
        told["clinicalStatus"] = _coded(_CONDITION + "clinical", "inactive" if fact.temporality == "historical" else "active")
    return _said(told)


def _medication(fact: Fact, note: NoteRow) -> Json:
    stopped = (part := fact.attributes.get("status")) is not None and part.normal == "stopped"
    status = ("not-taken" if fact.negated else "unknown" if fact.uncertain or fact.temporality == "hypothetical" else
              "completed" if fact.temporality == "historical" else "stopped" if stopped else "active")  # fmt: skip
    return _said({"resourceType": "MedicationStatement", "status": status, "medicationCodeableConcept": _concept(fact), "subject": _subject(note),
                  "effectiveDateTime": _when(note), "derivedFrom": [_document(note)], "dosage": _dosage(fact)})  # fmt: skip


def _dosage(fact: Fact) -> list[Json] | None:
    parts = fact.attributes
    told: Json = {}
    ordered = [part for name in ("dose", "quantity", "route", "frequency", "duration") if (part := parts.get(name))]
    if ordered:
        told["text"] = " ".join(part.text for part in sorted(ordered, key=lambda part: part.start))
    if route := parts.get("route"):
        told["route"] = {"text": route.normal or route.text}
    if often := parts.get("frequency"):
        told["timing"] = {"code": {"text": often.normal or often.text}}
    if "prn" in parts:
        told["asNeededBoolean"] = True
    if (dose := parts.get("dose")) and dose.number is not None:
        told["doseAndRate"] = [{"doseQuantity": _quantity(dose)}]
    return [told] if told else None


def _procedure(fact: Fact, note: NoteRow) -> Json:
    status = "not-done" if fact.negated else "preparation" if fact.temporality == "hypothetical" else "unknown" if fact.uncertain else "completed"
    return _said({"resourceType": "Procedure", "status": status, "code": _concept(fact), "subject": _subject(note), "performedDateTime": _dated(fact),
                  "report": [_document(note)]})  # fmt: skip


def _observation(fact: Fact, note: NoteRow) -> Json:
    told: Json = {"resourceType": "Observation", "status": "preliminary", "code": _concept(fact), "subject": _subject(note), "effectiveDateTime": _dated(fact) or _when(note),
                  "derivedFrom": [_document(note)]}  # fmt: skip
    if fact.kind in ("lab", "vital"):
        told["category"] = [_coded(_CATEGORY, "laboratory" if fact.kind == "lab" else "vital-signs")]
    parts = fact.attributes
    if "systolic" in parts:
        told["component"] = [{"code": {"coding": [{"system": "http://loinc.org", "code": code, "display": words}]}, "valueQuantity": _quantity(parts[side])}
                             for side, (code, words) in _SIDES.items() if side in parts]  # fmt: skip
        return _said(told)
    value = parts.get("value")
    if value is not None and value.number is not None and not value.text[:1].isalpha():
        told["valueQuantity"] = _quantity(value)
    elif value is not None:
        told["valueString"] = value.normal or value.text
    else:
        told["valueString"] = fact.text
    if flag := parts.get("flag"):
        told["interpretation"] = [_coded(_FLAGS, flag.normal or flag.text)]
    if reference := parts.get("reference"):
        told["referenceRange"] = [{"text": reference.text}]
    return _said(told)


def _relative(fact: Fact, note: NoteRow) -> Json:
    return _said({"resourceType": "FamilyMemberHistory", "status": "partial", "patient": _subject(note), "date": _when(note),
                  "relationship": {"coding": [_FAMILY]}, "condition": [{"code": _concept(fact)}]})  # fmt: skip


_MAKERS: dict[str, Callable[[Fact, NoteRow], Json]] = {"problem": _condition, "histology": _condition, "medication": _medication, "procedure": _procedure}


def _modifier(fact: Fact) -> str | None:
    """What must not be overlooked: that a fact is only thought of, or is denied or another's where its resource has no word for it."""
    if fact.temporality == "hypothetical":
        return "hypothetical"
    if fact.experiencer != "patient":
        if fact.kind not in ("problem", "histology", "procedure"):
            return "of-a-relative"
        return "negated" if fact.negated else "uncertain" if fact.uncertain else None
    plain = fact.kind not in ("problem", "histology", "medication", "procedure")
    return "negated" if plain and fact.negated else "uncertain" if plain and fact.uncertain else None


def _place(fact: Fact, note: NoteRow) -> Json:
    return {"url": DERIVATION, "extension": [{"url": "reference", "valueReference": _document(note)}, {"url": "offset", "valueInteger": fact.start},
                                             {"url": "length", "valueInteger": fact.end - fact.start}]}  # fmt: skip


def _concept(fact: Fact) -> Json:
    coding: list[Json] = []
    if fact.code:
        vocabulary, _, code = fact.code.partition("//")
        coding.append({"system": system(vocabulary), "code": code.split("//")[0], **({"display": fact.name} if fact.name else {})})
    elif fact.name:
        coding.append({"system": _CONCEPT, "code": f"{fact.kind}-{fact.name}".replace(" ", "-"), "display": fact.name})
    return {"text": fact.text, **({"coding": coding} if coding else {})}


def _quantity(value: Attribute) -> Json:
    sign = _SIGN.match(value.text.lower())
    told: Json = {"value": value.number}
    if sign:
        told["comparator"] = _COMPARATOR[sign[0]]
    return told | ({"unit": value.unit, "system": _UCUM, "code": value.unit} if value.unit else {})


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _subject(note: NoteRow) -> Json:
    return {"identifier": {"system": SUBJECT, "value": str(note.subject_id)}}


def _document(note: NoteRow) -> Json:
    """The document by its id where FHIR can have such an id, else by an identifier."""
    if _ID.match(note.note_id):
        return {"reference": f"DocumentReference/{note.note_id}"}
    return {"type": "DocumentReference", "identifier": {"system": "urn:bedside:note", "value": note.note_id}}


def _dated(fact: Fact) -> str | None:
    """The date that stands with a fact, as exact as it is said; None for one that only the note's date would make absolute."""
    told = fact.attributes.get("date")
    return told.normal if told is not None and told.normal and _ABSOLUTE.match(told.normal) else None


def _when(note: NoteRow) -> str | None:
    return wall_time(note.time).strftime("%Y-%m-%dT%H:%M:%SZ") if note.time is not None else None


def _said(told: Json) -> Json:
    """Without what is not known."""
    return {key: value for key, value in told.items() if value is not None}
