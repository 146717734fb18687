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


def leaks(folder: Path) -> list[str]:
    """Files under a folder whose name, bytes or base64 text hold the canary."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        told = data + path.name.encode() + b"".join(_decoded(data)) + _parquet_text(path)
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
    Keyring.create(tmp_path / "study.keyring", made=True)
    bedside.main(["deidentify", str(study)], prog_name="bedside", standalone_mode=False)
    assert leaks(study / "safe") == []
    for kept in tmp_path.glob("study.keyring*"):
        assert not any(word.encode() in kept.read_bytes() for word in SHOWN)
