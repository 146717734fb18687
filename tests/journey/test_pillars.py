"""Every pillar's demo goes the whole path: a report, a ledger that holds, figures that lead back to bytes, the same content again."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from bedside import Study
from bedside.core.extras import lacking
from bedside.core.predictions import check, check_measures
from bedside.study import folder
from bedside.study.explain import explain
from bedside.study.showcase import PIECES, show_pillar

pytestmark = pytest.mark.slow
STUDIES = [name for name in PIECES if name != "federated"]


def shown(name: str, root: Path) -> Study:
    told = show_pillar(name, root, quiet=True)
    assert told.do is None, told.do
    assert Path(told.report).is_file()
    return Study(root)


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in STUDIES])
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Study:
    if lacking(PIECES[request.param].extra):
        pytest.skip(f"extra [{PIECES[request.param].extra}] is not installed")
    return shown(request.param, tmp_path_factory.mktemp("pillar") / request.param)


def test_a_pillar_s_study_keeps_every_contract(study):
    assert study.verify().findings == []
    rows = study.predictions()
    check(rows, where="test predictions")
    measures = study.root / "predictions" / "test-measures.parquet"
    if measures.exists():
        check_measures(pl.read_parquet(measures), where="measures")
    assert {section.target.name for section in study.evaluation().sections} == {target.name for target in study.file.task.targets} | {
        section.target.name for section in study.evaluation().sections if "any overlap" in section.target.name
    }


def test_every_figure_of_a_pillar_s_test_has_its_n_and_leads_back_to_raw_bytes(study):
    tested = next(entry for entry in reversed(study.ledger()) if entry.receipt.step == "test")
    with_interval = [figure for figure in tested.receipt.figures if figure.low is not None]
    assert with_interval
    assert all(figure.n for figure in with_interval)
    told = explain(study.root, study.headline())
    assert "raw:" in str(told)


def test_the_truth_of_test_rows_is_sealed_until_the_test(study):
    rows = pl.read_parquet(study.root / "cohort" / "decisions.parquet").filter(split="test")
    for name in ("label", "truth", "answer"):
        if name in rows.columns:
            assert rows[name].null_count() == rows.height
    steps = [entry.receipt.step for entry in study.ledger()]
    assert steps.index("train") < steps.index("open-test-labels") < steps.index("test")


def test_the_same_seed_gives_the_same_content(study, tmp_path):
    again = shown(study.root.name, tmp_path / study.root.name)
    assert again.content() == study.content()


def test_a_finished_pillar_s_demo_is_not_done_again(study):
    before = len(study.ledger())
    told = show_pillar(study.root.name, study.root, quiet=True)
    assert not any(step.ran for step in told.steps)
    assert len(study.ledger()) == before


@pytest.mark.xdist_group("molecules")
def test_molecules_are_searched_in_a_finished_study_and_not_in_one_that_was_altered(tmp_path):
    from bedside.core.errors import Refused
    from bedside.study.generate import generate

    if lacking("molecules"):
        pytest.skip("extra [molecules] is not installed")
    study = shown("molecules", tmp_path / "molecules")
    found = generate(study.root, target=None, wanted="high", calls=60, seed=1)
    assert len(found.molecules) == 60
    assert study.verify().findings == []
    assert "raw:" in str(explain(study.root, "generate/kept/held-back"))
    features = study.root / "cohort" / "features.parquet"
    features.write_bytes(features.read_bytes() + b" ")
    with pytest.raises(Refused, match="not what the ledger says"):
        generate(study.root, target=None, wanted="high", calls=60, seed=1)


def test_federated_sites_are_fitted_together_and_the_result_holds(tmp_path):
    if lacking(PIECES["federated"].extra):
        pytest.skip("extra [risk] is not installed")
    told = show_pillar("federated", tmp_path / "federated", quiet=True)
    assert Path(told.report).is_file()
    assert Study(told.study).verify().findings == []
    kept = folder.listing(tmp_path, tmp_path / "federated")
    assert show_pillar("federated", tmp_path / "federated", quiet=True).study == told.study
    assert folder.listing(tmp_path, tmp_path / "federated") == kept
