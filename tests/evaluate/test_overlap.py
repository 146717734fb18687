"""Overlap of regions and distance of surfaces, against values by hand and MONAI's metrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.errors import Unusable
from bedside.evaluate import overlap

_SPACING = (3.0, 0.7, 1.2)


def _balls(seed: int, *, shape: tuple[int, int, int] = (14, 24, 20)) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping lumps with ragged borders."""
    random, grid = np.random.default_rng(seed), np.indices(shape)
    made = []
    for shift in (0, 1):
        middle = np.array([7, 11 + shift, 10 - shift]).reshape(3, 1, 1, 1)
        away = ((grid - middle) ** 2 / np.array([16, 40, 30]).reshape(3, 1, 1, 1)).sum(axis=0)
        made.append(away + random.normal(0, 0.15, shape) < 1)
    return made[0], made[1]


def test_a_cube_moved_by_one_voxel_has_the_values_worked_out_by_hand():
    one, other = np.zeros((2, 6, 6, 6), dtype=bool)
    one[1:4, 1:4, 1:4] = True
    other[2:5, 1:4, 1:4] = True
    assert overlap.dice(one, other) == pytest.approx(2 * 18 / 54)
    assert overlap.jaccard(one, other) == pytest.approx(18 / 36)
    assert overlap.hd95_mm(one, other, spacing_mm=(2, 1, 1), percentile=100) == 2.0
    assert overlap.volume_difference_ml(one, other, spacing_mm=(2, 1, 1)) == 0.0


@pytest.mark.filterwarnings("ignore::FutureWarning:monai")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_distances_are_those_of_monai_also_where_voxels_are_no_cubes(seed):
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    one, other = _balls(seed)
    as_batch = [torch.tensor(mask[None, None].astype(np.float32)) for mask in (one, other)]
    wide = {"include_background": True, "spacing": list(_SPACING)}
    hausdorff = metrics.compute_hausdorff_distance(*as_batch, percentile=95, **wide).item()
    mean = metrics.compute_average_surface_distance(*as_batch, symmetric=True, **wide).item()
    near = metrics.compute_surface_dice(*as_batch, class_thresholds=[1.0], **wide).item()
    found = {row.measure: row.value for row in overlap.measured(one, other, spacing_mm=_SPACING, tolerance_mm=1.0)}
    assert found["hd95_mm"] == pytest.approx(hausdorff, abs=1e-4)
    assert found["mean_surface_distance_mm"] == pytest.approx(mean, abs=1e-4)
    assert found["surface_dice_1mm"] == pytest.approx(near, abs=1e-5)
    assert found["dice"] == pytest.approx(metrics.compute_dice(*as_batch, include_background=True).item(), abs=1e-6)


def test_a_mask_at_the_edge_of_the_image_has_its_surface_there():
    one, other = np.zeros((2, 5, 5), dtype=bool)
    one[0:3], other[0:2] = True, True
    assert overlap.hd95_mm(one, other, spacing_mm=(1.5, 1), percentile=100) == 1.5


def test_two_empty_masks_have_no_overlap_to_speak_of_and_no_distance():
    none = np.zeros((3, 3, 3))
    found = {row.measure: row.value for row in overlap.measured(none, none, spacing_mm=(1, 1, 1))}
    assert found.pop("volume_difference_ml") == 0
    assert all(np.isnan(value) for value in found.values())


def test_a_region_missed_altogether_has_a_dice_of_nought_and_no_distance():
    none, some = np.zeros((3, 3, 3)), np.ones((3, 3, 3))
    found = {row.measure: row.value for row in overlap.measured(none, some, spacing_mm=(1, 1, 1))}
    assert (found["dice"], found["jaccard"], found["surface_dice_1mm"]) == (0, 0, 0)
    assert np.isnan(found["hd95_mm"])
    assert np.isnan(found["mean_surface_distance_mm"])
    assert found["volume_difference_ml"] == pytest.approx(-0.027)


@pytest.mark.parametrize("wrong", [((2, 2), (1.0,)), ((2, 3), (1.0, 1.0)), ((2, 2), (1.0, 0.0))])
def test_regions_on_two_grids_or_without_a_spacing_for_each_axis_are_refused(wrong):
    shape, spacing = wrong
    with pytest.raises(Unusable, match="one grid"):
        overlap.measured(np.ones((2, 2)), np.ones(shape), spacing_mm=spacing)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.tuples(*[st.floats(0.3, 5)] * 3))
def test_which_of_the_two_is_the_truth_changes_nothing_but_the_sign_of_the_volume(seed, spacing):
    random = np.random.default_rng(seed)
    one, other = random.random((2, 6, 5, 4)) < 0.4
    there = {row.measure: row.value for row in overlap.measured(one, other, spacing_mm=spacing)}
    back = {row.measure: row.value for row in overlap.measured(other, one, spacing_mm=spacing)}
    assert there.pop("volume_difference_ml") == pytest.approx(-back.pop("volume_difference_ml"))
    assert there == pytest.approx(back, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 4))
def test_distances_grow_with_the_voxel_and_overlap_does_not(seed, scale):
    one, other = _balls(seed, shape=(12, 20, 18))
    small, large = (overlap.measured(one, other, spacing_mm=[scale_ * step for step in _SPACING], tolerance_mm=1.0) for scale_ in (1, scale))
    assert large[0].value == small[0].value
    assert large[3].value == pytest.approx(scale * small[3].value)
    assert large[4].value == pytest.approx(scale * small[4].value)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_dice_follows_from_jaccard(seed):
    one, other = np.random.default_rng(seed).random((2, 40)) < 0.5
    shared = overlap.jaccard(one, other)
    assert overlap.dice(one, other) == pytest.approx(2 * shared / (1 + shared), nan_ok=True)
