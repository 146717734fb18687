"""Intervals of shares against R 4.2.2's binom.test and prop.test (numbers read at test time)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.evaluate.proportions import clopper_pearson, proportion, wilson


def test_shares_have_the_intervals_that_r_gives(shared_data: Path):
    rows = json.loads((shared_data / "evidence/refs/misc_ref.json").read_text())["prop"]
    assert len(rows) >= 5
    for row in rows:
        assert clopper_pearson(row["x"], row["n"], 0.95) == pytest.approx(row["cp"], abs=1e-12)
        assert wilson(row["x"], row["n"], 0.95) == pytest.approx(row["wilson"], abs=1e-12)


def test_one_of_29_and_15_of_148_are_the_numbers_written_down():
    assert clopper_pearson(1, 29, 0.95) == pytest.approx((0.0008726468835799, 0.1776442954887), abs=1e-12)
    assert wilson(1, 29, 0.95) == pytest.approx((0.006113214292763, 0.1717552187932), abs=1e-12)
    assert clopper_pearson(15, 148, 0.95) == pytest.approx((0.05784401008345, 0.1616504903495), abs=1e-12)


def test_a_share_of_nothing_is_no_number_and_says_why():
    found = proportion(0, 0, of="alerts")
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.method == "not estimable: no alerts"


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_the_exact_one_is_no_narrower_at_the_ends(pair):
    for ends in (wilson(*pair, 0.95), clopper_pearson(*pair, 0.95)):
        assert 0 <= ends[0] <= pair[0] / pair[1] + 1e-12
        assert pair[0] / pair[1] - 1e-12 <= ends[1] <= 1
