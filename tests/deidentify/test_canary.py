"""One patient in five formats: nothing that identifies survives, what clinicians need does, and all agree."""

from __future__ import annotations

import base64
import json
from datetime import datetime

import pytest

from bedside.core.ids import is_pseudonym, subject_number
from bedside.core.time import iso_instant
from bedside.deidentify.residue import prove
from bedside.formats.dicom import parse
from bedside.formats.hl7v2 import Message, pieces

from .conftest import CANARIES, Hospital

FORMATS = ("fhir", "hl7v2", "tables", "dicom", "notes")
POLICIES = ("expert-determination", "safe-harbor", "limited-data-set")


def _file(hospital: Hospital, kind: str):
    return next(file for file in hospital.files if file.format == kind)


def _resources(hospital: Hospital, policy: str = "expert-determination") -> dict[str, dict]:
    lines = hospital.safe(_file(hospital, "fhir"), policy).splitlines()
    return {one["resourceType"]: one for one in map(json.loads, lines)}


def _opened(kind: str, data: bytes) -> str:
    text = data.decode("latin-1")
    if kind == "fhir":
        for line in data.splitlines():
            for content in json.loads(line).get("content", ()):
                text += base64.b64decode(content["attachment"]["data"]).decode()
    return text.lower()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_planted_survives(hospital, kind, policy):
    text = _opened(kind, hospital.safe(_file(hospital, kind), policy))
    assert [canary for canary in CANARIES if canary.lower() in text] == []


@pytest.mark.parametrize("kind", FORMATS)
def test_file_names_and_rejects_hold_nothing_planted(hospital, kind):
    file = _file(hospital, kind)
    done = hospital.transform(file)
    said = file.alias + repr(done.tally) + repr(done.rejects) + repr(done.actions)
    assert [canary for canary in CANARIES if canary in said] == []


@pytest.mark.parametrize("kind", FORMATS)
def test_as_received_is_the_same_bytes(hospital, kind):
    file = _file(hospital, kind)
    done = hospital.transform(file, "as-received")
    assert done.data == file.path.read_bytes()
    assert done.tally.reconciles


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_input_gives_the_same_bytes(hospital, kind):
    assert hospital.safe(_file(hospital, kind)) == hospital.safe(_file(hospital, kind))


def test_one_name_over_all_formats_and_both_numbers(hospital):
    fhir = _resources(hospital)
    name = fhir["Patient"]["id"]
    message = Message.parse(next(iter(pieces(hospital.safe(_file(hospital, "hl7v2"))))).raw, where="x")
    row = hospital.safe(_file(hospital, "tables")).decode().splitlines()[1]
    dataset = parse(hospital.safe(_file(hospital, "dicom")), where="x")
    note = hospital.safe(_file(hospital, "notes")).decode()
    assert is_pseudonym(name)
    assert fhir["Observation"]["subject"] == {"reference": f"Patient/{name}"}
    assert message.get("PID-3.1") == name
    assert row.startswith(name + ",")
    assert dataset.PatientID == name
    assert note.startswith(f"Patient-ID: {name}\n")
    assert subject_number(name) == hospital.keyring.map.subjects[0].code


def test_one_encounter_name_over_all_formats(hospital):
    fhir = _resources(hospital)
    name = fhir["Encounter"]["id"]
    message = Message.parse(next(iter(pieces(hospital.safe(_file(hospital, "hl7v2"))))).raw, where="x")
    assert fhir["Encounter"]["identifier"][0]["value"] == name
    assert fhir["Observation"]["encounter"]["reference"] == f"Encounter/{name}"
    assert message.get("PV1-19.1") == name
    assert hospital.safe(_file(hospital, "tables")).decode().splitlines()[1].split(",")[1] == name
    assert f"Encounter-ID: {name}\n" in hospital.safe(_file(hospital, "notes")).decode()


def test_one_shift_over_all_formats_by_whole_weeks(hospital):
    fhir = _resources(hospital)
    moved = iso_instant(fhir["Observation"]["effectiveDateTime"], where="x").us
    message = [Message.parse(piece.raw, where="x") for piece in pieces(hospital.safe(_file(hospital, "hl7v2")))][1]
    collected = message.get("OBR-7.1")
    row = dict(zip(*[line.split(",") for line in hospital.safe(_file(hospital, "tables")).decode().splitlines()[:2]], strict=False))
    dataset = parse(hospital.safe(_file(hospital, "dicom")), where="x")
    note = hospital.safe(_file(hospital, "notes")).decode()
    true = iso_instant("2026-01-13T10:00:00-05:00", where="x").us
    days = (moved - true) / 86_400_000_000
    assert days % 7 == 0
    assert days != 0
    assert abs(days) <= 7 * 104
    date = fhir["Observation"]["effectiveDateTime"][:10]
    assert collected == date.replace("-", "") + "100000-0500"
    assert row["collected"] == f"{date}T10:00:00-05:00"
    assert (dataset.StudyDate, dataset.StudyTime, dataset.TimezoneOffsetFromUTC) == (date.replace("-", ""), "101500", "-0500")
    assert f"Date: {date}T12:00:00-05:00\n" in note
    assert datetime.strptime(date, "%Y-%m-%d").strftime("%m/%d/%Y") in note


def test_intervals_outlive_a_change_to_summer_time(empty):
    stay = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"text": "x"},
        "effectiveDateTime": "2026-03-08T03:30:00-04:00",
    }
    who = {"resourceType": "Patient", "id": "p", "identifier": [{"value": "5550001"}]}
    fhir = empty.put("fhir", "all.ndjson", json.dumps(who).encode() + b"\n" + json.dumps(stay).encode())
    adt = empty.put(
        "hl7v2", "adt.hl7", b"MSH|^~\\&|||||20260308013000||ADT^A01|1|T|2.5\rPID|1||5550001^^^H^MR\rEVN|A01|20260308013000\r"
    )
    empty.survey()
    after = iso_instant(json.loads(empty.safe(fhir).splitlines()[1])["effectiveDateTime"], where="x").us
    text = Message.parse(next(iter(pieces(empty.safe(adt)))).raw, where="x").get("EVN-2.1") or ""
    before = iso_instant(datetime.strptime(text, "%Y%m%d%H%M%S%z").isoformat(), where="x").us
    assert after - before == 3_600_000_000


def test_what_clinicians_need_stays(hospital):
    fhir = _resources(hospital)
    messages = [Message.parse(piece.raw, where="x") for piece in pieces(hospital.safe(_file(hospital, "hl7v2")))]
    note = hospital.safe(_file(hospital, "notes")).decode()
    dataset = parse(hospital.safe(_file(hospital, "dicom")), where="x")
    assert fhir["Patient"]["gender"] == "male"
    assert fhir["Patient"]["address"] == [{"state": "NY", "postalCode": "103"}]
    assert fhir["Observation"]["valueQuantity"] == {
        "value": 88,
        "unit": "/min",
        "system": "http://unitsofmeasure.org",
        "code": "/min",
    }
    assert fhir["Encounter"]["location"][0]["location"]["display"] == "ICU"
    assert (messages[0].get("PID-8"), messages[0].get("PV1-2"), messages[0].get("PV1-3.1")) == ("M", "I", "ICU")
    assert (messages[1].get("OBX-3.1"), messages[1].get("OBX-5"), messages[1].get("OBX-6")) == ("2524-7", "3.70", "mmol/L")
    assert all(
        kept in note for kept in ("Parkinson disease", "lisinopril 10 mg", "BP 128/76", "back in 2021", "Type: 34117-2 History")
    )
    assert (dataset.PatientSex, dataset.Modality, dataset.Rows, bytes(dataset.PixelData)) == ("M", "CT", 2, b"\1\0\2\0\3\0\4\0")


def test_an_age_above_89_reads_90_everywhere(hospital):
    fhir = _resources(hospital)
    note, dataset = hospital.safe(_file(hospital, "notes")).decode(), parse(hospital.safe(_file(hospital, "dicom")), where="x")
    last = max(
        iso_instant(fhir[kind][name], where="x").us for kind, name in (("Observation", "issued"), ("DocumentReference", "date"))
    )
    born = iso_instant(fhir["Patient"]["birthDate"], where="x").us
    assert 89 <= (last - born) / 86_400_000_000 / 365.2425 < 91
    assert "90-year-old" in note
    assert "93" not in note
    assert dataset.PatientAge == "090Y"


def test_the_true_year_is_beside_shifted_times_only(hospital):
    fhir, keyring = _resources(hospital), hospital.keyring
    who = subject_number(fhir["Patient"]["id"])
    assert {"system": "urn:bedside:true-year", "code": "2026"} in fhir["Encounter"]["meta"]["tag"]
    assert keyring.map.true_year(who) == 2026
    assert keyring.map.true_year(who, fhir["Encounter"]["id"]) == 2026
    assert keyring.map.true_year(1) is None


def test_safe_harbor_counts_from_the_first_event(hospital):
    fhir = _resources(hospital, "safe-harbor")
    assert fhir["Encounter"]["period"]["start"] == "2000-01-01T13:00:00Z"
    assert fhir["Observation"]["effectiveDateTime"] == "2000-01-02T15:00:00Z"
    assert len(fhir["Patient"]["birthDate"]) == 4


def test_a_limited_data_set_keeps_dates_and_places_and_no_names(hospital):
    fhir = _resources(hospital, "limited-data-set")
    assert fhir["Observation"]["effectiveDateTime"] == "2026-01-13T10:00:00-05:00"
    assert fhir["Patient"]["address"] == [{"state": "NY", "city": "Fernhollow", "postalCode": "10301"}]
    assert "name" not in fhir["Patient"]


def test_the_proof_is_clean_on_safe_files_and_not_on_raw_ones(hospital):
    safe = [(file.alias, hospital.safe(file)) for file in hospital.files]
    raw = [(file.alias, file.path.read_bytes()) for file in hospital.files]
    assert prove(safe, hospital.keyring).strong == 0
    found = prove(raw, hospital.keyring)
    assert {hit.kind for hit in found.strong_hits} >= {"name", "number", "phone", "ssn", "address", "email"}
    assert {hit.file for hit in found.strong_hits} == {file.alias for file in hospital.files}
