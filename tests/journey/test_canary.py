"""A canary patient is planted in every raw format: it must appear nowhere after `deidentify`."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from pathlib import Path

import pydicom
import pytest

from bedside.cli.group import bedside
from bedside.deidentify.keyring import Keyring
from bedside.demo.hospital import write

pytestmark = pytest.mark.xdist_group("journey")

FAMILY, GIVEN, MRN, PHONE, BORN = "Quetzalcanary", "Zephyrinda", "77712345678", "(212) 555-7193", "1951-03-17"
SHOWN = (
    "Quetzalcanary",
    "QUETZALCANARY",
    "quetzalcanary",
    "Zephyrinda",
    "ZEPHYRINDA",
    MRN,
    "555-7193",
    "5557193",
    BORN,
    "19510317",
    "03/17/1951",
    "17 March 1951",
    "March 17, 1951",
    "17-Mar-1951",
    "3/17/51",
    "1951/03/17",
    "212.555.7193",
    "2125557193",
    "777-1234-5678",
    "zq@canary.example",
    "Kinquetzal",
    "Docquetzal",
    "4 Canary Wharf Lane",
    "17-Mar-51",
    "17.03.51",
    "51-03-17",
    "17 Mar 51",
    "DOB 031751",
    "Ångquertz",
    "Angquertz",
    "ANGQUERTZ",
    "Contactzal",
    " 555731",
    "07911-555-731",
    "07911.555.731",
)
LETTER = (
    f"{FAMILY}, {GIVEN} ({FAMILY.upper()}, Z.) was born on 17 March 1951, March 17, 1951, 17-Mar-1951, 3/17/51, 1951/03/17 or 19510317.\n"
    f"MRN 777-1234-5678, phone 212.555.7193 or +1 212 555 7193, mail zq@canary.example, of 4 Canary Wharf Lane. Mrs. {FAMILY} has angina.\n"
    f"Known as Angquertz (ANGQUERTZ), 17-Mar-51, 17.03.51, 51-03-17, 17 Mar 51, DOB 031751; Contactzal has 07911 555731, 07911-555-731 or 07911.555.731.\n"
)


def plant(raw: Path) -> None:
    """Give the first admitted patient the canary's name, number, birth date and phone in all five formats, and a line that breaks."""
    patients = raw / "fhir" / "Patient.ndjson"
    lines = patients.read_text().splitlines()
    first = json.loads(lines[0])
    old_ids = [i["value"] for i in first["identifier"]]
    first["name"] = [{"family": FAMILY, "given": [GIVEN]}]
    first["identifier"][0]["value"], first["birthDate"] = MRN, BORN
    first["telecom"] = [{"system": "phone", "value": PHONE}]
    broken = json.dumps(first)[: len(json.dumps(first)) // 2]
    patients.write_text("\n".join([json.dumps(first), *lines[1:], broken]) + "\n")
    note = f"Patient-ID: {MRN}\nDate: 2025-09-01T10:00:00\nType: 11506-3\n\n{GIVEN} {FAMILY}, born 03/17/1951, MRN {MRN}, called from {PHONE}.\n"
    (raw / "notes" / f"{FAMILY}_{MRN}.txt").write_text(note)
    with (raw / "hl7v2" / "adt.hl7").open("a") as stream:
        stream.write(
            f"\rMSH|^~\\&|EPIC|H|R|F|20250901100000||ADT^A08|canary1|T|2.5.1\rPID|1||{MRN}^^^H^MR||{FAMILY}^{GIVEN}||19510317|F|||||{PHONE}\r"
        )
        stream.write(
            f"MSH|^~\\&|EPIC|H|R|F|not a time||ADT^A08|canary2|T|2.5.1\rPID|1||{MRN}^^^H^MR||{FAMILY}^{GIVEN}||17 March 1951|F\r"
        )
    labs = raw / "tables" / "labs.csv"
    text = labs.read_text()
    for old in old_ids[:1]:
        text = text.replace(old, MRN)
    labs.write_text(text)
    image = pydicom.dcmread(next(iter(sorted((raw / "dicom").rglob("*.dcm")))))
    image.PatientName, image.PatientID, image.PatientBirthDate = f"{FAMILY}^{GIVEN}", MRN, "19510317"
    image.PatientComments = f"call {PHONE}"
    image.save_as(raw / "dicom" / f"{FAMILY}-{MRN}.dcm")


def plant_in_hostile_places(raw: Path) -> None:
    """The canary where no rule of thumb looks: nested, private, undeclared, encoded, and in the name of a folder."""
    first = json.loads((raw / "fhir" / "Patient.ndjson").read_text().splitlines()[0])
    first["contact"] = [{"name": {"family": "Kinquetzal"}, "telecom": [{"value": PHONE}]},
                        {"name": {"text": "Mrs. Berenike Contactzal"}, "telecom": [{"value": "+44 7911 555731"}]}]  # fmt: skip
    first["name"].append({"use": "nickname", "text": "Ångquertz"})
    first["address"] = [{"line": ["4 Canary Wharf Lane"], "city": "Albany", "state": "NY", "postalCode": "12203"}]
    first["telecom"].append({"system": "email", "value": "zq@canary.example"})
    first["extension"] = [
        {"url": "http://hospital.example/nick", "valueString": GIVEN},
        {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [{"url": "text", "valueString": LETTER}]},
    ]
    first["contained"] = [{"resourceType": "RelatedPerson", "id": "Kinquetzal", "name": [{"text": "Kinquetzal", "family": "Kinquetzal"}]}]
    first["text"] = {"status": "generated", "div": f"<div>{GIVEN} {FAMILY}</div>"}
    about = {"reference": f"Patient/{first['id']}", "display": f"{FAMILY}, {GIVEN}"}
    letters = [(kind, base64.b64encode(LETTER.encode(code)).decode()) for kind, code in (("text/plain", "utf-8"), ("text/plain; charset=latin-1", "latin-1"),
                                                                                       ("application/pdf", "utf-8"))]  # fmt: skip
    resources = [
        {"resourceType": "Observation", "id": f"{FAMILY}-1", "status": "final", "subject": about, "code": {"text": LETTER, "coding": [
            {"system": "http://loinc.org", "code": "8867-4", "display": f"Heart rate of {FAMILY}"}, {"system": "urn:local", "code": MRN, "display": FAMILY}]},
         "effectiveDateTime": "2025-09-01T10:00:00-04:00", "valueString": LETTER, "note": [{"text": LETTER, "authorString": "Docquetzal"}],
         "performer": [{"reference": f"Practitioner/{FAMILY}", "display": "Docquetzal"}], "method": {"text": FAMILY}},
        {"resourceType": "Encounter", "id": f"e-{MRN}", "status": "finished", "class": {"code": "IMP"}, "subject": about,
         "participant": [{"individual": {"display": "Dr. Docquetzal"}}], "period": {"start": "2025-09-01T10:00:00-04:00"}},
        {"resourceType": "DocumentReference", "id": "d", "status": "current", "subject": about, "description": LETTER,
         "content": [{"attachment": {"contentType": kind, "data": data, "title": f"{FAMILY} letter", "url": f"http://x/{MRN}"}} for kind, data in letters]},
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "collection", "identifier": {"value": MRN}, "entry": [
        {"fullUrl": f"http://ehr.example/{FAMILY}/{one['resourceType']}/{one['id']}", "link": [{"url": FAMILY}], "resource": one}
        for one in (first, *resources)]}  # fmt: skip
    (raw / "fhir" / f"{GIVEN} {FAMILY}").mkdir()
    (raw / "fhir" / f"{GIVEN} {FAMILY}" / f"bundle {MRN}.json").write_text(json.dumps(bundle))
    escaped = LETTER.replace("\n", "\\.br\\")
    (raw / "hl7v2" / f"{FAMILY}.hl7").write_text("\r".join((
        f"MSH|^~\\&|{FAMILY}|{GIVEN}|R|F|20250901100000|{MRN}|ORU^R01|{MRN}-1|T|2.5.1",
        f"PID|1|{MRN}|{MRN}^^^H^MR~999-88-7777^^^SSA^SS|{MRN}|{FAMILY}^{GIVEN}|Kinquetzal|19510317|F|{FAMILY}||4 Canary Wharf Lane^^Albany^NY^12203||{PHONE}",
        f"NK1|1|Kinquetzal^Kin|SPO|4 Canary Wharf Lane|{PHONE}",
        f"PV1|1|I|ICU^{FAMILY}^1|||||11^Docquetzal^Doc|12^Docquetzal^Doc|||||||||{MRN}",
        f"ORC|RE|{MRN}^{FAMILY}|{MRN}|||||||Docquetzal^D|Docquetzal^D|13^Docquetzal^Doc||{PHONE}",
        f"OBR|1|{MRN}^{FAMILY}|{MRN}|8867-4^{FAMILY}^L|||20250901100000||||||{LETTER.splitlines()[0]}|||14^Docquetzal^Doc|{PHONE}",
        f"NTE|1|{FAMILY}|{escaped}|{FAMILY}",
        f"OBX|1|TX|1^{FAMILY}^L||{escaped}|{FAMILY}|{FAMILY}|||||||||{FAMILY}|Docquetzal^D",
        f"OBX|2|FT|8867-4^Rate of {FAMILY}^LN||{escaped}||||||F",
        f"OBX|3|XX|8867-4^Heart rate^LN||{FAMILY}||||||F",
        f"OBX|4|ED|8867-4^Heart rate^LN||^TEXT^^Base64^{letters[0][1]}||||||F",
        f"ZPD|{FAMILY}|{MRN}|{BORN}")) + "\r")  # fmt: skip
    labs = (raw / "tables" / "labs.csv").read_text().splitlines()
    labs = [line.replace(",Sodium,", f",Sodium {FAMILY},") if line.startswith(MRN) else line for line in labs]
    added = [line + (",remark" if at == 0 else f",{FAMILY} {MRN} zq@canary.example") for at, line in enumerate(labs)]
    (raw / "tables" / "labs.csv").write_text("\n".join(added) + "\n")
    (raw / "notes" / f"{GIVEN}_{FAMILY}").mkdir()
    (raw / "notes" / f"{GIVEN}_{FAMILY}" / "19510317.txt").write_text(
        f"Patient-ID: {MRN}\nAuthor: Docquetzal, MD\nTitle: letter of {FAMILY}\nRemark: {FAMILY}\nDate: 2025-09-01T10:00:00\n\n{LETTER}"
    )
    image = pydicom.dcmread(raw / "dicom" / f"{FAMILY}-{MRN}.dcm")
    inner = pydicom.Dataset()
    inner.PatientName, inner.PatientComments, inner.CodeMeaning = f"{FAMILY}^{GIVEN}", LETTER, FAMILY
    deeper = pydicom.Dataset()
    deeper.OtherPatientNames, deeper.ReferringPhysicianName, deeper.TextValue = FAMILY, "Docquetzal", LETTER
    inner.ConceptCodeSequence = [deeper]
    image.AnatomicRegionSequence, image.RequestAttributesSequence = [inner], [inner]
    image.add_new(0x00091001, "LO", FAMILY)
    image.add_new(0x60004000, "LT", LETTER)
    image.add_new(0x60000022, "LO", FAMILY)
    image.add_new(0x00204000, "LT", LETTER)
    image.ProtocolName, image.BodyPartExamined, image.StationName = f"{FAMILY} chest", FAMILY.upper()[:16], "Docquetzal"
    image.ImageType = ["ORIGINAL", "PRIMARY", FAMILY.upper()]
    image.file_meta.SendingApplicationEntityTitle = FAMILY
    image.preamble = f"{FAMILY} {MRN}".encode().ljust(128, b"\0")
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{MRN}"
    image.save_as(raw / "dicom" / f"{FAMILY}-{MRN}-2.dcm")


def leaks(folder: Path) -> list[str]:
    """Files under a folder whose name, bytes or base64 text hold the canary."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        told = data + path.relative_to(folder).as_posix().encode() + b"".join(_decoded(data)) + _parquet_text(path)
        found += [f"{path.relative_to(folder)}: {word}" for word in SHOWN if word.encode() in told]
    return found


def _decoded(data: bytes) -> list[bytes]:
    found = []
    for part in data.split(b'"data":"')[1:]:
        with contextlib.suppress(ValueError):
            found.append(base64.b64decode(part.split(b'"', 1)[0]))
    return found


def _parquet_text(path: Path) -> bytes:
    import polars as pl

    return pl.read_parquet(path).select(pl.col(pl.String)).write_csv().encode() if path.suffix == ".parquet" else b""


def test_the_canary_is_nowhere_after_deidentify(tmp_path):
    study = tmp_path / "study"
    write(study, patients=40, seed=5)
    plant(study / "raw")
    plant_in_hostile_places(study / "raw")
    Keyring.create(tmp_path / "study.keyring", made=True)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        for verb in (["run"], ["check"], ["verify"], ["explain", "--list"], ["doctor"]):
            with contextlib.suppress(SystemExit):
                bedside.main([*verb, str(study)], prog_name="bedside", standalone_mode=False)
    (study / "said.txt").write_text(said.getvalue())
    assert (study / "reports" / "test.html").exists(), said.getvalue()[-2000:]
    inside = [leak for leak in leaks(study) if not leak.startswith("raw/")]
    assert inside == []
    assert any(leak.startswith("raw/") for leak in leaks(study)), "the canary was not planted"


def test_the_canary_is_encrypted_in_the_patient_map(tmp_path):
    study = tmp_path / "study"
    write(study, patients=24, seed=5)
    plant(study / "raw")
    plant_in_hostile_places(study / "raw")
    Keyring.create(tmp_path / "study.keyring", made=True)
    bedside.main(["deidentify", str(study)], prog_name="bedside", standalone_mode=False)
    assert leaks(study / "safe") == []
    for kept in tmp_path.glob("study.keyring*"):
        assert not any(word.encode() in kept.read_bytes() for word in SHOWN)
