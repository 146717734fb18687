"""Subjects are divided, not rows; and stay where they are."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cohort.chart import HEART, chart, fact

from bedside.cohort.plan import BIRTH
from bedside.cohort.splits import FEWEST, assign, copies, counts, place
from bedside.core.errors import Misconfigured
from bedside.core.split import Split

YEAR_H = 8765.82


def rows(subjects: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"unit_id": [f"{i}" for i in range(len(subjects))], "subject_id": subjects},
        schema={"unit_id": pl.String, "subject_id": pl.Int64},
    )


def pulses(subject: int, start: float, last: float = 90) -> list:
    return [fact(HEART, start + i, 60.0 + i, subject=subject) for i in range(FEWEST - 1)] + [
        fact(HEART, start + 20, last, subject=subject)
    ]


@given(st.lists(st.integers(0, 2**60), min_size=1), st.lists(st.integers(0, 2**60)), st.integers(0, 5), st.sampled_from([0, 2, 5]))
def test_adding_subjects_moves_nobody(there, added, seed, folds):
    split = Split(seed=seed, folds=folds)
    before = assign(rows(there), split)
    after = assign(rows(there + added), split)
    assert after[: len(there)]["split"].to_list() == before["split"].to_list()
    assert before["unit_id"].equals(rows(there)["unit_id"])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200))
def test_all_rows_of_a_subject_share_a_split(subjects):
    assert assign(rows(subjects), Split()).group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1


def test_the_shares_are_those_that_were_asked_for():
    parts = assign(rows(list(range(20_000))), Split(test_fraction=0.3, tune_fraction=0.2))["split"].value_counts(normalize=True)
    shares = dict(parts.iter_rows())
    assert shares == pytest.approx({"test": 0.3, "tune": 0.2, "train": 0.5}, abs=0.01)
    folds = assign(rows(list(range(20_000))), Split(folds=5))["split"].value_counts(normalize=True)
    assert dict(folds.iter_rows()) == pytest.approx({f"fold-{i}": 0.2 for i in range(5)}, abs=0.01)


def folded(ill: set[int], subjects: range, seed: int = 1) -> dict[int, str]:
    told = rows(list(subjects)).with_columns(label=pl.col("subject_id").is_in(sorted(ill)))
    return dict(assign(told, Split(folds=5, seed=seed)).select("subject_id", "split").iter_rows())


def test_a_rare_outcome_stands_in_every_fold():
    ill = {subject for subject in range(100) if place(subject, Split(folds=5, seed=1)) in ("fold-0", "fold-1", "fold-2")}
    dealt = folded(set(sorted(ill)[:7]), range(100))
    assert {dealt[subject] for subject in sorted(ill)[:7]} == {f"fold-{i}" for i in range(5)}
    assert folded(set(sorted(ill)[:7]), range(100)) == dealt
    assert max(list(dealt.values()).count(f"fold-{i}") for i in range(5)) <= 21


def test_folds_that_hold_both_kinds_stay_as_the_hash_has_them():
    assert folded(set(range(50)), range(100)) == {subject: place(subject, Split(folds=5, seed=1)) for subject in range(100)}


def test_fewer_subjects_with_the_outcome_than_folds_move_nobody():
    assert folded({1, 2, 3}, range(100)) == {subject: place(subject, Split(folds=5, seed=1)) for subject in range(100)}


def test_another_seed_divides_otherwise():
    assert any(place(subject, Split(seed=1)) != place(subject, Split(seed=2)) for subject in range(20))


def test_one_patient_under_two_numbers_goes_to_one_split():
    told = chart(
        *pulses(1, 0), fact(BIRTH, -50 * YEAR_H), *pulses(8, 700), fact(BIRTH, -51 * YEAR_H, subject=8), *pulses(9, 0, last=91)
    )
    assert copies(told) == {1: 1, 8: 1}
    for seed in range(20):
        divided = assign(rows([1, 8, 9]), Split(seed=seed), events=told)["split"]
        assert divided[0] == divided[1]


def test_bare_records_are_not_called_copies():
    assert copies(chart(fact(HEART, 1, 60), fact(HEART, 1, 60, subject=2))) == {}


def test_counts_tell_what_each_split_holds():
    told = rows([1, 1, 2, 3]).with_columns(
        label=pl.Series([True, False, False, True]),
        split=pl.Series(["train", "train", "test", "train"]),
        encounter_start=pl.Series([0, 5, 0, 0]),
    )
    assert counts(told).rows() == [("test", 1, 0, 1, 1, 0), ("train", 2, 2, 3, 3, 2)]


@pytest.mark.parametrize(
    "split", [Split(test_fraction=0.8, tune_fraction=0.2), Split(test_fraction=-0.1), Split(folds=1), Split(folds=-2)]
)
def test_a_split_that_leaves_nobody_to_train_on_is_refused(split):
    with pytest.raises(Misconfigured):
        assign(rows([1]), split)
