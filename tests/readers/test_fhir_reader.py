"""FHIR R4 resources become events that say the same as the resource, and nothing more."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.readers.written import coded, ndjson, observation, reading

from bedside.core.errors import BedsideError, Malformed
from bedside.core.ids import subject_number
from bedside.core.time import iso_instant, wall_time
from bedside.readers.fhir import resource_events
from bedside.readers.fhir_elements import instant
from bedside.readers.pieces import Context

LOINC, SNOMED, ICD, RXNORM = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
PATIENT = {"reference": "Patient/P000000000017"}


def us(text: str) -> int:
    return iso_instant(text, where="test").us


def events(resource: dict[str, Any], **more: Any) -> list[Any]:
    return resource_events(resource, source="f#1", **more)


def test_a_heart_rate_says_who_when_what_how_much_and_since_when_it_is_known():
    (event,) = events(observation())
    assert (event.subject_id, event.encounter_id, event.source) == (subject_number("P000000000017"), "E1", "f#1")
    assert (event.time, event.utc_offset_min) == (us("2026-03-08T10:00:00Z"), 120)
    assert event.known_at == us("2026-03-08T10:05:00Z")
    assert (event.code, event.numeric_value, event.unit, event.lexeme, event.text_value) == (
        "LOINC//8867-4",
        88.0,
        "/min",
        "88",
        None,
    )


def test_the_number_as_sent_survives_where_float32_would_lose_it():
    (event,) = events(observation(valueQuantity={"value": Decimal("3.70"), "code": "mmol/L"}))
    assert (event.lexeme, event.numeric_value) == ("3.70", pytest.approx(3.7, abs=1e-6))
    assert events(observation(valueQuantity={"value": 3.7, "code": "mmol/L"}))[0].numeric_value == event.numeric_value


def test_a_value_below_the_limit_of_detection_keeps_its_sign():
    (event,) = events(observation(valueQuantity={"value": 0.01, "comparator": "<", "code": "ng/mL"}))
    assert (event.text_value, event.lexeme) == ("<0.01", "<0.01")


def test_a_blood_pressure_panel_gives_one_event_a_component():
    parts = [
        {"code": coded(LOINC, code), "valueQuantity": {"value": value, "code": "mm[Hg]"}}
        for code, value in (("8480-6", 120), ("8462-4", 70))
    ]
    found = events(observation(code=coded(LOINC, "85354-9"), valueQuantity=None, component=parts))
    assert [(e.code, e.numeric_value) for e in found] == [("LOINC//8480-6", 120.0), ("LOINC//8462-4", 70.0)]


@pytest.mark.parametrize(
    ("element", "number", "text"),
    [
        ({"valueString": "No growth"}, None, "No growth"),
        ({"valueInteger": 7}, 7.0, None),
        ({"valueBoolean": True}, 1.0, None),
        ({"valueCodeableConcept": coded(SNOMED, "248234008", "Alert")}, None, "Alert"),
        ({"valueRange": {"low": {"value": 5}, "high": {"value": 10}}}, None, "5 - 10"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, None, "1:128"),
        ({"valueDateTime": "2026-03-08"}, None, "2026-03-08"),
    ],
)
def test_every_kind_of_value_is_read(element, number, text):
    (event,) = events(observation(valueQuantity=None, **element))
    assert (event.numeric_value, event.text_value) == (number, text)


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("final", "final"),
        ("amended", "corrected"),
        ("corrected", "corrected"),
        ("entered-in-error", "retracted"),
        ("preliminary", "final"),
    ],
)
def test_the_status_of_a_result_is_the_status_of_its_event(status, kept):
    assert [event.status for event in events(observation(status=status))] == [kept]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled"},
        {"valueQuantity": None},
        {"valueQuantity": None, "dataAbsentReason": coded("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown")},
        {"subject": {"reference": "Group/7"}},
        {"subject": None},
    ],
)
def test_an_observation_that_states_no_fact_of_a_patient_gives_no_event(changes):
    assert events(observation(**changes)) == []


def test_a_result_issued_before_it_was_taken_is_not_known_before_it_was_taken():
    (event,) = events(observation(issued="2026-03-08T00:00:00Z"))
    assert event.known_at == event.time


def test_a_fact_dated_to_the_day_is_known_when_the_day_is_over_everywhere():
    (event,) = events(observation(effectiveDateTime="2026-03-08", issued=None))
    assert (event.time, event.known_at) == (us("2026-03-08T00:00:00Z"), us("2026-03-09T12:00:00Z"))


@pytest.mark.parametrize(
    ("said", "known"), [("2026", "2027-01-01T12:00:00Z"), ("2026-12", "2027-01-01T12:00:00Z"), ("2026-02-28", "2026-03-01T12:00:00Z")]
)
def test_a_partial_date_begins_with_its_stretch_and_is_known_at_its_end(said, known):
    (event,) = events(observation(effectiveDateTime=said, issued=None))
    assert (event.time, event.known_at, event.utc_offset_min) == (us(said), us(known), None)


@given(*[st.sampled_from(["2026", "2026-03", "2026-03-08", "2026-03-08T12:00:00Z", "2026-03-07T23:59:59.9-05:00", None])] * 3)
def test_no_observation_is_known_before_it_is_true(effective, issued, updated):
    meta = {"lastUpdated": updated} if updated else None
    for event in events(observation(effectiveDateTime=effective, issued=issued, meta=meta)):
        assert event.known_at is not None
        assert event.time is None or event.known_at >= event.time


def test_an_observation_without_any_time_is_ignored_and_not_a_fact_known_always(tmp_path):
    timeless = observation(effectiveDateTime=None, issued=None)
    whole = reading(tmp_path, "fhir", ndjson(timeless, observation()))
    assert whole.events["time"].null_count() == 0
    assert whole.tally.written == 1
    assert whole.tally.ignored == {"Observation without a time": 1}


@pytest.mark.parametrize(("said", "timed"), [({"issued": "2026-03-08T13:00:00Z"}, True), ({"meta": {"lastUpdated": "2026-03-08T13:00:00Z"}}, False)])
def test_an_observation_without_a_clinical_time_is_dated_by_its_issue_or_known_since_its_last_update(said, timed):
    problems: dict[str, int] = {}
    (event,) = events(observation(**({"effectiveDateTime": None, "issued": None} | said)), problems=problems)
    assert event.known_at == us("2026-03-08T13:00:00Z")
    assert event.time == (event.known_at if timed else None)
    assert sum(problems.values()) == 1


def test_a_time_of_day_without_a_zone_takes_the_sources_zone_or_is_refused():
    resource = observation(effectiveDateTime="2026-07-01T12:00:00", issued=None)
    assert events(resource, timezone="Europe/Paris")[0].time == us("2026-07-01T10:00:00Z")
    with pytest.raises(Malformed, match="without a zone"):
        events(resource)


def test_a_patient_gives_birth_sex_race_and_ethnicity_known_always():
    race = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
    coding = {"url": "ombCategory", "valueCoding": {"code": "2106-3", "display": "White"}}
    text = {
        "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity",
        "extension": [{"url": "text", "valueString": "Not said"}],
    }
    found = events(
        {
            "resourceType": "Patient",
            "id": "P000000000017",
            "gender": "female",
            "birthDate": "1950-01-02",
            "extension": [{"url": race, "extension": [coding]}, text],
        }
    )
    assert [event.code for event in found] == ["MEDS_BIRTH", "SEX//female", "RACE//white", "ETHNICITY//not-said"]
    assert [event.time for event in found] == [us("1950-01-02"), None, None, None]
    assert {event.known_at for event in found} == {None}


def test_a_death_is_not_known_before_it_happens():
    found = events({"resourceType": "Patient", "id": "P1", "deceasedDateTime": "2026-03-08T23:00:00Z"})
    assert [(e.code, e.time == e.known_at) for e in found] == [("MEDS_DEATH", True)]


def stay(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "E1",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": PATIENT,
        "period": {"start": "2026-03-08T08:00:00Z", "end": "2026-03-12T09:00:00Z"},
        "meta": {"lastUpdated": "2026-03-12T09:30:00Z"},
    } | changes


def test_a_stay_starts_moves_and_ends_and_its_start_is_known_at_once():
    moves = [
        {
            "location": {"reference": "Location/1", "display": "Bed 3"},
            "physicalType": coded("x", "ICU"),
            "period": {"start": "2026-03-09T01:00:00Z"},
        },
        {"location": {"reference": "Location/2", "display": "Bed 4"}, "physicalType": coded("x", "WARD")},
    ]
    found = events(stay(location=moves))
    assert [event.code for event in found] == ["ENCOUNTER_START//IMP", "LOCATION//ICU", "LOCATION//WARD", "ENCOUNTER_END//IMP"]
    assert all(event.known_at == event.time and event.encounter_id == "E1" for event in found)


def test_a_number_that_stands_for_a_place_is_no_name_of_it():
    moves = [{"location": {"identifier": {"value": number}}, "physicalType": coded("x", "bd")} for number in ("N0123456789AB", "W-17")]
    assert [event.code for event in events(stay(location=moves))][1:3] == ["LOCATION//BED", "LOCATION//W-17"]


def test_a_planned_stay_is_not_a_stay():
    assert events(stay(status="planned")) == []


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (
            {
                "resourceType": "Condition",
                "code": coded(ICD, "A41.9"),
                "onsetDateTime": "2026-03-08",
                "recordedDate": "2026-03-09T10:00:00Z",
            },
            "ICD10CM//A41.9//diagnosis",
        ),
        (
            {
                "resourceType": "MedicationRequest",
                "medicationCodeableConcept": coded(RXNORM, "161"),
                "authoredOn": "2026-03-08T10:00:00Z",
            },
            "RXNORM//161//ordered",
        ),
        (
            {
                "resourceType": "MedicationAdministration",
                "medicationCodeableConcept": coded(RXNORM, "161"),
                "effectivePeriod": {"start": "2026-03-08T10:00:00Z"},
            },
            "RXNORM//161//administered",
        ),
        (
            {
                "resourceType": "MedicationDispense",
                "medicationCodeableConcept": coded(RXNORM, "161"),
                "whenHandedOver": "2026-03-08T10:00:00Z",
            },
            "RXNORM//161//dispensed",
        ),
        (
            {
                "resourceType": "MedicationStatement",
                "medicationCodeableConcept": coded(RXNORM, "161"),
                "dateAsserted": "2026-03-08T10:00:00Z",
            },
            "RXNORM//161//stated",
        ),
        (
            {
                "resourceType": "Procedure",
                "code": coded("http://www.ama-assn.org/go/cpt", "96413"),
                "performedDateTime": "2026-03-08T10:00:00Z",
            },
            "CPT//96413//procedure",
        ),
        (
            {"resourceType": "DiagnosticReport", "code": coded(LOINC, "24325-3"), "effectiveDateTime": "2026-03-08T10:00:00Z"},
            "LOINC//24325-3//report",
        ),
        (
            {"resourceType": "AllergyIntolerance", "code": coded(SNOMED, "716186003"), "recordedDate": "2026-03-08"},
            "SNOMED//716186003//allergy",
        ),
        (
            {
                "resourceType": "Immunization",
                "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", "150"),
                "occurrenceDateTime": "2026-03-08",
            },
            "CVX//150//administered",
        ),
        ({"resourceType": "DocumentReference", "type": coded(LOINC, "34117-2"), "date": "2026-03-08T10:00:00Z"}, "NOTE//34117-2"),
        (
            {"resourceType": "ServiceRequest", "code": coded(LOINC, "2823-3"), "authoredOn": "2026-03-08T10:00:00Z"},
            "LOINC//2823-3//ordered",
        ),
        (
            {
                "resourceType": "Specimen",
                "type": coded(SNOMED, "119297000"),
                "collection": {"collectedDateTime": "2026-03-08T10:00:00Z"},
            },
            "SNOMED//119297000//specimen",
        ),
        ({"resourceType": "ImagingStudy", "modality": [{"code": "CR"}], "started": "2026-03-08T10:00:00Z"}, "IMAGE//CR"),
    ],
)
def test_each_kind_of_resource_gives_its_event(resource, code):
    assert [event.code for event in events(resource | {"subject": PATIENT})] == [code]


def test_a_diagnosis_is_dated_by_its_onset_and_known_when_it_is_recorded():
    (event,) = events(
        {
            "resourceType": "Condition",
            "subject": PATIENT,
            "code": coded(ICD, "I10"),
            "onsetDateTime": "2020-10-16",
            "recordedDate": "2026-03-12T14:05:00Z",
        }
    )
    assert (event.time, event.known_at) == (us("2020-10-16"), us("2026-03-12T14:05:00Z"))


def test_a_bill_is_known_when_it_is_made_not_when_the_care_was_given():
    found = events(
        {
            "resourceType": "Claim",
            "patient": PATIENT,
            "created": "2026-04-01T00:00:00Z",
            "billablePeriod": {"start": "2026-03-08T00:00:00Z"},
            "diagnosis": [{"diagnosisCodeableConcept": coded(ICD, "A41.9")}],
            "item": [
                {
                    "productOrService": coded(SNOMED, "162673000"),
                    "net": {"value": 125.0, "currency": "USD"},
                    "encounter": [{"reference": "Encounter/E9"}],
                }
            ],
        }
    )
    assert [event.code for event in found] == ["ICD10CM//A41.9//claim", "SNOMED//162673000//claim"]
    assert {event.known_at for event in found} == {us("2026-04-01T00:00:00Z")}
    assert (found[1].numeric_value, found[1].unit, found[1].encounter_id) == (125.0, "USD", "E9")


def test_a_dose_that_was_not_given_is_not_an_administration():
    given = {
        "resourceType": "MedicationAdministration",
        "status": "not-done",
        "subject": PATIENT,
        "medicationCodeableConcept": coded(RXNORM, "161"),
        "effectiveDateTime": "2026-03-08T10:00:00Z",
    }
    assert events(given) == []


def test_a_contained_medication_is_looked_up_and_a_distant_one_is_counted():
    order = {
        "resourceType": "MedicationRequest",
        "subject": PATIENT,
        "authoredOn": "2026-03-08T10:00:00Z",
        "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": coded(RXNORM, "161")}],
    }
    problems: dict[str, int] = {}
    assert [e.code for e in events(order)] == ["RXNORM//161//ordered"]
    assert [e.code for e in events(order | {"contained": []}, problems=problems)] == ["LOCAL//medication-by-reference//ordered"]
    assert problems == {"medication only by reference, kept as LOCAL": 1}


def test_an_unknown_code_or_a_missing_unit_is_kept_and_counted():
    problems: dict[str, int] = {}
    (event,) = events(observation(code={"text": "Pain (0-10)"}, valueQuantity={"value": 3}), problems=problems)
    assert event.code == "LOCAL//pain-0-10"
    assert problems == {"named by text, not by a code, kept as LOCAL": 1, "quantity without a unit, kept": 1}


def test_of_several_codings_loinc_speaks_for_an_observation():
    both = {"coding": [{"system": "http://hospital/codes", "code": "HR"}, {"system": LOINC, "code": "8867-4"}]}
    assert [event.code for event in events(observation(code=both))] == ["LOINC//8867-4"]


@pytest.mark.parametrize(
    "broken",
    [
        {"code": "8867-4"},
        {"code": {"coding": [{"code": 5}]}},
        {"subject": {"reference": 3}},
        {"valueQuantity": {"value": "88"}},
        {"valueQuantity": {"value": True}},
        {"effectiveDateTime": 5},
        {"effectiveDateTime": "yesterday"},
        {"component": {"a": 1}},
        {"meta": "x", "issued": None},
    ],
)
def test_an_element_of_the_wrong_type_is_refused_without_showing_it(broken):
    with pytest.raises(Malformed) as caught:
        events(observation(**broken))
    assert "yesterday" not in str(caught.value)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60), st.integers(0, 9))
def test_the_fast_path_for_times_says_what_the_slow_one_says(wall, minutes, digits):
    sign, offset = "-" if minutes < 0 else "+", abs(minutes)
    fraction = f".{wall.microsecond:06}000"[: digits + 1] if digits else ""
    text = f"{wall:%Y-%m-%dT%H:%M:%S}{fraction}{sign}{offset // 60:02}:{offset % 60:02}"
    assert instant(text, Context("x")) == iso_instant(text, where="x")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "Patient/1", "2026-03-08", "x", "final"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "coding",
                    "code",
                    "system",
                    "reference",
                    "value",
                    "display",
                    "text",
                    "start",
                    "end",
                    "extension",
                    "url",
                    "location",
                    "period",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(
        [
            "Patient",
            "Encounter",
            "Observation",
            "Condition",
            "Claim",
            "MedicationRequest",
            "DiagnosticReport",
            "ImagingStudy",
            "Specimen",
        ]
    ),
    st.dictionaries(
        st.sampled_from(
            [
                "id",
                "subject",
                "code",
                "status",
                "valueQuantity",
                "component",
                "class",
                "period",
                "location",
                "effectiveDateTime",
                "item",
                "diagnosis",
                "extension",
                "birthDate",
                "modality",
                "type",
                "medicationReference",
                "created",
                "started",
                "meta",
                "contained",
            ]
        ),
        JSON,
    ),
)
def test_any_json_is_events_or_one_of_our_errors(kind, resource):
    try:
        found = events({"resourceType": kind, **resource})
    except BedsideError:
        return
    assert all(type(event.subject_id) is int and type(event.code) is str for event in found)


@pytest.mark.parametrize(
    ("dosage", "value", "unit"),
    [
        ({"rateQuantity": {"value": 0.1, "code": "ug/kg/min"}}, 0.1, "ug/kg/min"),
        ({"rateRatio": {"numerator": {"value": 100, "code": "mL"}, "denominator": {"value": 1, "code": "h"}}}, 100, "mL/h"),
        ({"rateRatio": {"numerator": {"value": 100, "code": "mL"}, "denominator": {"value": 2, "code": "h"}}}, None, None),
        ({"dose": {"value": 5, "code": "mg"}, "rateQuantity": {"value": 0.1, "code": "mL/h"}}, 5, "mg"),
    ],
)
def test_an_infusion_without_a_dose_says_its_rate(dosage, value, unit):
    (event,) = events({
        "resourceType": "MedicationAdministration", "status": "in-progress", "subject": {"reference": "Patient/P1"},
        "medicationCodeableConcept": coded("http://www.nlm.nih.gov/research/umls/rxnorm", "7512"),
        "effectivePeriod": {"start": "2026-03-08T10:00:00Z"}, "dosage": dosage,
    })  # fmt: skip
    assert (event.numeric_value, event.unit) == (pytest.approx(value) if value else None, unit)


@pytest.mark.parametrize("kind", ["MedicationRequest", "ServiceRequest"])
def test_what_is_asked_not_to_be_done_is_no_order(kind):
    asked = {"resourceType": kind, "status": "active", "intent": "order", "doNotPerform": True, "authoredOn": "2026-03-08",
             "subject": {"reference": "Patient/P1"}, "code": coded("http://loinc.org", "2160-0"),
             "medicationCodeableConcept": coded("http://www.nlm.nih.gov/research/umls/rxnorm", "161")}  # fmt: skip
    assert events(asked) == []
    assert len(events(asked | {"doNotPerform": False})) == 1


def test_an_integer_beyond_every_float_is_kept_as_text():
    (event,) = events(observation(valueQuantity=None, valueInteger=10**400))
    assert (event.numeric_value, event.text_value) == (None, str(10**400))


def test_a_contained_result_is_counted():
    problems = dict[str, int]()
    resource_events(observation(contained=[observation()]), source="x", problems=problems)
    assert problems == {"a contained Observation, not read": 1}


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_that_no_calendar_holds_is_refused(time):
    with pytest.raises(Malformed, match="beyond the years"):
        events(observation(effectiveDateTime=time, issued=None))


@pytest.mark.parametrize("date", ["9999", "9999-12", "9999-12-31"])
def test_the_last_date_of_the_calendar_is_a_time_that_every_library_can_show(date):
    (event,) = events(observation(effectiveDateTime=date, issued=None))
    assert wall_time(event.time) <= wall_time(event.known_at)
