"""`bedside deidentify` and `bedside doctor` on a study of two patients: what stops a run, and what is told aloud."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bedside.cli.group import bedside, guarded
from bedside.deidentify.keyring import Keyring
from bedside.ledger.log import Ledger
from bedside.study.doctor import Finding, examine

STUDY = """schema = "bedside.study/1"
name = "two patients"
made = true
timezone = "UTC"

[[source]]
name = "feed"
format = "hl7v2"
path = "raw/feed"

[[source]]
name = "tables"
format = "tables"
path = "raw/tables"
mapping = "mapping.toml"

[task]
name = "deterioration"
[task.outcome]
name = "icu"
codes = ["LOCATION//ICU"]
[task.features]
signals = [{ name = "heart_rate", codes = ["LOINC//8867-4"], unit = "/min" }]
"""
MAPPING = """schema = "bedside.mapping/1"
name = "labs"
[tables.labs]
files = ["labs.csv"]
subject = "mrn"
[tables.labs.roles]
mrn = "subject"
collected = "datetime"
value = "keep"
device = "keep"
[[tables.labs.events]]
code = "LOINC//2524-7"
time = "collected"
value = "value"
"""
HEAD = "MSH|^~\\&|EHR|H|LAKE|X|202601131005||ADT^A31|{}|T|2.5.1\rEVN|A31|202601131000\r"
ADMITTED = [
    HEAD.format(1) + "PID|1||70707071^^^HOSP^MR||Quillfeather^Zebulon||19620517|M\r",
    HEAD.format(2) + "PID|1||80808081^^^HOSP^MR||Featherquill^Ada||19710517|F\r",
]
MERGED = HEAD.format(3).replace("A31", "A40") + "PID|1||70707071^^^HOSP^MR||Quillfeather^Zebulon\rMRG|80808081^^^HOSP^MR\r"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    root = tmp_path / "study"
    for name, text in (
        ("study.toml", STUDY),
        ("mapping.toml", MAPPING),
        ("raw/feed/adt.hl7", "".join(ADMITTED)),
        ("raw/tables/labs.csv", "mrn,collected,value,device\n70707071,2026-01-13 10:00:00,3.7,A17\n"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, newline="")
    Keyring.create(tmp_path / "study.keyring", made=True)
    return root


@pytest.fixture
def ended(monkeypatch) -> Iterator[Callable[..., int]]:
    """The exit code of a command."""

    def run(*words: str | Path) -> int:
        monkeypatch.setattr("sys.argv", ["bedside", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            guarded(bedside)
        return int(left.value.code or 0)

    before = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, before)


def test_an_identifier_in_a_column_declared_harmless_stops_the_run_with_code_3_and_publishes_nothing(study, ended, capfd):
    labs = study / "raw" / "tables" / "labs.csv"
    labs.write_text(labs.read_text().replace("A17", "80808081"))
    assert ended("deidentify", study) == 3
    told = capfd.readouterr()
    assert "de-identified files (1 number); nothing was written" in told.err
    assert "safe/: tables/labs.csv: 1 of kind number (line 2)" in told.err
    assert "80808081" not in told.out + told.err
    assert list(study.rglob("labs.csv")) == [labs]


def test_a_refused_run_leaves_no_byte_of_a_patient_outside_the_raw_files(study, ended, capfd):
    labs = study / "raw" / "tables" / "labs.csv"
    labs.write_text(labs.read_text() + "70707071,2026-01-13 11:00:00,3.8,donor 80808081\n" * 3)
    assert ended("deidentify", study) == 3
    told = capfd.readouterr()
    assert "tables/labs.csv: 3 of kind number (line 3, line 4, line 5)" in told.err
    said = [told.out.encode() + told.err.encode(), *(path.read_bytes() for path in study.rglob("*") if path.is_file() and "raw" not in path.parts)]
    assert not any(word in text for text in said for word in (b"Featherquill", b"Ada", b"Quillfeather", b"Zebulon", b"70707071", b"80808081"))
    assert [path for path in (study / ".work").rglob("*") if path.is_file() and path.name != "lock"] == []


def test_weak_hits_are_counted_aloud_and_lie_in_a_file_for_review_without_their_value(study, ended, capfd):
    labs = study / "raw" / "tables" / "labs.csv"
    labs.write_text(labs.read_text() + "70707071,2026-01-13 11:00:00,3.8,19620517.5\n")
    assert ended("deidentify", study) == 0
    assert "1 weak hits of the residue proof are for review, see safe/review.json: 1 birth date" in capfd.readouterr().err
    review = json.loads((study / "safe" / "review.json").read_text())
    assert review["schema"] == "bedside.review/1"
    (hit,) = review["hits"]
    assert (hit["file"], hit["kind"], hit["count"], hit["places"]) == ("tables/labs.csv", "birth date", 1, ["line 3"])
    assert hit["reason"]
    assert "19620517" not in json.dumps(review)


def test_without_it_the_same_study_passes(study, ended):
    assert ended("deidentify", study) == 0
    assert (study / "safe").is_dir()


def test_two_people_who_turn_out_to_be_one_are_told_aloud_and_counted_in_the_ledger(study, ended, capfd):
    assert ended("deidentify", study) == 0
    assert "turned out to be" not in capfd.readouterr().err
    (study / "raw" / "feed" / "later.hl7").write_text(MERGED, newline="")
    assert ended("deidentify", study) == 0
    assert "1 people known from earlier runs turned out to be another one" in capfd.readouterr().err
    surveys = [e.receipt.counts["survey"] for e in Ledger(study / "ledger").entries() if e.receipt.step == "deidentify"]
    assert [one["merged"] for one in surveys] == [0, 1]


def test_doctor_tells_of_a_patient_map_that_others_can_read(study, ended):
    assert ended("deidentify", study) == 0
    secret = study.with_name("study.keyring.map")
    assert _keyring(study).ok
    secret.chmod(0o644)
    assert _keyring(study) == Finding("keyring", False, "patient map has mode 644", f"chmod 600 {secret}")


def _keyring(study: Path) -> Finding:
    return next(one for one in examine(study) if one.what == "keyring")
