"""De-identification of any files and folders, without a study: what goes in, what comes out, and what may never."""

from __future__ import annotations

import gzip
import json
import stat

import pytest
from click.testing import CliRunner

from bedside.cli.group import bedside
from bedside.core.errors import Refused
from bedside.study.standalone import Asked, deidentify

PATIENTS = [
    {"subject": "p1", "name": "Xandra Quillfeather", "mrn": "40012345", "phone": "(617) 555-0142", "birth_date": "1951-03-02", "address": "12 Zedwick Lane"},
    {"subject": "p2", "name": "Yorick Vantongeren", "mrn": "40098765"},
]
NOTE = "Xandra Quillfeather (MRN 40012345, call 617-555-0142) of 12 Zedwick Lane was seen on 03/14/2021 with Parkinson disease, BP 120/80."


def _jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    _jsonl(folder / "notes of Quillfeather.jsonl", [{"id": "n1", "text": NOTE, "subject": "p1"}, {"id": "n2", "text": "Twin of Yorick Vantongeren.", "subject": "p1"}, {"id": "n3", "text": "Seen by Dr. Amy Lund."}])
    (folder / "letter.txt").write_text("Dear Dr. Amy Lund,\nyour patient Xandra Quillfeather is well.\n")
    (folder / "a.ndjson").write_text('{"resourceType":"Patient","id":"p1","name":[{"family":"Quillfeather","given":["Xandra"]}],"birthDate":"1951-03-02"}\n{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"718-7"}]},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2021-03-14","valueQuantity":{"value":11.20,"unit":"g/dL"}}\n')
    (folder / "m.hl7").write_bytes(b"MSH|^~\\&|LAB|HOSP|||20210314120000||ORU^R01|77|P|2.5.1\rPID|1||40012345^^^HOSP^MR||Quillfeather^Xandra||19510302|F\rOBX|1|NM|718-7^Hb^LN||11.2|g/dL|||||F\r")
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7 Xandra Quillfeather")
    _jsonl(tmp_path / "known.ndjson", PATIENTS)
    return folder


def _everything(out) -> bytes:
    return b"".join(path.read_bytes() + path.name.encode() for path in sorted(out.rglob("*")) if path.is_file())


def test_a_folder_of_every_format_comes_out_without_anybody_known(raw, tmp_path):
    result = deidentify([raw], tmp_path / "out", tmp_path / "k" / "key", Asked(known=tmp_path / "known.ndjson", spans=tmp_path / "spans.jsonl"))
    data = _everything(tmp_path / "out").lower()
    for told in (b"quillfeather", b"xandra", b"40012345", b"555-0142", b"zedwick", b"vantongeren", b"1951-03-02", b"lund"):
        assert told not in data, told
    assert b"parkinson" in data
    assert b"120/80" in data
    assert b"11.20" in data
    assert result.files == {"fhir": 1, "hl7v2": 1, "notes": 2}
    assert result.records.read == result.records.written + sum(result.records.quarantined.values()) + sum(result.records.ignored.values())
    assert [one.reason for one in result.quarantined] == ["none of the formats: FHIR, HL7 v2, a table, DICOM, a note"]
    assert result.residue["strong"] == 0
    assert result.digest in (tmp_path / "out" / "deidentify.json").read_text()
    for private in (tmp_path / "k" / "key", tmp_path / "k" / "key.map", tmp_path / "spans.jsonl"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_spans_stand_in_the_original_text_under_the_notes_own_names(raw, tmp_path):
    deidentify([raw], tmp_path / "out", tmp_path / "key", Asked(known=tmp_path / "known.ndjson", spans=tmp_path / "spans.jsonl"))
    found = {one["id"]: one["spans"] for one in map(json.loads, (tmp_path / "spans.jsonl").read_text().splitlines())}
    assert set(found) == {"n1", "n2", "n3", "letter.txt"}
    said = {NOTE[start:end]: kind for start, end, kind in found["n1"]}
    assert said["Xandra Quillfeather"] == "NAME"
    assert said["03/14/2021"] == "DATE"
    assert said["617-555-0142"] == "PHONE"


def test_the_same_files_and_key_give_the_same_bytes_however_many_work(raw, tmp_path):
    for number in range(3000):
        one = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/q{number % 50}"},
               "note": [{"text": f"Call Dr. Amy Lund, 617-555-0{number % 1000:03d}"}]}  # fmt: skip
        with (raw / "a.ndjson").open("a") as stream:
            stream.write(json.dumps(one) + "\n")
    deidentify([raw], tmp_path / "one", tmp_path / "key", Asked(workers=1))
    deidentify([raw], tmp_path / "two", tmp_path / "key", Asked(workers=2))
    assert _everything(tmp_path / "one") == _everything(tmp_path / "two")


def test_output_that_would_mix_with_something_is_refused(raw, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_text("")
    with pytest.raises(Refused, match="holds something"):
        deidentify([raw], tmp_path / "out", tmp_path / "key", Asked())
    with pytest.raises(Refused, match="inside the raw files"):
        deidentify([raw], raw / "out", tmp_path / "key", Asked())
    with pytest.raises(Refused, match="beside what it names"):
        deidentify([raw], tmp_path / "new", tmp_path / "new" / "key", Asked())
    with pytest.raises(Refused, match="notes' own names"):
        deidentify([raw], tmp_path / "new", tmp_path / "key", Asked(spans=tmp_path / "new" / "spans"))


def test_bad_files_are_quarantined_with_a_reason_and_the_rest_goes_on(raw, tmp_path):
    (raw / "bad.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\x40\x00broken")
    (raw / "latin.txt").write_bytes("Herr Müller war hier".encode("latin-1"))
    (raw / "deep.json").write_bytes(b'{"resourceType":"Patient","id":"p9","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}")
    (raw / "cut.ndjson.gz").write_bytes(gzip.compress(b'{"resourceType":"Patient","id":"p1"}\n' * 99)[:-9])
    (raw / "empty.txt").write_bytes(b"")
    result = deidentify([raw], tmp_path / "out", tmp_path / "key", Asked())
    reasons = sorted(one.reason for one in result.quarantined)
    assert len(reasons) == 6, reasons
    assert "an empty file" in reasons
    assert "gzip stream is truncated or damaged" in reasons
    assert b"M\xfcller" not in _everything(tmp_path / "out")
    assert result.records.written >= 6


def test_a_record_of_the_whole_memory_is_never_read(raw, tmp_path, monkeypatch):
    from bedside.formats import chunks

    monkeypatch.setattr(chunks.chunks, "__defaults__", (1 << 12, 1 << 14))
    (raw / "huge.txt").write_bytes(b"Xandra Quillfeather " * 4000)
    result = deidentify([raw], tmp_path / "out", tmp_path / "key", Asked(workers=1))
    assert any("more than is read at once" in one.reason for one in result.quarantined)
    assert b"Quillfeather" not in _everything(tmp_path / "out")


def test_a_key_that_is_replaced_meanwhile_stops_the_run_and_leaves_nothing(raw, tmp_path, monkeypatch):
    from bedside.deidentify import batch
    from bedside.deidentify.keyring import Keyring

    key, survey = tmp_path / "key", batch.survey

    def and_then_replaced(*args, **options):
        found = survey(*args, **options)
        key.unlink()
        (tmp_path / "key.map").unlink()
        Keyring.create(key)
        return found

    monkeypatch.setattr(batch, "survey", and_then_replaced)
    with pytest.raises(Refused, match="replaced"):
        deidentify([raw], tmp_path / "out", key, Asked(spans=tmp_path / "spans.jsonl"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key.map", "known.ndjson", "raw"]


def test_the_verb_says_what_it_did_and_as_json(raw, tmp_path):
    ran = CliRunner().invoke(bedside, ["deidentify", str(raw / "letter.txt"), str(raw / "m.hl7"), "--out", str(tmp_path / "o"), "--policy", "safe-harbor", "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.output)
    assert told["policy"] == "safe-harbor"
    assert told["made_key"]
    assert told["records"]["written"] == 2
    again = CliRunner().invoke(bedside, ["deidentify", str(raw / "letter.txt"), "--out", str(tmp_path / "p"), "--key", str(tmp_path / "o.keyring")])
    assert again.exit_code == 0
    assert "1 of 1 records" in again.output
    assert CliRunner().invoke(bedside, ["deidentify", str(raw), str(raw)]).exit_code == 2


TABLE = "patient_id,patient_name,dob,admit_date,sex,glucose_mg_dl,comment\n40012345,Xandra Quillfeather,03/02/1951,03/14/2021 10:30,F,108.5,Spoke with Xandra Quillfeather by phone 617-555-0142\n" + "".join(
    f"4000{n:04d},Person Number{n},01/0{n % 9 + 1}/1960,03/1{n % 9}/2021 11:30,M,9{n}.1,stable\n" for n in range(30)
)


def test_a_table_that_nobody_mapped_keeps_what_it_can_and_no_name(raw, tmp_path):
    (raw / "visits.csv").write_text(TABLE)
    deidentify([raw / "visits.csv"], tmp_path / "out", tmp_path / "key", Asked())
    (out,) = (tmp_path / "out").glob("*.csv")
    text = out.read_text()
    assert "108.5" in text
    assert len(text.splitlines()) == 32
    for told in ("Quillfeather", "40012345", "1951-03-02", "555-0142", "03/14/2021", "Number7"):
        assert told not in text, told


def test_proposed_roles_are_a_mapping_that_is_taken_back(raw, tmp_path):
    (raw / "visits.csv").write_text(TABLE)
    place = tmp_path / "mapping.toml"
    ran = CliRunner().invoke(bedside, ["deidentify", str(raw / "visits.csv"), "--propose", str(place)])
    assert ran.exit_code == 0, ran.output
    assert '"patient_name" = "name"' in place.read_text()
    for name, mapping in (("a", None), ("b", str(place))):
        deidentify([raw / "visits.csv"], tmp_path / name, tmp_path / "key", Asked(mapping=mapping))
    (one,), (two,) = (list((tmp_path / name).glob("*.csv")) for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_a_sample_for_a_person_shows_no_original_unless_asked(raw, tmp_path):
    for name, asked in (("a", Asked(sample=3)), ("b", Asked(sample=3, with_original=True))):
        told = deidentify([raw], tmp_path / name, tmp_path / "key", asked)
        assert told.review == str(tmp_path / f"{name}.review.html")
    plain, both = ((tmp_path / f"{name}.review.html").read_text() for name in "ab")
    assert "Quillfeather" not in plain
    assert "[NAME]" in plain
    assert "Quillfeather" in both
    assert stat.S_IMODE((tmp_path / "b.review.html").stat().st_mode) == 0o600


def test_an_instance_that_names_no_patient_is_of_the_unknown_one_of_its_study(tmp_path):
    import pydicom
    from pydicom.data import get_testdata_file

    (tmp_path / "raw").mkdir()
    for number, study in enumerate(("1.2.3", "1.2.3", "1.2.4")):
        dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        dataset.PatientID, dataset.StudyInstanceUID, dataset.SOPInstanceUID = "", study, f"1.2.9.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        del dataset.OtherPatientIDsSequence  # would say that both studies are of one patient
        dataset.save_as(tmp_path / "raw" / f"{number}.dcm")
    told = deidentify([tmp_path / "raw"], tmp_path / "out", tmp_path / "key", Asked())
    assert told.records.written == 3
    made = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").glob("*.dcm"))]
    assert len({one.PatientID for one in made}) == len({one.StudyInstanceUID for one in made}) == 2
    assert {str(one.PatientName) for one in made} == {one.PatientID for one in made}


def test_a_defect_that_one_file_brings_to_light_sets_that_file_aside_without_its_words(raw, tmp_path, monkeypatch):
    from bedside.deidentify import hl7v2

    def broken(self, raw, *, where):
        raise ZeroDivisionError("Quillfeather")

    monkeypatch.setattr(hl7v2.Change, "message", broken)
    result = deidentify([raw], tmp_path / "out", tmp_path / "key", Asked(workers=1))
    (told,) = [one for one in result.quarantined if "defect" in one.reason]
    assert told.reason.startswith("a defect of Bedside (ZeroDivisionError, test_standalone.py line ")
    assert "Quillfeather" not in told.reason
    assert result.records.written >= 6
    assert result.records.read == result.records.written + sum(result.records.quarantined.values())
