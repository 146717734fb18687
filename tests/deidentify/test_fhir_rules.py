"""What becomes of the elements of FHIR R4: references, questions, narratives, attachments, people near the patient, a site's own rules."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bedside.core.errors import Malformed, Misconfigured
from bedside.deidentify.desk import Desk, desk
from bedside.deidentify.fhir import Change, inner_resources
from bedside.deidentify.policy import FhirRules, policy

from .conftest import ZONE, Hospital, observation, patient
from .fhir_made import faults

Json = dict[str, Any]
MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
PERSON = {"reference": "Patient/pat-1"}
URLS = {"urn:uuid:7c1e0c1e-0000-4000-8000-000000000005": "Encounter/V7700011122"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    hospital = Hospital(tmp_path_factory.mktemp("fhir"))
    hospital.put("fhir", "Patient.ndjson", json.dumps(patient()).encode() + b"\n" + json.dumps(observation()).encode())
    hospital.survey()
    return hospital


def changed(hospital: Hospital, resource: Json, name: str = "expert-determination", **own: Any) -> Json:
    """By bytes and by dict, which must be the same."""
    rules = replace(policy(name), fhir=FhirRules(**own)) if own else policy(name)
    table = Desk(hospital.keyring, rules) if own else desk(hospital.keyring, rules)
    by_bytes = json.loads(Change(table, source="fhir", timezone=ZONE, urls=URLS).json(json.dumps(resource).encode(), where="x"))
    assert by_bytes == Change(table, source="fhir", timezone=ZONE, urls=URLS).resource(resource, where="x")
    return by_bytes


def about(kind: str, **said: Any) -> Json:
    return {"resourceType": kind, "subject": PERSON} | said


# --- references -------------------------------------------------------------------------------------


def test_every_form_of_a_reference_to_one_thing_becomes_the_same(known: Hospital) -> None:
    forms = ["Encounter/V7700011122", "http://ehr.example/fhir/Encounter/V7700011122", "Encounter/V7700011122/_history/3", next(iter(URLS))]
    done = [changed(known, about("Condition", encounter={"reference": form}))["encounter"]["reference"] for form in forms]
    own = changed(known, {"resourceType": "Encounter", "id": "V7700011122", "status": "finished", "class": {"code": "IMP"}})["id"]
    assert set(done) == {f"Encounter/{own}"}


@pytest.mark.parametrize("form", ["Patient?identifier=http://hospital.example/mrn|70707071", "urn:oid:1.2.3.70707071", "urn:uuid:unheard-of", "#p70707071"])
def test_no_form_of_a_reference_tells_the_number(known: Hospital, form: str) -> None:
    done = changed(known, about("Condition", asserter={"reference": form}, recorder={"identifier": {"value": "70707071"}}))
    assert "70707071" not in json.dumps(done)
    assert done["recorder"]["identifier"]["value"] == changed(known, patient())["id"]


def test_canonical_addresses_keep_their_version(known: Hospital) -> None:
    said = about("QuestionnaireResponse", status="completed", questionnaire="http://example.org/fhir/Questionnaire/phq-9|2.1")
    assert changed(known, said)["questionnaire"] == "http://example.org/fhir/Questionnaire/phq-9|2.1"


def test_an_inner_bundle_rewrites_its_addresses(known: Hospital) -> None:
    entry = {"fullUrl": "http://ehr.example/fhir/Observation/obs-1", "link": [{"relation": "self", "url": "http://ehr.example/fhir/Observation/obs-1"}],
             "resource": observation(), "request": {"method": "PUT", "url": "Observation/obs-1", "ifNoneExist": "identifier=70707071"}}  # fmt: skip
    inner = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    done = changed(known, {"resourceType": "Parameters", "parameter": [{"name": "input", "resource": inner}]})
    entry = done["parameter"][0]["resource"]["entry"][0]
    one = f"Observation/{entry['resource']['id']}"
    assert entry["request"] == {"method": "PUT", "url": one}
    assert entry["fullUrl"] == entry["link"][0]["url"] == f"http://deidentified.invalid/fhir/{one}"
    assert entry["resource"]["subject"] == {"reference": f"Patient/{changed(known, patient())['id']}"}


def test_a_nested_patient_whom_the_survey_has_not_met_is_refused(known: Hospital) -> None:
    strange = {"resourceType": "Parameters", "parameter": [{"name": "p", "part": [{"name": "q", "resource": {"resourceType": "Patient", "id": "new"}}]}]}
    assert [one["id"] for one in inner_resources(strange)] == ["new"]
    with pytest.raises(Malformed, match="not in the patient map"):
        changed(known, strange)


def test_a_patient_inside_parameters_is_surveyed_and_changed_like_any_other(tmp_path: Path) -> None:
    hospital = Hospital(tmp_path)
    inner = [{"name": "who", "resource": patient()}, {"name": "more", "part": [{"name": "what", "resource": observation()}]}]
    file = hospital.put("fhir", "p.ndjson", json.dumps({"resourceType": "Parameters", "id": "p", "parameter": inner}).encode())
    assert hospital.survey().subjects == 1
    done = json.loads(hospital.safe(file))["parameter"]
    assert done[1]["part"][0]["resource"]["subject"]["reference"] == f"Patient/{done[0]['resource']['id']}"
    assert done[1]["part"][0]["resource"]["note"] == [{"text": "Called [NAME] at [PHONE]"}]


# --- questions and answers --------------------------------------------------------------------------


@pytest.mark.parametrize(("link", "words"), [("q1", "What is your last name?"), ("patientPhone", None), ("1.2", "Emergency contact"), ("mrn", "Number")])
def test_the_answer_to_a_question_for_a_name_goes_at_any_depth(known: Hospital, link: str, words: str | None) -> None:
    item = {"linkId": link, "answer": [{"valueString": "Ottokar"}]} | ({"text": words} if words else {})
    said = about("QuestionnaireResponse", status="completed", item=[{"linkId": "a", "item": [item]}])
    assert changed(known, said)["item"][0]["item"][0]["answer"] == [{"valueString": "[REMOVED]"}]


def test_other_answers_are_scrubbed_and_codes_and_numbers_stay(known: Hospital) -> None:
    answers = [{"valueString": "Zebulon feels well"}, {"valueInteger": 3}, {"valueDecimal": 3.7}, {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5"}}]
    said = about("QuestionnaireResponse", status="completed", item=[{"linkId": "q9", "text": "How do you feel?", "answer": answers}])
    assert changed(known, said)["item"][0]["answer"] == [{"valueString": "[NAME] feels well"}, *answers[1:]]


def test_an_observation_or_a_parameter_that_asks_for_a_name_loses_its_words(known: Hospital) -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "45392-8", "display": "First name"}]}
    assert changed(known, observation(code=code, valueQuantity=None, valueString="Ottokar"))["valueString"] == "[REMOVED]"
    match = {"resourceType": "Parameters", "parameter": [{"name": "family", "valueString": "Ottokar"}, {"name": "count", "valueInteger": 5}]}
    assert changed(known, match)["parameter"] == [{"name": "family", "valueString": "[REMOVED]"}, {"name": "count", "valueInteger": 5}]


def test_a_count_of_cells_is_no_question_for_a_phone(known: Hospital) -> None:
    code = {"coding": [{"system": "http://loinc.org", "code": "6690-2", "display": "White blood cell count"}]}
    assert changed(known, observation(code=code, valueString="many"))["valueString"] == "many"


# --- texts ------------------------------------------------------------------------------------------


def test_a_sections_narrative_is_scrubbed_over_its_markup_and_the_resources_own_goes(known: Hospital) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p title="Zebulon">Mr. Qu&#105;ll<b>feather</b> slept well &lt;8 h</p><!-- 70707071 --></div>'
    said = about("Composition", status="final", title="Note", date="2026-01-13", text={"status": "generated", "div": div},
                 section=[{"title": "Course", "text": {"status": "generated", "div": div}}])  # fmt: skip
    done = changed(known, said)
    assert "text" not in done
    assert done["section"][0]["text"]["div"] == '<div xmlns="http://www.w3.org/1999/xhtml"><p>Mr. [NAME] slept well &lt;8 h</p></div>'


def document(kind: str, data: bytes | str) -> Json:
    raw = data if isinstance(data, str) else base64.b64encode(data).decode()
    return about("DocumentReference", status="current", content=[{"attachment": {"contentType": kind, "data": raw}}])


@pytest.mark.parametrize(
    ("kind", "data", "new_kind", "text"),
    [
        ("text/html", b"<p>Mr. <i>Zebu</i>lon Quillfeather</p><script>70707071</script>", "text/html", '<div xmlns="http://www.w3.org/1999/xhtml"><p>Mr. [NAME]</p></div>'),
        ("application/rtf", rb"{\rtf1{\fonttbl{\f0 Arial;}}{\*\generator Quillfeather}Seen: Ze\b bulon\b0\par well}", "text/plain", "Seen: [NAME]\nwell"),
        ("text/xml", b'<note by="Quillfeather"><to>Zebulon</to> came</note>', "text/plain", "[NAME] came"),
    ],
)
def test_markup_is_scrubbed_as_it_is_shown(known: Hospital, kind: str, data: bytes, new_kind: str, text: str) -> None:
    done = changed(known, document(kind, data))["content"][0]["attachment"]
    assert (done["contentType"], base64.b64decode(done["data"]).decode()) == (new_kind, text)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/plain", "not base64!"), ("text/plain", gzip.compress(bytes(10_000_000), mtime=0)), ("application/gzip", gzip.compress(b"Zebulon", mtime=0)), ("text/plain", b"%PDF-1.4 Zebulon"),
        ("application/pdf", b"%PDF-1.4 Zebulon"), ("image/png", b"\x89PNG"), ("application/zip", b"PK\x03\x04"), ("text/xml", b"<ClinicalDocument><given>Zebulon</given></ClinicalDocument>"),
        ("text/rtf", b"Zebulon"), ("text/plain", "a"), ("text/plain", base64.b64encode(b"Mr. Zebulon Quillfeather was seen")),
        ("text/html", b"<p>Scan: " + base64.b64encode(b"%PDF-1.4 of Zebulon Quillfeather") + b"</p>"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_dropped_and_never_expanded(known: Hospital, kind: str, data: bytes | str) -> None:
    done = changed(known, document(kind, data))
    assert done["content"] == [{"attachment": {"contentType": kind}}]
    assert not list(faults(done, "DocumentReference"))


def test_a_name_that_only_the_resource_itself_gives_is_found_in_its_text(known: Hospital) -> None:
    inside = {"resourceType": "RelatedPerson", "id": "r", "patient": PERSON, "name": [{"family": "Ottokarson", "given": ["Wilhelmina"]}]}
    said = observation(contained=[inside], performer=[{"reference": "Practitioner/9", "display": "Dr. Ignatz Morgenblatt"}],
                       note=[{"text": "seen by ignatz morgenblatt with Wilhelmina Ottokarson"}])  # fmt: skip
    assert changed(known, said)["note"] == [{"text": "seen by [NAME] with [NAME]"}]


# --- people, ages, places ---------------------------------------------------------------------------


def test_a_patients_contacts_links_photo_and_birth_order_go(known: Hospital) -> None:
    said = patient(contact=[{"name": {"family": "Ott"}, "relationship": [{"text": "wife"}]}], multipleBirthInteger=2, maritalStatus={"text": "Married"},
                   link=[{"other": {"reference": "Patient/x"}, "type": "seealso"}], communication=[{"language": {"text": "English"}}],
                   generalPractitioner=[{"reference": "Practitioner/1", "display": "Dr. Ott"}], deceasedDateTime="2026-03-01T10:00:00-05:00")  # fmt: skip
    done = changed(known, said)
    assert not {"contact", "link", "photo", "multipleBirthInteger", "name", "telecom", "text"} & done.keys()
    assert done["communication"] == [{"language": {"text": "English"}}]
    assert list(done["generalPractitioner"][0]) == ["reference"]
    assert done["deceasedDateTime"].endswith("T10:00:00-05:00")


HOUSES = ("SWEDISH ISSAQUAH", "CAREPLUS MEDICAL CENTER - KENMORE", "University Hospital", "PCP155681", "West Medical Center", "Room 4127", "Grace Ward")
WARDS = ("ICU 3", "Medical Intensive Care Unit (MICU)", "4W", "Labor & Delivery", "Bed 4E-07", "South Wing, second floor", "Emergency room")


@pytest.mark.parametrize("name", ["expert-determination", "safe-harbor"])
def test_a_ward_keeps_its_name_and_a_hospital_does_not(known: Hospital, name: str) -> None:
    for said in WARDS + HOUSES:
        left = [said] if said in WARDS else []
        place = changed(known, {"resourceType": "Location", "name": said, "description": said}, name)
        assert [place.get("name"), place.get("description")] == (left * 2 or [None, None])
        stay = changed(known, about("Encounter", location=[{"location": {"reference": "Location/7", "display": said}}]), name)["location"][0]["location"]
        assert (stay["reference"][:9], [stay["display"]] if "display" in stay else []) == ("Location/", left)
        role = changed(known, {"resourceType": "PractitionerRole", "location": [{"display": said}]}, name)
        assert (said in json.dumps(role)) is bool(left)


def test_a_concept_of_what_a_place_is_tells_not_which_it_is(known: Hospital) -> None:
    published = {"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "wa", "display": "Ward"}
    local = {"system": "http://hospital.example", "code": "SWEDISH", "display": "Swedish Issaquah"}
    kinds = [{"coding": [published, local], "text": "Swedish Issaquah"}, {"coding": [local]}, {"text": "Intensive care"}]
    done = changed(known, {"resourceType": "Location", "type": kinds, "physicalType": kinds[0]}, "safe-harbor")
    assert done["type"] == [{"coding": [published]}, {"text": "Intensive care"}]
    assert done["physicalType"] == {"coding": [published]}
    order = about("ServiceRequest", status="active", intent="order", locationCode=kinds)
    assert changed(known, order, "safe-harbor")["locationCode"] == done["type"]


@pytest.mark.parametrize("words", ["Hospital name", "Name of your pharmacy", "Place of birth", "Which hospital were you in?", "City of residence"])
def test_an_answer_that_names_a_place_goes(known: Hospital, words: str) -> None:
    assert changed(known, observation(code={"text": words}, valueQuantity=None, valueString="Wexlerton Mercy"))["valueString"] == "[REMOVED]"


@pytest.mark.parametrize("words", ["Hospital course", "Injection site", "Place of service"])
def test_an_answer_about_a_stay_or_a_body_stays(known: Hospital, words: str) -> None:
    assert changed(known, observation(code={"text": words}, valueQuantity=None, valueString="uneventful, left arm"))["valueString"] == "uneventful, left arm"


def test_a_limited_data_set_keeps_the_names_of_houses_as_it_keeps_towns(known: Hospital) -> None:
    house = {"resourceType": "Location", "name": "SWEDISH ISSAQUAH", "address": {"state": "WA", "city": "Issaquah"}}
    assert changed(known, house, "limited-data-set")["name"] == "SWEDISH ISSAQUAH"


def test_a_site_may_keep_the_words_of_one_reference(known: Hospital) -> None:
    said = about("Encounter", location=[{"location": {"display": "East House"}}], serviceProvider={"display": "Mercy West"})
    done = changed(known, said, elements={"Encounter.location.location.display": "keep"})
    assert done["location"] == said["location"]
    assert "Mercy" not in json.dumps(done)


@pytest.mark.parametrize(("value", "unit", "left"), [(95, "a", 90), (89, "a", 89), (1140, "mo", 1080), (1079, "mo", 1079), (95, "wk", 95)])
def test_ages_above_the_cap_read_one_more_than_it_in_their_own_unit(known: Hospital, value: int, unit: str, left: int) -> None:
    age = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    assert changed(known, about("Condition", onsetAge=age))["onsetAge"]["value"] == left


@pytest.mark.parametrize(("said", "left"), [("died at 96", "died at 90"), ("104", "90"), ("89", "89"), ("in 1995, 72 years", "in 1995, 72 years"), ("90.5 years", "90 years"), ("89.5", "89.5")])
def test_a_relatives_age_in_words_is_capped_too(known: Hospital, said: str, left: str) -> None:
    history = {"resourceType": "FamilyMemberHistory", "status": "completed", "patient": PERSON, "relationship": {"text": "mother"}}
    condition = {"code": {"text": "Stroke"}, "onsetString": said}
    done = changed(known, history | {"ageString": said, "deceasedString": said, "condition": [condition]})
    assert [done["ageString"], done["deceasedString"], done["condition"][0]["onsetString"]] == [left] * 3


def test_the_name_of_an_element_tells_what_its_reference_points_at(known: Hospital) -> None:
    order = about("MedicationRequest", status="active", intent="order", medicationReference={"display": "Aspirin 81 mg"}, requester={"display": "Ottokar Zimt"})
    done = changed(known, order)
    assert done["medicationReference"] == {"display": "Aspirin 81 mg"}
    assert "Zimt" not in json.dumps(done)


def test_network_addresses_and_names_of_an_audit_go_and_it_stays_valid(known: Hospital) -> None:
    said = {"resourceType": "AuditEvent", "type": {"code": "rest"}, "recorded": "2026-01-13T10:00:00Z", "source": {"observer": {"display": "Zebulon"}, "site": "Mercy"},
            "agent": [{"requestor": True, "name": "Ott", "altId": "ott1", "network": {"address": "10.1.2.3", "type": "2"}}],
            "entity": [{"what": PERSON, "query": "aGVsbG8=", "detail": [{"type": "MSH-10", "valueString": "70707071"}]}]}  # fmt: skip
    done = changed(known, said)
    assert done["agent"] == [{"requestor": True}]
    assert done["entity"][0]["detail"] == [{"type": "MSH-10", "valueString": "[REMOVED]"}]
    assert done["recorded"].endswith("T10:00:00Z"), "an audit about one patient is on the clock of that patient"
    assert not list(faults(done, "AuditEvent"))


def test_a_required_element_that_goes_is_said_to_be_masked(known: Hospital) -> None:
    done = changed(known, {"resourceType": "Endpoint", "status": "active", "connectionType": {"code": "x"}, "payloadType": [{"text": "any"}], "address": "http://10.1.2.3/zebulon"})
    assert done["_address"] == MASKED
    assert "address" not in done


def test_extensions_of_primitives_stay_beside_their_values_or_go(known: Hospital) -> None:
    absent = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    born = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": "1932-05-17T10:00:00-05:00"}
    done = changed(known, about("Observation", status="final", code={"text": "x"}, _valueString={"extension": [absent]}, _effectiveDateTime={"extension": [born]}))
    assert done["_valueString"] == {"extension": [absent]}
    assert "_effectiveDateTime" not in done


# --- a site's own rules -----------------------------------------------------------------------------


def test_a_policy_decides_by_path_and_by_any_path(known: Hospital) -> None:
    said = about("Condition", code={"text": "Gout"}, onsetDateTime="2026-01-13", note=[{"text": "fine"}], abatementString="by May")
    own = {"Condition.code": "remove", "Condition.onsetDateTime": "generalise", "*.note": "remove", "Condition.abatementString": "keep"}
    done = changed(known, said, elements=own)
    assert not {"code", "note"} & done.keys()
    assert len(done["onsetDateTime"]) == 4
    assert done["abatementString"] == "by May"


def test_a_policys_word_about_an_element_of_a_datatype_holds_there_alone(known: Hospital) -> None:
    said = about("Claim", patient=PERSON, type={"text": "Pharmacy"}, use="claim", priority={"text": "Normal"})
    done = changed(known, said, elements={"Claim.type.text": "remove"})
    assert (done["type"], done["priority"]) == (MASKED, {"text": "Normal"})


def test_an_extension_that_a_policy_allows_stays_with_its_value_changed(known: Hospital) -> None:
    own = {"url": "http://hospital.example/ward-note", "valueString": "Zebulon slept"}
    assert "extension" not in changed(known, about("Condition", extension=[own]))
    done = changed(known, about("Condition", extension=[own]), extensions=["http://hospital.example/ward-note"])
    assert done["extension"] == [own | {"valueString": "[NAME] slept"}]


def test_surrogates_have_the_form_of_what_they_stand_for(known: Hospital) -> None:
    rules = replace(policy("expert-determination"), names="surrogate", fhir=FhirRules(elements={"Patient.telecom": "surrogate", "Patient.address": "surrogate"}))
    done = Change(Desk(known.keyring, rules), source="fhir", timezone=ZONE, urls={}).resource(patient(), where="x")
    name, phone, mail, home = done["name"][0], *done["telecom"], done["address"][0]
    assert len(name["given"]) == 2
    assert name["family"][:1].isupper()
    assert [one["system"] for one in (phone, mail)] == ["phone", "email"]
    assert mail["value"].endswith("@example.org")
    assert (home["state"], home["postalCode"], len(home["line"])) == ("NY", "103", 1)
    assert not [mark for mark in ("Quillfeather", "Zebulon", "555-0147", "Kestrel", "Fernhollow") if mark in json.dumps(done)]
    assert not list(faults(done, "Patient"))


@pytest.mark.parametrize(("path", "action"), [("Patient.nmae", "remove"), ("Pateint.name", "remove"), ("Patient.gender", "shift"), ("Patient.birthDate", "scrub")])
def test_a_rule_that_cannot_be_followed_is_refused_with_its_place(known: Hospital, path: str, action: Any) -> None:
    with pytest.raises(Misconfigured, match=path):
        changed(known, patient(), elements={path: action})
