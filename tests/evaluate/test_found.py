"""Things found: counts by hand, FROC against MONAI."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bedside.core.errors import Misconfigured, Unusable
from bedside.core.pillar import Lines
from bedside.core.predictions import conform
from bedside.core.target import Target
from bedside.evaluate.froc import RATES, Sweep
from bedside.evaluate.judge import judge

_TARGET = [Target("lesion", "found")]
_NAN = float("nan")


@pytest.fixture(scope="module")
def kinds():
    """Makers of frames of each kind."""
    return runpy.run_path(str(Path(__file__).with_name("kinds.py")))


@pytest.fixture
def few(kinds):
    """Four scans, three lesions: two found, one missed, two false marks; the last scan has nothing and nothing was found."""
    things = [("a", "u0", 0.9, True), ("b", "u0", _NAN, True), ("c", "u1", 0.6, True), ("d", "u1", 0.8, False), ("e", "u2", 0.3, False)]
    rows = pl.DataFrame(things, schema=("unit_id", "parent_unit", "value", "label"), orient="row")
    return kinds["decisions"]("lesion", 4), conform(rows.with_columns(pl.lit("lesion").alias("target"), pl.lit("model").alias("output"), pl.lit("test").alias("split")))


def _judged(rows, said, **more):
    return judge(_TARGET, rows, said, main="model", resamples=60, unit="scan", **more).only.result


def test_few_things_are_counted_as_by_hand(few):
    found = _judged(*few)
    counts, own = found.found["model"], {key: one.value for key, one in found.row("model").measures.items()}
    assert (counts.true_positives, counts.false_positives, counts.missed, counts.looked_at) == (2, 2, 1, 4)
    assert own["sensitivity"] == pytest.approx(2 / 3)
    assert own["ppv"] == 0.5
    assert own["f1"] == pytest.approx(4 / 7)
    assert own["false_positives_per_unit"] == 0.5  # the scan without anything counts


def test_the_curve_of_few_things_is_the_one_drawn_by_hand(few):
    # surest first: 0.9 right (0, 1/3), 0.8 wrong (1/4, 1/3), 0.6 right (1/4, 2/3), 0.3 wrong (1/2, 2/3)
    curve = _judged(*few).froc[0]
    assert curve.curve.x == [0, 0, 0.25, 0.25, 0.5]
    assert curve.curve.y == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3], abs=1e-6)
    assert [curve.at[f"{rate:g}"].value for rate in RATES] == pytest.approx([1 / 3, *[2 / 3] * 6])


def test_a_threshold_fixed_beforehand_takes_weaker_marks_away(few):
    found = _judged(*few, lines={"lesion": Lines(serving={"sure": 0.7})})
    point = found.operating[0]
    assert (point.counts.true_positives, point.counts.false_positives, point.counts.missed) == (1, 1, 2)
    assert found.found["model"] == point.counts
    assert found.row("model").measures["froc"].value == pytest.approx(_judged(*few).row("model").measures["froc"].value)


def test_each_fold_may_have_its_own_threshold_and_needs_one(kinds):
    rows, said = kinds["found"](folds=2)
    found = _judged(rows, said, lines={"lesion": Lines(by_fold={"sure": {"fold-0": 0.0, "fold-1": 2.0}})})
    assert found.operating[0].by_split == {"fold-0": 0.0, "fold-1": 2.0}
    assert found.splits[1].measures["sensitivity"].value == 0
    with pytest.raises(Misconfigured, match="fold-1"):
        _judged(rows, said, lines={"lesion": Lines(by_fold={"sure": {"fold-0": 0.0}})})


def test_the_froc_score_is_that_of_monai():
    metrics = pytest.importorskip("monai.metrics.froc")
    random = np.random.default_rng(12)
    right, wrong = random.random(70), random.random(200) ** 2
    value, true = np.concatenate([right, np.full(10, _NAN), wrong, [-1.0]]), np.repeat([True, False], [80, 201])
    sweep = Sweep.of(value, true, np.zeros(281, dtype=np.int64), np.array([30.0]))
    rates, found = metrics.compute_froc_curve_data(np.append(wrong, -1.0), right, 80, 30)
    ours = sweep(np.ones((1, 1)))[0]
    assert ours == pytest.approx(np.interp(RATES, rates[::-1], found[::-1]))
    assert sweep.mean(np.ones((1, 1)))[0, 0] == pytest.approx(metrics.compute_froc_score(rates, found, eval_thresholds=RATES))


def test_a_subject_drawn_twice_counts_as_two():
    random = np.random.default_rng(3)
    value, true, code = random.random(40).round(1), random.random(40) < 0.4, random.integers(0, 5, 40)
    draws = np.array([[2.0, 0, 1, 3, 1]])
    again = np.repeat(np.arange(40), draws[0][code].astype(int))
    twice = Sweep.of(value[again], true[again], np.zeros(len(again), dtype=np.int64), np.array([draws.sum() * 4]))
    assert Sweep.of(value, true, code, np.full(5, 4.0))(draws)[0] == pytest.approx(twice(np.ones((1, 1)))[0])


def test_all_or_nothing_has_no_curve_and_is_told_by_f1(kinds):
    found = _judged(*kinds["found"](scored=False))
    assert found.froc == []
    assert found.headline == ["f1", "sensitivity", "ppv"]


def test_a_unit_of_which_the_truth_is_not_known_is_left_out_whole(kinds):
    rows, said = kinds["found"]()
    some = said.with_columns(pl.when(pl.col("unit_id") == "u3-0").then(None).otherwise(pl.col("label")).alias("label"))
    found = _judged(rows, some)
    assert found.counts.units == 39
    assert found.left_out["truth not known"] == 1


def test_things_in_units_that_nobody_asked_about_are_counted_apart(kinds):
    rows, said = kinds["found"]()
    found = _judged(rows.filter(pl.col("unit_id") != "u4"), said)
    assert found.left_out["things in units that were not asked about"] == said.filter(pl.col("parent_unit") == "u4").height


def test_outputs_that_were_asked_for_other_things_are_a_breach(kinds):
    rows, said = kinds["found"]()
    less = said.filter(~((pl.col("unit_id") == "u3-0") & (pl.col("output") == "threshold")))
    assert {check.name: check.breaches for check in _judged(rows, less).leakage}["things"] == 1


def test_a_thing_without_its_unit_and_a_model_without_rows_are_refused(kinds):
    rows, said = kinds["found"]()
    with pytest.raises(Unusable, match="where it was looked for"):
        _judged(rows, said.with_columns(pl.lit(None, pl.String).alias("parent_unit")))
    with pytest.raises(Unusable, match="no held-out prediction of 'model'"):
        _judged(rows, said.filter(pl.col("output") != "model"))


def test_a_thing_neither_there_nor_found_says_nothing(few):
    rows, said = few
    idle = said.head(1).with_columns(pl.lit("z").alias("unit_id"), pl.lit(_NAN).alias("value"), pl.lit(False).alias("label"))
    assert _judged(rows, pl.concat([said, idle])).found == _judged(rows, said).found


def test_a_model_without_any_mistake_says_how_sure_that_is(kinds):
    rows, said = kinds["found"]()
    right = said.filter((pl.col("output") == "model") & pl.col("label")).with_columns(pl.lit(1.0).alias("value"))
    f1 = _judged(rows, right).row("model").measures["f1"]
    assert f1.value == 1
    assert 0.8 < f1.low < f1.high == 1
    assert f1.n == right.height
    assert "Wilson" in f1.method


def test_marks_that_are_few_are_told_by_f1_and_marks_that_are_many_by_the_curve(kinds):
    rows, said = kinds["found"]()
    assert _judged(rows, said).headline[0] == "f1"
    more = pl.concat([said, *(said.filter(~pl.col("label")).with_columns((pl.col("unit_id") + f"-again{k}").alias("unit_id")) for k in range(2))])
    assert _judged(rows, more).headline[0] == "froc"


def test_few_subjects_are_said_to_be_few(kinds):
    assert "With only 10 subjects such intervals are likely too narrow" in _judged(*kinds["found"](10)).note
    assert "too narrow" not in _judged(*kinds["found"]()).note


def test_no_false_mark_in_forty_scans_still_allows_some(kinds):
    rows, said = kinds["found"]()
    rate = _judged(rows, said.filter(pl.col("label"))).row("model").measures["false_positives_per_unit"]
    assert (rate.value, rate.low, rate.high) == (0, 0, pytest.approx(3.6889 / 40, abs=1e-4))
