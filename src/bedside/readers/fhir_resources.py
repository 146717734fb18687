"""One function a FHIR R4 resource type: a resource to its events.

In        a resource as a dict, and the context that says where it lies
Out       events in the resource's own order; `Nothing` with the reason when a sound resource states no fact
Source    HL7 FHIR R4 (4.0.1), US Core 3.1 race and ethnicity extensions.
Codes     see `core.events`; the qualifiers here: //ordered //administered //dispensed //stated //diagnosis //procedure
          //report //allergy //specimen //claim //benefit
Elsewhere notes out of DocumentReference and DiagnosticReport: `fhir_notes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from bedside.core.events import Event, Status
from bedside.core.ids import is_number_pseudonym
from bedside.core.time import Instant
from bedside.readers.fhir_elements import (
    Json,
    absent,
    code_of,
    encounter,
    instant,
    number,
    recorded,
    start,
    subject,
    target,
    text_of,
    unit_of,
    words_of,
)  # fmt: skip
from bedside.readers.pieces import Context, Nothing
from bedside.readers.times import available
from bedside.readers.words import ethnicity_code, is_sex, location_code, race_code, sex_code, slug

Handler = Callable[[Json, Context], list[Event]]
_CORRECTED = frozenset({"corrected", "amended", "appended"})
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_NOT_YET_OR_NEVER = frozenset({"planned", "cancelled", "not-done", "draft", "preparation", "proposed", "registered"})


def patient(resource: Json, context: Context) -> list[Event]:
    """Birth, death and what never changes. Known always: `known_at` is null (but a death is known from when it is said)."""
    who = _patient_number(resource)
    events = []
    if resource.get("birthDate"):
        born = instant(resource["birthDate"], context)
        events.append(Event(who, born.us, "MEDS_BIRTH", source=context.source))
    events += [Event(who, None, code, source=context.source) for code in _static(resource, context)]
    if resource.get("deceasedDateTime"):
        died = instant(resource["deceasedDateTime"], context)
        known_at = recorded(died, context=context)
        events.append(Event(who, died.us, "MEDS_DEATH", known_at=known_at, utc_offset_min=died.offset_min, source=context.source))
    elif resource.get("deceasedBoolean"):
        context.problem("a death without a time, left out")
    return events


def encounter_events(resource: Json, context: Context) -> list[Event]:
    """Start, end and places of a stay. The start is known when it happens: `meta.lastUpdated` tells of the end."""
    _refuse(resource)
    period = resource.get("period") or {}
    if not period.get("start"):
        raise Nothing("encounter without a start")
    facts = _Facts(resource, context, within=text_of(resource["id"]) if "id" in resource else None)
    kind = _class_code(resource)
    began = instant(period["start"], context)
    events = [facts.event(began, f"ENCOUNTER_START//{kind}", known_at=recorded(began, context=context))]
    for place in resource.get("location") or ():
        events += _place(place, began, facts)
    if period.get("end"):
        ended = instant(period["end"], context)
        events.append(facts.event(ended, f"ENCOUNTER_END//{kind}", known_at=recorded(ended, context=context)))
    return events


def observation(resource: Json, context: Context) -> list[Event]:
    """A measured or assessed value, and each of its components."""
    status = resource.get("status")
    if status == "cancelled" or status == "registered":
        raise Nothing(f"status {status}")
    facts = _Facts(resource, context)
    time, known_at = _observed(resource, context)
    events = _measured(resource, facts, time, known_at)
    for component in resource.get("component") or ():
        found = _measured(component, facts, time, known_at)
        if not found:
            context.problem("component without a value, left out")
        events += found
    if not events:
        raise Nothing(absent(resource) if "dataAbsentReason" in resource else "a panel whose members stand elsewhere, or no value")
    return events


def _observed(resource: Json, context: Context) -> tuple[Instant | None, int]:
    """When it was true (else when it was issued), and since when it is known.

    With nothing but its last update it is a static fact, known from then on; without even that it is left out, since it would be known always.
    """
    said = resource.get("effectiveDateTime") or start(resource, "effectivePeriod", "effectiveInstant")
    issued, updated = resource.get("issued"), _updated(resource)
    if said is None and issued is None and updated is not None:
        context.problem("observation without a clinical time: a fact known since its last update")
        return None, available(instant(updated, context))
    if said is None and issued is not None:
        context.problem("observation without a clinical time: dated by its issue")
    time = _time(said or issued, resource, context)
    return time, recorded(time, issued, updated, context=context)


def condition(resource: Json, context: Context) -> list[Event]:
    """A diagnosis or problem: dated by its onset, known when it was recorded."""
    verified = _first_code(resource.get("verificationStatus"))
    if verified == "refuted":
        raise Nothing("diagnosis refuted")
    said = start(resource, "onsetDateTime", "onsetPeriod", "recordedDate")
    time = _time(said, resource, context)
    known_at = recorded(time, resource.get("recordedDate"), _updated(resource), context=context)
    status: Status = "retracted" if verified == "entered-in-error" else "final"
    code = code_of(resource["code"], context, prefer="ICD10CM")
    return [_Facts(resource, context, status=status).event(time, f"{code}//diagnosis", known_at=known_at)]


def medication_request(resource: Json, context: Context) -> list[Event]:
    _refuse_prohibition(resource)
    if resource.get("status") == "draft" or resource.get("intent") in ("proposal", "plan", "option"):
        raise Nothing("a plan, not an order")
    instruction: Json = _first(resource.get("dosageInstruction"))
    amount = _first(instruction.get("doseAndRate"))
    dose = amount.get("doseQuantity") or amount.get("rateQuantity") or _rate(amount.get("rateRatio"))
    return _medication(resource, context, "ordered", resource.get("authoredOn"), dose)


def medication_administration(resource: Json, context: Context) -> list[Event]:
    """A given dose; of an infusion that states no dose, its rate."""
    dosage = resource.get("dosage") or {}
    dose = dosage.get("dose") or dosage.get("rateQuantity") or _rate(dosage.get("rateRatio"))
    return _medication(resource, context, "administered", start(resource, "effectiveDateTime", "effectivePeriod"), dose)


def medication_dispense(resource: Json, context: Context) -> list[Event]:
    said = start(resource, "whenHandedOver", "whenPrepared")
    return _medication(resource, context, "dispensed", said, resource.get("quantity"))


def medication_statement(resource: Json, context: Context) -> list[Event]:
    said = start(resource, "effectiveDateTime", "effectivePeriod", "dateAsserted")
    return _medication(resource, context, "stated", said, None, resource.get("dateAsserted"))


def procedure(resource: Json, context: Context) -> list[Event]:
    _refuse(resource)
    said = start(resource, "performedDateTime", "performedPeriod")
    return [_plain(resource, context, resource["code"], "procedure", said)]


def diagnostic_report(resource: Json, context: Context) -> list[Event]:
    """That a report exists; its results are Observations, its text a note."""
    _refuse(resource)
    said = start(resource, "effectiveDateTime", "effectivePeriod", "issued")
    return [_plain(resource, context, resource["code"], "report", said, resource.get("issued"), prefer="LOINC")]


def allergy(resource: Json, context: Context) -> list[Event]:
    verified = _first_code(resource.get("verificationStatus"))
    if verified == "refuted":
        raise Nothing("allergy refuted")
    said = start(resource, "recordedDate", "onsetDateTime", "onsetPeriod")
    time = _time(said, resource, context)
    status: Status = "retracted" if verified == "entered-in-error" else "final"
    known_at = recorded(time, resource.get("recordedDate"), _updated(resource), context=context)
    code = code_of(resource["code"], context)
    return [_Facts(resource, context, status=status).event(time, f"{code}//allergy", known_at=known_at)]


def immunization(resource: Json, context: Context) -> list[Event]:
    _refuse(resource)
    said = start(resource, "occurrenceDateTime")
    return [_plain(resource, context, resource["vaccineCode"], "administered", said, resource.get("recorded"), prefer="CVX",
                   quantity=resource.get("doseQuantity"))]  # fmt: skip


def service_request(resource: Json, context: Context) -> list[Event]:
    _refuse_prohibition(resource)
    if resource.get("status") == "draft" or resource.get("intent") in ("proposal", "plan", "option"):
        raise Nothing("a plan, not an order")
    said = start(resource, "authoredOn", "occurrenceDateTime", "occurrencePeriod")
    return [_plain(resource, context, resource["code"], "ordered", said, prefer="LOINC")]


def specimen(resource: Json, context: Context) -> list[Event]:
    collection = resource.get("collection") or {}
    said = start(collection, "collectedDateTime", "collectedPeriod") or resource.get("receivedTime")
    return [_plain(resource, context, resource["type"], "specimen", said)]


def document(resource: Json, context: Context) -> list[Event]:
    """That a note exists. Its text is a `NoteRow`."""
    _refuse(resource)
    time = _time(resource.get("date") or _updated(resource), resource, context)
    return [_Facts(resource, context).event(time, note_code(resource), known_at=recorded(time, context=context))]


def imaging_study(resource: Json, context: Context) -> list[Event]:
    """One event a modality, at the start of the study, as the DICOM reader dates it."""
    _refuse(resource)
    time = _time(resource.get("started"), resource, context)
    known_at = recorded(time, context=context)
    facts = _Facts(resource, context)
    kinds = [coding["code"] for coding in resource.get("modality") or ()]
    kinds = kinds or [series["modality"]["code"] for series in resource.get("series") or ()]
    if not kinds:
        context.problem("imaging study without a modality, kept as OT")
    return [facts.event(time, f"IMAGE//{text_of(kind)}", known_at=known_at) for kind in dict.fromkeys(kinds or ["OT"])]


def claim(resource: Json, context: Context) -> list[Event]:
    """Billed diagnoses and services. Known when the claim was made, weeks after the care."""
    return _billed(resource, context, "claim")


def benefit(resource: Json, context: Context) -> list[Event]:
    """What the payer answered, item by item."""
    return _billed(resource, context, "benefit")


def note_code(resource: Json) -> str:
    """NOTE//<LOINC code>, or the type's words where it has none.

    >>> note_code({"type": {"coding": [{"system": "http://loinc.org", "code": "34117-2"}]}})
    'NOTE//34117-2'
    >>> note_code({"type": {"text": "Ward round"}})
    'NOTE//ward-round'
    """
    kind = resource.get("type") or resource.get("code") or {}
    for coding in kind.get("coding") or ():
        if coding.get("system") == "http://loinc.org" and coding.get("code"):
            return "NOTE//" + text_of(coding["code"])
    return "NOTE//" + (slug(words_of(kind)) if kind else "unnamed")


HANDLERS: dict[str, Handler] = {
    "Patient": patient, "Encounter": encounter_events, "Observation": observation, "Condition": condition,
    "MedicationRequest": medication_request, "MedicationAdministration": medication_administration,
    "MedicationDispense": medication_dispense, "MedicationStatement": medication_statement, "Procedure": procedure,
    "DiagnosticReport": diagnostic_report, "AllergyIntolerance": allergy, "Immunization": immunization,
    "DocumentReference": document, "ServiceRequest": service_request, "Specimen": specimen, "Claim": claim,
    "ExplanationOfBenefit": benefit, "ImagingStudy": imaging_study,
}  # fmt: skip


class _Facts:
    """What all events of one resource share, so that each is said in one line."""

    __slots__ = ("context", "source", "status", "who", "within")

    def __init__(self, resource: Json, context: Context, *, within: str | None = None, status: Status | None = None) -> None:
        self.who, self.context, self.source = subject(resource), context, context.source
        self.within = within if within is not None else encounter(resource)
        self.status: Status = status or _status(resource)

    def event(self, time: Instant | None, code: str, value: float | None = None, text: str | None = None, *, known_at: int,
              lexeme: str | None = None, unit: str | None = None) -> Event:  # fmt: skip
        us, offset = (time.us, time.offset_min) if time is not None else (None, None)
        return Event(self.who, us, code, value, text, known_at, self.status, offset, lexeme, unit, self.within, self.source)


def _measured(element: Json, facts: _Facts, time: Instant | None, known_at: int) -> list[Event]:
    """The event of an Observation's, or a component's, own value; none when it has none."""
    quantity = element.get("valueQuantity")
    if quantity is not None:
        return _quantity(element, quantity, facts, time, known_at)
    for name, read in _VALUES.items():
        if name in element:
            value, text, lexeme = read(element[name])
            code = code_of(element["code"], facts.context, prefer="LOINC")
            return [facts.event(time, code, value, text, known_at=known_at, lexeme=lexeme)]
    return []


def _quantity(element: Json, quantity: Json, facts: _Facts, time: Instant | None, known_at: int) -> list[Event]:
    if "value" not in quantity:
        return []
    code = code_of(element["code"], facts.context, prefer="LOINC")
    value, lexeme = number(quantity["value"])
    text = None
    if quantity.get("comparator"):
        lexeme = text = text_of(quantity["comparator"]) + lexeme
    elif value is None:
        facts.context.problem("number beyond float32, kept as text")
        text = lexeme
    return [facts.event(time, code, value, text, known_at=known_at, lexeme=lexeme, unit=unit_of(quantity, facts.context))]


Value = tuple[float | None, str | None, str | None]


def _number_value(value: Any) -> Value:
    parsed, lexeme = number(value)
    return parsed, lexeme if parsed is None else None, lexeme


def _text_value(value: Any) -> Value:
    return None, text_of(value), None


def _truth_value(value: Any) -> Value:
    if type(value) is not bool:
        raise TypeError
    return float(value), None, "true" if value else "false"


def _coded_value(value: Any) -> Value:
    return None, words_of(value), None


def _range_value(value: Any) -> Value:
    low, high = (number(value[end]["value"])[1] if end in value else "" for end in ("low", "high"))
    return None, f"{low} - {high}", None


def _ratio_value(value: Any) -> Value:
    above, below = (number(value[part]["value"])[1] if part in value else "" for part in ("numerator", "denominator"))
    return None, f"{above}:{below}", None


def _period_value(value: Any) -> Value:
    return None, f"{text_of(value.get('start', ''))}/{text_of(value.get('end', ''))}", None


def _sampled_value(value: Any) -> Value:
    return None, text_of(value["data"]), None


_VALUES: dict[str, Callable[[Any], Value]] = {
    "valueInteger": _number_value, "valueDecimal": _number_value, "valueString": _text_value, "valueCodeableConcept": _coded_value,
    "valueBoolean": _truth_value, "valueDateTime": _text_value, "valueTime": _text_value, "valueRange": _range_value,
    "valueRatio": _ratio_value, "valuePeriod": _period_value, "valueSampledData": _sampled_value,
}  # fmt: skip


def _medication(
    resource: Json, context: Context, sense: str, said: str | None, dose: Json | None, known: str | None = None
) -> list[Event]:
    _refuse(resource)
    time = _time(said, resource, context)
    code = f"{_drug(resource, context)}//{sense}"
    value, lexeme, unit = _amount(dose, context)
    known_at = recorded(time, known, context=context)
    return [_Facts(resource, context).event(time, code, value, known_at=known_at, lexeme=lexeme, unit=unit)]


def _drug(resource: Json, context: Context) -> str:
    """Code of the medication: said here, contained here, or only pointed at."""
    if "medicationCodeableConcept" in resource:
        return code_of(resource["medicationCodeableConcept"], context, prefer="RXNORM")
    pointer = resource["medicationReference"]
    for inside in resource.get("contained") or ():
        if pointer.get("reference") == f"#{inside.get('id')}" and "code" in inside:
            return code_of(inside["code"], context, prefer="RXNORM")
    context.problem("medication only by reference, kept as LOCAL")
    return "LOCAL//" + slug(text_of(pointer.get("display") or "medication-by-reference"))


def _rate(ratio: Json | None) -> Json | None:
    """A Ratio such as 100 mL in 1 h as the Quantity 100 mL/h; None when its denominator is not one of a unit."""
    if not ratio or ratio["denominator"].get("value", 1) != 1:
        return None
    above, below = ratio["numerator"], ratio["denominator"]
    units = [side.get("code") or side.get("unit") for side in (above, below)]
    return {"value": above["value"], "code": "/".join(map(text_of, units))} if all(units) else None


def _amount(quantity: Json | None, context: Context) -> tuple[float | None, str | None, str | None]:
    if not quantity or "value" not in quantity:
        return None, None, None
    value, lexeme = number(quantity["value"])
    return value, lexeme, unit_of(quantity, context)


def _plain(resource: Json, context: Context, concept: Json, sense: str, said: str | None, known: str | None = None, *,
           prefer: str = "", quantity: Json | None = None) -> Event:  # fmt: skip
    time = _time(said, resource, context)
    value, lexeme, unit = _amount(quantity, context)
    code, known_at = f"{code_of(concept, context, prefer=prefer)}//{sense}", recorded(time, known, context=context)
    return _Facts(resource, context).event(time, code, value, known_at=known_at, lexeme=lexeme, unit=unit)


def _billed(resource: Json, context: Context, sense: str) -> list[Event]:
    if resource.get("use") in ("preauthorization", "predetermination"):
        raise Nothing("asked of the payer before the care, not billed")
    facts = _Facts(resource, context)
    period = start(resource, "billablePeriod")
    created = resource.get("created")
    whole = _time(period or created, resource, context)
    known_at = recorded(whole, created, context=context)
    coded = [one["diagnosisCodeableConcept"] for one in resource.get("diagnosis") or () if "diagnosisCodeableConcept" in one]
    events = [facts.event(whole, f"{code_of(one, context, prefer='ICD10CM')}//{sense}", known_at=known_at) for one in coded]
    events += [_item(item, facts, sense, whole, created) for item in resource.get("item") or ()]
    if not events:
        raise Nothing(f"a {sense} without a coded diagnosis or service")
    return events


def _item(item: Json, facts: _Facts, sense: str, whole: Instant, created: str | None) -> Event:
    said = start(item, "servicedDate", "servicedPeriod")
    time = instant(said, facts.context) if said else whole
    money = _paid(item) if sense == "benefit" else item.get("net")
    value, lexeme = number(money["value"]) if money and "value" in money else (None, None)
    known_at = recorded(time, created, context=facts.context)
    code = code_of(item["productOrService"], facts.context, prefer="CPT")
    unit = money.get("currency") if money else None
    event = facts.event(time, f"{code}//{sense}", value, known_at=known_at, lexeme=lexeme, unit=text_of(unit) if unit else None)
    within = item.get("encounter")
    return msgspec.structs.replace(event, encounter_id=target(within[0])) if within else event


def _paid(item: Json) -> Json | None:
    for answer in item.get("adjudication") or ():
        if _first_code(answer.get("category")) in ("benefit", "paid", "paidtoprovider"):
            amount: Json | None = answer.get("amount")
            return amount
    return item.get("net")


def _place(place: Json, began: Instant, facts: _Facts) -> Iterator[Event]:
    where, kind = place.get("location") or {}, place.get("physicalType") or {}
    number = (where.get("identifier") or {}).get("value")
    if isinstance(number, str) and is_number_pseudonym(number):  # of another keyring it would be another: nothing can be learned of it
        number = None
    code = location_code(_first_code(kind), where.get("display"), number, kind.get("text"))
    if code is None:
        facts.context.problem("a place without a name or type, left out")
        return
    period = place.get("period") or {}
    time = instant(period["start"], facts.context) if period.get("start") else began
    yield facts.event(time, code, known_at=recorded(time, context=facts.context))


def _class_code(resource: Json) -> str:
    """Code of the encounter's class: a Coding in R4, a list of CodeableConcepts in R5."""
    kind = resource.get("class") or {}
    if type(kind) is list:
        return _first_code(kind[0]) or "UNKNOWN"
    return text_of(kind.get("code") or "UNKNOWN")


def _static(resource: Json, context: Context) -> Iterator[str]:
    if resource.get("gender"):
        if not is_sex(resource["gender"]):
            context.problem("sex in a word that no table has, kept as unknown")
        yield sex_code(resource["gender"])
    for extension in resource.get("extension") or ():
        url = extension.get("url", "")
        if url == _US_CORE + "race":
            yield from (race_code(*pair) for pair in _categories(extension))
        elif url == _US_CORE + "ethnicity":
            yield from (ethnicity_code(*pair) for pair in _categories(extension))


def _categories(extension: Json) -> list[tuple[str | None, str | None]]:
    """(code, words) of each OMB category; the text alone when there is no category."""
    parts = extension.get("extension") or ()
    codings = [part["valueCoding"] for part in parts if part.get("url") == "ombCategory" and "valueCoding" in part]
    coded = [(coding.get("code"), coding.get("display")) for coding in codings]
    return coded or [(None, text_of(p["valueString"])) for p in parts if p.get("url") == "text" and "valueString" in p]


def _first(elements: list[Json] | None) -> Json:
    return elements[0] if elements else {}


def _patient_number(resource: Json) -> int:
    return subject({"subject": {"reference": "Patient/" + text_of(resource["id"])}})


def _status(resource: Json) -> Status:
    said = resource.get("status")
    if said == "final" or said is None:
        return "final"
    if said == "entered-in-error":
        return "retracted"
    return "corrected" if said in _CORRECTED else "final"


def _refuse(resource: Json) -> None:
    """Stop at a status that says that the thing has not happened, or never did."""
    said = resource.get("status")
    if said in _NOT_YET_OR_NEVER:
        raise Nothing(f"status {said}")


def _refuse_prohibition(resource: Json) -> None:
    """Stop at a request not to do a thing (R4 doNotPerform): read as an order it would say the opposite."""
    if resource.get("doNotPerform") is True:
        raise Nothing("asked not to be done")


def _time(said: str | None, resource: Json, context: Context) -> Instant:
    if said is None:
        raise Nothing(f"{resource['resourceType']} without a time")
    return instant(said, context)


def _updated(resource: Json) -> str | None:
    said = (resource.get("meta") or {}).get("lastUpdated")
    return text_of(said) if said else None


def _first_code(concept: Json | None) -> str | None:
    codings = (concept or {}).get("coding") or ()
    said = codings[0].get("code") if codings else None
    return text_of(said) if said else None
