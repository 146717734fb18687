"""A user's own files: `bedside new`, edit study.toml and nothing else, run, read the report."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.journey import own_hospital

from bedside import Study
from bedside.core.errors import Misconfigured
from bedside.study import config
from bedside.study.new import new

pytestmark = [pytest.mark.xdist_group("own"), pytest.mark.slow]


@pytest.fixture
def own_csv(tmp_path: Path) -> Path:
    return own_hospital.csv_study(tmp_path / "ours")


@pytest.fixture
def own_fhir(tmp_path: Path) -> Path:
    return own_hospital.fhir_study(tmp_path / "ours")


def counts(study: Study, step: str) -> dict:
    return next(entry.receipt.counts for entry in reversed(study.ledger()) if entry.receipt.step == step)


@pytest.mark.parametrize("made", ["own_csv", "own_fhir"])
def test_own_files_come_to_a_report_that_verifies(made: str, request: pytest.FixtureRequest) -> None:
    study = Study(request.getfixturevalue(made))
    study.run(quiet=True)
    records = counts(study, "read")["records"]
    assert records["read"] == records["written"] > 1_000
    flow = counts(study, "cohort")["flow"]
    assert (flow["encounters"], flow["subjects_with_outcome"]) == (own_hospital.PATIENTS, own_hospital.PATIENTS / 3)
    assert study.features()["heart_rate.last"].null_count() == 0
    assert "lactate" in counts(study, "cohort")["signals_without_values"]
    assert (study.root / "reports" / "test.html").stat().st_size > 50_000
    assert study.verify().findings == []
    assert "Quimby" not in "".join(path.read_text(errors="ignore") for path in (study.root / "safe").rglob("*") if path.is_file())


def test_a_changed_mapping_is_named_by_verify_and_runs_again(own_csv: Path) -> None:
    study = Study(own_csv)
    study.run(["deidentify", "read"], quiet=True)
    path = own_csv / "our-mapping.toml"
    path.write_text(path.read_text().replace("Heart rate", "Pulse"))
    assert [finding.name for finding in study.verify().findings] == ["our-mapping.toml"]
    assert [ran.step for ran in study.run(["deidentify", "read"], quiet=True) if ran.ran] == ["deidentify", "read"]
    assert study.verify().ok


def test_tables_without_roles_are_a_problem_before_the_run(own_csv: Path) -> None:
    path = own_csv / "our-mapping.toml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("roles")))
    (problem,) = config.problems((own_csv / "study.toml").read_text(), own_csv)
    assert problem.key == "source[0].mapping"
    assert "persons, stays, vitals" in problem.what
    assert "roles" in problem.do
    with pytest.raises(Misconfigured, match="1 problem"):
        Study(own_csv).run(quiet=True)


def test_sixty_stays_of_the_challenge_come_to_a_report(shared_data: Path, tmp_path: Path) -> None:
    path = new(tmp_path / "sepsis", task="sepsis2019").root / "study.toml"
    path.write_text(path.read_text().replace('path = "raw"', f'path = "{shared_data / "cds" / "sepsis2019" / "psv_sample"}"'))
    study = Study(path.parent)
    study.run(quiet=True)
    ill = study.predictions().filter(output="risk").group_by("split").agg(pl.col("label").any())
    assert ill["label"].to_list() == [True] * 5
    assert study.verify().ok
