"""Every class of identifier that the rules name, planted in every format: what comes out is what `bedside policy` says.

The classes are those of 45 CFR 164.514(b)(2)(i)(A)-(R), with (e)(2)(i)-(xvi) among them. A class has a place in a format only where that format
has one: what is no field of its own (a licence plate in a DICOM header) is planted in the free text of that format.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import Policy, policy
from bedside.deidentify.policy_told import CLASSES, FORMATS, told
from bedside.deidentify.survey import survey
from bedside.deidentify.transform import transform
from bedside.formats.files import RawFile

OURS = 'base = "safe-harbor"\nname = "ours"\nnames = "surrogate"\n[text]\nreplace = "surrogates"\n'
POLICIES = ("safe-harbor", "limited-data-set", "expert-determination", "ours")
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR full face of Quillfeather \xff").decode()
VOICE = base64.b64encode(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0 voice of Quillfeather \xff\x80\x7f").decode()


# Class, then what is written for it in each format. Dates and ages are checked by their own rules below.
VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    "names": {"fhir": ("Quillfeather", "Zebulon", "Vandersnoot"), "hl7v2": ("Quillfeather", "Zebulon", "Vandersnoot", "Maudlin"), "tables": ("Quillfeather", "Zebulon"),
              "dicom": ("Quillfeather", "Zebulon", "Vandersnoot"), "text": ("Quillfeather", "Zebulon", "Vandersnoot")},
    "street": dict.fromkeys(FORMATS, ("14 Kestrel Mews",)),
    "city": dict.fromkeys(FORMATS, ("Fernhollow",)),
    "zip": dict.fromkeys(FORMATS, ("10314",)),
    "dates": {"fhir": ("2026-01-13",), "hl7v2": ("20260113",), "tables": ("2026-01-13",), "dicom": ("20260113",), "text": ("01/13/2026",)},
    "births": {"fhir": ("1932-05-17",), "hl7v2": ("19320517",), "tables": ("1932-05-17",), "dicom": ("19320517",), "text": ("05/17/1932",)},
    "ages": {"fhir": ("93-year-old",), "hl7v2": ("93-year-old",), "tables": ("93-year-old",), "dicom": ("093Y",), "text": ("93-year-old",)},
    "phones": dict.fromkeys(FORMATS, ("212-555-0147",)),
    "faxes": dict.fromkeys(FORMATS, ("212-555-0188",)),
    "mail": dict.fromkeys(FORMATS, ("zeb@quill.example",)),
    "ssn": dict.fromkeys(FORMATS, ("512-04-4321",)),
    "records": dict.fromkeys(FORMATS, ("70707071",)),
    "plans": dict.fromkeys(FORMATS, ("HPB8833221",)),
    "accounts": dict.fromkeys(FORMATS, ("ACCT5566778",)),
    "licences": dict.fromkeys(FORMATS, ("DL44556677",)),
    "vehicles": dict.fromkeys(FORMATS, ("1HGCM82633A004352",)),
    "devices": dict.fromkeys(FORMATS, ("SN9988776X",)),
    "urls": dict.fromkeys(FORMATS, ("https://quill.example/zeb",)),
    "ips": dict.fromkeys(FORMATS, ("203.0.113.77",)),
    "biometrics": {"fhir": (VOICE[:24],), "hl7v2": (VOICE[:24],)},
    "photos": {"fhir": (PICTURE[:24],), "hl7v2": (PICTURE[:24],)},
    "codes": {"fhir": ("V7700011122",), "hl7v2": ("V7700011122", "ORD33445566"), "tables": ("V7700011122",), "dicom": ("ACC900000001", "1.2.840.99.7.5"), "text": ("V7700011122",)},
}  # fmt: skip
SENTENCE = (
    "Mr. Zebulon Quillfeather is a 93-year-old man (DOB: 05/17/1932) of 14 Kestrel Mews, Fernhollow, NY 10314, seen on 01/13/2026 by Dr. Ottoline Vandersnoot. "
    "MRN: 70707071, SSN: 512-04-4321, health plan ID: HPB8833221, account number: ACCT5566778, driver's license no. DL44556677, VIN: 1HGCM82633A004352, "
    "pacemaker serial number SN9988776X, visit number V7700011122. Phone: 212-555-0147, fax: 212-555-0188, e-mail zeb@quill.example, "
    "https://quill.example/zeb, from IP 203.0.113.77. Lisinopril 10 mg daily."
)


def fhir() -> bytes:
    about, when = {"reference": "Patient/pat-1"}, "2026-01-13T10:00:00-05:00"
    patient = {
        "resourceType": "Patient", "id": "pat-1", "birthDate": "1932-05-17", "name": [{"family": "Quillfeather", "given": ["Zebulon"]}],
        "identifier": [{"type": {"coding": [{"code": code}]}, "system": f"http://h.example/{code}", "value": value} for code, value in (
            ("MR", "70707071"), ("SS", "512-04-4321"), ("MB", "HPB8833221"), ("AN", "ACCT5566778"), ("DL", "DL44556677"), ("VIN", "1HGCM82633A004352"))],
        "telecom": [{"system": "phone", "value": "212-555-0147"}, {"system": "fax", "value": "212-555-0188"}, {"system": "email", "value": "zeb@quill.example"},
                    {"system": "url", "value": "https://quill.example/zeb"}],
        "address": [{"line": ["14 Kestrel Mews"], "city": "Fernhollow", "state": "NY", "postalCode": "10314"}], "photo": [{"contentType": "image/png", "data": PICTURE}],
    }  # fmt: skip
    rest = [
        {"resourceType": "Encounter", "id": "V7700011122", "status": "finished", "class": {"code": "IMP"}, "subject": about, "identifier": [{"value": "V7700011122"}],
         "period": {"start": when}},
        {"resourceType": "Device", "id": "dev", "patient": about, "serialNumber": "SN9988776X", "udiCarrier": [{"carrierHRF": "(01)0123(21)SN9988776X"}]},
        {"resourceType": "Media", "id": "m", "status": "completed", "subject": about, "content": {"contentType": "audio/wav", "data": VOICE}},
        {"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Vandersnoot", "given": ["Ottoline"]}]},
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Heart rate"}, "subject": about, "effectiveDateTime": when,
         "valueQuantity": {"value": 88}, "note": [{"text": SENTENCE}]},
    ]  # fmt: skip
    return b"".join(json.dumps(one).encode() + b"\n" for one in (patient, *rest))


def hl7v2() -> bytes:
    return "\r".join([
        "MSH|^~\\&|EHR|MERCY|LAKE|X|20260113100500||ORU^R01|CTL-1|T|2.5.1||||||UNICODE UTF-8",
        "PID|1||70707071^^^HOSP^MR~512-04-4321^^^SSA^SS~HPB8833221^^^PLAN^MB||Quillfeather^Zebulon||19320517|M|||14 Kestrel Mews^^Fernhollow^NY^10314||"
        "212-555-0147^PRN^PH~212-555-0188^PRN^FX~^NET^Internet^zeb@quill.example|||||ACCT5566778|512-04-4321|DL44556677^NY",
        "NK1|1|Quillfeather^Maudlin|SPO",
        "PV1|1|I|ICU^3^1||||1234567890^Vandersnoot^Ottoline||||||||||||V7700011122",
        "IN1|1|HPB8833221|PL|||||||||||||||||||||||||||||||||HPB8833221",
        "OBR|1|ORD33445566||2524-7^Lactate^LN|||20260113100000",
        "OBX|1|NM|2524-7^Lactate^LN||3.70|mmol/L|||||F|||20260113100000||||SN9988776X",
        f"OBX|2|ED|PHOTO^Photo^L||^image^png^Base64^{PICTURE}||||||F",
        f"OBX|3|ED|VOICE^Voice print^L||^audio^wav^Base64^{VOICE}||||||F",
        f"NTE|1||{SENTENCE}",
    ]).encode() + b"\r"  # fmt: skip


ROLES = {"mrn": "subject", "visit": "encounter", "name": "name", "street": "address", "town": "city", "zip": "zip", "seen": "datetime", "born": "birth_date", "phone": "phone",
         "fax": "phone", "mail": "email", "ssn": "ssn", "plan": "plan", "account": "identifier", "licence": "identifier", "vin": "identifier", "device": "identifier", "url": "url", "ip": "ip",
         "value": "keep", "comment": "text"}  # fmt: skip
MAPPING: dict[str, Any] = {"schema": "bedside.mapping/1", "name": "m", "tables": {"t": {"files": ["t.csv"], "subject": "mrn", "encounter": "visit", "roles": ROLES, "events": []}}}


def tables() -> bytes:
    row = ["70707071", "V7700011122", "Quillfeather Zebulon", "14 Kestrel Mews", "Fernhollow", "10314", "2026-01-13 10:00:00", "1932-05-17", "212-555-0147", "212-555-0188",
           "zeb@quill.example", "512-04-4321", "HPB8833221", "ACCT5566778", "DL44556677", "1HGCM82633A004352", "SN9988776X", "https://quill.example/zeb", "203.0.113.77", "88",
           '"' + SENTENCE + '"']  # fmt: skip
    return (",".join(ROLES) + "\n" + ",".join(row) + "\n").encode()


def dicom() -> bytes:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID, one.StudyInstanceUID, one.SeriesInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.99.7.5", "1.2.840.99.7", "1.2.840.99.7.4"
    one.PatientName, one.PatientID, one.PatientBirthDate, one.PatientAge, one.PatientSex = "Quillfeather^Zebulon", "70707071", "19320517", "093Y", "M"
    one.StudyDate, one.StudyTime, one.AccessionNumber, one.Modality, one.BurnedInAnnotation = "20260113", "101500", "ACC900000001", "CT", "NO"
    one.ReferringPhysicianName, one.PatientTelephoneNumbers, one.PatientAddress = "Vandersnoot^Ottoline", "212-555-0147", "14 Kestrel Mews, Fernhollow, NY 10314"
    one.OtherPatientIDs, one.DeviceSerialNumber, one.PatientComments, one.StudyDescription = ["512-04-4321", "HPB8833221"], "SN9988776X", SENTENCE, "CT of ACCT5566778"
    one.ImageComments = SENTENCE
    one.Rows = one.Columns = 2
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 16, 12, 11, 0, 1
    one.PhotometricInterpretation, one.PixelData = "MONOCHROME2", b"\1\0\2\0\3\0\4\0"
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID, one.file_meta.MediaStorageSOPInstanceUID, one.file_meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, one.SOPInstanceUID, one.SOPClassUID
    buffer = BytesIO()
    one.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def text() -> bytes:
    return f"Patient-ID: 70707071\nEncounter-ID: V7700011122\nDate: 2026-01-13 12:00:00\nType: 34117-2 History and physical note\n\n{SENTENCE}\n".encode()


FILES = {"fhir": ("fhir", "all.ndjson", fhir), "hl7v2": ("hl7v2", "a.hl7", hl7v2), "tables": ("tables", "t.csv", tables), "dicom": ("dicom", "a.dcm", dicom), "text": ("notes", "a.txt", text)}


def rules_of(name: str) -> Policy:
    """A shipped policy, or a site's own: safe harbor with surrogates."""
    if name != "ours":
        return policy(name)
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "ours.toml").write_text(OURS)
        return policy(str(Path(place) / "ours.toml"))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """What each policy makes of each format, as text."""
    top: Path = tmp_path_factory.mktemp("classes")
    ring, files = Keyring.create(top / "k", seed=b"classes", made=True), {}
    for format, (kind, name, make) in FILES.items():
        (top / name).write_bytes(make())
        files[format] = RawFile(kind, kind, top / name, name, name)  # type: ignore[arg-type]
    survey(list(files.values()), ring, mappings={"tables": MAPPING}, timezones=dict.fromkeys(("fhir", "hl7v2", "tables", "dicom", "notes"), "America/New_York"))
    found = {}
    for called in POLICIES:
        for format, file in files.items():
            done = transform(file, policy=rules_of(called), keyring=ring, mapping=MAPPING if format == "tables" else None, timezone="America/New_York")
            assert done.data is not None, (called, format, done.tally)
            assert not done.rejects, (called, format, done.rejects)
            found[called, format] = done.data.decode("latin-1")
    return found


def test_what_is_planted_is_in_the_raw_files_to_begin_with():
    for format, (_, _, make) in FILES.items():
        raw = make().decode("latin-1")
        for id, by_format in VALUES.items():
            assert all(value in raw for value in by_format.get(format, ())), (id, format)


def test_every_class_is_planted():
    assert set(VALUES) == {row[0] for row in CLASSES}


def missing(fate: str, format: str, out: str, values: tuple[str, ...]) -> str | None:
    """Why an output is not what the fate of a class says; None when it is."""
    there = [value for value in values if value in out]
    if fate == "kept":
        return None if len(there) == len(values) else f"{len(values) - len(there)} of {len(values)} are gone"
    if there:
        return f"{len(there)} of {len(values)} stand"
    shown = {"generalised": "103", "pseudonym": r"(?:P|N)[0-9A-Z]{12}|2\.25\.\d+", "capped": "90-year-old|090Y", "year": r"(?:19|20)\d\d", "moved": r"20\d\d", "relative": r"20\d\d"}
    if fate in shown and format != "text" and not re.search(shown[fate], out):
        return f"nothing of it is left, where the policy says {fate}"
    return None


CELLS = [(name, id, format) for name in POLICIES for id in VALUES for format in FORMATS if format in VALUES[id]]


@pytest.mark.parametrize(("name", "id", "format"), CELLS, ids=["-".join(cell) for cell in CELLS])
def test_a_class_becomes_in_a_format_what_the_policy_says(outputs, name, id, format):
    row = next(row for row in told(rules_of(name)) if row.id == id)
    assert missing(row.fates[format], format, outputs[name, format], VALUES[id][format]) is None


def test_what_is_no_identifier_stands_in_every_format(outputs):
    for (name, format), out in outputs.items():
        assert "88" in out or "3.70" in out or format in ("dicom", "text"), (name, format)
        assert "Lisinopril 10 mg daily" in out or format == "dicom", (name, format)
