"""A sketch of training data is a few numbers, and drift against it can be worked out by hand."""

from __future__ import annotations

from math import isnan, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.bundle.reference import RISK_QUANTILES, Sketch, psi, psi_of_counts, reference, sketch
from bedside.core.errors import Unusable

_VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(nan), max_size=60)
_COUNTS = st.integers(1, 8).flatmap(lambda k: st.tuples(*[st.lists(st.integers(0, 50), min_size=k, max_size=k)] * 2))


def test_psi_is_the_sum_worked_out_by_hand() -> None:
    then = Sketch([10.0, 20.0], [20, 50, 30], 0, 100)
    now = [5.0] * 30 + [15.0] * 50 + [25.0] * 20
    by_hand = (0.3 - 0.2) * log(0.3 / 0.2) + 0.0 + (0.2 - 0.3) * log(0.2 / 0.3)
    assert psi(then, now) == pytest.approx(by_hand)
    assert round(by_hand, 4) == 0.0811


def test_a_bin_that_has_emptied_counts_one_in_ten_thousand() -> None:
    by_hand = (1.0 - 0.5) * log(1.0 / 0.5) + (1e-4 - 0.5) * log(1e-4 / 0.5)
    assert psi(Sketch([1.0], [50, 50], 0, 100), [0.0] * 10) == pytest.approx(by_hand)


def test_a_value_on_an_edge_belongs_to_the_bin_above() -> None:
    assert psi(Sketch([1.0], [0, 10], 0, 10), [1.0, 1.0]) == 0


def test_edges_are_deciles_and_neither_end_is_kept() -> None:
    found = sketch(np.arange(1.0, 101.0))
    assert found.edges == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
    assert found.counts == [9, 10, 10, 10, 10, 10, 10, 10, 10, 11]
    assert not {1.0, 100.0} & set(found.edges)


def test_a_yes_or_no_keeps_its_two_values_apart() -> None:
    found = sketch([0.0] * 70 + [1.0] * 30)
    assert found.counts == [0, 70, 30]
    assert psi(found, [0.0] * 7 + [1.0] * 3) == 0
    assert psi(found, [0.0] * 3 + [1.0] * 7) == pytest.approx(2 * 0.4 * log(7 / 3))


def test_missing_values_are_counted_and_not_binned() -> None:
    found = sketch([1.0, nan, 2.0, nan])
    assert (found.missing, found.n, found.missing_share, sum(found.counts)) == (2, 4, 0.5, 2)


@given(_VALUES)
def test_a_sketch_accounts_for_every_value_and_does_not_differ_from_itself(values: list[float]) -> None:
    found = sketch(values)
    assert sum(found.counts) + found.missing == found.n == len(values)
    assert len(found.edges) <= 20
    assert len(found.counts) == len(found.edges) + 1
    same = psi(found, values)
    assert isnan(same) if found.missing == found.n else same == pytest.approx(0)


@given(_COUNTS)
def test_psi_is_never_negative_and_the_same_both_ways(counts: tuple[list[int], list[int]]) -> None:
    there, back = psi_of_counts(*counts), psi_of_counts(*reversed(counts))
    if isnan(there):
        assert isnan(back)
    else:
        assert there >= 0
        assert there == pytest.approx(back)


def test_a_reference_holds_every_feature_and_the_risk() -> None:
    matrix = np.array([[1.0, nan], [2.0, 5.0], [3.0, 6.0]], dtype=np.float32)
    found = reference(matrix, ["a", "b"], [0.1, 0.2, 0.9])
    assert list(found.sketches) == ["a", "b"]
    assert found.sketches["b"].missing == 1
    assert len(found.score.edges) <= len(RISK_QUANTILES)
    with pytest.raises(Unusable):
        reference(matrix, ["a"], [0.1, 0.2, 0.9])
