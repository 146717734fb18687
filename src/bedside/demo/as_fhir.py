"""The made hospital as FHIR R4 NDJSON, one file a resource type; every resource is tagged as test data.

In        persons, one after another
Out       <folder>/Patient.ndjson, Encounter.ndjson, Observation.ndjson, ...
Source    HL7 FHIR R4 (4.0.1), US Core 3.1 race and ethnicity; v3-ActReason HTEST
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from bedside.demo import people
from bedside.demo.records import Address, Clinician, Draw, Note, Order, Person, Round, Stay
from bedside.demo.times import day, iso
from bedside.demo.vocabulary import (
    AWAKE,
    AWAKE_SYSTEM,
    AWAKE_WORDS,
    BREATH,
    CELSIUS,
    CPT,
    DEPARTMENTS,
    DIASTOLIC,
    HEART,
    ICD,
    LOINC,
    OXYGEN,
    PRESSURE,
    PROCEDURES,
    RXNORM,
    SATURATION,
    SYSTOLIC,
    TESTS,
    UCUM,
    WARDS,
    Sign,
)  # fmt: skip

Json = dict[str, Any]
_TAG = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]
_TERMS = "http://terminology.hl7.org/CodeSystem/"
HOSPITAL, CLINIC = "http://hospital.made.example/mrn", "http://clinic.made.example/mrn"
_ISSUED = "http://hospital.made.example/"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_CLASSES = {"IMP": "inpatient encounter", "EMER": "emergency", "AMB": "ambulatory"}
_MARITAL = {"M": "Married", "S": "Never Married", "W": "Widowed", "D": "Divorced"}
_PANEL_CATEGORY = [{"coding": [{"system": _TERMS + "observation-category", "code": "vital-signs"}]}]
_LAB_CATEGORY = [{"coding": [{"system": _TERMS + "observation-category", "code": "laboratory"}]}]


class FhirFolder:
    """Open NDJSON files of one export; use as a context."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, BinaryIO] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> FhirFolder:
        self._house()
        return self

    def __exit__(self, *problem: object) -> None:
        for stream in self._open.values():
            stream.close()

    def write_raw(self, kind: str, line: bytes) -> None:
        """A line as it is: for what is broken on purpose."""
        if kind not in self._open:
            self._open[kind] = (self.folder / f"{kind}.ndjson").open("wb")
        self._open[kind].write(line + b"\n")

    def put(self, kind: str, name: str, known: int | None, /, **content: Any) -> None:
        meta: Json = {"tag": _TAG} if known is None else {"lastUpdated": iso(known), "tag": _TAG}
        self.write_raw(kind, msgspec.json.encode({"resourceType": kind, "id": name, "meta": meta, **content}))

    def _house(self) -> None:
        self.put("Organization", "org-made", None, name="Made General Hospital", active=True)
        for ward, name in WARDS.items():
            role = "ICU" if ward == "ICU" else "HU"
            self.put("Location", ward, None, status="active", name=name, mode="instance",
                     type=[_concept(_TERMS + "v3-RoleCode", role, name)],
                     managingOrganization={"reference": "Organization/org-made"})  # fmt: skip
        for staff in people.clinicians().values():
            for one in staff:
                self.put("Practitioner", one.id, None, identifier=[{"system": "http://hl7.org/fhir/sid/us-npi", "value": one.npi}],
                         active=True,
                         name=[{"family": one.family, "given": [one.given], "suffix": [one.credential]}],
                         telecom=[{"system": "phone", "value": one.phone, "use": "work"}])  # fmt: skip

    def add(self, person: Person, image: tuple[Stay, int, str, str] | None = None) -> None:
        """Everything of one person; `image` is (stay, minute, accession, study UID) of a chest radiograph."""
        self._patient(person)
        subject = {"reference": f"Patient/{person.who.fhir_id}"}
        for code, words in person.chronic:
            self.put("Condition", f"prob-{person.who.fhir_id[4:]}-{code}", person.stays[0].start,
                     clinicalStatus=_term("condition-clinical", "active"),
                     verificationStatus=_term("condition-ver-status", "confirmed"),
                     category=[_term("condition-category", "problem-list-item")],
                     code=_concept(ICD, code, words), subject=subject, onsetDateTime=day(person.stays[0].start - 400 * 1440),
                     recordedDate=iso(person.stays[0].start))  # fmt: skip
        for stay in person.stays:
            self._stay(stay, subject)
        if image is not None:
            self._image(*image, subject)

    def _patient(self, person: Person) -> None:
        who = person.who
        numbers = [_number("MR", HOSPITAL, who.mrn), _number("SS", "http://hl7.org/fhir/sid/us-ssn", who.ssn),
                   _number("MB", _ISSUED + "member", who.member)]  # fmt: skip
        if who.clinic_mrn:
            numbers.insert(1, _number("MR", CLINIC, who.clinic_mrn))
        death = {"deceasedDateTime": iso(person.died)} if person.died is not None else {}
        links = {"link": [{"other": {"reference": f"Patient/{who.fhir_id}-old"}, "type": "replaces"}]} if who.merged_mrn else {}
        self.put("Patient", who.fhir_id, person.stays[-1].end,
                 extension=[_category("race", *who.race), _category("ethnicity", *who.ethnicity)],
                 identifier=numbers, active=True, name=[{"use": "official", "family": who.family, "given": [who.given,
                         who.middle]}],
                 telecom=_telecom(person), gender=_gender(who.sex), birthDate=who.birth_date, **death, address=_addresses(person),
                 maritalStatus={"coding": [{"system": _TERMS + "v3-MaritalStatus", "code": who.marital,
                                            "display": _MARITAL[who.marital]}]},
                 contact=[{"name": {"text": who.kin_name}, "telecom": [{"system": "phone", "value": who.kin_phone}]}],
                 **links)  # fmt: skip
        self.put("Coverage", f"cov-{who.fhir_id[4:]}", person.stays[0].start, status="active", subscriberId=who.member,
                 beneficiary={"reference": f"Patient/{who.fhir_id}"}, payor=[{"display": who.payer}])  # fmt: skip
        if who.merged_mrn:
            self.put("Patient", f"{who.fhir_id}-old", person.stays[-1].end, identifier=[_number("MR", HOSPITAL, who.merged_mrn)],
                     active=False,
                     name=[{"family": who.family, "given": [who.given]}], birthDate=who.birth_date, gender=_gender(who.sex),
                     link=[{"other": {"reference": f"Patient/{who.fhir_id}"}, "type": "replaced-by"}])  # fmt: skip

    def _stay(self, stay: Stay, subject: Json) -> None:
        within = {"reference": f"Encounter/{stay.number}"}
        places = [{"location": {"reference": f"Location/{move.place}", "display": move.place}, "status": "completed",
                   "period": {"start": iso(move.start), "end": iso(move.end)}} for move in stay.moves]  # fmt: skip
        left = _concept(_TERMS + "discharge-disposition", *(("exp", "Expired") if stay.died is not None else ("home", "Home")))
        self.put("Encounter", stay.number, stay.end, identifier=[{"system": _ISSUED + "visit", "value": stay.number}],
                 status="finished",
                 **{"class": {"system": _TERMS + "v3-ActCode", "code": stay.kind, "display": _CLASSES[stay.kind]}}, subject=subject,
                 participant=[{"individual": _signer(stay.doctor)}], period={"start": iso(stay.start), "end": iso(stay.end)},
                 reasonCode=[{"text": stay.complaint}], serviceType={"text": DEPARTMENTS.get(stay.department, "Internal medicine")},
                 **({"location": places, "hospitalization": {"dischargeDisposition": left}} if places else {}))  # fmt: skip
        for place, (code, words) in enumerate(stay.diagnoses):
            self.put("Condition", f"dx-{stay.number}-{place}", stay.end,
                     verificationStatus=_term("condition-ver-status", "confirmed"),
                     category=[_term("condition-category", "encounter-diagnosis")], code=_concept(ICD, code, words),
                     subject=subject,
                     encounter=within, recordedDate=iso(stay.end))  # fmt: skip
        for place, (at, code) in enumerate(stay.procedures):
            self.put("Procedure", f"proc-{stay.number}-{place}", at, status="completed",
                     code=_concept(CPT, code, PROCEDURES.get(code, "Procedure")),
                     subject=subject, encounter=within, performedDateTime=iso(at),
                     performer=[{"actor": _signer(stay.doctor)}])  # fmt: skip
        for place, one in enumerate(stay.rounds):
            self._round(f"vs-{stay.number}-{place}", one, subject, within)
        for draw in stay.draws:
            self._draw(draw, subject, within)
        for order in stay.orders:
            self._order(order, stay.doctor, subject, within)
        for note in stay.notes:
            self._note(note, subject, within)

    def _round(self, name: str, one: Round, subject: Json, within: Json) -> None:
        measured = ((HEART, one.heart), (BREATH, one.breath), (SATURATION, one.saturation), (CELSIUS, one.celsius),
                    (OXYGEN, one.oxygen))  # fmt: skip
        for sign, value in measured:
            if value is not None:
                self._sign(f"{name}-{sign.loinc}", sign, one, subject, within, valueQuantity=_quantity(value, sign.unit))
        parts = [{"code": _coding(sign), "valueQuantity": _quantity(value, sign.unit)} for sign,
                 value in ((SYSTOLIC, one.systolic), (DIASTOLIC, one.diastolic))]  # fmt: skip
        self._sign(f"{name}-{PRESSURE.loinc}", PRESSURE, one, subject, within, component=parts)
        if one.awake is None:
            return
        level = {"coding": [{"system": AWAKE_SYSTEM, "code": one.awake, "display": AWAKE_WORDS[one.awake]}], "text": one.awake}
        self._sign(f"{name}-{AWAKE.loinc}", AWAKE, one, subject, within, valueCodeableConcept=level)

    def _sign(self, name: str, sign: Sign, one: Round, subject: Json, within: Json, **value: Any) -> None:
        self.put("Observation", name, None, status="final", category=_PANEL_CATEGORY, code=_coding(sign), subject=subject,
                 encounter=within,
                 effectiveDateTime=iso(one.at), issued=iso(one.known), **value)  # fmt: skip

    def _draw(self, draw: Draw, subject: Json, within: Json) -> None:
        for place, result in enumerate(draw.results):
            test = TESTS[result.test]
            note = {"note": [{"text": draw.comment}]} if draw.comment and not place else {}
            flag = {"interpretation": [_term("v3-ObservationInterpretation", result.flag)]} if result.flag else {}
            quantity = {"value": msgspec.Raw(result.text.encode()), "unit": test.unit, "system": UCUM, "code": test.unit}
            self.put("Observation", f"lab-{draw.accession}-{test.loinc}", None,
                     identifier=[{"system": _ISSUED + "accession", "value": draw.accession}],
                     status="final", category=_LAB_CATEGORY, code={"coding": [{"system": LOINC, "code": test.loinc,
                             "display": test.name}]},
                     subject=subject, encounter=within, effectiveDateTime=iso(draw.at), issued=iso(draw.known),
                     valueQuantity=quantity, **flag, **note)  # fmt: skip

    def _order(self, order: Order, doctor: Clinician, subject: Json, within: Json) -> None:
        drug = {"text": order.drug} | ({"coding": [{"system": RXNORM, "code": order.rxcui, "display": order.drug}]} if order.rxcui
                                       else {})  # fmt: skip
        dose = {"doseAndRate": [{"doseQuantity": _dose(order)}]} if order.dose else {}
        self.put("MedicationRequest", order.number, order.at, identifier=[{"system": _ISSUED + "order", "value": order.number}],
                 status="completed",
                 intent="order", medicationCodeableConcept=drug, subject=subject, encounter=within, authoredOn=iso(order.at),
                 requester=_signer(doctor),
                 dosageInstruction=[{"text": f"{order.dose} {order.unit} {order.route} {order.frequency}".strip(),
                                     "route": {"text": order.route}, **dose}])  # fmt: skip
        given = {"dosage": {"route": {"text": order.route}, "dose": _dose(order)}} if order.dose else {}
        for place, at in enumerate(order.given):
            self.put("MedicationAdministration", f"{order.number}-{place}", None, status="completed",
                     medicationCodeableConcept=drug, subject=subject,
                     context=within, effectiveDateTime=iso(at), request={"reference": f"MedicationRequest/{order.number}"},
                     **given)  # fmt: skip

    def _note(self, note: Note, subject: Json, within: Json) -> None:
        kind = {"coding": [{"system": LOINC, "code": note.loinc, "display": note.title}], "text": note.title}
        text = {"contentType": "text/plain; charset=utf-8", "data": base64.b64encode(note.body.encode()).decode(),
                "title": note.title}  # fmt: skip
        self.put("DocumentReference", f"note-{note.id}", note.known, status="current", docStatus="final", type=kind,
                 subject=subject, date=iso(note.known),
                 author=[_signer(note.author)], content=[{"attachment": text}], context={"encounter": [within]})  # fmt: skip

    def _image(self, stay: Stay, at: int, accession: str, study: str, subject: Json) -> None:
        self.put("ImagingStudy", f"img-{accession}", at, identifier=[{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"},
                 {"system": _ISSUED + "accession", "value": accession}], status="available", subject=subject, started=iso(at),
                 encounter={"reference": f"Encounter/{stay.number}"},
                 modality=[{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CR"}],
                 description="Chest, one view")  # fmt: skip


def _telecom(person: Person) -> list[Json]:
    who = person.who
    return [{"system": "phone", "value": who.phone, "use": "home"}, {"system": "phone", "value": who.mobile, "use": "mobile"},
            {"system": "email", "value": who.email}]  # fmt: skip


def _addresses(person: Person) -> list[Json]:
    who = person.who
    if who.new_address is None:
        return [_address(who.address, "home")]
    return [_address(who.new_address, "home"), _address(who.address, "old")]


def _address(address: Address, use: str) -> Json:
    return {"use": use, "line": [address.street], "city": address.city, "state": address.state, "postalCode": address.postal_code,
            "country": "US"}  # fmt: skip


def _category(name: str, code: str, words: str) -> Json:
    return {"url": _US_CORE + name, "extension": [
        {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": words}},
        {"url": "text", "valueString": words}]}  # fmt: skip


def _number(kind: str, system: str, value: str) -> Json:
    return {"type": {"coding": [{"system": _TERMS + "v2-0203", "code": kind}]}, "system": system, "value": value}


def _gender(sex: str) -> str:
    return "male" if sex == "M" else "female"


def _concept(system: str, code: str, words: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": words}], "text": words}


def _term(system: str, code: str) -> Json:
    return {"coding": [{"system": _TERMS + system, "code": code}]}


def _coding(sign: Sign) -> Json:
    return {"coding": [{"system": LOINC, "code": sign.loinc, "display": sign.name}]}


def _quantity(value: float, unit: str) -> Json:
    number = int(value) if value == int(value) else value
    return {"value": number, "unit": unit, "system": UCUM, "code": unit} if unit else {"value": number}


def _dose(order: Order) -> Json:
    return _quantity(float(order.dose), order.unit)


def _signer(one: Clinician) -> Json:
    return {"reference": f"Practitioner/{one.id}", "display": one.name}
