"""Frames at the edge of sense: judged and drawn, or refused in words; never a crash."""

from __future__ import annotations

import runpy
from pathlib import Path

import polars as pl
import pytest

from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.target import Target
from bedside.evaluate.figures import figures
from bedside.evaluate.judge import judge
from bedside.evaluate.stored import read
from bedside.report import page as report

_TARGETS = {"number": Target("solubility", "number"), "grade": Target("retinopathy", "grade"), "found": Target("lesion", "found"),
            "region": Target("hippocampus", "region"), "finding": Target("pneumonia", "yes-no")}  # fmt: skip
_MODEL, _NAN = pl.col("output") == "model", float("nan")
_KINDS = runpy.run_path(str(Path(__file__).parents[1] / "evaluate" / "kinds.py"))


def _outcome(kind, frames):
    """How it went: what the refusal says, or the page."""
    try:
        test = judge([_TARGETS[kind]], *frames, main="model", resamples=15, unit="image")
    except Unusable as error:
        return error.what
    assert read(canonical.dumps(test)) == test
    return report.test_report(title="edge", study={}, evaluation=test, counts=[], ledger_head={}, made=False, next_commands=[])


def _with(frames, place, *changes):
    return [frame.with_columns(*changes) if at == place else frame for at, frame in enumerate(frames)]


@pytest.mark.parametrize("kind", list(_TARGETS))
@pytest.mark.parametrize("units", [2, 3, 12])
def test_a_few_units_make_a_page(kind, units):
    assert _outcome(kind, _KINDS[kind](units)).startswith("<!doctype html>")


@pytest.mark.parametrize("kind", list(_TARGETS))
def test_units_of_one_subject_make_a_page_without_intervals(kind):
    frames = _with(_KINDS[kind](20), 0, pl.lit(7).cast(pl.Int64).alias("subject_id"))
    assert "no interval" in _outcome(kind, frames)


@pytest.mark.parametrize("kind", list(_TARGETS))
def test_a_model_that_says_the_same_of_all_makes_a_page(kind):
    frames = _with(_KINDS[kind](20), 1, pl.when(_MODEL).then(0.5).otherwise(pl.col("value")).alias("value"))
    assert _outcome(kind, frames).startswith("<!doctype html>")


@pytest.mark.parametrize("kind", ["number", "grade", "finding"])
def test_a_model_that_says_nothing_is_refused_and_a_silent_baseline_is_not(kind):
    silent, beside = (_with(_KINDS[kind](20), 1, pl.when(who).then(_NAN).otherwise(pl.col("value")).alias("value")) for who in (_MODEL, ~_MODEL))
    assert "no held-out prediction of 'model'" in _outcome(kind, silent)
    assert _outcome(kind, beside).startswith("<!doctype html>")


@pytest.mark.parametrize("truth", [True, False])
def test_a_finding_that_all_or_none_have_makes_a_page(truth):
    assert _outcome("finding", _with(_KINDS["finding"](20), 0, pl.lit(truth).alias("label"))).startswith("<!doctype html>")


@pytest.mark.parametrize("value", [_NAN, None, float("inf")])
def test_a_region_that_nowhere_has_a_value_says_so(value):
    frames = _with(_KINDS["region"](20), 2, pl.lit(value, pl.Float64).alias("value"))
    assert "no unit has a value" in _outcome("region", frames)


@pytest.mark.parametrize("kept", [pl.col("label"), ~pl.col("label")])
def test_only_missed_things_and_only_false_marks_make_a_page(kept):
    rows, said = _KINDS["found"](20)
    missed = said.filter(kept).with_columns(pl.when(pl.col("label")).then(_NAN).otherwise(pl.col("value")).alias("value"))
    assert _outcome("found", [rows, missed]).startswith("<!doctype html>")


def test_an_interval_upside_down_holds_nothing():
    frames = _with(_KINDS["number"](20), 1, pl.lit(9.0).alias("low"), pl.lit(1.0).alias("high"))
    test = judge([_TARGETS["number"]], *frames, main="model", resamples=15)
    assert next(figure.value for figure in figures(test) if figure.name == "test/model/coverage") == 0
