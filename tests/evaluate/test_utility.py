"""The challenge's utility: our vectors against a literal reading of its definition.

Source: Reyna et al., Crit Care Med 2020;48:210-217: with onset at hour t (six hours after the label turns true), an alarm is worth
0 to 1 rising from 12 to 6 hours before t, then falling to 0 at 3 hours after; earlier it costs 0.05; silence costs 0 until 6 hours
before t, then falls to -2 at 3 hours after; in a patient without sepsis an alarm costs 0.05. Normalised: the best is 1, silence 0.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.errors import Unusable
from bedside.evaluate import utility


def literal(labels: list[int], alarms: list[int]) -> float:
    """One patient, hour by hour, in the words of the paper."""
    septic = any(labels)
    onset = labels.index(1) + 6 if septic else None
    total = 0.0
    for hour, alarm in enumerate(alarms):
        if onset is None:
            total += -0.05 if alarm else 0.0
        elif hour > onset + 3:
            total += 0.0
        elif alarm and hour <= onset - 6:
            total += max((hour - (onset - 12)) / 6.0, -0.05)
        elif alarm:
            total += 1.0 - (hour - (onset - 6)) / 9.0
        elif hour > onset - 6:
            total += -2.0 * (hour - (onset - 6)) / 9.0
    return total


def best_alarms(labels: list[int]) -> list[int]:
    if not any(labels):
        return [0] * len(labels)
    onset = labels.index(1) + 6
    return [int(onset - 12 <= hour <= onset + 3) for hour in range(len(labels))]


def literal_score(patients: list[tuple[list[int], list[int]]]) -> float:
    observed = sum(literal(labels, alarms) for labels, alarms in patients)
    silent = sum(literal(labels, [0] * len(labels)) for labels, _ in patients)
    best = sum(literal(labels, best_alarms(labels)) for labels, _ in patients)
    return (observed - silent) / (best - silent)


def flat(patients: list[tuple[list[int], list[int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = np.concatenate([np.full(len(labels), number) for number, (labels, _) in enumerate(patients)])
    return names, np.concatenate([p[0] for p in patients]), np.concatenate([p[1] for p in patients])


@st.composite
def patient(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    hours = draw(st.integers(1, 60))
    turn = draw(st.integers(0, hours - 1)) if draw(st.booleans()) else hours
    return [int(hour >= turn) for hour in range(hours)], draw(st.lists(st.integers(0, 1), min_size=hours, max_size=hours))


@given(st.lists(patient(), min_size=1, max_size=6))
def test_the_vectorised_utility_is_the_published_one(patients: list[tuple[list[int], list[int]]]) -> None:
    if not any(any(labels) for labels, _ in patients):
        patients = [*patients, ([0] * 12 + [1] * 6, [0] * 18)]
    assert utility.utility(*flat(patients)) == pytest.approx(literal_score(patients), abs=1e-12)


@pytest.mark.parametrize(
    ("hours_from_onset", "alarmed", "silent"),
    [
        (-13, -0.05, 0.0),
        (-12, 0.0, 0.0),
        (-9, 0.5, 0.0),
        (-6, 1.0, 0.0),
        (-3, 2 / 3, -2 / 3),
        (0, 1 / 3, -4 / 3),
        (3, 0.0, -2.0),
        (4, 0.0, 0.0),
    ],
)
def test_each_hour_before_onset_is_worth_what_the_paper_says(hours_from_onset: int, alarmed: float, silent: float) -> None:
    worth = utility.rows(["a"] * 40, [0] * 14 + [1] * 26)
    hour = 20 + hours_from_onset
    assert worth.alarmed[hour] == pytest.approx(alarmed)
    assert worth.silent[hour] == pytest.approx(silent)


def test_the_best_policy_scores_one_and_silence_nothing() -> None:
    labels = [0] * 20 + [1] * 9
    assert utility.utility(["a"] * 29, labels, best_alarms(labels)) == pytest.approx(1.0)
    assert utility.utility(["a"] * 29, labels, [0] * 29) == 0.0


def test_always_alarming_is_worse_than_silence_where_sepsis_is_rare() -> None:
    names = np.repeat(np.arange(60), 48)
    labels = np.zeros(60 * 48, dtype=bool)
    labels[30:48] = True
    assert utility.utility(names, labels, np.ones(60 * 48)) < -1


def test_utility_has_no_scale_when_nobody_becomes_septic() -> None:
    with pytest.raises(Unusable, match="no encounter becomes septic"):
        utility.utility(["a", "a"], [0, 0], [1, 0])


def test_rows_of_an_encounter_that_are_torn_apart_are_refused() -> None:
    with pytest.raises(Unusable, match="together"):
        utility.rows(["a", "b", "a"], [0, 0, 1])


@settings(max_examples=40)
@given(st.lists(patient(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_no_other_threshold_beats_the_best_one(patients: list[tuple[list[int], list[int]]], source) -> None:  # type: ignore[no-untyped-def]
    patients = [*patients, ([0] * 12 + [1] * 6, [0] * 18)]
    names, labels, _ = flat(patients)
    risk = np.array([source.choice([0.1, 0.2, 0.3, 0.4, 0.5]) for _ in names])
    worth = utility.rows(names, labels)
    reached = utility.score(utility.totals(worth, risk >= utility.best_threshold(worth, risk)))
    others = [utility.score(utility.totals(worth, risk >= cut)) for cut in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 1)]
    assert reached == pytest.approx(max(others))


def test_the_interval_of_a_difference_of_equals_is_nothing_wide() -> None:
    labels = [0] * 20 + [1] * 9
    worth = utility.rows(np.repeat(np.arange(30), 29), labels * 30)
    sums = utility.totals(worth, np.tile(best_alarms(labels), 30))
    assert utility.interval(sums, versus=sums, draws=50) == (0.0, 0.0)
    assert utility.interval(sums, draws=50) == pytest.approx((1.0, 1.0))


def test_the_interval_holds_the_score_and_repeats_with_its_seed() -> None:
    source = np.random.default_rng(5)
    labels = np.concatenate([[0] * 20 + ([1] * 9 if n % 3 == 0 else [0] * 9) for n in range(90)])
    worth = utility.rows(np.repeat(np.arange(90), 29), labels)
    sums = utility.totals(worth, (source.random(len(labels)) < 0.2) | ((labels > 0) & (source.random(len(labels)) < 0.5)))
    low, high = utility.interval(sums, draws=300, seed=3)
    assert low < utility.score(sums) < high
    assert (low, high) == utility.interval(sums, draws=300, seed=3)
