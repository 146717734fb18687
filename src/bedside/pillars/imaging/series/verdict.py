"""What may be done with a series: accept it as it is, resample it onto a regular grid, or refuse it; always with the reason.

In        the stacks of a series
Out       a `Verdict`; the worst of its stacks speaks for the series
Rule      accept     even gaps along the slice normal: the affine places every voxel
          resample   a tilted gantry (the slices are shifted in their planes), or uneven gaps
          refuse     slices missing (a gap is a whole multiple of the others), localisers, several orientations or sizes,
                     slices that nothing tells apart, pixel data that cannot be read
Numbers   a gap may differ from even placement by `UNEVEN` of the spacing; the stack may be shifted by half a pixel in its plane.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from bedside.pillars.imaging.series.stacks import Stack

Decision = Literal["accept", "resample", "refuse"]
UNEVEN, LEAST_MM, SHIFTED_PIXELS, MULTIPLE = 0.02, 0.01, 0.5, 0.05
_WORST: dict[Decision, int] = {"accept": 0, "resample": 1, "refuse": 2}


class Verdict(msgspec.Struct, frozen=True):
    """One series: what may be done with it, why, and figures: gaps and tilt where there are slices."""

    decision: Decision
    reason: str
    slices: int = 0
    volumes: int = 0
    duplicates: int = 0
    least_gap_mm: float | None = None
    most_gap_mm: float | None = None
    tilt_degrees: float | None = None


def refuse(reason: str, *, duplicates: int = 0) -> Verdict:
    return Verdict("refuse", reason, duplicates=duplicates)


def judge(stacks: list[Stack], duplicates: int) -> Verdict:
    """The verdict on a series; `duplicates` is how many copies were left out of it."""
    told = [_one(stack) for stack in stacks]
    worst = max(told, key=lambda verdict: _WORST[verdict.decision])
    if len({tuple(np.round(stack.along, 1)) for stack in stacks}) > 1 and worst.decision == "accept":
        worst = msgspec.structs.replace(worst, reason="even gaps; its volumes cover different slices")
    return msgspec.structs.replace(worst, volumes=len(stacks), duplicates=duplicates, slices=sum(len(stack.frames) for stack in stacks))


def _one(stack: Stack) -> Verdict:
    if len(stack.frames) == 1:
        return Verdict("accept", "one slice")
    gaps, tilt = np.diff(stack.along), tilt_degrees(stack)
    figures = round(float(gaps.min()), 4), round(float(gaps.max()), 4), round(tilt, 2)
    missing, uneven = missing_slices(stack), not is_even(stack)
    if missing:
        return Verdict("refuse", f"{missing} slices are missing between others", 0, 0, 0, *figures)
    reasons = [f"gantry tilt of {tilt:.1f} degrees"] * is_shifted(stack) + ["uneven gaps between slices"] * uneven
    return Verdict("resample" if reasons else "accept", " and ".join(reasons) or "even gaps", 0, 0, 0, *figures)


def is_even(stack: Stack) -> bool:
    """Whether the slices lie at even distances along the normal."""
    along = stack.along
    even = np.linspace(along[0], along[-1], len(along))
    return bool(np.max(np.abs(along - even)) <= UNEVEN * (even[1] - even[0]) + LEAST_MM)


def missing_slices(stack: Stack) -> int:
    """How many slices are absent from an otherwise even stack: gaps that are 2, 3, ... times the others."""
    gaps = np.diff(stack.along)
    times = gaps / np.median(gaps)
    whole = np.rint(times)
    if len(gaps) < 2 or whole.min() < 1 or np.max(np.abs(times - whole) / whole) > MULTIPLE:
        return 0
    return int((whole - 1).sum())


def is_shifted(stack: Stack) -> bool:
    """Whether the last slice lies beside the first by more than half a pixel, seen along the normal."""
    way = stack.origins[-1] - stack.origins[0]
    beside = way - (way @ stack.normal) * stack.normal
    frame = stack.frames[0]
    pixel = min(np.linalg.norm(frame.across), np.linalg.norm(frame.down))
    return bool(np.linalg.norm(beside) > SHIFTED_PIXELS * pixel)


def tilt_degrees(stack: Stack) -> float:
    """Angle between the slice normal and the way from the first slice to the last."""
    way = stack.origins[-1] - stack.origins[0]
    beside = way - (way @ stack.normal) * stack.normal
    return float(np.degrees(np.arctan2(np.linalg.norm(beside), abs(way @ stack.normal))))
