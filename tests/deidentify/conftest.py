"""A hospital of two canary patients in five formats: what is planted here must come out nowhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import policy
from bedside.deidentify.survey import SurveyResult, survey
from bedside.deidentify.transform import Transformed, alias, transform
from bedside.formats.files import Format, RawFile

ZONE = "America/New_York"
CANARIES = (
    "Quillfeather",
    "Zebulon",
    "70707071",
    "70707072",
    "212-555-0147",
    "(212) 555-0147",
    "2125550147",
    "14 Kestrel Mews",
    "912-04-4321",
    "zeb@quill.example",
    "V7700011122",
    "Ottoline",
    "Vandersnoot",
)
NOTE_BODY = (
    "HISTORY\n\nPatient: Quillfeather, Zebulon   MRN: 70707071\nMr. Quillfeather is a 93-year-old man from 14 Kestrel Mews, "
    "phone (212) 555-0147.\n"
    "Seen on 01/13/2026 by Dr. Ottoline Vandersnoot for Parkinson disease, on lisinopril 10 mg. "
    "BP 128/76, diagnosed back in 2021.\n"
    "Zeb's wife called from 212-555-0147. Visit V7700011122. ZEBULON QUILLFEATHER was stable.\n"
)

MAPPING: dict[str, Any] = {
    "schema": "bedside.mapping/1",
    "name": "canary",
    "tables": {
        "labs": {
            "files": ["labs.*"],
            "subject": "mrn",
            "encounter": "encounter",
            "roles": {
                "mrn": "subject",
                "encounter": "encounter",
                "patient_name": "name",
                "collected": "datetime",
                "birth_date": "birth_date",
                "zip": "zip",
                "phone": "phone",
                "value": "keep",
                "loinc": "keep",
                "comment": "text",
            },
            "events": [{"code": "LOINC//{loinc}", "time": "collected", "value": "value"}],
        }
    },
}


def patient(**extra: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "pat-1",
        "meta": {"lastUpdated": "2026-01-13T12:00:00-05:00"},
        "gender": "male",
        "birthDate": "1932-05-17",
        "identifier": [
            {"type": {"coding": [{"code": "MR"}]}, "system": "http://hospital.example/mrn", "value": "70707071"},
            {"type": {"coding": [{"code": "SS"}]}, "system": "http://hl7.org/fhir/sid/us-ssn", "value": "912-04-4321"},
        ],
        "name": [{"family": "Quillfeather", "given": ["Zebulon", "Q"]}],
        "telecom": [{"system": "phone", "value": "212-555-0147"}, {"system": "email", "value": "zeb@quill.example"}],
        "address": [{"line": ["14 Kestrel Mews"], "city": "Fernhollow", "state": "NY", "postalCode": "10301"}],
        "text": {"status": "generated", "div": "<div>Zebulon Quillfeather</div>"},
        "photo": [{"contentType": "image/png", "data": "aGVsbG8="}],
    } | extra


def observation(**extra: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "obs-1",
        "status": "final",
        "subject": {"reference": "Patient/pat-1", "display": "Zebulon Quillfeather"},
        "encounter": {"reference": "Encounter/V7700011122"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "Heart rate"},
        "effectiveDateTime": "2026-01-13T10:00:00-05:00",
        "issued": "2026-01-13T10:05:00.000-05:00",
        "valueQuantity": {"value": 88, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        "note": [{"text": "Called Zebulon at 212-555-0147"}],
    } | extra


def resources() -> list[dict[str, Any]]:
    attachment = {
        "contentType": "text/plain",
        "data": base64.b64encode(NOTE_BODY.encode()).decode(),
        "title": "Note on Quillfeather",
    }
    return [
        patient(),
        observation(),
        {
            "resourceType": "Encounter",
            "id": "V7700011122",
            "status": "finished",
            "class": {"code": "IMP"},
            "subject": {"reference": "Patient/pat-1"},
            "identifier": [{"value": "V7700011122"}],
            "period": {"start": "2026-01-12T08:00:00-05:00", "end": "2026-03-20T08:00:00-04:00"},
            "location": [{"location": {"reference": "Location/ICU", "display": "ICU"}}],
        },
        {
            "resourceType": "DocumentReference",
            "id": "doc-1",
            "status": "current",
            "subject": {"reference": "Patient/pat-1"},
            "date": "2026-01-13T12:00:00-05:00",
            "content": [{"attachment": attachment}],
        },
        {
            "resourceType": "Practitioner",
            "id": "dr-1",
            "name": [{"family": "Vandersnoot", "given": ["Ottoline"]}],
            "birthDate": "1970-01-01",
        },
    ]


ADT = (
    "MSH|^~\\&|EHR|MERCY|LAKE|X|20260113100500||ADT^A01|CTL-1|T|2.5.1||||||UNICODE UTF-8\r"
    "EVN|A01|20260113100000||||20260112080000\r"
    "PID|1||70707071^^^HOSP^MR~912-04-4321^^^SSA^SS||Quillfeather^Zebulon^Q||19320517|M"
    "|||14 Kestrel Mews^^Fernhollow^NY^10301||212-555-0147\r"
    "NK1|1|Quillfeather^Maud|SPO\r"
    "PV1|1|I|ICU^ICU-3^1||||1234567890^Vandersnoot^Ottoline^^^Dr||||||||||||V7700011122|||||||||||||||||||||||||20260112080000\r"
    "ZMD|free text about Zebulon Quillfeather\r"
)
ORU = (
    "MSH|^~\\&|LAB|MERCY|EHR|X|20260113101000||ORU^R01|CTL-2|T|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||70707071^^^HOSP^MR||Quillfeather^Zebulon\r"
    "OBR|1|ORD1|ACC900000001|2524-7^Lactate^LN|||20260113100000|||||||||1234567890^Vandersnoot^Ottoline||||||20260113100500\r"
    "OBX|1|NM|2524-7^Lactate^LN||3.70|mmol/L|0.5-2.2|H|||F|||20260113100000\r"
    "OBX|2|TX|NOTE^Comment^L||Called to Dr. Vandersnoot about Mr. Quillfeather, 212-555-0147||||||F\r"
    "NTE|1||Zebulon was told\r"
)
A40 = (
    "MSH|^~\\&|EHR|MERCY|LAKE|X|20260114100500||ADT^A40|CTL-3|T|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||70707071^^^HOSP^MR||Quillfeather^Zebulon\rMRG|70707072^^^HOSP^MR\r"
)
LABS = (
    "mrn,encounter,patient_name,collected,birth_date,zip,phone,loinc,value,comment,secret\n"
    '70707072,V7700011122,"Quillfeather, Zebulon",2026-01-13 10:00:00,1932-05-17,10301,212-555-0147,'
    '2524-7,3.70,"Told Zebulon, MRN 70707071",x\n'
)


def dicom_bytes(**changes: Any) -> bytes:
    """A CT header with a few pixels."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"
    one.StudyInstanceUID, one.SeriesInstanceUID, one.Modality, one.BurnedInAnnotation = "1.2.3.4", "1.2.3.4.6", "CT", "NO"
    one.PatientID, one.PatientName, one.PatientBirthDate, one.PatientSex, one.PatientAge = (
        "70707071",
        "Quillfeather^Zebulon",
        "19320517",
        "M",
        "093Y",
    )
    one.StudyDate, one.StudyTime, one.AccessionNumber, one.AdmissionID = "20260113", "101500", "ACC900000001", "V7700011122"
    one.ReferringPhysicianName, one.PatientTelephoneNumbers, one.PatientComments = "Vandersnoot^Ottoline", "212-555-0147", "Zebulon"
    one.add_new(0x00091001, "LO", "Quillfeather")
    one.ConvolutionKernel = "B30 Quillfeather"  # as much as SH holds
    nested = Dataset()
    nested.PatientName, nested.PatientID = "Quillfeather^Zebulon", "70707071"
    one.AnatomicRegionSequence = [nested]
    one.Rows = one.Columns = 2
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 16, 12, 11, 0, 1
    one.PhotometricInterpretation, one.PixelData = "MONOCHROME2", b"\1\0\2\0\3\0\4\0"
    for name, value in changes.items():
        setattr(one, name, value)
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID, one.file_meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, one.SOPInstanceUID
    one.file_meta.MediaStorageSOPClassUID, one.file_meta.SourceApplicationEntityTitle = one.SOPClassUID, "MERCYCT"
    buffer = BytesIO()
    one.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def note_text(number: str = "70707071") -> bytes:
    head = f"Patient-ID: {number}\nEncounter-ID: V7700011122\nDate: 2026-01-13 12:00:00\n"
    head += "Type: 34117-2 History and physical note\nAuthor: Ottoline Vandersnoot, MD\n"
    return (head + "Title: History of Zebulon Quillfeather\n\n" + NOTE_BODY).encode()


class Hospital:
    """Raw files on disk, a keyring, and the two passes."""

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, list[RawFile]()
        self.keyring = Keyring.create(root / "k.keyring", seed=b"canary", made=True)

    def put(self, kind: Format, name: str, data: bytes, *, source: str | None = None) -> RawFile:
        path = self.root / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        file = RawFile(source or kind, kind, path, name, alias(name, self.keyring))
        self.files = [one for one in self.files if one.path != path] + [file]
        return file

    def survey(self, **extra: Any) -> SurveyResult:
        zones = {file.source: ZONE for file in self.files}
        return survey(
            sorted(self.files, key=lambda one: (one.source, one.relative)),
            self.keyring,
            mappings={"tables": MAPPING},
            timezones=zones,
            **extra,
        )

    def transform(self, file: RawFile, name: str = "expert-determination", timezone: str | None = ZONE) -> Transformed:
        return transform(
            file, policy=policy(name), keyring=self.keyring, mapping=MAPPING if file.format == "tables" else None, timezone=timezone
        )

    def safe(self, file: RawFile, name: str = "expert-determination") -> bytes:
        done = self.transform(file, name)
        assert done.data is not None, done.tally
        return done.data


@pytest.fixture
def empty(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path)


@pytest.fixture
def hospital(empty: Hospital) -> Hospital:
    """Every format, surveyed."""
    empty.put("fhir", "all.ndjson", b"".join(json.dumps(one).encode() + b"\n" for one in resources()))
    empty.put("hl7v2", "adt.hl7", (ADT + "\r" + ORU + "\r" + A40).encode())
    empty.put("tables", "labs.csv", LABS.encode())
    empty.put("dicom", "70707071/ct.dcm", dicom_bytes())
    empty.put("notes", "70707071_20260113.txt", note_text())
    empty.survey()
    return empty


@pytest.fixture
def by_format(hospital: Hospital) -> Callable[[Format], RawFile]:
    return lambda kind: next(file for file in hospital.files if file.format == kind)
