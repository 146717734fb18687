"""Calibration against rms 6.5 and R's glm on a deliberately miscalibrated CC0 sample (read at test time)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bedside.evaluate.calibration import brier, calibration, in_the_large, observed_to_expected, slope, tenths
from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.discrimination import auroc, delong
from bedside.evaluate.smoothing import smoothed

_BOOTSTRAP = Bootstrap(100, 3)


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    with (shared_data / "evidence/synthetic-val/synthetic_val.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return np.array([row["y"] == "1" for row in rows]), np.array([float(row["p"]) for row in rows])


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> dict:
    return json.loads((shared_data / "evidence/refs/misc_ref.json").read_text())


def test_the_known_miscalibration_is_found(sample):
    outcome, risk = sample
    assert auroc(outcome, risk) == pytest.approx(0.7074552, abs=5e-6)
    assert brier(outcome, risk) == pytest.approx(0.2120496, abs=1e-7)
    assert slope(outcome, risk).value == pytest.approx(0.7704796, abs=1e-7)
    assert in_the_large(outcome, risk).value == pytest.approx(0.5044071, abs=1e-7)


def test_intervals_of_recalibration_are_those_of_a_generalised_linear_model(sample, reference):
    outcome, risk, expected = *sample, reference["synth"]
    for found, key in ((in_the_large(outcome, risk), "citl_ci"), (slope(outcome, risk), "slope_ci")):
        assert (found.low, found.high) == pytest.approx(expected[key], abs=1e-5)  # R stops its iterations earlier
        assert found.method == "logistic recalibration, Wald"
    assert delong(outcome, risk).low == pytest.approx(expected["auc_ci"][0], abs=1e-9)


def test_observed_over_expected_is_what_r_gives(sample, reference):
    assert observed_to_expected(*sample).value == pytest.approx(reference["synth"]["oe"], abs=1e-9)


def test_the_smooth_curve_strays_as_far_as_lowess_does(sample, reference):
    codes = np.arange(len(sample[0]))
    band, error = smoothed(*sample, codes, subjects=len(codes), bootstrap=_BOOTSTRAP)
    assert error.value == pytest.approx(reference["valprob_synth"]["Eavg"], abs=0.004)
    assert error.low < error.value < error.high
    assert all(low <= high for low, high in zip(band.low, band.high, strict=True))


def test_promises_kept_are_found_kept():
    random = np.random.default_rng(1)
    risk = random.beta(2, 6, 20_000)
    outcome, codes = random.random(20_000) < risk, np.arange(20_000)
    found = calibration(outcome, risk, codes, subjects=20_000, bootstrap=_BOOTSTRAP)
    for estimate, perfect in ((found.in_the_large, 0), (found.slope, 1), (found.observed_to_expected, 1)):
        assert estimate.low < perfect < estimate.high
    assert found.mean_error.value < 0.01
    assert sum(found.histogram) == 20_000


def test_rows_copied_within_a_subject_do_not_narrow_the_interval():
    random = np.random.default_rng(2)
    risk = random.beta(2, 4, 400)
    outcome, copies = random.random(400) < risk, 10
    once = slope(outcome, risk)
    often = slope(np.repeat(outcome, copies), np.repeat(risk, copies), np.repeat(np.arange(400), copies))
    assert often.method.endswith("sandwich over subjects")
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.1)


def test_equal_promises_make_fewer_groups_and_lose_no_row():
    outcome, risk = np.array([True, False] * 50), np.array([0.2] * 70 + [0.6] * 30)
    bins = tenths(outcome, risk, np.arange(100), subjects=100, bootstrap=_BOOTSTRAP)
    assert sum(one.observed.n for one in bins) == 100
    assert len(bins) <= 2


def test_one_promise_for_all_is_a_group_of_its_own():
    bins = tenths(np.array([True, False, False]), np.full(3, 0.3), np.arange(3), subjects=3, bootstrap=_BOOTSTRAP)
    assert [one.observed.n for one in bins] == [3]


def test_promises_of_exactly_nought_and_one_are_no_infinite_surprise():
    outcome, risk = np.array([True, False, True, False] * 10), np.array([1.0, 0.0, 0.7, 0.4] * 10)
    assert in_the_large(outcome, risk).value is not None


@pytest.mark.parametrize("outcome", [[False] * 20, [True] * 20])
def test_without_both_outcomes_recalibration_says_why_it_cannot(outcome):
    found = slope(np.array(outcome), np.linspace(0.1, 0.9, 20))
    assert found.value is None
    assert found.method.startswith("not estimable")


def test_a_perfect_separation_has_no_slope():
    risk = np.linspace(0.05, 0.95, 40)
    assert slope(risk > 0.5, risk).value is None


@pytest.mark.parametrize("subjects", [1, 2, 9])
def test_a_handful_of_subjects_gives_a_slope_without_an_interval(subjects):
    random = np.random.default_rng(1)
    risk = random.uniform(0.05, 0.95, 90)
    found = slope(random.random(90) < risk, risk, np.arange(90) % subjects)
    assert (found.low, found.high) == (None, None)
    assert found.value is not None
    assert f"{subjects} subjects are too few" in found.method
