"""Candidates against lesions, and spans against spans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.errors import Unusable
from bedside.core.predictions import check, conform
from bedside.evaluate import lesions, matching, spans

_NONE = np.zeros((0, 2))


def _counts(things):
    found = [thing for thing in things if not np.isnan(thing.value)]
    hits = sum(thing.label for thing in found)
    return hits, len(found) - hits, len(things) - len(found)


def test_a_centre_inside_the_mask_finds_that_lesion_and_one_outside_the_image_none():
    mask = np.zeros((10, 10), dtype=int)
    mask[1:3, 1:3], mask[6:9, 6:9] = 1, 2
    things = lesions.by_centre(np.array([[1.4, 2.2], [5.0, 5.0], [30.0, -4.0]]), [0.9, 0.4, 0.7], mask)
    assert _counts(things) == (1, 2, 1)
    assert things[0] == matching.Thing(0, 0, 0.9)
    assert np.isnan(things[1].value)


def test_two_marks_on_one_lesion_are_one_hit_and_one_false_positive():
    mask = np.ones((4, 4), dtype=int)
    both = np.array([[1.0, 1.0], [2.0, 2.0]])
    assert _counts(lesions.by_centre(both, [0.3, 0.8], mask)) == (1, 1, 0)
    assert lesions.by_centre(both, [0.3, 0.8], mask)[0].value == 0.8
    assert _counts(lesions.by_centre(both, [0.3, 0.8], mask, repeats=False)) == (1, 0, 0)


def test_a_candidate_within_the_radius_of_two_lesions_finds_the_nearer_one():
    things = lesions.by_distance(np.array([[0.0, 1.0]]), [0.5], np.array([[0.0, 0.0], [0.0, 4.0]]), within_mm=np.array([5.0, 5.0]))
    assert things[0].candidate == 0
    assert things[1].candidate is None


def test_boxes_count_from_the_overlap_that_was_asked_for():
    boxes, truth = np.array([[0, 0, 4, 4]]), np.array([[2, 2, 6, 6]])
    assert lesions.intersection_over_union(boxes, truth)[0, 0] == pytest.approx(4 / 28)
    assert _counts(lesions.by_overlap(boxes, [0.9], truth, at_least=0.1)) == (1, 0, 0)
    assert _counts(lesions.by_overlap(boxes, [0.9], truth, at_least=0.5)) == (0, 1, 1)


def test_nothing_found_and_nothing_there_are_no_error():
    assert lesions.by_centre(np.zeros((0, 2)), [], np.zeros((3, 3), dtype=int)) == []
    assert _counts(lesions.by_distance(_NONE, [], np.array([[1.0, 1.0]]), within_mm=3)) == (0, 0, 1)
    assert _counts(lesions.by_overlap(np.array([[0, 0, 1, 1]]), [1.0], np.zeros((0, 4)))) == (0, 1, 0)
    assert spans.match([], []) == []


@pytest.mark.parametrize("score", [[0.5], [0.5, float("nan")]])
def test_a_candidate_without_a_score_is_refused(score):
    with pytest.raises(Unusable, match="score"):
        lesions.by_distance(np.array([[0.0, 1.0], [1.0, 1.0]]), score, _NONE, within_mm=1)


def test_candidates_in_another_space_than_the_lesions_are_refused():
    with pytest.raises(Unusable, match="same space"):
        lesions.by_distance(np.zeros((1, 3)), [1.0], np.zeros((1, 2)), within_mm=1)


def test_a_span_cut_short_is_found_by_overlap_and_not_exactly():
    found, truth = [(10, 20), (40, 44)], [(10, 25), (40, 44)]
    assert _counts(spans.match(found, truth)) == (1, 1, 1)
    assert _counts(spans.match(found, truth, how="overlap")) == (2, 0, 0)


def test_one_long_span_does_not_find_two():
    assert _counts(spans.match([(0, 50)], [(0, 10), (20, 30)], how="overlap")) == (1, 0, 1)


def test_a_span_that_ends_before_it_begins_is_refused():
    with pytest.raises(Unusable, match="before the text"):
        spans.match([(5, 5)], [])


def test_the_rows_that_matching_makes_keep_the_contract():
    things = spans.match([(0, 4), (9, 12)], [(0, 4), (20, 22)])
    frame = conform(matching.rows(things, parent_unit="note-1", target="problem", output="model"))
    assert check(frame, where="test").height == 3
    assert frame["label"].to_list() == [True, True, False]
    assert frame["unit_id"].to_list() == ["note-1/problem/0", "note-1/problem/1", "note-1/problem/extra-1"]


def test_no_things_make_an_empty_frame_of_the_contract():
    assert check(conform(matching.rows([], parent_unit="note-1", target="problem", output="model")), where="test").height == 0


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 9999), st.floats(0, 1))
def test_every_candidate_and_every_thing_is_counted_once(candidates, there, seed, dense):
    random = np.random.default_rng(seed)
    weight = random.random((candidates, there)) * (random.random((candidates, there)) < dense)
    things = matching.one_to_one(weight, random.random(candidates))
    assert sorted(thing.truth for thing in things if thing.label) == list(range(there))
    assert sorted(thing.candidate for thing in things if thing.candidate is not None) == list(range(candidates))
    assert all(weight[thing.candidate, thing.truth] > 0 for thing in things if thing.candidate is not None and thing.label)
