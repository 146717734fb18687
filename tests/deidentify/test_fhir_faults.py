"""Whatever FHIR holds: identifiers at any path, JSON of any shape. Nothing known survives, nothing is lost, what stays is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bedside.core.errors import Malformed
from bedside.deidentify.desk import Desk, desk
from bedside.deidentify.fhir import Change
from bedside.deidentify.fhir_definitions import elements, resource_types
from bedside.deidentify.fhir_numbers import decode, encode
from bedside.deidentify.policy import FhirRules, policy

from .conftest import ZONE, Hospital, observation, patient
from .fhir_made import MARKS, SAID, Maker, texts

Json = dict[str, Any]
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
KINDS = sorted(resource_types() - {"Bundle", "StructureDefinition"})
LETTERS = st.text(alphabet="abcdefghij", min_size=1, max_size=8)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | LETTERS | st.just(SAID), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3), max_leaves=8)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    hospital = Hospital(tmp_path_factory.mktemp("fhir"))
    hospital.put("fhir", "Patient.ndjson", json.dumps(patient()).encode())
    hospital.survey()
    return hospital


def change(hospital: Hospital) -> Change:
    return Change(desk(hospital.keyring, policy("expert-determination")), source="fhir", timezone=ZONE, urls={})


def transformed(hospital: Hospital, *lines: bytes) -> Any:
    """A file of a patient and further lines, as a run sees it; every record must be accounted for."""
    done = hospital.transform(hospital.put("fhir", "x.ndjson", b"\n".join([json.dumps(patient()).encode(), *lines])))
    assert done.tally.reconciles
    assert done.tally.read == len(lines) + 1
    return done


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every place of a resource where something stands."""
    found = [(node, key) for key in (node if isinstance(node, dict) else range(len(node)))]
    return found + [place for holder, key in found if isinstance(holder[key], (dict, list)) for place in places(holder[key])]


@QUIET
@given(data=st.data())
def test_an_identifier_planted_anywhere_survives_nowhere(known: Hospital, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    made = Maker(kind).resource(kind)
    holder, key = data.draw(st.sampled_from([place for place in places(made) if place[1] not in ("resourceType", "reference", "id")]))
    holder[key] = data.draw(st.sampled_from([SAID, "Zebulon", "QUILLFEATHER", [SAID], {"text": SAID}, {"strange": {"deep": [SAID]}}]))
    done = transformed(known, json.dumps(made).encode())
    for line in done.data.splitlines()[1:]:
        assert not [text for text in texts(json.loads(line)) if any(mark in text for mark in MARKS)]


@QUIET
@given(data=st.data(), value=JSON)
def test_any_value_in_any_place_is_changed_or_quarantined(known: Hospital, data: st.DataObject, value: Any) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    made = Maker(kind).resource(kind)
    holder, key = data.draw(st.sampled_from(places(made)))
    holder[key] = value
    done = transformed(known, json.dumps(made).encode())
    assert not [mark for mark in MARKS if mark in done.data.decode().lower()]


@QUIET
@given(value=st.from_regex(r"-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?", fullmatch=True), code=st.from_regex(r"[A-Z]{0,2}[0-9]{1,5}(-[0-9])?", fullmatch=True))
def test_numbers_and_codes_of_published_systems_are_bit_identical(known: Hospital, value: str, code: str) -> None:
    quantity = f'{{"value":{value},"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}'
    concept = f'{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}}'
    raw = f'{{"resourceType":"Observation","status":"final","code":{concept},"subject":{{"reference":"Patient/pat-1"}},"valueQuantity":{quantity}}}'
    done = change(known).json(raw.encode(), where="x").decode()
    assert f'"code":{concept}' in done
    assert quantity in done or (value == "-0" and quantity.replace("-0", "0") in done)  # minus nought is nought


@pytest.mark.parametrize(
    "line",
    [
        b'{"resourceType":"Observation","a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"resourceType":"Observation","component":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"resourceType":"Observation","valueString":"\xff\xfe"}',
        b'{"resourceType":"Observation","status":["final"]}',
        b'{"resourceType":"Observation","subject":[{"reference":"Patient/pat-1"}]}'.replace(b'"subject":[', b'"code":['),
        b'{"resourceType":"Observation","component":"Zebulon"}',
        b'{"resourceType":"Observation","valueString":{"a":"Zebulon"}}',
        b'{"resourceType":"Observation","valueInteger":"Zebulon"}',
        b'{"resourceType":"Zebulon"}',
        b'{"resourceType":["Patient"]}',
        b'{"resourceType":"Observation"',
        b'{"resourceType":"Observation","valueString":"\\ud800"}',
    ],
    ids=["deep", "deep list", "no UTF-8", "list for one", "list for an object", "text for an object", "object for text", "text for a number", "no type", "type a list", "torso", "half a character"],
)
def test_what_breaks_the_standard_is_quarantined_with_its_line(known: Hospital, line: bytes) -> None:
    done = transformed(known, line, json.dumps(observation()).encode())
    assert [reject.place for reject in done.rejects] == ["line 2"] or done.tally.written == 3
    assert b"ebulon" not in done.data
    assert not any("ebulon" in reject.reason for reject in done.rejects)


def test_nulls_and_empty_elements_leave_nothing_and_cost_nothing(known: Hospital) -> None:
    made = observation(valueQuantity=None, note=[None], component=[], category={}, interpretation=[{}])
    done = json.loads(transformed(known, json.dumps(made).encode()).data.splitlines()[1])
    assert not {"valueQuantity", "note", "component", "category", "interpretation"} & done.keys()


def test_of_two_keys_of_one_name_the_hidden_one_goes(known: Hospital) -> None:
    twice = b'{"system":"http://loinc.org","code":"1-8","display":"Zebulon Quillfeather","display":"Glucose"}'
    raw = b'{"resourceType":"Observation","status":"final","status":"final","note":[{"text":"Zebulon"}],"note":[{"text":"ok"}],"code":{"coding":[' + twice + b"]}}"
    for _ in range(2):
        done = transformed(known, raw)
        assert b"ebulon" not in done.data
        assert json.loads(done.data.splitlines()[1])["code"]["coding"][0]["display"] == "Glucose"


def test_a_long_text_is_changed_in_one_piece(known: Hospital) -> None:
    made = observation(note=[{"text": "Zebulon was well. " * 20_000}])
    assert json.loads(transformed(known, json.dumps(made).encode()).data.splitlines()[1])["note"][0]["text"] == "[NAME] was well. " * 20_000


def test_one_resource_after_another_never_takes_anothers_dates(known: Hospital) -> None:
    """What is remembered of a person is not told of the next."""
    other = patient(id="pat-2", identifier=[{"value": "80808082"}], name=[{"family": "Ott"}], birthDate="1950-01-01")
    said = [observation(), observation(subject={"reference": "Patient/pat-2"})] * 2
    hospital = known
    file = hospital.put("fhir", "two.ndjson", b"\n".join(json.dumps(one).encode() for one in (patient(), other, *said)))
    hospital.survey()
    dates = [json.loads(line)["effectiveDateTime"] for line in hospital.safe(file).splitlines()[2:]]
    assert dates[:2] == dates[2:]
    assert dates[0] != dates[1]


def test_the_table_knows_every_type_and_its_required_elements() -> None:
    assert len(resource_types()) == 146
    assert {name for name, one in elements("Observation").items() if one.required} == {"status", "code"}
    assert elements("Questionnaire.item")["item"].kind == "Questionnaire.item"


DAYS = st.sampled_from(["2026-03-05", "2026-02-30", "9999-12-31", "2024-02-29", "2026"])
TIMES = st.sampled_from(["T10:00:00-05:00", " 10:00Z", "T10:00:00.25+01:00", "T10:00:00", "T10:00Z ", "T10:00:00+0500", ""])
WORDS = st.sampled_from(["urn:oid:1.2.3", "http://hospital.example/mrn", "http://hl7.org/fhir/sid/us-ssn", "Zebulon", "MRN-77", "42", " ", "a\u00e9"])
NUMBERS = st.sampled_from([0, 7, -12, 99999, 123456789, 1.5, True, "5", None])


@QUIET
@given(data=st.data())
def test_the_plainest_forms_read_or_not_become_the_same(known: Hospital, data: st.DataObject) -> None:
    """Times, periods, references, identifiers, quantities and components, one after another, remembered or not."""
    by_bytes = change(known)
    for _ in range(4):
        made = observation(subject={"reference": data.draw(st.sampled_from(["Patient/pat-1", "Location/1"]))})
        made["effectiveDateTime"], made["issued"] = (data.draw(DAYS) + data.draw(TIMES) for _ in range(2))
        made["identifier"] = [{"system": data.draw(WORDS), "value": data.draw(WORDS)}]
        made["valueQuantity"] = {"value": data.draw(NUMBERS), "unit": data.draw(WORDS), "system": "http://unitsofmeasure.org", "code": data.draw(st.sampled_from(["mg", "a", "mo"]))}
        made["component"] = [{"code": {"text": data.draw(WORDS)}, "valueQuantity": made["valueQuantity"]} for _ in range(data.draw(st.integers(1, 2)))]
        made["encounter"] = {"reference": data.draw(st.sampled_from(["Encounter/9", "#x", "urn:uuid:7", "Patient/pat-1", "\u00e9"]))}
        if data.draw(st.booleans()):
            made["component"] = made["component"][0]
        raw = json.dumps(made, ensure_ascii=data.draw(st.booleans()), separators=data.draw(st.sampled_from([(",", ":"), (", ", ": ")]))).encode()
        assert outcome(lambda raw=raw: by_bytes.json(raw, where="x")) == outcome(lambda raw=raw: encode(change(known).resource(decode(raw), where="x")))


def outcome(work: Callable[[], bytes]) -> Any:
    try:
        return json.loads(work())
    except Malformed as error:
        return str(error)


def test_a_reference_that_a_site_keeps_stays(known: Hospital) -> None:
    rules = replace(policy("expert-determination"), fhir=FhirRules(elements={"Observation.encounter": "keep"}))
    made = observation() | {"encounter": {"reference": "Encounter/9"}}
    done = Change(Desk(known.keyring, rules), source="fhir", timezone=ZONE, urls={}).json(json.dumps(made).encode(), where="x")
    assert json.loads(done)["encounter"] == {"reference": "Encounter/9"}
