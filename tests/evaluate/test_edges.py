"""Where there is little to know: a value without an interval and why, never an interval of no width."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from bedside.core.predictions import conform
from bedside.evaluate.calibration import slope
from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.discrimination import delong, delong_difference
from bedside.evaluate.evaluation import evaluate
from bedside.evaluate.operating import operating_point
from bedside.evaluate.subgroups import measure

pytestmark = pytest.mark.filterwarnings("error")


def test_a_share_of_everything_keeps_an_interval_from_its_subjects():
    codes = np.repeat(np.arange(10), 6)
    outcome = codes < 4
    point = operating_point(outcome, outcome | (codes > 8), codes, subjects=10, bootstrap=Bootstrap(50), name="x", threshold=0.5)
    found = point.sensitivity
    assert (found.value, found.high, found.n) == (1.0, 1.0, 24)
    assert found.low == pytest.approx(0.5101, abs=1e-4)
    assert "4 subjects" in found.method


def test_scores_that_separate_wholly_have_no_interval_and_say_why():
    outcome, score = np.arange(12) >= 6, np.arange(12.0)
    area = measure(outcome, score, np.arange(12), 12, Bootstrap(60)).auroc
    assert (area.value, area.low) == (1.0, None)
    assert "same value" in area.method
    assert (delong(outcome, score).value, delong(outcome, score).low) == (1.0, None)
    assert "does not converge" in slope(outcome, np.where(outcome, 0.9, 0.1) + score / 1000).method


def test_of_a_single_event_delong_has_a_value_but_no_interval():
    outcome, score = np.arange(9) == 7, np.arange(9.0)
    assert delong(outcome, score).low is None
    assert "two predictions with the event" in delong(outcome, score).method
    gap, z, p = delong_difference(outcome, score, -score)
    assert (gap.low, z, p) == (None, None, None)


def test_one_class_only_is_not_estimable():
    outcome, score = np.zeros(8, dtype=bool), np.arange(8.0)
    found = measure(outcome, score, np.arange(8), 8, Bootstrap(40))
    assert (found.auroc.value, found.auprc.value, found.base_rate.low) == (None, None, None)
    assert delong(outcome, score).value is None


def test_a_constant_score_ranks_at_chance_without_a_claim_of_certainty():
    found = measure(np.arange(30) % 3 == 0, np.full(30, 0.2), np.arange(30), 30, Bootstrap(60)).auroc
    assert (found.value, found.low) == (0.5, None)


def test_predictions_without_a_score_are_left_out_and_counted():
    score = [float("nan") if row < 5 else 0.01 * row for row in range(40)]
    rows = {"subject_id": range(40), "unit_id": [f"u{row}" for row in range(40)], "label": [row % 3 == 0 for row in range(40)]}
    frame = conform(
        pl.DataFrame(rows).with_columns(
            pl.lit("outcome").alias("target"), pl.lit("risk").alias("output"), pl.Series("value", score), pl.lit("test").alias("split")
        )
    )
    found = evaluate(frame, thresholds={"a": 0.2}, resamples=40)
    assert found.left_out["no risk score"] == 5
    assert (found.row("risk").auroc.n, found.row("risk").operating[0].counts.predictions) == (35, 35)
