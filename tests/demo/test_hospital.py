"""The made hospital: the same patients in five formats, marked as made, the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from tests.demo.made_hospital import Hospital

from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.demo.hospital import FORMATS, write
from bedside.formats import hl7v2

MEGABYTE = 1_000_000


def digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def lines(hospital: Hospital, kind: str) -> Iterator[dict]:
    for line in (hospital.folder / "raw" / "fhir" / f"{kind}.ndjson").read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def messages(hospital: Hospital, kind: str) -> Iterator[hl7v2.Message]:
    for piece in hl7v2.pieces((hospital.folder / "raw" / "hl7v2" / f"{kind}.hl7").read_bytes()):
        try:
            yield hl7v2.Message.parse(piece.raw, where=piece.place)
        except Malformed:  # broken on purpose; `test_broken.py` counts them
            continue


def rows(hospital: Hospital, name: str) -> list[dict[str, str]]:
    with (hospital.folder / "raw" / "tables" / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["made"]]


def mrns(patient: dict) -> dict[str, str]:
    return {number["system"]: number["value"] for number in patient["identifier"]}


def test_the_same_seed_gives_the_same_bytes(small: Hospital, tmp_path: Path) -> None:
    write(tmp_path, patients=20)
    assert digests(tmp_path) == digests(small.folder)


def test_another_seed_gives_other_people(small: Hospital, tmp_path: Path) -> None:
    write(tmp_path, patients=20, seed=2)
    names = [{patient["name"][0]["family"] + patient["birthDate"] for patient in lines(Hospital(folder, small.made), "Patient")}
             for folder in (small.folder, tmp_path)]  # fmt: skip
    assert not names[0] & names[1]


def test_a_smaller_hospital_is_a_part_of_the_whole(small: Hospital, whole: Hospital) -> None:
    known = {patient["id"]: patient for patient in lines(whole, "Patient")}
    assert all(known[patient["id"]] == patient for patient in lines(small, "Patient"))


def test_every_file_says_that_it_is_made(whole: Hospital) -> None:
    silent = [path.name for path in (whole.folder / "raw").rglob("*") if path.is_file()
              and b"made" not in path.read_bytes().lower() and b"HTEST" not in path.read_bytes()]  # fmt: skip
    assert not silent
    assert "\nmade = true\n" in (whole.folder / "study.toml").read_text()


def test_every_resource_message_and_row_says_that_it_is_made(small: Hospital) -> None:
    for path in (small.folder / "raw" / "fhir").iterdir():
        assert all(resource["meta"]["tag"][0]["code"] == "HTEST" for resource in lines(small, path.stem))
    for kind in ("adt", "oru", "rde"):
        assert {(m.get("MSH-11"), m.get("ZMD-1")) for m in messages(small, kind)} == {("T", "made data, no real person")}
    for name in ("labs", "pharmacy", "claims"):
        assert {row["made"] for row in rows(small, name)} <= {"made data"}


def test_the_same_patients_stand_in_all_five_formats(whole: Hospital) -> None:
    hospital, clinic = "http://hospital.made.example/mrn", "http://clinic.made.example/mrn"
    people = [mrns(patient) for patient in lines(whole, "Patient")]
    known = {numbers[hospital] for numbers in people}
    seen = {message.get("PID-3.1") for kind in ("adt", "oru", "rde") for message in messages(whole, kind)}
    noted = {path.name.split("_")[0] for path in (whole.folder / "raw" / "notes").glob("*_*.txt")}
    pictured = {path.parent.name for path in (whole.folder / "raw" / "dicom").glob("*/*.dcm")}
    claimed = {row["mrn"] for row in rows(whole, "claims")}
    assert seen <= known | {None}
    assert noted == claimed == {numbers[hospital] for numbers in people if len(numbers) > 1}
    assert len(noted) == whole.made.patients
    assert pictured <= known | {numbers[clinic] for numbers in people if clinic in numbers}


def test_one_result_is_the_same_in_fhir_message_and_table(small: Hospital) -> None:
    told = {(o["identifier"][0]["value"], o["code"]["coding"][0]["code"], float(o["valueQuantity"]["value"]),
             _wall(o["effectiveDateTime"]), _wall(o["issued"]))
            for o in lines(small, "Observation") if o["id"].startswith("lab-")}  # fmt: skip
    sent = {(m.get("OBR-3.1"), x.get("OBX-3.1"), float(x.get("OBX-5") or "nan"), m.get("OBR-7"), m.get("OBR-22"))
            for m in messages(small, "oru") for x in m.all("OBX")}  # fmt: skip
    listed = {(r["accession"], r["loinc"], float(r["value"]), _wall(r["collected"]), _wall(r["resulted"]))
              for r in rows(small, "labs") if r["unit"] != "drops/bucket" and "02-31" not in r["collected"]}  # fmt: skip
    assert told == sent == listed


def test_admission_transfer_and_end_agree_between_fhir_and_adt(whole: Hospital) -> None:
    told = {(e["id"], "start", _wall(e["period"]["start"])) for e in lines(whole, "Encounter") if e["class"]["code"] == "IMP"}
    told |= {(e["id"], "end", _wall(e["period"]["end"])) for e in lines(whole, "Encounter") if e["class"]["code"] == "IMP"}
    told |= {(e["id"], place["location"]["display"], _wall(place["period"]["start"]))
             for e in lines(whole, "Encounter") for place in e.get("location", [])[1:]}  # fmt: skip
    what = {"A01": ("start", "PV1-44"), "A03": ("end", "PV1-45"), "A02": (None, "EVN-6")}
    sent = set()
    for message in messages(whole, "adt"):
        word, path = what.get(message.get("MSH-9.2") or "", ("", ""))
        if path and message.segment("PV1"):
            sent.add((message.get("PV1-19"), word or message.get("PV1-3.1"), message.get(path)))
    assert told == sent


def test_a_wall_clock_without_offset_is_never_ambiguous(whole: Hospital) -> None:
    """2025-11-02 01:00 to 01:59 in New York comes twice: what has no offset must mean the first one."""
    times = [observation["effectiveDateTime"] for observation in lines(whole, "Observation")]
    assert not [time for time in times if time.startswith("2025-11-02T01") and time.endswith("-05:00")]
    assert {time[-6:] for time in times} == {"-04:00", "-05:00"}


def test_results_are_known_after_they_are_true(small: Hospital) -> None:
    for observation in lines(small, "Observation"):
        delay = _minutes(observation["issued"]) - _minutes(observation["effectiveDateTime"])
        assert (30 <= delay <= 180) if observation["id"].startswith("lab-") else (2 <= delay <= 10)


def test_deteriorations_are_neither_rare_nor_common(whole: Hospital) -> None:
    assert 0.12 <= whole.made.deteriorated / whole.made.patients <= 0.30
    intensive = {e["subject"]["reference"] for e in lines(whole, "Encounter") for place in e.get("location", [])
                 if place["location"]["display"] == "ICU"}  # fmt: skip
    dead = {f"Patient/{p['id']}" for p in lines(whole, "Patient") if "deceasedDateTime" in p}
    assert len(intensive | dead) == whole.made.deteriorated
    assert len(dead) == whole.made.deaths


def test_nothing_happens_to_the_dead(whole: Hospital) -> None:
    died = {f"Patient/{p['id']}": _minutes(p["deceasedDateTime"]) for p in lines(whole, "Patient") if "deceasedDateTime" in p}
    for kind, when in (("Observation", "effectiveDateTime"), ("MedicationAdministration", "effectiveDateTime")):
        theirs = ((r["subject"]["reference"], r[when]) for r in lines(whole, kind) if r["subject"]["reference"] in died)
        assert not [who for who, time in theirs if _minutes(time) > died[who]]


def test_some_are_over_89_some_have_two_numbers_and_some_were_merged(whole: Hospital) -> None:
    people = list(lines(whole, "Patient"))
    assert sum(patient["birthDate"] < "1935" for patient in people) >= 5
    assert sum("http://clinic.made.example/mrn" in mrns(patient) for patient in people) >= 30
    merges = [(m.get("MRG-1.1"), m.get("PID-3.1")) for m in messages(whole, "adt") if m.get("MSH-9.2") == "A40"]
    old = {mrns(p)["http://hospital.made.example/mrn"] for p in people if p.get("active") is False}
    assert 3 <= len(merges) <= 15
    assert {before for before, _ in merges} == old


def test_a_merged_patient_has_messages_under_both_numbers(whole: Hospital) -> None:
    old, new = next((m.get("MRG-1.1"), m.get("PID-3.1")) for m in messages(whole, "adt") if m.get("MSH-9.2") == "A40")
    used = {m.get("PID-3.1") for kind in ("adt", "oru") for m in messages(whole, kind)}
    assert {old, new} <= used


def test_notes_hold_what_a_scrubber_must_find(whole: Hospital) -> None:
    for patient in list(lines(whole, "Patient"))[:40]:
        if patient.get("active") is False:
            continue
        text = "".join(p.read_text() for p in (whole.folder / "raw" / "notes").glob(f"{patient['identifier'][0]['value']}_*.txt"))
        name, phone = patient["name"][0], patient["telecom"][0]["value"]
        assert all(word in text for word in (name["family"], name["given"][0], phone, patient["identifier"][0]["value"]))


def test_radiographs_open_and_carry_a_full_header(whole: Hospital) -> None:
    paths = sorted((whole.folder / "raw" / "dicom").glob("*/*.dcm"))
    assert len(paths) == whole.made.images >= 30
    for path in paths[:10]:
        header = pydicom.dcmread(path)
        assert all((header.PatientName, header.PatientBirthDate, header.AccessionNumber, "made" in header.PatientComments))
        assert header.pixel_array.shape == (96, 96)
    assert sum(pydicom.dcmread(path).BurnedInAnnotation == "YES" for path in paths) == whole.made.burnt >= 5


def test_sizes_stay_small(whole: Hospital) -> None:
    import bedside.demo

    package = Path(bedside.demo.__file__).parent
    assert sum(path.stat().st_size for path in (package / "data").iterdir()) < MEGABYTE
    assert sum(path.stat().st_size for path in (whole.folder / "raw" / "fhir").iterdir()) < 80 * MEGABYTE
    assert sorted(path.name for path in (whole.folder / "raw").iterdir()) == sorted(FORMATS)


def test_more_patients_than_are_shipped_are_variations_with_their_own_identities(tmp_path: Path) -> None:
    from bedside.demo.build import person
    from bedside.demo.courses import deal, shipped

    dealt = deal(2 * len(shipped()), 1)
    twins = next([one, other] for one in dealt for other in dealt if one.course == other.course and one.patient < other.patient)
    first, second = (person(one, 1) for one in twins)
    assert {first.who.mrn, first.who.ssn}.isdisjoint({second.who.mrn, second.who.ssn})
    values = [[(r.heart, r.systolic, r.saturation) for stay in one.stays for r in stay.rounds] for one in (first, second)]
    same = sum(a == b for a, b in zip(*values, strict=False))
    assert same < 0.1 * min(map(len, values))


def test_numbers_are_unique_in_a_large_hospital() -> None:
    from bedside.demo.people import number_of

    for kind in ("mrn", "ssn", "visit", "accession", "order"):
        assert len({number_of(index, 3, kind) for index in range(20_000)}) == 20_000


def test_a_hospital_is_not_written_over_another(small: Hospital) -> None:
    with pytest.raises(Refused):
        write(small.folder, patients=1)


def test_a_hospital_has_patients(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        write(tmp_path, patients=0)


def test_one_patient_is_hospital_enough(tmp_path: Path) -> None:
    assert write(tmp_path, patients=1).patients == 1


def _wall(text: str) -> str:
    """FHIR or CSV time as HL7 writes it."""
    return text[:19].replace("-", "").replace(":", "").replace("T", "").replace(" ", "")


def _minutes(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp() / 60
