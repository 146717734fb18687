"""What happens at a threshold fixed beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.operating import operating_point

_OUTCOME = np.array([True] * 10 + [False] * 90)
_ALERT = np.array([True] * 8 + [False] * 2 + [True] * 9 + [False] * 81)


def _point(codes: np.ndarray, subjects: int, **more: object):
    return operating_point(
        _OUTCOME, _ALERT, codes, subjects=subjects, bootstrap=Bootstrap(200, 3), name="alert", threshold=0.3, **more
    )


def test_a_table_of_four_gives_the_four_shares():
    point = _point(np.arange(100), 100)
    assert point.sensitivity.value == 0.8
    assert point.specificity.value == 0.9
    assert point.ppv.value == pytest.approx(8 / 17)
    assert point.npv.value == pytest.approx(81 / 83)
    assert [share.n for share in (point.sensitivity, point.specificity, point.ppv, point.npv)] == [10, 90, 17, 83]
    assert point.sensitivity.method == "Wilson"


def test_the_exact_interval_is_there_for_the_asking():
    assert _point(np.arange(100), 100, interval="clopper-pearson").sensitivity.low == pytest.approx(0.4439045, abs=1e-6)


def test_alerts_are_counted_per_100_patient_days():
    point = _point(np.arange(100), 100, patient_days=50.0)
    assert point.alerts == 17
    assert point.alerts_per_100_patient_days.value == pytest.approx(34)
    assert point.alerts_per_100_patient_days.low < 34 < point.alerts_per_100_patient_days.high


def test_without_patient_days_the_rate_says_that_it_lacks_them():
    assert _point(np.arange(100), 100).alerts_per_100_patient_days.method == "not estimable: patient-days not given"


def test_several_rows_a_subject_are_resampled_by_subject():
    point = _point(np.arange(100) % 20, 20)
    assert "bootstrap over subjects" in point.sensitivity.method
    assert point.subject_sensitivity.method == "Wilson"
    assert (point.subject_sensitivity.value, point.subject_sensitivity.n) == (0.8, 10)


def test_a_threshold_that_nobody_reaches_has_no_positive_predictive_value():
    point = operating_point(_OUTCOME, np.zeros(100, dtype=bool), np.arange(100) % 20, subjects=20, bootstrap=Bootstrap(50, 3),
                            name="never", threshold=1.0)  # fmt: skip
    assert (point.alerts, point.ppv.value, point.ppv.method) == (0, None, "not estimable: no alerts")
    assert point.sensitivity.value == 0


def test_the_worked_example_of_the_draft_guidance_is_reproduced():
    """FDA AI-DSF draft guidance (January 2025), appendix F: sensitivity 84, specificity 83, PPV 55.3, NPV 95.4 imply 20 in 100."""
    outcome = np.array([True] * 5000 + [False] * 20_000)
    alert = np.r_[np.arange(5000) < 4200, np.arange(20_000) < 3400]
    point = operating_point(outcome, alert, np.arange(25_000), subjects=25_000, bootstrap=Bootstrap(1, 1), name="x", threshold=0.5)
    assert point.ppv.value == pytest.approx(0.553, abs=5e-4)
    assert point.npv.value == pytest.approx(0.954, abs=5e-4)
