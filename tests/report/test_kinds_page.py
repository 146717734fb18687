"""The report of every kind of target: whole, safe, honest, and traceable."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from bedside.core import canonical
from bedside.core.pillar import Lines
from bedside.core.target import Target
from bedside.evaluate.figures import figures
from bedside.evaluate.judge import judge
from bedside.evaluate.stored import read
from bedside.report import page as report

_TARGETS = {"solubility": Target("solubility", "number", "mol/L"), "retinopathy": Target("retinopathy", "grade"), "lesion": Target("lesion", "found"),
            "hippocampus": Target("hippocampus", "region"), "pneumonia": Target("pneumonia", "yes-no")}  # fmt: skip
_LINES = {"lesion": Lines(serving={"screening": 0.3}), "solubility": Lines(promised=0.8), "pneumonia": Lines(serving={"alert": 0.3})}
_QUICK = {"main": "model", "resamples": 40, "unit": "image", "lines": _LINES}
_STUDY = {"name": "images", "task": {"kind": "image", "split": {"by": "subject", "test_fraction": 0.3, "seed": 1}}}


def _page(test, **other):
    return report.test_report(**{"title": "Images", "study": _STUDY, "evaluation": test, "counts": [], "ledger_head": {}, "made": False,
                          "next_commands": [], **other})  # fmt: skip


@pytest.fixture(scope="module")
def read_page():
    """Parser of pages."""
    return runpy.run_path(str(Path(__file__).with_name("reading.py")))["Page"]


@pytest.fixture(scope="module")
def kinds() -> SimpleNamespace:
    """Makers of frames of each kind."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "evaluate" / "kinds.py")))


@pytest.fixture(scope="module")
def single(kinds):
    """A test of one target each, by its name."""
    made = {"solubility": kinds.number(), "retinopathy": kinds.grade(), "lesion": kinds.found(), "hippocampus": kinds.region(),
            "pneumonia": kinds.finding()}  # fmt: skip
    return {name: judge([_TARGETS[name]], *frames, **_QUICK) for name, frames in made.items()}


@pytest.fixture(scope="module")
def together(kinds):
    """A test of all five."""
    parts = [kinds.number(), kinds.grade(), kinds.found(), kinds.region(), kinds.finding()]
    decisions, predictions = pl.concat([part[0] for part in parts], how="diagonal_relaxed"), pl.concat([part[1] for part in parts])
    return judge(list(_TARGETS.values()), decisions, predictions, parts[3][2], **_QUICK)


@pytest.mark.parametrize("name", list(_TARGETS))
def test_a_page_of_one_target_is_whole_and_every_picture_has_a_text(single, read_page, name):
    page = read_page(_page(single[name]))
    assert page.wrong == []
    assert len(page.values("id")) == len(set(page.values("id")))
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert pictures
    assert all(attributes.get("role") == "img" or attributes.get("aria-hidden") for attributes in pictures)


@pytest.mark.parametrize("name", list(_TARGETS))
def test_every_number_of_a_kind_is_the_ledgers(single, read_page, name):
    page, known = read_page(_page(single[name])), {figure.name: figure.value for figure in figures(single[name])}
    shown = [(found["data-figure"], float(found["value"])) for tag, found in page.elements if tag == "data"]
    assert set(page.values("data-figure")) <= set(known)
    assert len(shown) > 30
    assert all(known[called] == pytest.approx(value) for called, value in shown)
    assert report.example(single[name]) in known


def test_a_number_is_told_by_its_error_its_limits_and_its_intervals(single, read_page):
    words = read_page(_page(single["solubility"])).words
    mae = single["solubility"].only.result.row("model").measures["mae"]
    assert f"On average it lies {mae.value:.3f} ({mae.low:.3f} to {mae.high:.3f}) mol/L from the true value" in words
    assert "which promise 80 %, hold the true value in" in words
    assert "the model does better than “mean”" in words
    assert "Not recorded of any patient: age, race, ethnicity" in words


def test_a_grade_shows_every_unit_by_true_and_given_grade(single, read_page):
    page = read_page(_page(single["retinopathy"]))
    cells = [name for name in page.values("data-figure") if name.startswith("test/model/confusion/")]
    assert len(cells) == 25
    assert "quadratic weighted kappa" in page.words


def test_things_found_are_told_with_what_was_looked_at(single, read_page):
    page, found = read_page(_page(single["lesion"])), single["lesion"].only.result.found["model"]
    assert "looked for “lesion” in 40 images of 40 patients" in page.words
    assert f"it found {found.true_positives} of them and {found.false_positives} that are not there" in page.words
    assert "figure-froc" in page.values("id")


def test_a_region_names_its_worst_units_and_those_without_a_value(single, read_page):
    page, found = read_page(_page(single["hippocampus"])), single["hippocampus"].only.result
    assert found.spread("model", "dice").worst[0].unit_id in page.words
    assert "1 image has no HD95 (mm): a region was empty" in page.words
    assert {"figure-strip-dice", "figure-strip-hd95-mm"} <= set(page.values("id"))


def test_a_finding_that_is_there_or_not_is_not_called_an_event_ahead(single, read_page):
    words = read_page(_page(single["pneumonia"])).words
    assert "how likely “pneumonia” is in 200 images of 200 patients" in words
    assert "the event followed" not in words
    assert "because staff saw the danger" not in words


def test_several_targets_stand_in_one_table_and_each_has_its_part(together, read_page):
    page = read_page(_page(together))
    assert page.wrong == []
    assert {f"target-{name}" for name in _TARGETS} <= set(page.values("id"))
    assert {f"#target-{name}" for name in _TARGETS} <= set(page.values("href"))
    assert len(page.values("id")) == len(set(page.values("id")))
    assert set(page.values("data-figure")) <= {figure.name for figure in figures(together)}


def test_a_comparison_whose_interval_holds_nought_is_called_undecided(kinds):
    rows, said = kinds.number()
    twin = pl.concat([said.filter(pl.col("output") == "model"), said.filter(pl.col("output") == "model").with_columns(
        pl.lit("twin").alias("output"), (pl.col("value") + pl.when(pl.int_range(pl.len()) % 2 == 0).then(0.01).otherwise(-0.01)).alias("value"))])  # fmt: skip
    assert "the interval holds 0, so this test does not tell them apart" in _page(judge([_TARGETS["solubility"]], rows, twin, **_QUICK))


def test_an_output_that_does_better_than_the_model_is_said_to(kinds):
    rows, said = kinds.number()
    swapped = said.with_columns(pl.col("output").replace({"model": "mean", "mean": "model"}))
    assert "“mean” does better" in _page(judge([_TARGETS["solubility"]], rows, swapped, **_QUICK))


def test_a_target_that_could_not_be_judged_says_why(kinds, read_page):
    rows, said = kinds.number()
    more = pl.concat([rows, kinds.decisions("mass", 5)], how="diagonal_relaxed")
    page = read_page(_page(judge([_TARGETS["solubility"], Target("mass", "yes-no")], more, said, **_QUICK)))
    assert page.wrong == []
    assert "“mass” could not be judged: no held-out prediction" in page.words


def test_molecules_are_no_patients(kinds, read_page):
    rows, said = kinds.number(subjects=False)
    words = read_page(_page(judge([_TARGETS["solubility"]], rows, said, main="model", resamples=40, unit="molecule"), made=False)).words
    assert "for 90 molecules." in words
    assert "patients named above" not in words


def test_fourteen_findings_make_one_page_that_stays_small(kinds, read_page):
    named = [f"finding-{i}" for i in range(14)]
    parts = [kinds.finding(80, name, seed=i) for i, name in enumerate(named)]
    test = judge([Target(name, "yes-no") for name in named], pl.concat([part[0] for part in parts]), pl.concat([part[1] for part in parts]),
                 main="model", resamples=20, unit="image")  # fmt: skip
    text = _page(test)
    assert read_page(text).wrong == []
    assert len(text.encode()) < 1_200_000


def test_the_same_records_make_the_same_bytes(together):
    assert _page(together) == _page(together)


def test_no_page_says_that_a_model_was_validated(together, single):
    assert not [page for page in (_page(together), *map(_page, single.values())) if "validat" in page.lower()]


def test_a_stored_record_makes_the_page_that_the_fresh_one_made(together, single):
    assert _page(read(canonical.dumps(together))) == _page(together)
    assert all(_page(read(canonical.dumps(one))) == _page(one) for one in single.values())


def test_what_was_left_out_is_told_with_its_reason(kinds, read_page):
    rows, said = kinds.number()
    less = said.filter(~((pl.col("unit_id") == "u0") & (pl.col("output") == "model")))
    assert "Left out: 1 image, no model value." in read_page(_page(judge([_TARGETS["solubility"]], rows, less, **_QUICK))).words
    rows, said = kinds.found()
    words = read_page(_page(judge([_TARGETS["lesion"]], rows.filter(pl.col("unit_id") != "u4"), said, **_QUICK))).words
    assert "things in units that were not asked about." in words
