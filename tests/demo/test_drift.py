"""Deterioration: signs move beforehand, most but not all of them, and others only seem to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.demo.build import person
from bedside.demo.courses import SIGNS, Deal, deal, shipped, varied
from bedside.demo.drift import Episode
from bedside.demo.records import Stay
from bedside.demo.times import HOUR, clear, hl7, iso, local, minute_of


@lru_cache(maxsize=1)
def inpatient() -> list[Stay]:
    return [stay for dealt in deal(None, 1) for stay in person(dealt, 1).stays if stay.kind == "IMP"]


def test_hearts_beat_faster_before_a_transfer_than_on_the_day_before() -> None:
    gains = []
    for stay in inpatient():
        turn = stay.icu or stay.died
        if turn is None:
            continue
        late = [r.heart for r in stay.rounds if turn - 4 * HOUR <= r.at < turn]
        early = [r.heart for r in stay.rounds if turn - 72 * HOUR <= r.at < turn - 26 * HOUR]
        if late and early:
            gains.append(np.mean(late) - np.mean(early))
    assert len(gains) >= 20
    assert 5 < np.mean(gains) < 30
    assert min(gains) < 3, "a few give no warning"


def test_a_patient_is_looked_at_more_often_before_a_transfer() -> None:
    turned = [stay for stay in inpatient() if stay.icu is not None and stay.icu - stay.start > 8 * HOUR]
    before = [sum(stay.icu - 8 * HOUR <= one.at < stay.icu for one in stay.rounds) / 8 for stay in turned]
    calm = [len(s.rounds) / ((s.end - s.start) / HOUR) for s in inpatient() if s.icu is None]
    assert np.mean(before) > 1.3 * np.mean(calm)


def test_vital_signs_are_such_as_bodies_show() -> None:
    for stay in inpatient():
        for one in stay.rounds:
            assert all((30 <= one.heart <= 200, 4 <= one.breath <= 50, 60 <= one.saturation <= 100))
            assert one.systolic - one.diastolic >= 15
            assert one.celsius is None or 33 <= one.celsius <= 42


@given(st.floats(0, 5000), st.floats(60, 1440), st.floats(0.1, 1.5), st.floats(0, 600), st.floats(30, 3000))
def test_strain_rises_to_its_size_and_never_beyond(onset: float, lead: float, size: float, hold: float, fall: float) -> None:
    episode = Episode("sepsis", onset, onset + lead, hold, fall, size, np.ones(len(SIGNS)))
    strain = episode.strain(np.linspace(0, 20_000, 500))
    assert 0 <= strain.min() <= strain.max() <= size * (1 + 1e-9)
    assert episode.strain(np.array([onset + lead]))[0] == pytest.approx(size)
    assert np.all(episode.strain(np.array([onset - 1.0])) == 0)


@settings(max_examples=25, deadline=None)
@given(index=st.integers(0, 299), patient=st.integers(0, 10_000), seed=st.integers(2, 50))
def test_every_variation_is_a_life_in_order(index: int, patient: int, seed: int) -> None:
    made = person(Deal(patient, index, True), seed)
    free = -(10**9)
    for stay in made.stays:
        assert free < stay.start < stay.end
        free = stay.end
        assert all(stay.start <= r.at < stay.end for r in stay.rounds)
        assert all(stay.start <= d.at < stay.end and d.at < d.known for d in stay.draws)
        assert all(stay.start <= o.at <= o.start <= o.end <= stay.end for o in stay.orders)
        assert stay.died is None or (stay.died == stay.end and stay is made.stays[-1])
        assert [m.end for m in stay.moves[:-1]] == [m.start for m in stay.moves[1:]]
        assert all(m.start < m.end for m in stay.moves)


def test_a_variation_keeps_the_illness_and_changes_the_rest() -> None:
    course = shipped()[3]
    other = varied(course, np.random.Generator(np.random.PCG64(1)))
    assert [stay.disease for stay in other.stays] == [stay.disease for stay in course.stays]
    assert other.stays[0].start != course.stays[0].start


@given(st.integers(29_000_000, 29_900_000))
def test_wall_clock_text_finds_its_way_back(minute: int) -> None:
    cleared = clear(minute)
    assert minute_of(local(cleared)) == cleared
    assert iso(cleared)[:16].replace("-", "").replace("T", "").replace(":", "") == hl7(cleared)[:12]
