"""A stack whose slices are shifted in their planes or unevenly far apart, onto a regular grid at right angles.

In        voxels (slices, rows, columns), where each slice lies
Out       a `Volume`: rows and columns as acquired, slices evenly along the normal at the median gap, float32
Method    each voxel of the grid is met along the normal between its two neighbouring slices; in each of these it is read by
          bilinear interpolation at the pixel that lies there; the two are weighted by distance. No slice is invented beyond
          the first and the last; outside a slice's field the lowest value of the series stands.
Refuses   `Unusable`: slices so far apart or so far aside that nearly all of the grid would be made up
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Unusable
from bedside.pillars.imaging.series.volume import Plane

if TYPE_CHECKING:
    from numpy.typing import NDArray


_MOST_TIMES = 8
"""A grid holds at most so many times the voxels that were acquired; a tilt of 30 degrees needs twice as many."""


def regular(voxels: NDArray[Any], acquired: Plane) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Voxels on the regular grid and its affine (LPS).

    voxels   (slices, rows, columns), slices in the order of `acquired`, at least two
    """
    normal = acquired.normal
    along = (acquired.origins - acquired.origins[0]) @ normal
    step = float(np.median(np.diff(along)))
    count = round(float(along[-1]) / step) + 1
    _bounded(count, len(along))
    at = np.minimum(np.arange(count) * (along[-1] / max(count - 1, 1)), along[-1])
    affine, shape = _grid(acquired, normal, at, voxels.shape)
    _bounded(prod(shape), voxels.size)
    lowest = float(voxels.min())
    made = np.empty(shape, np.float32)
    for index, distance in enumerate(at):
        above = int(np.clip(np.searchsorted(along, distance), 1, len(along) - 1))
        share = float((distance - along[above - 1]) / (along[above] - along[above - 1]))
        pair = [_shifted(voxels[near], *_pixels_off(affine, index, acquired, near), shape[1:], lowest) for near in (above - 1, above)]
        made[index] = (1 - share) * pair[0] + share * pair[1]
    return made, affine


def _bounded(wanted: int, acquired: int) -> None:
    if wanted > _MOST_TIMES * acquired:
        raise Unusable("slices too far apart to lie on one regular grid", where="series", do="leave the series out, or export its parts apart")


def _grid(acquired: Plane, normal: NDArray[np.float64], at: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """The affine of a grid that covers every slice, and its shape: shifted slices need more rows or columns."""
    unit = np.stack([acquired.down / (acquired.down @ acquired.down), acquired.across / (acquired.across @ acquired.across)])
    off = (acquired.origins - acquired.origins[0]) @ unit.T
    least, most = np.floor(off.min(axis=0) + 1e-6), np.ceil(off.max(axis=0) - 1e-6)
    affine = np.eye(4)
    affine[:3, 0] = normal * (at[1] - at[0] if len(at) > 1 else 1.0)
    affine[:3, 1], affine[:3, 2] = acquired.down, acquired.across
    affine[:3, 3] = acquired.origins[0] + least[0] * acquired.down + least[1] * acquired.across
    rows, columns = (np.array(shape[1:]) + most - least).astype(int)
    return affine, (len(at), int(rows), int(columns))


def _pixels_off(affine: NDArray[np.float64], index: int, acquired: Plane, near: int) -> tuple[float, float]:
    """Rows and columns from a slice's first pixel to the first pixel of a slice of the grid, both seen along the normal."""
    way = affine[:3, 3] + index * affine[:3, 0] - acquired.origins[near]
    down, across = acquired.down, acquired.across
    return float(way @ down / (down @ down)), float(way @ across / (across @ across))


def _shifted(plane: NDArray[Any], rows: float, columns: float, shape: tuple[int, ...], lowest: float) -> NDArray[np.float32]:
    """A plane read at (row + rows, column + columns) by bilinear interpolation."""
    made = _along(plane.astype(np.float32), rows, shape[0], lowest)
    return _along(made.T, columns, shape[1], lowest).T


def _along(plane: NDArray[np.float32], off: float, size: int, lowest: float) -> NDArray[np.float32]:
    """Linear interpolation along the first axis at 0 + off, 1 + off, ...; `lowest` outside."""
    wanted = np.arange(size) + off
    below = np.floor(wanted + 1e-9).astype(int)
    share = np.clip(wanted - below, 0, 1).astype(np.float32)[:, None]
    inside = (wanted > -1e-6) & (wanted < len(plane) - 1 + 1e-6)
    first, second = np.clip(below, 0, len(plane) - 1), np.clip(below + 1, 0, len(plane) - 1)
    made = (1 - share) * plane[first] + share * plane[second]
    made[~inside] = lowest
    return np.asarray(made, dtype=np.float32)
