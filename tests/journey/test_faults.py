"""Every fault that a hospital's files come with, planted in one made hospital: the run ends well, and each is found and counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from bedside.cli.group import bedside
from bedside.core.accounts import Tally, reconcile, total
from bedside.deidentify.keyring import Keyring
from bedside.demo.hospital import write
from bedside.lake.store import Lake

pytestmark = pytest.mark.xdist_group("journey")

SECOND_NUMBER = b"70000001"
ONLY_THERE = b"OBX|99|NM|2731-8^Parathyrin^LN||42.5|pg/mL|||||F\r"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Path:
    """A study of 40 made patients whose raw files hold every fault, run through the command line."""
    study = tmp_path_factory.mktemp("faults") / "study"
    write(study, patients=40, seed=5)
    _plant(study / "raw", study / "study.toml")
    Keyring.create(study.with_name("study.keyring"), made=True)
    with pytest.raises(SystemExit) as ended:
        bedside.main(["run", str(study)], prog_name="bedside")
    assert not ended.value.code
    return study


def _plant(raw: Path, toml: Path) -> None:
    _in_fhir(raw / "fhir")
    _in_messages(raw / "hl7v2")
    _in_tables(raw / "tables")
    _without_a_zone(raw, toml)


def _in_fhir(folder: Path) -> None:
    """A file cut off, a line that is not JSON, a code and a unit that nobody knows."""
    procedures = folder / "Procedure.ndjson"
    procedures.write_bytes(procedures.read_bytes()[:-60])
    conditions = folder / "Condition.ndjson"
    conditions.write_bytes(b"this line is not JSON\n" + conditions.read_bytes())
    observations = folder / "Observation.ndjson"
    first = json.loads(observations.read_text().splitlines()[0])
    strange = first | {"id": "strange", "code": {"coding": [{"system": "http://nobody.example/codes", "code": "Q7"}]},
                       "valueQuantity": {"value": 4.2, "unit": "drops per bucket"}}  # fmt: skip
    observations.write_bytes(observations.read_bytes() + json.dumps(strange).encode() + b"\n")


def _in_messages(folder: Path) -> None:
    """Messages sent twice, a file cut off, an undeclared character set, and a patient known under two numbers."""
    results = folder / "oru.hl7"
    data = results.read_bytes()
    first = data[: data.index(b"MSH|", 5)]
    number = first.split(b"PID|1||")[1].split(b"^")[0]
    latin = first.replace(b"MSG0", b"LAT0").replace(b"UNICODE UTF-8", b"").replace(b"Laboratory panel", b"Analys\xe9")
    cut = first.replace(b"MSG0", b"CUT0")[: first.index(b"OBX|1") + 2]
    other = first.replace(b"MSG0", b"TWO0").replace(number + b"^", SECOND_NUMBER + b"^") + ONLY_THERE
    results.write_bytes(data + first + latin + other + cut)
    head = b"MSH|^~\\&|MADE|MADEGENERAL|BEDSIDE|BEDSIDE|20260101080000||ADT^A40^ADT_A39|MERGE1|T|2.5.1\rEVN|A40|20260101080000\r"
    merge = b"PID|1||" + number + b"^^^HOSP^MR\rMRG|" + SECOND_NUMBER + b"^^^HOSP^MR\r"
    with (folder / "adt.hl7").open("ab") as stream:
        stream.write(head + merge)


def _in_tables(folder: Path) -> None:
    """Mixed delimiters, a row in another encoding, NULs, a column missing, and a gzip that breaks off."""
    labs = folder / "labs.csv"
    row = labs.read_bytes().splitlines()[1]
    labs.write_bytes(labs.read_bytes() + b"\n".join([row.replace(b",", b";"), row + b"\xe9", row + b"\0", b""]))
    pharmacy = pl.read_csv(folder / "pharmacy.csv", infer_schema=False)
    (folder / "june").mkdir()
    pharmacy.drop("dispensed").write_csv(folder / "june" / "pharmacy.csv")
    (folder / "june" / "labs.csv.gz").write_bytes(gzip.compress(labs.read_bytes())[:-400])


def _without_a_zone(raw: Path, toml: Path) -> None:
    """A second FHIR source whose zone nobody declares."""
    (raw / "clinic").mkdir()
    first = json.loads((raw / "fhir" / "Observation.ndjson").read_text().splitlines()[0])
    local = [first | {"id": f"local-{n}", "effectiveDateTime": f"2025-09-0{n}T10:00:00{zone}"} for n, zone in ((1, ""), (2, "Z"))]
    (raw / "clinic" / "Observation.ndjson").write_text("".join(json.dumps(one) + "\n" for one in local))
    (raw / "clinic" / "Patient.ndjson").write_bytes((raw / "fhir" / "Patient.ndjson").read_bytes())
    text = toml.read_text().replace('site = "made-general"\ntimezone = "America/New_York"\n', 'site = "made-general"\n')
    toml.write_text(
        text.replace("[deidentify]", '[[source]]\nname = "clinic"\nformat = "fhir"\npath = "raw/clinic"\n\n[deidentify]')
    )


@pytest.fixture(scope="module")
def lake(faulty) -> Lake:
    return Lake(faulty / "lake")


def _reasons(lake: Lake, source: str, ending: str) -> list[str]:
    """Why records of the files of that ending were quarantined, in the order of the file."""
    rows = lake.quarantine().filter((pl.col("source") == source) & pl.col("file").str.ends_with(ending))
    return rows["reason"].to_list()


def _told(lake: Lake, kind: str, ending: str) -> dict[str, int]:
    rows = lake.counts().filter((pl.col("kind") == kind) & pl.col("file").str.ends_with(ending))
    return dict(rows.select("reason", "count").iter_rows())


def test_every_count_adds_up_in_both_steps(faulty, lake):
    safe = json.loads((faulty / "safe" / "deidentify.json").read_bytes())
    received, read = [Tally(**one) for one in safe["tallies"]], lake.tallies()
    reconcile([*received, *read])
    assert total(received).written == total(read).read


def test_the_run_ends_with_a_report_and_a_sound_ledger(faulty):
    assert (faulty / "reports" / "test.html").exists()
    with pytest.raises(SystemExit) as ended:
        bedside.main(["verify", str(faulty)], prog_name="bedside")
    assert not ended.value.code


def test_a_file_cut_off_costs_its_last_record(lake):
    assert _reasons(lake, "fhir", "Procedure.ndjson") == ["not JSON in UTF-8: Input data was truncated"]
    assert _reasons(lake, "hl7v2", "oru.hl7")[-1] == "not a segment: 2 characters of letters"
    assert _reasons(lake, "tables", "labs.csv.gz") == ["gzip stream is truncated or damaged"]


def test_a_line_that_is_not_json_costs_that_line(lake):
    assert "not JSON in UTF-8: invalid character (byte 4)" in _reasons(lake, "fhir", "Condition.ndjson")
    assert lake.quarantine().filter(pl.col("file") == "Condition.ndjson")["place"].to_list()[0] == "line 1"


def test_a_wrong_encoding_costs_its_message_row_or_note(lake):
    assert "bytes are not utf-8, which MSH-18 says or leaves to default" in _reasons(lake, "hl7v2", "oru.hl7")
    assert "row is not text in UTF-8" in _reasons(lake, "tables", "/labs.csv") + _reasons(lake, "tables", "labs.csv")
    assert _reasons(lake, "notes", ".txt") == ["note is not text in UTF-8"]


def test_a_row_in_another_delimiter_or_with_nul_bytes_costs_itself(lake):
    found = _reasons(lake, "tables", "labs.csv")
    assert {"row has 1 fields, the header has 13", "row holds NUL bytes"} <= set(found)


def test_a_message_sent_twice_is_told_once(lake):
    assert _told(lake, "merged", "oru.hl7") == {"the same record again, byte for byte": 2}


def test_unknown_codes_and_units_are_kept_and_counted(lake):
    assert _told(lake, "problem", "Observation.ndjson") == {
        "code outside the standard vocabularies, kept": 1,
        "a unit that UCUM does not have, kept": 1,
    }
    assert _told(lake, "problem", "labs.csv") == {"a unit that UCUM does not have, kept": 1}
    assert lake.events().filter(pl.col("unit") == "drops per bucket")["code"].to_list() == ["CODES//Q7"]


def test_a_patient_known_under_two_numbers_is_one_subject(lake):
    (who,) = lake.events(["LOINC//2731-8"])["subject_id"].to_list()
    events = lake.events()
    assert events["subject_id"].n_unique() == 40
    assert events.filter((pl.col("subject_id") == who) & (pl.col("code") == "MEDS_BIRTH")).height == 1


def test_a_time_without_a_zone_is_quarantined_where_no_zone_is_declared(lake):
    assert _reasons(lake, "clinic", "Observation.ndjson") == ["a time of day without a zone"]
    clinic = next(one for one in lake.tallies() if (one.source, one.file) == ("clinic", "Observation.ndjson"))
    assert (clinic.read, clinic.written) == (1, 1)


def test_a_table_that_lacks_a_column_is_quarantined_whole_with_one_reason(lake):
    assert _reasons(lake, "tables", "/pharmacy.csv") == ["the file lacks the column dispensed"]
    rows = next(one.read for one in lake.tallies() if one.file == "pharmacy.csv")
    assert _told(lake, "quarantined", "/pharmacy.csv") == {"the file lacks the column dispensed": rows}


def test_the_quality_record_gives_every_reason_with_its_count(faulty, lake):
    told = json.loads((faulty / "reports" / "quality.json").read_bytes())["quarantine"]
    assert {one["reason"] for one in told} == set(lake.quarantine()["reason"])
    assert sum(one["records"] for one in told if one["step"] == "deidentify") == (
        lake.quarantine().filter(pl.col("step") == "deidentify").height
    )


def test_no_fault_is_told_with_the_patient_in_it(faulty, lake):
    patients = [json.loads(line) for line in (faulty / "raw" / "fhir" / "Patient.ndjson").read_text().splitlines()]
    shown = {name["family"] for one in patients for name in one["name"]} | {
        i["value"] for one in patients for i in one["identifier"]
    }
    told = " ".join([*lake.quarantine()["reason"], *lake.counts()["reason"].drop_nulls()])
    assert not [one for one in shown if one in told]
