"""A list of known patients is read in whatever spelling a hospital writes it, and a bad line is told by its number alone."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Misconfigured
from bedside.deidentify.known_file import index, read
from bedside.deidentify.patients import Name

from .conftest import patient

FLAT = {
    "subject": "S1", "name": "Mrs. Martha Ann Collins", "mrn": 1060281, "phone": ["(609) 065-7920"], "dob": "1934-04-17",
    "address": "32558 Lambert Mews, South Katherinefurt, AS 89030", "email": "m@collins.example", "ssn": "912-04-4321",
}  # fmt: skip


@pytest.fixture
def told(tmp_path):
    def write(*records, lines=None, whole=None):
        path = tmp_path / "known.ndjson"
        path.write_text(whole if whole is not None else "\n".join(lines or map(json.dumps, records)), encoding="utf-8")
        return read(path)

    return write


def test_a_flat_record_tells_all_its_identifiers(told):
    ((subject, known),) = told(FLAT)
    assert subject == "S1"
    assert known.names == {Name(("Martha", "Ann"), "Collins")}
    assert (known.records, known.phones, known.births) == ({"1060281"}, {"(609) 065-7920"}, {"1934-04-17"})
    assert (known.streets, known.cities, known.zips) == ({"32558 Lambert Mews"}, {"South Katherinefurt"}, {"89030"})
    assert (known.emails, known.ssns) == ({"m@collins.example"}, {"912-04-4321"})


def test_a_fhir_patient_tells_the_same_as_the_survey_takes_from_it(told):
    ((subject, known),) = told(patient())
    assert subject == "pat-1"
    assert known.names == {Name(("Zebulon", "Q"), "Quillfeather")}
    assert known.records == {"pat-1", "70707071"}
    assert known.ssns == {"912-04-4321"}
    assert (known.phones, known.emails) == ({"212-555-0147"}, {"zeb@quill.example"})
    assert (known.streets, known.zips, known.births) == ({"14 Kestrel Mews"}, {"10301"}, {"1932-05-17"})


@pytest.mark.parametrize(
    "record",
    [
        {"patient_id": "S1", "First Name": "Martha", "last_name": "Collins"},
        {"ID": "S1", "given": ["Martha"], "family": "Collins"},
        {"patientId": "S1", "patientName": "Collins, Martha"},
        {"subject": "S1", "name": {"given": ["Martha"], "family": "Collins"}},
        {"subject": "S1", "names": ["COLLINS^Martha"]},
        {"subject": "S1", "patient": {"first": "Martha", "surname": "Collins"}},
    ],
)
def test_keys_and_names_may_be_written_in_many_ways(told, record):
    ((subject, known),) = told(record)
    assert subject == "S1"
    assert {(name.given, name.family.title()) for name in known.names} == {(("Martha",), "Collins")}


def test_an_array_a_bundle_and_a_compressed_file_are_read_too(told, tmp_path):
    assert [subject for subject, _ in told(whole=json.dumps([FLAT, FLAT | {"subject": "S2"}], indent=1))] == ["S1", "S2"]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": patient()}, {"resource": {"resourceType": "Observation"}}]}
    assert [subject for subject, _ in told(whole=json.dumps(bundle, indent=1))] == ["pat-1"]
    (tmp_path / "k.gz").write_bytes(gzip.compress(json.dumps(FLAT).encode()))
    assert read(tmp_path / "k.gz")[0][0] == "S1"


def test_lines_of_one_subject_are_one_person_and_relatives_belong_to_them(told):
    kin = {"contact": [{"name": {"given": ["Maud"], "family": "Quill"}, "telecom": [{"system": "phone", "value": "212-555-0199"}]}]}
    ((_, known),) = told(FLAT, {"subject": "S1", "mrn": "88", **kin})
    assert known.records == {"1060281", "88"}
    assert Name(("Maud",), "Quill") in known.names
    assert "212-555-0199" in known.phones


def test_any_number_of_a_person_finds_them_unless_two_have_it(told):
    found = index(told(FLAT, FLAT | {"subject": "S2", "mrn": "77"}, {"subject": "S3", "mrn": "77"}))
    assert (found["S1"], found["1060281"], found["Patient/S2"]) == (0, 0, 1)
    assert "77" not in found


def test_bad_lines_are_told_together_by_their_numbers_and_never_by_their_content(told):
    with pytest.raises(Malformed) as caught:
        told(lines=[json.dumps(FLAT), '{"name": "Zebulon Canary"', "[1]", '{"colour": "Canary"}', '{"resourceType":"Observation"}'])
    for place in (
        "line 2: not JSON",
        "line 3: not a JSON object",
        "line 4: tells no identifier",
        "line 5: a resource of another type",
    ):
        assert place in str(caught.value)
    assert "Canary" not in str(caught.value)


def test_no_file_and_a_file_of_nobody_are_errors(tmp_path, told):
    with pytest.raises(Misconfigured):
        read(tmp_path / "none")
    with pytest.raises(Malformed, match="holds nobody"):
        told(whole="\n")


_JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda one: st.lists(one, max_size=3) | st.dictionaries(
    st.sampled_from(["name", "address", "identifier", "telecom", "value", "system", "text", "mrn", "given", "id", "x", "type", "coding", "entry", "resourceType"]), one, max_size=4), max_leaves=12)  # fmt: skip


@given(_JSON)
def test_any_json_is_read_or_refused(tmp_path_factory, said):
    path = tmp_path_factory.mktemp("j") / "k"
    path.write_text(json.dumps(said), encoding="utf-8", errors="surrogatepass")
    try:
        assert read(path)
    except Malformed as error:
        assert "record" in error.what or "nobody" in error.what
