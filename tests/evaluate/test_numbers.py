"""A number against the true number, against values by hand, scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.numbers import measures
from bedside.evaluate.weighted import correlation, midranks, quantiles

_DRAW = Bootstrap(50)


def _measures(truth, value, **more):
    one, other = np.asarray(truth, float), np.asarray(value, float)
    return measures(one, other, np.arange(len(one)), len(one), _DRAW, **more)


def test_four_numbers_have_the_values_worked_out_by_hand():
    found = {key: one.value for key, one in _measures([1, 2, 3, 4], [2, 2, 3, 5]).items()}
    # errors 1, 0, 0, 1: mean 0.5, squares 0.5, sd (n - 1) sqrt(1/3); variance of the truth 1.25
    assert found["mae"] == 0.5
    assert found["rmse"] == pytest.approx(0.5**0.5)
    assert found["r2"] == pytest.approx(1 - 0.5 / 1.25)
    assert found["bias"] == 0.5
    assert found["limit_low"] == pytest.approx(0.5 - 1.959964 * (1 / 3) ** 0.5, abs=1e-6)
    assert found["limit_high"] == pytest.approx(0.5 + 1.959964 * (1 / 3) ** 0.5, abs=1e-6)
    # Lin: 2 cov / (var + var + bias squared) = 2 * 1.25 / (1.25 + 1.5 + 0.25)
    assert found["ccc"] == pytest.approx(2 * 1.25 / 3)


def test_many_numbers_have_the_values_of_scipy_and_scikit_learn():
    stats, metrics = pytest.importorskip("scipy.stats"), pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(8)
    truth = random.gamma(2, 3, 200).round(1)
    value = (truth + random.normal(1, 2, 200)).round(1)
    found = {key: one.value for key, one in _measures(truth, value).items()}
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, value))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, value))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, value))
    assert found["pearson"] == pytest.approx(stats.pearsonr(truth, value).statistic)
    assert found["spearman"] == pytest.approx(stats.spearmanr(truth, value).statistic)


def test_the_share_of_intervals_that_hold_the_truth_counts_only_where_there_is_one():
    low, high = np.array([0.0, 0.0, np.nan, 0.0]), np.array([2.0, 1.0, 3.0, 9.0])
    found = _measures([1, 2, 3, 4], [1, 1, 3, 4], low=low, high=high)
    assert (found["coverage"].value, found["coverage"].n) == (pytest.approx(2 / 3), 3)
    assert found["width"].value == 4


def test_intervals_that_always_hold_say_how_sure_that_is():
    found = _measures([1, 2, 3, 4], [1, 2, 3, 4], low=np.zeros(4), high=np.full(4, 9.0))
    assert found["coverage"].value == 1
    assert 0.4 < found["coverage"].low < 0.6


def test_a_constant_has_no_correlation_and_says_why():
    found = _measures([1, 2, 3, 4], [2.5] * 4)
    assert found["pearson"].value is None
    assert found["spearman"].method == "not estimable: one of the two does not vary"
    assert found["r2"].value == 0


def test_two_subjects_are_too_few_for_an_interval():
    found = measures(np.arange(6.0), np.arange(6.0) + 1, np.repeat([0, 1], 3), 2, _DRAW)
    assert found["mae"].value == 1
    assert found["mae"].low is None
    assert "too few to resample" in found["mae"].method


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9999), st.integers(2, 25))
def test_a_weighted_row_is_as_good_as_a_repeated_one(seed, n):
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(seed)
    x, y, weight = random.integers(0, 6, n).astype(float), random.normal(size=n), random.integers(0, 4, (1, n)).astype(float)
    repeated = np.repeat(np.arange(n), weight[0].astype(int))
    if len(repeated):
        assert quantiles(y, weight, (0.25, 0.5, 0.9))[0] == pytest.approx(np.quantile(y[repeated], (0.25, 0.5, 0.9)))
        assert midranks(x, weight)[0][repeated] == pytest.approx(stats.rankdata(x[repeated]))
    if len(repeated) > 2 and np.ptp(x[repeated]) and np.ptp(y[repeated]):
        ranked = correlation(midranks(x, weight), midranks(y, weight), weight)[0]
        assert ranked == pytest.approx(stats.spearmanr(x[repeated], y[repeated]).statistic)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.floats(-1e6, 1e6), st.floats(0.01, 1000))
def test_another_unit_scales_errors_and_leaves_correlations(seed, shift, scale):
    random = np.random.default_rng(seed)
    truth = random.normal(size=30)
    value = truth + random.normal(size=30)
    one, other = _measures(truth, value), _measures(shift + scale * truth, shift + scale * value)
    for key in ("mae", "rmse", "bias"):
        assert other[key].value == pytest.approx(scale * one[key].value, rel=1e-4, abs=1e-7 * scale + 1e-9 * abs(shift))
    for key in ("r2", "pearson", "spearman"):
        assert other[key].value == pytest.approx(one[key].value, rel=1e-4, abs=1e-6)
