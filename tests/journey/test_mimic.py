"""`bedside new --task mimic-iv` on the real MIMIC-IV demo: edit one path, run, read the report."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from bedside import Study
from bedside.study.new import new

pytestmark = [pytest.mark.xdist_group("mimic"), pytest.mark.slow]
DECLARED = {"dictionary table", "list of identifiers", "not a table"}
CHARTED = {"heart_rate", "respiratory_rate", "oxygen_saturation", "systolic_bp", "diastolic_bp", "consciousness"}


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> Path:
    return shared_data / "dataeng" / "mimic-iv-demo-2.2"


@pytest.fixture(scope="module")
def study(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = new(tmp_path_factory.mktemp("mimic") / "mimic", task="mimic-iv").root
    path = root / "study.toml"
    path.write_text(path.read_text().replace('path = "raw"', f'path = "{raw}"'))
    made = Study(root)
    made.run(quiet=True)
    return made


def counts(study: Study, step: str) -> dict:
    return next(entry.receipt.counts for entry in reversed(study.ledger()) if entry.receipt.step == step)


def test_every_row_of_every_file_is_an_event_or_has_its_declared_reason(study: Study, raw: Path) -> None:
    tallies = counts(study, "read")["tallies"]
    assert {tally["file"] for tally in tallies} == {p.relative_to(raw).as_posix() for p in raw.rglob("*") if p.is_file()}
    for tally in tallies:
        assert not tally["quarantined"], tally["file"]
        assert set(tally["ignored"]) <= DECLARED, tally["file"]
        assert tally["read"] == tally["written"] + sum(tally["merged"].values()) + sum(tally["ignored"].values())


def test_the_rows_read_are_the_rows_that_each_file_has(study: Study, raw: Path) -> None:
    for tally in counts(study, "read")["tallies"]:
        if ".csv" in tally["file"]:
            data = (raw / tally["file"]).read_bytes()
            text = (gzip.decompress(data) if tally["file"].endswith(".gz") else data).decode("utf-8-sig")
            assert tally["read"] == sum(1 for _ in csv.reader(io.StringIO(text))) - 1, tally["file"]


def test_every_signal_finds_its_values_but_what_is_charted_in_the_file_left_out(study: Study, raw: Path) -> None:
    absent = CHARTED if not list(raw.rglob("chartevents.csv*")) else set()
    assert set(counts(study, "cohort")["signals_without_values"]) == absent
    seen = study.features().select("creatinine.last", "lactate.last", "urine_output.mean_24h").mean()
    assert {name: seen[name].item() is not None for name in seen.columns} == dict.fromkeys(seen.columns, True)


def test_what_an_infusion_came_to_is_not_known_before_its_end(study: Study) -> None:
    asked = """select count(*) n, count(*) filter (a.known_at < b.time) early from events a join events b using (source)
               where a.code like '%//input' and b.code like '%//input-end' or a.code like '%//procedure' and b.code like '%//procedure-end'"""
    told = study.sql(asked)
    assert (told["n"].item(), told["early"].item()) == (20_404 + 1_468, 0)


def test_how_an_order_ended_is_not_told_when_it_began(study: Study) -> None:
    asked = "select count(*) n from events where code like '%//dispensed' and text_value ilike '%discontinued%'"
    assert study.sql(asked)["n"].item() == 0


def test_the_outcome_is_the_deaths_that_the_files_hold(study: Study) -> None:
    flow = counts(study, "cohort")["flow"]
    assert study.sql("select count(*) n from events where code = 'MEDS_DEATH'")["n"].item() == 15  # admissions with a deathtime
    assert flow["encounters"] == 140  # rows of icustays
    assert 10 <= study.predictions().filter(output="risk").filter("label")["subject_id"].n_unique() <= 15


def test_the_report_is_there_and_the_folder_is_what_its_ledger_says(study: Study) -> None:
    page = (study.root / "reports" / "test.html").read_text()
    assert "death in hospital within 48 hours" in page
    assert ("Declared, but without any value here" in page) == bool(counts(study, "cohort")["signals_without_values"])
    assert json.loads((study.root / "reports" / "evaluation.json").read_bytes())
    assert study.verify().ok
