"""Marks against lesions: which mark hits which, as rows of contract 4, one row a thing.

Rule      the surest mark first; it hits the nearest lesion in whose box (grown by `within`) it lies and that no surer mark hit. A mark
          in a lesion that is hit already says nothing new and is no false positive (as in LUNA16: Setio et al., Med Image Anal 2017;42:1).
Elsewhere who is matched with whom: `evaluate/matching.py`.
Rows      <unit>/lesion-<k>  label true, value how sure, or NaN where no mark hit it
          <unit>/mark-<k>    label false, value how sure: a false positive
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.bundle.runners.onnx_planes import Lesion
from bedside.evaluate.matching import one_to_one

if TYPE_CHECKING:
    import polars as pl


class Matched(NamedTuple):
    """Of each lesion how sure its mark was (NaN: missed), and the marks that hit none."""

    lesions: list[float]
    false: list[float]


def match(marks: Sequence[Lesion], boxes: Sequence[Sequence[float]], *, within: float) -> Matched:
    """Marks and boxes (left, top, width, height), all in pixels of one image.

    >>> match([Lesion(5, 5, 0.9), Lesion(50, 5, 0.4)], [(0, 0, 10, 10), (80, 80, 4, 4)], within=0)
    Matched(lesions=[0.9, nan], false=[0.4])
    """
    weight = np.array([[_fit(mark, box, within) for box in boxes] for mark in marks], np.float64).reshape(len(marks), len(boxes))
    things = one_to_one(weight, [mark.score for mark in marks], repeats=False)
    return Matched([one.value for one in things if one.label], [one.value for one in things if not one.label])


def rows(decisions: pl.DataFrame, said: dict[str, Matched], output: str) -> pl.DataFrame:
    """Rows of kind "found" for the decisions of one target."""
    import polars as pl

    told = []
    for unit, found in said.items():
        told += [(unit, f"{unit}/lesion-{place}", True, value) for place, value in enumerate(found.lesions)]
        told += [(unit, f"{unit}/mark-{place}", False, value) for place, value in enumerate(found.false)]
    schema = {"parent_unit": pl.String(), "thing": pl.String(), "label": pl.Boolean(), "value": pl.Float64()}
    things = pl.DataFrame(told, schema=schema, orient="row").with_columns(pl.lit(output).alias("output"))
    about = decisions.drop("label", "parent_unit", strict=False)
    return things.join(about, left_on="parent_unit", right_on="unit_id", how="inner", maintain_order="left").rename({"thing": "unit_id"})


def _fit(mark: Lesion, box: Sequence[float], within: float) -> float:
    """How well a mark fits a box: 0 outside, else the better, the nearer to its centre."""
    left, top, width, height = box
    inside = left - within <= mark.x <= left + width + within and top - within <= mark.y <= top + height + within
    return 1 / (1 + hypot(mark.x - left - width / 2, mark.y - top - height / 2)) if inside else 0.0
