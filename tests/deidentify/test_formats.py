"""Each format's own rules: what is dropped, what is counted, what goes to quarantine."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bedside.deidentify.transform import alias, mapping_patterns, mapping_words
from bedside.formats.dicom import parse
from bedside.formats.hl7v2 import Message, pieces
from bedside.readers.mapping import matches

from .conftest import ADT, LABS, Hospital, dicom_bytes, note_text, observation, patient


def _one(hospital: Hospital, resource: dict[str, Any], policy: str = "expert-determination") -> dict[str, Any]:
    file = hospital.put("fhir", "Patient.ndjson", json.dumps(patient()).encode() + b"\n" + json.dumps(resource).encode())
    hospital.survey()
    lines = hospital.safe(file, policy).splitlines()
    return json.loads(lines[1])


# --- FHIR -------------------------------------------------------------------------------------------


def test_decimals_keep_their_digits(empty):
    raw = json.dumps(observation()).replace('"value": 88', '"value": 3.70').encode()
    file = empty.put("fhir", "Observation.ndjson", json.dumps(patient()).encode() + b"\n" + raw)
    empty.survey()
    assert b'"value":3.70,' in empty.safe(file)


def test_an_element_that_r4_does_not_have_is_removed_and_counted(empty):
    strange = {"mood": "Zebulon was sad", "count": 3, "ok": True, "deep": [{"who": "Quillfeather"}]}
    file = empty.put("fhir", "o.ndjson", b"\n".join(json.dumps(one).encode() for one in (patient(), observation(strange=strange))))
    empty.survey()
    done = empty.transform(file)
    assert "strange" not in json.loads(done.data.splitlines()[1])
    assert done.actions["fhir: element that R4 does not have removed"] == 1


def test_extensions_stay_only_when_allowed(empty):
    race = {
        "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "extension": [{"url": "text", "valueString": "White"}],
    }
    maiden = {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Ott"}
    file = empty.put("fhir", "Patient.ndjson", json.dumps(patient(extension=[race, maiden])).encode())
    empty.survey()
    assert json.loads(empty.safe(file))["extension"] == [race]


def test_contained_resources_lose_names_and_keep_their_link(empty):
    inside = {
        "resourceType": "Practitioner",
        "id": "p1",
        "name": [{"family": "Vandersnoot"}],
        "telecom": [{"value": "212-555-0199"}],
    }
    done = _one(empty, observation(contained=[inside], performer=[{"reference": "#p1", "display": "Dr Vandersnoot"}]))
    assert list(done["contained"][0]) == ["resourceType", "id"]
    assert done["performer"] == [{"reference": "#" + done["contained"][0]["id"]}]


def attachment(empty, **said):
    """The attachment of a document about a surveyed patient, de-identified, and the actions taken."""
    about = {"resourceType": "DocumentReference", "subject": {"reference": "Patient/pat-1"}, "content": [{"attachment": said}]}
    file = empty.put("fhir", "d.ndjson", b"".join(json.dumps(one).encode() + b"\n" for one in (patient(), about)))
    empty.survey()
    done = empty.transform(file)
    return json.loads(done.data.splitlines()[1])["content"][0]["attachment"], done.actions


@pytest.mark.parametrize("charset", ["ISO-8859-1", "latin1", '"windows-1252"', "utf-16"])
def test_text_in_a_declared_character_set_is_scrubbed_and_written_back_in_utf_8(empty, charset):
    data = base64.b64encode("Fièvre chez M. Quillfeather".encode(charset.strip('"'))).decode()
    done, actions = attachment(empty, contentType=f"text/plain; charset={charset}", data=data[:8] + "\n" + data[8:])
    text = base64.b64decode(done["data"]).decode()
    assert text.startswith("Fièvre")
    assert "Quillfeather" not in text
    assert done["contentType"] == "text/plain; charset=utf-8"
    assert actions["fhir: attachment in another character set, now in UTF-8"] == 1


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=utf-8", "text/plain; charset=rot13", "text/plain; charset=x-nobody"])
def test_text_that_is_not_in_the_character_set_it_claims_is_dropped_and_counted(empty, kind):
    done, actions = attachment(empty, contentType=kind, data=base64.b64encode("Fièvre".encode("latin-1")).decode())
    assert "data" not in done
    assert actions["fhir: attachment without readable text dropped"] == 1


def test_a_content_type_tells_no_file_name(empty):
    done, _ = attachment(empty, contentType='text/plain; name="Quillfeather.txt"', data="aGVsbG8gd29ybGQ=")
    assert done == {"contentType": "text/plain", "data": "aGVsbG8gd29ybGQ="}


def test_an_attachment_that_is_no_text_is_dropped(empty):
    pdf = {
        "contentType": "application/pdf",
        "data": base64.b64encode(b"%PDF Zebulon").decode(),
        "url": "http://x.example/zebulon.pdf",
    }
    done = _one(
        empty, {"resourceType": "DocumentReference", "subject": {"reference": "Patient/pat-1"}, "content": [{"attachment": pdf}]}
    )
    assert done["content"] == [{"attachment": {"contentType": "application/pdf"}}]


def test_a_binary_is_read_as_its_owners_text(empty):
    document = {
        "resourceType": "DocumentReference",
        "subject": {"reference": "Patient/pat-1"},
        "content": [{"attachment": {"url": "Binary/b1"}}],
    }
    binary = {
        "resourceType": "Binary",
        "id": "b1",
        "contentType": "text/plain",
        "data": base64.b64encode(b"zebulon at Kestrel Mews 14, on 01/13/2026").decode(),
    }
    rows = (patient(), document, binary)
    file = empty.put("fhir", "x.ndjson", b"\n".join(json.dumps(row).encode() for row in rows))
    empty.survey()
    done = [json.loads(line) for line in empty.safe(file).splitlines()]
    assert done[1]["content"][0]["attachment"]["url"] == f"Binary/{done[2]['id']}"
    assert "01/13/2026" not in base64.b64decode(done[2]["data"]).decode()
    assert "[DATE]" not in base64.b64decode(done[2]["data"]).decode()


def test_a_bundles_references_by_uuid_are_followed(empty):
    who = {"fullUrl": "urn:uuid:7c1e0c1e-0000-4000-8000-000000000001", "resource": patient()}
    what = {
        "fullUrl": "urn:uuid:7c1e0c1e-0000-4000-8000-000000000002",
        "resource": observation(subject={"reference": who["fullUrl"]}),
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "identifier": {"value": "70707071"}, "entry": [who, what]}
    file = empty.put("fhir", "bundle.json", json.dumps(bundle).encode())
    empty.survey()
    done = json.loads(empty.safe(file))
    assert done["entry"][1]["resource"]["subject"]["reference"] == "Patient/" + done["entry"][0]["resource"]["id"]
    assert "identifier" not in done


def test_an_age_in_years_is_capped_and_other_quantities_are_not(empty):
    age = {"value": 95, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}
    rate = {"value": 95, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    assert _one(empty, observation(valueQuantity=age))["valueQuantity"]["value"] == 90
    assert _one(empty, observation(valueQuantity=rate))["valueQuantity"]["value"] == 95


def test_imaging_studies_and_their_images_share_uids(hospital):
    study = {
        "resourceType": "ImagingStudy",
        "subject": {"reference": "Patient/pat-1"},
        "status": "available",
        "series": [{"uid": "1.2.3.4.6"}],
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3.4"}],
    }
    done = _one(hospital, study)
    dataset = parse(hospital.safe(next(file for file in hospital.files if file.format == "dicom")), where="x")
    assert done["series"][0]["uid"] == dataset.SeriesInstanceUID
    assert done["identifier"][0]["value"] == f"urn:oid:{dataset.StudyInstanceUID}"


def test_dates_of_no_patient_are_removed(empty):
    done = _one(
        empty,
        {
            "resourceType": "Practitioner",
            "id": "d",
            "birthDate": "1970-01-01",
            "qualification": [{"period": {"start": "1995-01-01"}}],
        },
    )
    assert "1995" not in json.dumps(done)
    assert "1970" not in json.dumps(done)


def test_a_resource_of_an_unknown_patient_is_quarantined(hospital):
    file = hospital.put("fhir", "late.ndjson", json.dumps(observation(subject={"reference": "Patient/unheard-of"})).encode())
    done = hospital.transform(file)
    assert done.data is None
    assert done.tally.quarantined == {"its subject is not in the patient map": 1}


def test_what_is_not_json_is_quarantined_with_a_keyed_digest(empty):
    file = empty.put("fhir", "Patient.ndjson", json.dumps(patient()).encode() + b'\n{"resourceType": "Patient", "name": "Quillfe\n')
    empty.survey()
    done = empty.transform(file)
    assert (done.tally.read, done.tally.written, len(done.rejects)) == (2, 1, 1)
    assert done.rejects[0].place == "line 2"
    assert len(done.rejects[0].digest) == 64


# --- HL7 v2 -----------------------------------------------------------------------------------------


def _adt(hospital: Hospital, text: str, timezone: str | None = "America/New_York") -> tuple[Message | None, Any]:
    file = hospital.put("hl7v2", "adt.hl7", text.encode())
    hospital.survey()
    done = hospital.transform(file, timezone=timezone)
    return (Message.parse(next(iter(pieces(done.data))).raw, where="x") if done.data else None), done


def test_segments_outside_the_table_are_dropped_and_counted(empty):
    message, done = _adt(empty, ADT)
    assert [segment.name for segment in message.segments] == ["MSH", "EVN", "PID", "NK1", "PV1"]
    assert message.segment("NK1").text == "NK1|1||SPO"
    assert done.actions["hl7v2: segment Z.. dropped"] == 1


def test_fields_outside_the_table_are_blank(empty):
    message, _ = _adt(empty, ADT)
    assert [message.get(path) for path in ("PID-5", "PID-13", "PID-19", "MSH-8", "PID-9")] == [None] * 5
    assert (message.get("MSH-4") or "").startswith("N")
    assert message.get("PV1-7.2") is None
    assert (message.get("PV1-7.1") or "").startswith("N")
    assert message.get("PID-11.4") == "NY"
    assert message.get("PID-11.5") == "103"


def test_other_delimiters_work_the_same(empty):
    swapped = ADT.translate(str.maketrans({"|": "!", "^": "@", "~": "%", "&": "$"}))
    message, _ = _adt(empty, swapped)
    assert message.get("PID-8") == "M"
    assert message.get("PV1-3.1") == "ICU"
    assert message.get("PID-5") is None


def test_the_offset_of_msh_7_is_the_messages_zone_when_the_source_declares_none(empty):
    message, _ = _adt(empty, ADT.replace("20260113100500", "20260113100500-0600", 1), timezone=None)
    assert (message.get("EVN-2.1") or "").endswith("100000-0600")


def test_a_time_without_any_zone_is_quarantined(empty):
    _, done = _adt(empty, ADT, timezone=None)
    assert done.tally.quarantined == {"a time of day without a zone": 1}
    assert done.data is None


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("NM", "3.70", "3.70"),
        ("NM", "Zebulon", "[NAME]"),
        ("SN", "<^5", "<^5"),
        ("ST", "Positive", "Positive"),
        ("ST", "212-555-0147", "[PHONE]"),
        ("CWE", "A^Alert^L", "A^Alert^L"),
        ("XPN", "Quillfeather^Zebulon", ""),
        ("ED", "app^text^^Base64^Wm", ""),
        ("TX", "a\\T\\b", "a\\T\\b"),
    ],
)
def test_a_result_is_kept_by_its_type(empty, kind, value, kept):
    message, _ = _adt(empty, ADT + f"OBX|1|{kind}|8867-4^HR^LN||{value}||||||F\r")
    assert message.segment("OBX").field(5) == kept


def test_a_message_about_nobody_is_left_out_and_counted(empty):
    _, done = _adt(empty, ADT + "\rMSH|^~\\&|||||20260113||MFN^M02|7|T|2.5\rMFI|STF\r")
    assert done.tally.ignored == {"a message about no patient": 1}
    assert done.tally.reconciles


def test_batch_envelopes_keep_no_sender(empty):
    file = empty.put("hl7v2", "batch.hl7", b"FHS|^~\\&|MERCY|Quillfeather\r" + ADT.encode() + b"FTS|1|Quillfeather\r")
    empty.survey()
    assert b"Quillfeather" not in empty.safe(file)
    assert b"MERCY" not in empty.safe(file)


# --- tables -----------------------------------------------------------------------------------------


def test_columns_without_a_role_are_removed_and_counted(hospital):
    file = next(one for one in hospital.files if one.format == "tables")
    done = hospital.transform(file)
    assert done.data.decode().splitlines()[0] == "mrn,encounter,collected,birth_date,zip,loinc,value,comment"
    assert done.actions["tables: column removed (no role)"] == 1
    assert done.data.decode().splitlines()[1].endswith(',103,2524-7,3.70,"Told [NAME], MRN [ID]"')


def test_rows_without_a_subject_or_with_no_date_are_quarantined(empty):
    bad = LABS + ",V1,,2026-01-13 10:00:00,,,,1-8,1,,\n70707072,V1,,soon,,,,1-8,1,,\n70707072,V1,,,,,,1-8,1,,\n70707072,short\n"
    file = empty.put("tables", "labs.csv", bad.encode())
    empty.survey()
    done = empty.transform(file)
    assert (done.tally.read, done.tally.written, sum(done.tally.quarantined.values())) == (5, 2, 3)
    assert {reject.place for reject in done.rejects} == {"line 3", "line 4", "line 6"}
    assert done.tally.reconciles


def test_a_table_that_the_mapping_does_not_name_is_left_out_and_counted(empty):
    file = empty.put("tables", "unheard_of.csv", LABS.encode())
    empty.survey()
    done = empty.transform(file)
    assert done.data is None
    assert done.tally.ignored == {"table not mapped": 1}


def test_gzip_comes_back_as_gzip_with_the_same_bytes_each_time(empty):
    file = empty.put("tables", "labs.csv.gz", gzip.compress(LABS.encode()))
    empty.survey()
    assert gzip.decompress(empty.safe(file)).startswith(b"mrn,encounter")
    assert empty.safe(file) == empty.safe(file)
    assert file.alias == "labs.csv.gz"


def test_parquet_is_read_and_written(empty, tmp_path):
    import polars as pl

    frame = pl.DataFrame(
        {"mrn": ["70707072"], "collected": ["2026-01-13 10:00:00"], "patient_name": ["Quillfeather, Zebulon"], "value": ["3.70"]}
    )
    frame.write_parquet(tmp_path / "labs.parquet")
    file = empty.put("tables", "labs.parquet", (tmp_path / "labs.parquet").read_bytes())
    empty.survey()
    (tmp_path / "safe.parquet").write_bytes(empty.safe(file))
    done = pl.read_parquet(tmp_path / "safe.parquet")
    assert done.columns == ["mrn", "collected", "value"]
    assert done["mrn"][0].startswith("P")


# --- DICOM ------------------------------------------------------------------------------------------


def _image(hospital: Hospital, **changes: Any) -> Any:
    file = hospital.put("dicom", "x.dcm", dicom_bytes(**changes))
    hospital.survey()
    return hospital.transform(file)


def test_markers_say_what_was_done(empty):
    dataset = parse(_image(empty).data, where="x")
    codes = [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert (dataset.PatientIdentityRemoved, dataset.LongitudinalTemporalInformationModified, codes) == (
        "YES",
        "MODIFIED",
        ["113100", "113103", "113104", "113105", "113107", "113108", "113111"],
    )
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert "SourceApplicationEntityTitle" not in dataset.file_meta


def test_uids_are_ours_consistent_and_those_of_the_standard_stay(empty):
    one = parse(_image(empty).data, where="x")
    other = parse(_image(empty, SOPInstanceUID="1.2.3.4.77").data, where="x")
    assert one.StudyInstanceUID == other.StudyInstanceUID
    assert one.StudyInstanceUID.startswith("2.25.")
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert len(one.SOPInstanceUID) <= 64
    assert one.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_nested_and_private_elements_are_cleaned(empty):
    dataset = parse(_image(empty).data, where="x")
    assert not [element.tag for element in dataset.iterall() if element.tag.is_private]
    nested = dataset.AnatomicRegionSequence[0]
    assert nested.PatientName == nested.PatientID == dataset.PatientID


def test_an_image_that_shows_a_face_is_quarantined_with_the_reason(empty):
    done = _image(empty, RecognizableVisualFeatures="YES")
    assert done.data is None
    assert next(iter(done.tally.quarantined)).endswith("no face is taken out here")


def test_the_planted_instance_keeps_no_marker_of_the_table(empty, shared_data):
    """526 attributes of Table E.1-1 planted: what stays as it was is only what the options keep."""
    from bedside.deidentify.dicom import ACTIONS, CHARACTERISTICS

    raw = (shared_data / "deid" / "dicom-planted" / "plant.dcm").read_bytes()
    file = empty.put("dicom", "plant.dcm", raw)
    empty.survey()
    before, after = parse(raw, where="x"), parse(empty.safe(file), where="x")
    same = [
        int(element.tag)
        for element in before
        if int(element.tag) in ACTIONS
        and element.value not in (None, "")
        and element.tag in after
        and after[element.tag].value == element.value
    ]
    planted = sum(int(element.tag) in ACTIONS for element in before)
    assert planted > 500
    assert [f"{tag:08X}" for tag in same if tag not in CHARACTERISTICS and before[tag].VR != "TM"] == []
    text = empty.safe(file).decode("latin-1")
    assert "ZQ" not in "".join(
        str(one.value) for one in after if int(one.tag) in ACTIONS and int(one.tag) not in CHARACTERISTICS and one.VR != "SQ"
    )
    assert "093Y" not in text


# --- notes, names, anything -------------------------------------------------------------------------


def test_a_note_without_a_patient_is_quarantined(empty):
    file = empty.put("notes", "x.txt", b"Zebulon Quillfeather was here")
    empty.survey()
    done = empty.transform(file)
    assert done.data is None
    assert sum(done.tally.quarantined.values()) == 1


def test_header_lines_that_are_not_known_are_removed(empty):
    file = empty.put("notes", "x.txt", b"Secret: Zebulon\n" + note_text())
    empty.survey()
    assert b"Secret" not in empty.safe(file)
    assert b"Author" not in empty.safe(file)


@pytest.mark.parametrize(
    ("relative", "kept"),
    [
        ("Observation.ndjson", True),
        ("labs.csv", True),
        ("adt.hl7", True),
        ("hosp/labevents.csv.gz", True),
        ("smith_john.txt", False),
        ("40012345.dcm", False),
        ("p000001.psv", False),
        ("Quillfeather/image.dcm", False),
        ("zebulon.hl7", False),
        ("notes/2026-01-13.txt", False),
    ],
)
def test_a_file_name_stays_only_when_it_speaks_of_data(empty, relative, kept):
    name = alias(relative, empty.keyring)
    assert (name == relative) == kept
    assert name.rsplit(".", 1)[-1] == relative.rsplit(".", 1)[-1]
    assert kept or ("f-" in name and alias(relative, empty.keyring) == name)


def test_names_that_a_mapping_wrote_down_may_stand(empty):
    words = mapping_words({"tables": {"x": {"files": ["zorg_extract*.csv"]}}})
    assert alias("zorg_extract.csv", empty.keyring, words=words) == "zorg_extract.csv"


@pytest.mark.parametrize(("name", "pattern", "stays"), [
    ("Data_Entry_2017.csv", "Data_Entry_2017*.csv", "Data_Entry_2017"), ("vitals_2023_Smith.csv", "vitals*.csv", "vitals"),
    ("vitals_2023_Smith.csv.gz", "vitals*.csv*", "vitals"), ("ward7/labs-0042.parquet", "labs*", "labs"), ("Smith.csv", "*.csv", ""),
])  # fmt: skip
def test_a_table_is_still_of_its_mapping_under_its_alias_and_what_a_star_stood_for_is_gone(empty, name, pattern, stays):
    mapping = {"tables": {"x": {"files": [pattern]}}}
    told = alias(name, empty.keyring, words=mapping_words(mapping), patterns=mapping_patterns(mapping))
    assert matches(told, pattern)
    assert told.rsplit("/", 1)[-1].startswith(stays)
    assert told.endswith(name[name.rindex("/") + 1 :].partition(".")[2] if "/" in name else name.partition(".")[2])
    assert not any(word in told for word in ("Smith", "2023", "0042"))
    assert alias(name.replace("Smith", "Jones"), empty.keyring, words=(), patterns=[pattern]) != told or "Smith" not in name


@pytest.mark.parametrize("kind", ["fhir", "hl7v2", "tables", "dicom", "notes"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=400), cut=st.integers(0, 600))
def test_no_bytes_whatever_break_a_transform_and_counts_reconcile(hospital, kind, data, cut):
    sound = next(file for file in hospital.files if file.format == kind and file.alias != "x")
    name = {"tables": "labs.csv", "dicom": "x.dcm", "notes": "x.txt", "hl7v2": "x.hl7", "fhir": "x.json"}[kind]
    torn = sound.path.read_bytes()[:cut] + data if cut % 2 else data
    path = hospital.root / "any" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(torn)
    from bedside.formats.files import RawFile

    done = hospital.transform(RawFile(kind, kind, path, name, name))
    assert done.tally.reconciles
    assert sum(done.tally.quarantined.values()) == len(done.rejects)
    assert not done.tally.written or done.data is not None


def test_a_sex_that_is_also_a_middle_initial_stays(empty):
    message, _ = _adt(empty, ADT.replace("Quillfeather^Zebulon^Q", "Quillfeather^Zebulon^M."))
    assert message.get("PID-8") == "M"


def test_json_nested_ten_thousand_deep_is_quarantined_with_its_reason(empty):
    deep = b'{"resourceType":"Observation","subject":{"reference":"Patient/a"},"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    file = empty.put("fhir", "x.ndjson", b'{"resourceType":"Patient","id":"a"}\n' + deep + b"\n")
    empty.survey()
    done = empty.transform(file)
    assert (done.tally.written, done.tally.quarantined) == (1, {"not JSON in UTF-8: nested too deeply": 1})
