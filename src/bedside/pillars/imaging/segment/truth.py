"""A DICOM Segmentation onto the grid of its series: which voxels a person, or another program, said are a structure.

In        the bytes of a SEG (binary, fractional or label map), the volume of the series that it names
Out       `Mask`: which series it is of, its segments; labels (slices, rows, columns) of the structures asked for
Refuses   `Malformed`: another geometry than the series, frames on no slice of it, segments that overlap, pixel data cut off
Source    DICOM PS3.3 C.8.20 (segmentation), C.7.6.16 (functional groups), PS3.5 section 8.1.1 (one bit a pixel, least significant first)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Malformed
from bedside.formats.dicom import parse
from bedside.pillars.imaging.series import pixels
from bedside.pillars.imaging.series.frames import Frame, frames
from bedside.pillars.imaging.series.resample import regular
from bedside.pillars.imaging.series.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DO = "export the mask again on the series that it was drawn on"
_NEAR, _TURNED = 0.1, 1e-3
_HALF = 0.5
_DAMAGE = (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError, NotImplementedError)


@dataclass(frozen=True, eq=False)
class Mask:
    """A SEG, read: the series it names, and of each segment its number and what it is called (label and codes)."""

    instance_uid: str
    series_uid: str
    names: dict[int, set[str]]
    dataset: Any
    where: str

    def numbers(self, wanted: Sequence[str]) -> list[int]:
        """Numbers of the segments that bear one of these labels or codes ("SCT:10200004")."""
        return [number for number, names in sorted(self.names.items()) if names & set(wanted)]


def read(data: bytes, *, where: str) -> Mask:
    """The mask in the bytes of a SEG. Raises `Malformed`."""
    dataset = parse(data, where=where)
    try:
        series = {str(one.SeriesInstanceUID) for one in dataset.get("ReferencedSeriesSequence") or []}
        names = {int(one.SegmentNumber): _names(one) for one in dataset.SegmentSequence}
    except _DAMAGE as error:
        raise Malformed(f"not a DICOM segmentation ({type(error).__name__})", where=where, do=_DO) from None
    if len(series) != 1:
        raise Malformed(f"a mask that names {len(series)} series", where=where, do=_DO)
    return Mask(str(dataset.SOPInstanceUID), series.pop(), names, dataset, where)


def _names(segment: Any) -> set[str]:
    codes = [code for code in segment.get("SegmentedPropertyTypeCodeSequence") or [] if "CodeValue" in code]
    return {str(segment.SegmentLabel).strip(), *(f"{code.CodingSchemeDesignator}:{code.CodeValue}" for code in codes)}


def labels(mask: Mask, volume: Volume, wanted: Mapping[str, Sequence[str]]) -> NDArray[np.uint8]:
    """Labels on the volume's grid: n for the n-th of `wanted`, 0 elsewhere.

    wanted   of each target the labels or codes of its segments, in the order of the targets
    """
    try:
        drawn = _drawn(mask, volume, [mask.numbers(names) for names in wanted.values()])
    except _DAMAGE as error:
        raise Malformed(f"the mask cannot be read ({type(error).__name__})", where=mask.where, do=_DO) from None
    if int(drawn.sum(axis=0).max(initial=0)) > 1:
        raise Malformed("two structures of the mask lie on one voxel", where=mask.where, do="ask for one of them, or draw them apart")
    if volume.resampled:
        drawn = np.stack([regular(one.astype(np.float32), volume.acquired)[0] > _HALF for one in drawn])
    return np.asarray((drawn * np.arange(1, len(drawn) + 1, dtype=np.uint8)[:, None, None, None]).max(axis=0, initial=0), dtype=np.uint8)


def _drawn(mask: Mask, volume: Volume, numbers: list[list[int]]) -> NDArray[np.bool_]:
    """(structures, slices, rows, columns) on the slices as they were acquired."""
    stored, planes = _stored(mask), frames(mask.dataset, file=0, where=mask.where)
    rows, columns = volume.voxels.shape[1:] if not volume.resampled else (planes[0].rows, planes[0].columns)
    made = np.zeros((len(numbers), len(volume.acquired.sources), rows, columns), np.bool_)
    groups = mask.dataset.get("PerFrameFunctionalGroupsSequence") or []
    for frame, group in zip(planes, groups, strict=True):
        at, values = _slice(frame, volume, (rows, columns), mask.where), stored[frame.number - 1]
        said = group.get("SegmentIdentificationSequence")
        for place, chosen in enumerate(numbers):
            if said is None:
                made[place, at] |= np.isin(values, chosen)
            elif int(said[0].ReferencedSegmentNumber) in chosen:
                made[place, at] |= values > _threshold(mask.dataset)
    return made


def _slice(frame: Frame, volume: Volume, size: tuple[int, int], where: str) -> int:
    """Which slice of the series a frame of the mask lies on, pixel for pixel."""
    acquired = volume.acquired
    away = np.linalg.norm(acquired.origins - frame.origin, axis=1)
    nearest, pixel = int(np.argmin(away)), float(min(np.linalg.norm(acquired.down), np.linalg.norm(acquired.across)))
    turned = max(np.linalg.norm(frame.down - acquired.down), np.linalg.norm(frame.across - acquired.across)) / pixel
    if away[nearest] > _NEAR * pixel or turned > _TURNED or (frame.rows, frame.columns) != size:
        raise Malformed("a mask in another geometry than its series", where=where, do=_DO)
    return nearest


def _threshold(dataset: Any) -> float:
    """Above which a stored value is inside: half of the most that a fraction can be."""
    return _HALF * int(dataset.get("MaximumFractionalValue") or 1) if str(dataset.get("SegmentationType")) == "FRACTIONAL" else 0.0


def _stored(mask: Mask) -> NDArray[Any]:
    dataset = mask.dataset
    if int(dataset.BitsAllocated) != 1:
        return pixels.stored(dataset, where=mask.where)
    shape = (int(dataset.NumberOfFrames), int(dataset.Rows), int(dataset.Columns))
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    if min(shape) < 1 or bits.size < prod(shape):
        raise Malformed("pixel data of the mask is shorter than its rows, columns and frames", where=mask.where, do=_DO)
    return bits[: prod(shape)].reshape(shape)
