"""Runners: weights as text in, margins and what made them out."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from made import NAMES, matrix, weights

from bedside.bundle.runners.hours import Bins, Hours
from bedside.bundle.runners.lightgbm import LightGBM
from bedside.bundle.runners.logistic import Coefficients, Logistic
from bedside.bundle.runners.shap import Explainer
from bedside.bundle.runners.table import RUNNERS
from bedside.core import canonical
from bedside.core.errors import Malformed


def test_a_logistic_margin_is_the_sum_that_a_person_makes_by_hand() -> None:
    told = Coefficients(centre=[80.0, 2.0], scale=[20.0, 1.0], coefficient=[0.5, 1.0], intercept=-3.0)
    runner = Logistic({"member-00.json": canonical.dumps(told)}, where="made")
    assert runner.margin([120.0, 4.0]) == -3.0 + 0.5 * 2 + 1.0 * 2
    assert runner.contributions([120.0, 4.0]) == [1.0, 2.0]


def test_a_missing_value_counts_as_the_centre_and_a_wild_one_as_the_limit() -> None:
    told = Coefficients(centre=[80.0], scale=[20.0], coefficient=[0.5], intercept=-3.0)
    runner = Logistic({"member-00.json": canonical.dumps(told)}, where="made")
    assert runner.margin([float("nan")]) == -3.0
    assert runner.margin([1e9]) == -3.0 + 0.5 * 5


def test_the_clock_looks_up_its_bin_and_says_the_average_without_a_clock() -> None:
    runner = Hours({"member-00.json": canonical.dumps(Bins([6.0, 24.0], [-4.0, -3.0, -2.0], -3.5))}, where="made")
    assert [runner.margin([hour]) for hour in (0.0, 5.9, 6.0, 23.9, 24.0, 500.0)] == [-4.0, -4.0, -3.0, -3.0, -2.0, -2.0]
    assert runner.margins(np.array([[6.0], [np.nan], [99.0]], dtype=np.float32)).tolist() == [-3.0, -3.5, -2.0]
    assert runner.contributions([24.0]) == [1.5]


@pytest.mark.parametrize("runner", list(RUNNERS))
@pytest.mark.parametrize("files", [{}, {"member-00.txt": b""}, {"member-00.txt": b"\xff\xfe"}, {"member-00.txt": b"{}"}])
def test_weights_that_are_not_the_runners_are_malformed(
    runner: str, files: dict[str, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Malformed):
        RUNNERS.get(runner)(files, where="made")


def test_the_fast_row_is_in_use_and_agrees_with_the_library() -> None:
    runner = LightGBM(weights("lightgbm", NAMES), where="made")
    assert type(runner._fast).__name__ == "_Fast"
    table = matrix(50, seed=8)
    assert [runner.margin(row) for row in table.tolist()] == runner.margins(table).tolist()


def test_contributions_and_the_average_add_up_to_the_margin() -> None:
    runner = LightGBM(weights("lightgbm", NAMES), where="made")
    table = matrix(30, seed=8)
    base = {round(runner.margin(row) - sum(runner.contributions(row)), 9) for row in table.tolist()}
    assert len(base) == 1


@settings(max_examples=15, deadline=None)
@given(leaves=st.integers(2, 40), trees=st.integers(1, 12), seed=st.integers(0, 999), holes=st.sampled_from([0.0, 0.3]))
def test_our_treeshap_is_the_librarys(leaves: int, trees: int, seed: int, holes: float) -> None:
    import lightgbm

    source = np.random.default_rng(seed)
    table = source.normal(size=(300, 6)).astype(np.float32)
    target = table[:, 0] + table[:, 1] * table[:, 2] > 0.3
    table[source.random(table.shape) < holes] = np.nan
    settings_ = {"objective": "binary", "num_leaves": leaves, "min_data_in_leaf": 3, "verbosity": -1, "num_threads": 1}
    model = lightgbm.train(settings_, lightgbm.Dataset(table, target), trees)
    explainer = Explainer([model.model_to_string()], 6)
    asked = np.vstack([table[:8], np.full((1, 6), np.nan), np.zeros((1, 6))]).astype(np.float32)
    theirs = model.predict(asked, pred_contrib=True)[:, :-1]
    assert explainer.fits
    np.testing.assert_allclose([explainer(row.tolist()) for row in asked], theirs, atol=1e-9)


def test_a_model_that_never_splits_explains_nothing() -> None:
    import lightgbm

    table = np.zeros((40, 3), np.float32)
    model = lightgbm.train({"objective": "binary", "verbosity": -1}, lightgbm.Dataset(table, np.arange(40) % 2), 3)
    runner = LightGBM({"member-00.txt": model.model_to_string().encode()}, where="made")
    assert runner.contributions([1.0, 2.0, 3.0]) == [0.0, 0.0, 0.0]
