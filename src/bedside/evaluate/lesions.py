"""Candidates against lesions: when does a mark on an image count as having found one?

In        candidates and lesions of one image, in millimetres or voxels, and how sure each candidate is
Out       `matching.Thing`s: `matching.rows` makes prediction rows of them
Criteria  centre of the candidate inside the lesion's mask (CAMELYON16; Ehteshami Bejnordi et al., JAMA 2017;318:2199);
          centre within a distance, often the lesion's own radius (LUNA16; Setio et al., Med Image Anal 2017;42:1);
          boxes whose overlap over union reaches a limit (COCO, LUNA; 0.1 is usual in three dimensions: Baumgartner et al., MICCAI 2021)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.matching import Thing, one_to_one

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Scores = Sequence[float] | Floats


def by_centre(centres: NDArray[Any], score: Scores, lesions: NDArray[Any], *, repeats: bool = True) -> list[Thing]:
    """A candidate finds the lesion that its centre lies in.

    centres   (m, d) in voxels, in the order of the axes; taken to the nearest voxel, and outside the image they find nothing
    lesions   array of d axes: 0 is none, each other whole number one lesion; lesions are in the order of their numbers
    """
    places = np.rint(np.asarray(centres, dtype=np.float64).reshape(-1, lesions.ndim)).astype(np.int64)
    numbers = np.unique(lesions)[np.unique(lesions) != 0]
    inside = ((places >= 0) & (places < np.array(lesions.shape))).all(axis=1)
    hit = np.zeros(len(places), dtype=lesions.dtype)
    hit[inside] = lesions[tuple(places[inside].T)]
    return one_to_one((hit[:, None] == numbers[None, :]).astype(np.float64), score, repeats=repeats)


def by_distance(centres: NDArray[Any], score: Scores, lesions: NDArray[Any], *, within_mm: float | Floats, repeats: bool = True) -> list[Thing]:
    """A candidate finds the nearest lesion whose centre lies within a distance.

    centres, lesions   (m, d) and (k, d) in millimetres; within_mm   one distance, or one a lesion (its radius)
    """
    width = _width(centres, lesions)
    one, other = (np.asarray(points, dtype=np.float64).reshape(-1, width) for points in (centres, lesions))
    away = np.linalg.norm(one[:, None, :] - other[None, :, :], axis=2)
    reach = np.broadcast_to(np.asarray(within_mm, dtype=np.float64), (len(other),))
    return one_to_one(np.where(away <= reach, 1 / (1 + away), 0.0), score, repeats=repeats)


def by_overlap(boxes: NDArray[Any], score: Scores, lesions: NDArray[Any], *, at_least: float = 0.1, repeats: bool = True) -> list[Thing]:
    """A candidate finds the lesion whose box it overlaps best, where overlap over union reaches `at_least`.

    boxes, lesions   (m, 2 d) and (k, 2 d): the lower corner, then the upper one
    """
    if not 0 < at_least <= 1:
        raise Unusable("the overlap asked for is not in 0..1", where="lesions.by_overlap", do="give at_least, such as 0.1")
    over = intersection_over_union(boxes, lesions)
    return one_to_one(np.where(over >= at_least, over, 0.0), score, repeats=repeats)


def intersection_over_union(boxes: NDArray[Any], others: NDArray[Any]) -> Floats:
    """Overlap over union of every pair of boxes, (m, k).

    >>> intersection_over_union(np.array([[0, 0, 2, 2]]), np.array([[1, 1, 3, 3]])).round(4).tolist()
    [[0.1429]]
    """
    width = _width(boxes, others)
    one, other = (np.asarray(corners, dtype=np.float64).reshape(-1, width) for corners in (boxes, others))
    axes = width // 2
    low = np.maximum(one[:, None, :axes], other[None, :, :axes])
    high = np.minimum(one[:, None, axes:], other[None, :, axes:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    sizes = [(corners[:, axes:] - corners[:, :axes]).prod(axis=1) for corners in (one, other)]
    either = sizes[0][:, None] + sizes[1][None, :] - shared
    found: Floats = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
    return found


def _width(one: NDArray[Any], other: NDArray[Any]) -> int:
    """Columns that both have; either may be empty."""
    wide = {int(np.shape(array)[1]) for array in (one, other) if np.size(array)}
    if len(wide) > 1:
        raise Unusable(f"candidates and lesions have {' and '.join(map(str, sorted(wide)))} columns", where="lesions", do="give both in the same space")
    return wide.pop() if wide else 1
