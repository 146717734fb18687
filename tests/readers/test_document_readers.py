"""DICOM headers, note files and the texts inside FHIR: images and notes keep their patient, their time and their words."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from tests.readers.written import codes, ndjson, reading

from bedside.core.ids import subject_number
from bedside.core.time import iso_instant


def us(text: str) -> int:
    return iso_instant(text, where="test").us


def image(**changes: Any) -> bytes:
    """A chest film of P000000000017, 8 March 2026, 10:00 at -05:00."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        ExplicitVRLittleEndian,
        "1.2.840.10008.5.1.4.1.1.1",
        "2.25.1",
    )
    held = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
    told = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
        "SOPInstanceUID": "2.25.1",
        "StudyInstanceUID": "2.25.2",
        "SeriesInstanceUID": "2.25.3",
        "PatientID": "P000000000017",
        "Modality": "CR",
        "StudyDate": "20260308",
        "StudyTime": "100000",
        "TimezoneOffsetFromUTC": "-0500",
        "BodyPartExamined": "CHEST",
        "Rows": 512,
        "Columns": 400,
    } | changes
    for name, value in told.items():
        if value is not None:
            setattr(held, name, value)
    stream = BytesIO()
    held.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_an_image_is_an_event_at_the_study_and_a_row_of_the_index(tmp_path):
    found = reading(tmp_path, "dicom", image(AcquisitionDate="20260308", AcquisitionTime="101500"), name="a.dcm")
    assert codes(found) == ["IMAGE//CR"]
    assert found.events["time"].to_physical().to_list() == [us("2026-03-08T10:00:00-05:00")]
    (row,) = found.images
    assert (row.subject_id, row.modality, row.rows, row.columns, row.body_part) == (
        subject_number("P000000000017"),
        "CR",
        512,
        400,
        "CHEST",
    )
    assert (row.time, row.file, row.transfer_syntax) == (us("2026-03-08T10:15:00-05:00"), "ward/a.dcm", ExplicitVRLittleEndian)


def test_an_image_without_a_date_is_in_the_index_and_not_among_the_events(tmp_path):
    found = reading(tmp_path, "dicom", image(StudyDate=None, StudyTime=None))
    assert (codes(found), len(found.images), found.tally.written) == ([], 1, 1)
    assert sum(found.problems.values()) == 1


@pytest.mark.parametrize("damage", [image(PatientID=None), image(TimezoneOffsetFromUTC=None), image()[:300], b"", b"no image"])
def test_an_image_that_cannot_be_placed_is_quarantined(tmp_path, damage):
    found = reading(tmp_path, "dicom", damage)
    assert (sum(found.tally.quarantined.values()), len(found.images), found.tally.reconciles) == (1, 0, True)


HEADER = "Patient-ID: P000000000017\nEncounter-ID: E1\nDate: 2026-03-08T10:00:00-05:00\nType: 34117-2 History and physical\n"
NOTE = f"{HEADER}\nSeen today.\n".encode()


def test_a_note_file_gives_an_event_and_its_text(tmp_path):
    found = reading(tmp_path, "notes", NOTE)
    (note,) = found.notes
    assert codes(found) == ["NOTE//34117-2"]
    assert (note.text, note.encounter_id, note.time, note.known_at) == (
        "Seen today.",
        "E1",
        us("2026-03-08T10:00:00-05:00"),
        note.time,
    )


@pytest.mark.parametrize(
    "damage", [NOTE.replace(b"Patient-ID", b"Who"), NOTE.replace(b"Date", b"Then"), NOTE.replace(b"-05:00", b""), b"\xff\xfe\xfa"]
)
def test_a_note_of_nobody_or_of_no_time_is_quarantined(tmp_path, damage):
    found = reading(tmp_path, "notes", damage)
    assert (sum(found.tally.quarantined.values()), found.notes, found.tally.reconciles) == (1, [], True)


def document(content: dict[str, Any]) -> bytes:
    return ndjson(
        {
            "resourceType": "DocumentReference",
            "id": "D1",
            "status": "current",
            "subject": {"reference": "Patient/P1"},
            "date": "2026-03-08T10:00:00Z",
            "type": {"coding": [{"system": "http://loinc.org", "code": "34117-2"}]},
            "content": [{"attachment": content}],
        }
    )


def test_the_text_of_a_fhir_document_is_a_note(tmp_path):
    data = base64.b64encode("Fièvre".encode("latin-1")).decode()
    (note,) = reading(tmp_path, "fhir", document({"contentType": "text/plain; charset=ISO-8859-1", "data": data})).notes
    assert (note.note_id, note.text, note.code) == ("D1", "Fièvre", "NOTE//34117-2")


@pytest.mark.parametrize(
    "content", [{}, {"contentType": "application/pdf", "data": "JVBERg=="}, {"data": "/w=="}, {"data": 5}, {"url": "http://x"}]
)
def test_a_document_whose_text_cannot_be_had_is_an_event_all_the_same(tmp_path, content):
    found = reading(tmp_path, "fhir", document(content))
    assert (codes(found), found.notes, sum(found.problems.values())) == (["NOTE//34117-2"], [], 1)


def test_the_conclusion_of_a_report_is_a_note(tmp_path):
    report = {
        "resourceType": "DiagnosticReport",
        "id": "R1",
        "status": "final",
        "subject": {"reference": "Patient/P1"},
        "effectiveDateTime": "2026-03-08T10:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "24325-3"}]},
        "conclusion": "No fracture.",
    }
    assert [note.text for note in reading(tmp_path, "fhir", ndjson(report)).notes] == ["No fracture."]


def test_shared_dicom_headers_are_all_accounted_for(tmp_path: Path, shared_data: Path):
    files = sorted((shared_data / "imaging" / "highdicom_testfiles").rglob("*.dcm"))[:12]
    if not files:
        pytest.skip("no DICOM test files there")
    for path in files:
        found = reading(tmp_path, "dicom", path.read_bytes(), timezone="UTC")
        assert found.tally.reconciles
        assert found.tally.read == 1
