"""A grade against the true grade."""

from __future__ import annotations

import numpy as np
import pytest

from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.grades import measures


def _measures(truth, value, grades=(0, 1, 2, 3, 4)):
    scale = np.array(grades, float)
    one, other = (np.searchsorted(scale, np.asarray(side, float)) for side in (truth, value))
    return measures(scale, one, other, np.arange(len(one)), len(one), Bootstrap(40))


def test_kappa_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(4)
    truth = random.integers(0, 5, 150)
    value = np.clip(truth + random.integers(-2, 3, 150), 0, 4)
    found = _measures(truth, value)
    assert found["kappa"].value == pytest.approx(metrics.cohen_kappa_score(truth, value, weights="quadratic"))
    assert found["agreement"].value == pytest.approx((truth == value).mean())
    assert found["within_one"].value == pytest.approx((abs(truth - value) <= 1).mean())
    assert found["mae"].value == pytest.approx(abs(truth - value).mean())


def test_by_hand_one_far_miss_in_four():
    # seen: (0 - 2) squared = 4 over 4 rows; expected by chance from margins (2, 2) true and (1, 3) given at grades 0 and 2: 4 * (2*3 + 2*1) / 4
    found = _measures([0, 0, 2, 2], [0, 2, 2, 2], grades=(0, 2))
    assert found["kappa"].value == pytest.approx(1 - 4 / 8)


def test_a_grade_that_is_missing_in_the_scale_keeps_its_distance():
    assert _measures([0, 4], [4, 0], grades=(0, 4))["mae"].value == 4


def test_all_of_one_grade_have_no_kappa():
    found = _measures([1, 1, 1], [1, 1, 1])
    assert found["kappa"].value is None
    assert "one grade" in found["kappa"].method
    assert (found["agreement"].value, found["agreement"].low is not None) == (1.0, True)
