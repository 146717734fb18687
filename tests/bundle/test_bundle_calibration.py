"""A calibrated risk keeps its promise on average and never reverses the order of two margins."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.bundle.calibration import Calibration, fit, logistic
from bedside.core import canonical
from bedside.core.errors import Unusable


def made(rows: int = 4000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(seed)
    margin = source.normal(0, 2, rows)
    return margin, source.random(rows) < logistic(0.5 * margin - 2.0)


def test_platt_finds_the_slope_and_intercept_that_made_the_outcomes() -> None:
    found = fit(*made(40000))
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.intercept == pytest.approx(-2.0, abs=0.05)


def test_platt_agrees_with_an_unpenalised_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    margin, outcome = made(5000)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(margin[:, None], outcome)
    assert fit(margin, outcome).slope == pytest.approx(float(theirs.coef_[0, 0]), rel=0.01)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_the_mean_promise_is_the_share_of_events(method: str) -> None:
    margin, outcome = made()
    risk = fit(margin, outcome, method=method)(margin)  # type: ignore[arg-type]
    assert risk.mean() == pytest.approx(outcome.mean(), abs=0.01)
    assert ((risk >= 0) & (risk <= 1)).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), min_size=2, max_size=60), st.sampled_from(["platt", "isotonic"]))
def test_order_is_never_reversed(rows: list[tuple[float, bool]], method: str) -> None:
    margin = np.array([m for m, _ in rows])
    outcome = np.array([o for _, o in rows])
    if outcome.all() or not outcome.any():
        outcome = np.arange(len(outcome)) % 2 == 0
    risk = fit(margin, outcome, method=method)(np.sort(margin))  # type: ignore[arg-type]
    assert (np.diff(risk) >= 0).all()
    assert np.isfinite(risk).all()


def test_isotonic_by_hand() -> None:
    found = fit(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]), method="isotonic")
    assert (found.margins, found.risks) == ([1.0, 2.5, 4.0], [0.0, 0.5, 1.0])
    assert found(np.array([0.0, 1.75, 9.0])).tolist() == [0.0, 0.25, 1.0]


def test_perfectly_separated_outcomes_still_give_finite_numbers() -> None:
    found = fit(np.array([-1.0, -0.5, 0.5, 1.0]), np.array([False, False, True, True]))
    assert 0 < found(np.array([-1.0]))[0] < 0.5 < found(np.array([1.0]))[0] < 1


def test_all_alike_outcomes_cannot_be_calibrated() -> None:
    with pytest.raises(Unusable, match="with and without"):
        fit(np.zeros(5), np.zeros(5, dtype=bool))


def test_a_calibration_survives_its_file() -> None:
    found = fit(*made(500), method="isotonic")
    assert msgspec.json.decode(canonical.dumps(found), type=Calibration) == found
