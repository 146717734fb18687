"""An interval holds what it promises on molecules that nobody has seen, and widens where the model has nothing to go by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.bundle.runners.molecules_features import fingerprints
from bedside.bundle.runners.molecules_interval import Residuals, band, interval, nearest, out_of_fold
from bedside.bundle.runners.molecules_standard import molecule


def fitted(seed: int, n: int = 200, folds: int = 5):
    """A line fitted in folds, its residuals out of fold, and what each fold's line says of 500 new rows."""
    source = np.random.default_rng(seed)
    x, new = source.normal(size=n), source.normal(size=500)
    y, truth = 2 * x + source.standard_t(3, size=n), 2 * new + source.standard_t(3, size=500)
    fold = np.arange(n) % folds
    lines = [np.polyfit(x[fold != k], y[fold != k], 1) for k in range(folds)]
    left = np.array([np.polyval(lines[k], value) for k, value in zip(fold, x, strict=True)])
    members = np.stack([np.polyval(line, new) for line in lines], axis=1)
    return Residuals(fold, np.abs(y - left), np.zeros(n, dtype=np.int64)), members, truth, left, y


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_the_truth_lies_inside_as_often_as_promised(coverage):
    inside = []
    for seed in range(30):
        residuals, members, truth, _, _ = fitted(seed)
        low, high = interval(members, np.zeros(len(members), dtype=np.int64), residuals, coverage=coverage)
        inside.append(np.mean((low <= truth) & (truth <= high)))
    assert np.mean(inside) == pytest.approx(coverage, abs=0.02)


def test_out_of_fold_rows_are_covered_too():
    inside = []
    for seed in range(30):
        residuals, _, _, left, y = fitted(seed)
        low, high = out_of_fold(left, residuals.band, residuals, coverage=0.9)
        inside.append(np.mean((low <= y) & (y <= high)))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)


def test_cv_plus_by_hand():
    residuals = Residuals(np.array([0, 1] * 5), np.arange(1.0, 11.0), np.zeros(10, dtype=np.int64))
    low, high = interval(np.array([[0.0, 100.0]]), np.array([0]), residuals, coverage=0.8)
    # of 0 -/+ (1, 3, 5, 7, 9) and 100 -/+ (2, 4, 6, 8, 10): the 2nd smallest and the 9th smallest (Barber et al. 2021, section 3)
    assert (low[0], high[0]) == (-7.0, 108.0)


def test_too_few_residuals_promise_nothing():
    residuals = Residuals(np.array([0, 1]), np.array([1.0, 2.0]), np.zeros(2, dtype=np.int64))
    low, high = interval(np.array([[0.0, 0.0]]), np.array([0]), residuals, coverage=0.9)
    assert (low[0], high[0]) == (-np.inf, np.inf)


def test_a_band_with_residuals_of_its_own_has_its_own_width():
    n = 120
    residuals = Residuals(np.arange(n) % 2, np.where(np.arange(n) < 60, 5.0, 0.5), np.where(np.arange(n) < 60, 0, 2))
    low, high = interval(np.zeros((3, 2)), np.array([0, 1, 2]), residuals, coverage=0.9)
    assert (high - low).tolist() == [10.0, 10.0, 1.0]  # far, between (nobody: all residuals together), near


def test_similarity_is_that_of_rdkit():
    from rdkit import DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    names = ["CCO", "CCN", "c1ccccc1O", "CC(=O)Oc1ccccc1C(=O)O", "CN1CCC[C@H]1c1cccnc1", "C"]
    made = [molecule(one) for one in names]
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    theirs = [maker.GetFingerprint(one) for one in made]
    ours = nearest(fingerprints(made[:3]), fingerprints(made[3:]))
    np.testing.assert_allclose(ours, [max(DataStructs.BulkTanimotoSimilarity(one, theirs[3:])) for one in theirs[:3]])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_nearer_molecule_is_never_in_a_farther_band(similarities):
    bands = band(np.sort(np.array(similarities)))
    assert (np.diff(bands) >= 0).all()


def test_nobody_known_is_nobody_near():
    assert nearest(np.ones((2, 256), dtype=np.uint8), np.zeros((0, 256), dtype=np.uint8)).tolist() == [0.0, 0.0]
