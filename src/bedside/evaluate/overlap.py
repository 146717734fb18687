"""How well a region that was drawn covers the true one, and how far their surfaces lie apart.

In        drawn, truth  arrays of one shape, 2 or 3 axes, not 0 is inside; spacing_mm one number an axis, in the order of the axes
Out       numbers for the measures frame: `measured` gives all of them, the surfaces made once
Empty     both empty: every measure but the volume is undefined (NaN); one empty: Dice, Jaccard and surface Dice are 0, distances NaN.
          NaN is told and counted by `regions.py`: a missed region has no distance, and infinity would spoil every mean.
Source    Dice, Ecology 1945;26:297; Taha & Hanbury, BMC Med Imaging 2015;15:29. HD95 is the larger of the two directed 95th
          percentiles, as in MONAI; a surface is the voxels that an erosion by the nearest neighbours takes away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.core.errors import Unusable
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Array = NDArray[Any]


class Measured(NamedTuple):
    """One row of the measures frame: name, value (NaN: undefined) and UCUM unit."""

    measure: str
    value: float
    unit: str


def measured(drawn: Array, truth: Array, *, spacing_mm: Sequence[float], tolerance_mm: float = 1.0) -> list[Measured]:
    """Dice, Jaccard, surface Dice, HD95, mean surface distance and volume difference of one unit.

    tolerance_mm   how far apart two surfaces may lie and still count as one, for surface Dice
    """
    one, other, spacing = _checked(drawn, truth, spacing_mm)
    away = surface_distances(one, other, spacing_mm=spacing)
    return [
        Measured("dice", dice(one, other), "1"), Measured("jaccard", jaccard(one, other), "1"),
        Measured(f"surface_dice_{tolerance_mm:g}mm", _surface_dice(away, tolerance_mm), "1"), Measured("hd95_mm", _percentile(away, 95), "mm"),
        Measured("mean_surface_distance_mm", _mean(away), "mm"),
        Measured("volume_difference_ml", volume_difference_ml(one, other, spacing_mm=spacing), "mL"),
    ]  # fmt: skip


def dice(drawn: Array, truth: Array) -> float:
    """Twice what both hold, over what each holds; 1 is perfect.

    >>> dice(np.array([1, 1, 0]), np.array([0, 1, 0])), dice(np.array([0, 0]), np.array([0, 1]))
    (0.6666666666666666, 0.0)
    """
    one, other = _inside(drawn), _inside(truth)
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else float("nan")


def jaccard(drawn: Array, truth: Array) -> float:
    """What both hold, over what either holds; 1 is perfect.

    >>> jaccard(np.array([1, 1, 0]), np.array([0, 1, 0]))
    0.5
    """
    one, other = _inside(drawn), _inside(truth)
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else float("nan")


def hd95_mm(drawn: Array, truth: Array, *, spacing_mm: Sequence[float], percentile: float = 95.0) -> float:
    """Distance within which 95 in 100 surface voxels of each lie from the other's surface; `percentile=100` is Hausdorff's own."""
    return _percentile(surface_distances(drawn, truth, spacing_mm=spacing_mm), percentile)


def mean_surface_distance_mm(drawn: Array, truth: Array, *, spacing_mm: Sequence[float]) -> float:
    """Mean distance between the surfaces, over the voxels of both."""
    return _mean(surface_distances(drawn, truth, spacing_mm=spacing_mm))


def surface_dice(drawn: Array, truth: Array, *, spacing_mm: Sequence[float], tolerance_mm: float) -> float:
    """Share of both surfaces that lies within the tolerance of the other; counted in voxels, not in areas.

    Source    Nikolov et al., J Med Internet Res 2021;23:e26151, which weighs voxels by their surface: values differ a little.
    """
    return _surface_dice(surface_distances(drawn, truth, spacing_mm=spacing_mm), tolerance_mm)


def volume_difference_ml(drawn: Array, truth: Array, *, spacing_mm: Sequence[float]) -> float:
    """Volume drawn less the true volume, in millilitres; of a flat image with its two spacings, area in 10 square centimetres.

    >>> volume_difference_ml(np.ones((2, 10, 10)), np.zeros((2, 10, 10)), spacing_mm=(5, 1, 1))
    1.0
    """
    one, other, spacing = _checked(drawn, truth, spacing_mm)
    return (int(one.sum()) - int(other.sum())) * float(np.prod(spacing)) / 1000


class Apart(NamedTuple):
    """Distance in mm of every surface voxel of each region from the other's surface; None where one is empty."""

    there: Floats | None
    back: Floats | None
    empty: int


def surface_distances(drawn: Array, truth: Array, *, spacing_mm: Sequence[float]) -> Apart:
    """Distances both ways, by the exact distance transform on the box that holds both."""
    one, other, spacing = _checked(drawn, truth, spacing_mm)
    empty = int(not one.any()) + int(not other.any())
    if empty:
        return Apart(None, None, empty)
    one, other = _cut(one, other)
    morphology = need("scipy.ndimage", extra="imaging")
    edges = [mask & ~morphology.binary_erosion(mask) for mask in (one, other)]
    away = [morphology.distance_transform_edt(~edge, sampling=spacing) for edge in edges]
    return Apart(away[1][edges[0]], away[0][edges[1]], 0)


def _cut(one: Bools, other: Bools) -> tuple[Bools, Bools]:
    """Both masks within the box that holds them, with a margin of one voxel so that the border of the image is a border of the mask."""
    places = np.nonzero(one | other)
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in places)
    return np.pad(one[box], 1), np.pad(other[box], 1)


def _percentile(away: Apart, percentile: float) -> float:
    if away.there is None or away.back is None:
        return float("nan")
    return float(max(np.percentile(away.there, percentile), np.percentile(away.back, percentile)))


def _mean(away: Apart) -> float:
    return float("nan") if away.there is None or away.back is None else float(np.concatenate([away.there, away.back]).mean())


def _surface_dice(away: Apart, tolerance_mm: float) -> float:
    if away.there is None or away.back is None:
        return 0.0 if away.empty == 1 else float("nan")
    return float((np.concatenate([away.there, away.back]) <= tolerance_mm).mean())


def _inside(mask: Array) -> Bools:
    inside: Bools = np.not_equal(np.asarray(mask), 0)
    return inside


def _checked(drawn: Array, truth: Array, spacing_mm: Sequence[float]) -> tuple[Bools, Bools, tuple[float, ...]]:
    one, other, spacing = _inside(drawn), _inside(truth), tuple(float(step) for step in spacing_mm)
    if one.shape != other.shape or len(spacing) != one.ndim or min(spacing, default=0.0) <= 0:
        raise Unusable(f"regions of shapes {one.shape} and {other.shape} with {len(spacing)} spacings cannot be compared", where="overlap",
                       do="resample both onto one grid, and give its spacing in mm for every axis")  # fmt: skip
    return one, other, spacing
