"""The real MIMIC-IV demo: every row of every file is an event or is counted with a reason, and the lake is valid MEDS."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest

from bedside.core.accounts import Tally, reconcile
from bedside.formats.files import RawFile, Source, paths
from bedside.lake.quality import quality
from bedside.lake.store import Lake, Written, write
from bedside.readers import mapping, tables

# SOURCE.txt of the data set
ROWS = {
    "admissions": 275,
    "patients": 100,
    "labevents": 107_727,
    "prescriptions": 18_087,
    "pharmacy": 15_306,
    "emar": 35_835,
    "emar_detail": 72_018,
    "diagnoses_icd": 4_506,
    "procedures_icd": 722,
    "transfers": 1_190,
    "microbiologyevents": 2_899,
    "omr": 2_964,
    "poe": 45_154,
    "icustays": 140,
    "inputevents": 20_404,
    "ingredientevents": 25_728,
    "outputevents": 9_362,
    "procedureevents": 1_468,
    "datetimeevents": 15_280,
}
DECLARED = {"dictionary table", "list of identifiers", "not a table"}


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "dataeng" / "mimic-iv-demo-2.2"


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Written]:
    out = tmp_path_factory.mktemp("mimic") / "lake"
    told = mapping.load("mimic-iv", folder)
    files = [RawFile("mimic", "tables", path, name, name) for path, name in paths(Source("mimic", "tables", str(folder)), folder)]
    return (written := write((tables.read(file, mapping=told) for file in files), out, name="mimic-iv-demo")) and (
        Lake(out),
        written,
    )  # type: ignore[return-value]


def by_name(written: Written) -> dict[str, Tally]:
    return {tally.file.rsplit("/", 1)[-1].split(".")[0]: tally for tally in written.tallies}


def test_every_file_is_counted_and_every_count_adds_up(made: tuple[Lake, Written], folder: Path) -> None:
    assert {tally.file for tally in made[1].tallies} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    reconcile(made[1].tallies)


def test_the_rows_read_are_the_rows_that_each_file_has(made: tuple[Lake, Written], folder: Path) -> None:
    for tally in made[1].tallies:
        if ".csv" in tally.file:
            raw = (folder / tally.file).read_bytes()
            text = (gzip.decompress(raw) if tally.file.endswith(".gz") else raw).decode("utf-8-sig")
            assert tally.read == sum(1 for _ in csv.reader(io.StringIO(text))) - 1, tally.file
    assert {name: by_name(made[1])[name].read for name in ROWS} == ROWS


def test_no_row_is_unexplained(made: tuple[Lake, Written]) -> None:
    for tally in made[1].tallies:
        assert set(tally.ignored) <= DECLARED, tally.file
        assert not tally.quarantined, tally.file
        assert not tally.merged, tally.file
    assert {name for name, tally in by_name(made[1]).items() if tally.written == tally.read} >= set(ROWS) | {
        "services",
        "drgcodes",
        "hcpcsevents",
    }


def test_laboratory_items_become_loinc_where_the_concept_map_names_one(made: tuple[Lake, Written]) -> None:
    codes = made[0].codes()
    assert codes.filter(pl.col("code") == "LOINC//2160-0")["description"].to_list() == ["Creatinine (Blood)"]
    labs = codes.filter(pl.col("code").str.starts_with("LOINC//"))["events"].sum()
    assert labs > 0.95 * ROWS["labevents"]


def test_a_laboratory_result_is_known_when_it_was_stored(made: tuple[Lake, Written]) -> None:
    labs = made[0].events(["LOINC//2160-0"])
    assert (labs["known_at"] >= labs["time"]).all()
    assert (labs["known_at"] > labs["time"]).mean() > 0.9
    assert made[1].problems["storetime is empty or unreadable: known at charttime"] >= 992


def test_a_diagnosis_is_not_known_before_discharge(made: tuple[Lake, Written]) -> None:
    asked = """select count(*) from events d join events e using (subject_id, encounter_id)
               where d.code like 'ICD%//diagnosis' and e.code = 'ENCOUNTER_END//IMP' and d.known_at < e.time"""
    assert made[0].sql(asked).item() == 0


def test_every_patient_has_a_birth_a_sex_and_closed_encounters(made: tuple[Lake, Written]) -> None:
    odd = {oddity.name: oddity.count for oddity in quality(made[0]).oddities}
    for name in (
        "subjects without a birth date",
        "subjects without a sex",
        "encounters without an end",
        "encounters without a start",
        "encounters that end before they start",
        "facts before the subject's birth",
        "facts with no time of knowing",
    ):
        assert odd[name] == 0, name


def test_the_lake_of_mimic_is_a_valid_meds_dataset(made: tuple[Lake, Written]) -> None:
    from tests.lake.test_meds import valid

    valid(made[0].path)
