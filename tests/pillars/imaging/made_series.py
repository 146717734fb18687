"""MR instances for tests: slices of a smooth picture in space, whose value at any point is known."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from bedside.demo.images import instances, patient
from bedside.pillars.imaging.series.read import File

AXIAL = ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
"""Column direction (down), row direction (across)."""


def picture(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A value for points (..., 3) in mm: linear, so that linear interpolation gives it exactly."""
    return np.asarray(1000 + points @ np.array([3.0, 5.0, 7.0]))


def slices(
    positions: Sequence[NDArray[np.float64]], *, down: NDArray[np.float64] | None = None, across: NDArray[np.float64] | None = None,
    size: tuple[int, int] = (9, 11), who: int = 0,
) -> list[Any]:  # fmt: skip
    """One instance a position; `down` and `across` are mm from pixel to pixel."""
    down = np.array(AXIAL[0]) * 2.0 if down is None else down
    across = np.array(AXIAL[1]) * 1.5 if across is None else across
    made = []
    for index, origin in enumerate(positions):
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = np.cross(across, down), down, across, origin
        rows, columns = np.indices(size)
        values = picture(origin + rows[..., None] * down + columns[..., None] * across)
        one = instances(np.rint(values).astype(np.int16)[None], affine, patient(who))[0]
        one.SOPInstanceUID = f"{one.StudyInstanceUID}.1.{index + 1}"
        one.file_meta.MediaStorageSOPInstanceUID, one.InstanceNumber = one.SOPInstanceUID, index + 1
        made.append(one)
    return made


def evenly(count: int, step: Sequence[float] = (0.0, 0.0, 3.0), start: Sequence[float] = (-10.0, 4.0, 30.0)) -> list[NDArray[np.float64]]:
    return [np.array(start) + index * np.array(step) for index in range(count)]


def files(datasets: Sequence[Dataset]) -> list[File]:
    """As they would lie in a folder: names that say nothing."""
    return [File(f"{index * 7919 % 1000:04d}", encoded(one)) for index, one in enumerate(datasets)]


def encoded(dataset: Any) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def enhanced(datasets: Sequence[Any]) -> Any:
    """The same slices as one enhanced instance: position and rescale per frame, orientation and spacing shared."""
    import copy

    whole = copy.deepcopy(datasets[0])
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient, measures.PixelSpacing = whole.ImageOrientationPatient, whole.PixelSpacing
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    whole.SharedFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence = [shared], [_frame(one) for one in datasets]
    for name in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing"):
        delattr(whole, name)
    whole.NumberOfFrames, whole.PixelData = len(datasets), b"".join(one.PixelData for one in datasets)
    return whole


def _frame(one: Any) -> Dataset:
    group, position, rescale = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = one.ImagePositionPatient
    rescale.RescaleSlope, rescale.RescaleIntercept = one.get("RescaleSlope", 1), one.get("RescaleIntercept", 0)
    group.PlanePositionSequence, group.PixelValueTransformationSequence = [position], [rescale]
    return group
