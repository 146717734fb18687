"""The made hospital is served silently and watched: the page, the ledger and the figures agree."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from bedside import Study
from bedside.core.events import MADE
from bedside.demo.replay import RawHospital
from bedside.study.explain import explain
from bedside.study.monitor import watch
from bedside.study.silent import watched
from bedside.study.verify import verify

pytestmark = pytest.mark.xdist_group("journey")


@pytest.fixture(scope="module")
def seen(finished, tmp_path_factory):
    from tests.journey.conftest import duplicate

    root = duplicate(finished.root, tmp_path_factory.mktemp("silent") / "demo")
    served, found = watched(Study(root), quiet=True)
    return root, served, found


def test_a_silent_run_answers_what_the_test_said(seen):
    _, served, found = seen
    assert served.asked == served.answered + served.declined > 0
    assert served.equal == served.answered == found.whole.burden.predictions


def test_the_monitors_page_is_an_output_that_the_ledger_knows(seen):
    root, _, _ = seen
    assert verify(root).ok
    page = root / "reports" / "monitor.html"
    page.write_text(page.read_text() + " ")
    assert [finding.name for finding in verify(root).findings] == ["reports/monitor.html"]
    page.write_text(page.read_text()[:-1])


def test_a_figure_of_the_monitor_leads_back_to_the_raw_files(seen):
    root, _, found = seen
    told = explain(root, "monitor/burden")
    assert told.figure.value == found.whole.burden.alerts_per_100_patient_days
    assert told.links[0].step == "monitor"
    assert told.raw


def test_everything_that_the_monitors_page_points_at_is_explained(seen):
    from tests.journey.test_explain import pointed_at

    root, _, _ = seen
    names = pointed_at(root / "reports" / "monitor.html")
    assert names
    assert all(explain(root, name).raw for name in names)


def test_watching_again_replaces_the_page_and_keeps_both_entries(seen):
    root, served, _ = seen
    watch(root, log=Path(served.log))
    steps = [entry.receipt.step for entry in Study(root).ledger()]
    assert steps.count("monitor") == 2
    assert verify(root).ok


def test_nothing_of_a_patient_is_in_the_served_log(seen):
    root, served, _ = seen
    said = Path(served.log).read_text()
    patients = RawHospital(root / "raw" / "fhir").patients
    assert patients
    for one in patients.values():
        assert not any(word in said for word in (one["id"], *(name["family"] for name in one.get("name", []))))


def test_every_frame_of_a_made_study_says_that_it_is_made(seen):
    root, _, _ = seen
    frames = sorted(root.rglob("*.parquet"))
    assert {path.parent.name for path in frames} >= {"cohort", "predictions", "data"}
    assert [path for path in frames if pl.read_parquet_metadata(path).get("bedside.made") != MADE] == []
