"""The report of a test: whole, safe, honest, and traceable."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import polars as pl
import pytest

from bedside.evaluate.evaluation import evaluate, figures
from bedside.report import page as report
from bedside.report.document import MADE, NOT_CLEARED

_STUDY = {
    "name": "deterioration",
    "task": {
        "outcome": {"name": "unplanned-intensive-care", "codes": ["LOCATION//ICU"], "from_hours": 0.0, "to_hours": 24.0},
        "prediction": {"unit": "encounter-hour", "first_hours": 1.0, "every_hours": 1.0},
        "split": {"folds": 0, "test_fraction": 0.3, "seed": 1},
        "features": {"signals": [{"name": "heart_rate"}, {"name": "lactate"}]},
        "exclude_ages_below": 18.0,
    },
    "deidentify": {"policy": "expert-determination"},
}
_TALLY = {"source": "ehr", "file": "Observation.ndjson", "read": 100, "written": 90, "merged": {"same-record": 5}, "ignored": {},
          "quarantined": {"not-json": 5}}  # fmt: skip
_HEAD = {"size": 14, "root": "9f2b" * 16, "signature": "c2lnbmF0dXJl", "time": "2026-10-04T10:00:00Z"}


def _drawn(evaluation, **other):
    wanted = {"title": "Deterioration", "study": _STUDY, "counts": [_TALLY], "ledger_head": _HEAD, "made": False,
              "next_commands": [],
              "leakage": {"sampled_decisions": 200}, **other}  # fmt: skip
    return report.test_report(evaluation=evaluation, **wanted)


@pytest.fixture(scope="module")
def read_page():
    """Parser of pages."""
    return runpy.run_path(str(Path(__file__).with_name("reading.py")))["Page"]


@pytest.fixture(scope="module")
def made():
    """Maker of prediction frames."""
    return runpy.run_path(str(Path(__file__).parents[1] / "evaluate" / "made.py"))["predictions"]


@pytest.fixture(scope="module")
def evaluation(made):
    """One evaluation of made predictions."""
    return evaluate(made(), thresholds={"alert": 0.2, "urgent": 0.5}, seed=11, patient_days=40.0, resamples=60)


@pytest.fixture(scope="module")
def page(evaluation, read_page):
    return read_page(_drawn(evaluation))


def test_every_element_is_closed_and_every_id_is_one(page):
    assert page.wrong == []
    assert len(page.values("id")) == len(set(page.values("id")))


def test_nothing_is_fetched_and_nothing_runs(evaluation, page):
    text = _drawn(evaluation)
    assert {name for name, _ in page.elements}.isdisjoint({"script", "link", "iframe", "img", "object", "form"})
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on") or key == "src"]
    assert re.findall(r"@import|url\((?!#)|https?://(?!www\.w3\.org/2000/svg)", text) == []
    policy = next(
        attributes["content"] for _, attributes in page.elements if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_every_picture_has_a_text_alternative(page):
    pictures = [attributes for name, attributes in page.elements if name == "svg"]
    assert len(pictures) > 20
    assert all(attributes.get("role") == "img" or attributes.get("aria-hidden") for attributes in pictures)
    assert sum(name == "details" for name, _ in page.elements) >= 5


def test_every_number_carries_a_name_that_the_ledger_knows(evaluation, page):
    known = {figure.name for figure in figures(evaluation)}
    named = page.values("data-figure")
    assert set(named) <= known
    assert {"test/risk/auroc", "test/risk/at/alert/ppv", "test/risk-news2/auroc", "test/risk/beyond-clock/within-hour"} <= set(
        named
    )


def test_every_value_behind_a_name_is_the_ledgers_value(evaluation, page):
    known = {figure.name: figure.value for figure in figures(evaluation)}
    shown = [(found["data-figure"], float(found["value"])) for name, found in page.elements if name == "data"]
    assert len(shown) > 80
    assert all(known[called] == pytest.approx(value) for called, value in shown)


def test_the_finding_says_the_number_its_interval_and_its_n(evaluation, page):
    auroc = evaluation.row("risk").auroc
    assert f"{auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f})" in page.words
    assert f"960 times for 80 patients; the event followed {evaluation.counts.events} times" in page.words
    assert "unplanned intensive care" in page.words


def test_made_data_says_so_and_real_data_does_not(evaluation):
    assert MADE in _drawn(evaluation, made=True)
    assert MADE not in _drawn(evaluation)


def test_every_page_says_that_it_is_no_cleared_device(evaluation):
    assert NOT_CLEARED in _drawn(evaluation)


def test_the_ledgers_head_stands_at_the_end_with_what_it_cannot_prove(page):
    assert _HEAD["root"] in page.words
    assert _HEAD["signature"] in page.words
    assert "self-attested" in page.words


def test_every_record_is_accounted_for_or_the_page_says_not(evaluation):
    assert "read = written + merged + ignored + quarantined" in _drawn(evaluation)
    assert "Counts do not add up in: ehr" in _drawn(evaluation, counts=[{**_TALLY, "read": 101}])


def test_a_comparison_whose_interval_holds_nought_is_called_undecided(made):
    frame = made(subjects=30)
    same = frame.filter(pl.col("output") == "risk").with_columns(pl.lit("news2").alias("output"))
    alike = pl.concat([frame.filter(pl.col("output") != "news2"), same])
    found = evaluate(alike, thresholds={"alert": 0.2}, seed=1, resamples=40)
    assert "this test does not tell them apart" in _drawn(found)


def test_what_somebody_typed_into_the_study_stays_text(evaluation, read_page):
    study = {"task": {"outcome": {"name": "<script>alert(1)</script>", "codes": ['"><img src=x>']}}}
    page = read_page(_drawn(evaluation, study=study, title="<b>bold</b>"))
    assert {name for name, _ in page.elements}.isdisjoint({"script", "img", "b"} - {"b"})
    assert "<script>alert(1)" not in _drawn(evaluation, study=study)
    assert "<b>bold</b>" in page.words


def test_a_broken_check_is_the_first_thing_that_the_section_says(made):
    frame = made().with_columns(pl.when(pl.col("unit_id") == "u0").then(pl.lit("train")).otherwise(pl.col("split")).alias("split"))
    assert "Do not use them" in _drawn(evaluate(frame, thresholds={}, seed=1, resamples=20))


def test_folds_each_have_a_row_and_their_own_thresholds(made):
    lines = {"chosen": {"fold-0": 0.1, "fold-1": 0.4}}
    found = evaluate(made(folds=2), thresholds={}, fold_thresholds=lines, seed=1, resamples=20)
    text = _drawn(found)
    assert "10.0 % to 40.0 %, by fold" in text
    assert 'data-figure="test/risk/split/fold-1/auroc"' in text


def test_a_score_alone_makes_a_page_without_promises(made, read_page):
    frame = made().filter(pl.col("output") == "news2")
    page = read_page(_drawn(evaluate(frame, main="news2", thresholds={"high": 7.0}, seed=1, resamples=20), study={}, counts=[]))
    assert page.wrong == []
    assert "Promises kept" not in page.words


def test_few_patients_and_no_event_still_make_a_page(made, read_page):
    frame = made(subjects=3, hours=4).with_columns(pl.lit(False).alias("label"))
    page = read_page(_drawn(evaluate(frame, thresholds={"alert": 0.2}, seed=1, resamples=20)))
    assert page.wrong == []
    assert "No subgroup is large enough" in page.words


def test_the_same_records_make_the_same_bytes(evaluation):
    assert _drawn(evaluation) == _drawn(evaluation)


def test_a_page_stays_small(evaluation):
    assert len(_drawn(evaluation).encode()) < 300_000
