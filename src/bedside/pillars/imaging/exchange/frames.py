"""Where each source frame lies in the patient: what a segmentation has to agree with.

In        the source instances as pydicom data sets: single frames, or one multi-frame
Out       `Frame`s in the order of the instances; planes of labels cut from a label volume, one a frame
Refuses   mosaics; frames without position, orientation or frame of reference, of several orientations or sizes, or twice at one place
Source    DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16.2 (plane position and orientation of multi-frame images)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

_SAME_DIRECTION = 1e-3  # of direction cosines: as far as writers that round them differ from frame to frame
_SAME_PLACE_MM = 1e-3
_ON_GRID = 0.02  # voxels that an index may wander over a whole frame and still be read row by row
_MOSAIC = "MOSAIC"  # Siemens: the position in the header is that of no slice
_DO = "send the series again from the archive, or the original in place of a derived one"


class Frame(msgspec.Struct, frozen=True):
    """One plane of pixels.

    number    from 1 within a multi-frame instance; None for a single frame
    position  (3,) mm LPS: centre of the first pixel
    along     (3, 2): the step in mm LPS of one row down, and of one column right
    """

    instance: str
    number: int | None
    rows: int
    columns: int
    position: tuple[float, float, float]
    along: NDArray[np.float64]


def frames_of(sources: Sequence[Dataset]) -> list[Frame]:
    """Every frame of the instances, in their order. `Unusable` where they do not make one stack in space."""
    if not sources:
        raise _unusable("there is no source image")
    if any(_MOSAIC in (source.get("ImageType") or ()) for source in sources):
        raise _unusable("slices lie side by side in one image (mosaic)")
    many = [source for source in sources if "PerFrameFunctionalGroupsSequence" in source]
    if many and len(sources) > 1:
        raise _unusable("several multi-frame instances, or single frames beside one")
    found = _of_many(many[0]) if many else [_frame(source, source, None) for source in sources]
    _one_stack(found, sources)
    return found


def planes(labels: NDArray[Any], affine: NDArray[np.float64], frames: Sequence[Frame]) -> NDArray[np.uint16]:
    """The label of each pixel of each frame: (frames, rows, columns), the nearest voxel's, 0 outside the volume.

    labels  (i, j, k) integers
    affine  (4, 4) voxel index (i, j, k, 1) to mm LPS; its grid need not be that of the frames
    """
    inverse = np.linalg.inv(affine)
    out = np.zeros((len(frames), frames[0].rows, frames[0].columns), np.uint16)
    for plane, frame in zip(out, frames, strict=True):
        start = inverse[:3, :3] @ np.asarray(frame.position) + inverse[:3, 3]
        _cut(labels, start, inverse[:3, :3] @ frame.along, plane)
    return out


def _cut(labels: NDArray[Any], start: NDArray[np.float64], step: NDArray[np.float64], out: NDArray[np.uint16]) -> None:
    rows, columns = np.arange(out.shape[0]), np.arange(out.shape[1])
    wander = np.abs(step) * [out.shape[0], out.shape[1]]
    aligned = not ((wander > _ON_GRID).all(axis=1)).any()
    if aligned and ((wander > _ON_GRID).sum(axis=0) == 1).all():
        _by_axes(labels, start, step, wander, out)
        return
    index = np.rint(start[:, None, None] + step[:, 0, None, None] * rows[:, None] + step[:, 1, None, None] * columns).astype(np.int64)
    inside = ((index >= 0) & (index < np.array(labels.shape)[:, None, None])).all(axis=0)
    out[inside] = labels[tuple(index[:, inside])]


def _by_axes(labels: NDArray[Any], start: NDArray[np.float64], step: NDArray[np.float64], wander: NDArray[np.float64], out: NDArray[np.uint16]) -> None:
    """The frame runs along two axes of the volume: whole rows are read at once."""
    down, right = int(wander[:, 0].argmax()), int(wander[:, 1].argmax())
    fixed = ({0, 1, 2} - {down, right}).pop()
    at = int(np.rint(start[fixed]))
    if not 0 <= at < labels.shape[fixed]:
        return
    r = np.rint(start[down] + step[down, 0] * np.arange(out.shape[0])).astype(np.int64)
    c = np.rint(start[right] + step[right, 1] * np.arange(out.shape[1])).astype(np.int64)
    plane = np.moveaxis(labels, (down, right, fixed), (0, 1, 2))[:, :, at]
    there = (r >= 0) & (r < plane.shape[0]), (c >= 0) & (c < plane.shape[1])
    out[np.ix_(*there)] = plane[np.ix_(r[there[0]], c[there[1]])]


def _of_many(source: Dataset) -> list[Frame]:
    shared = next(iter(source.get("SharedFunctionalGroupsSequence") or []), None)
    return [_frame(source, group, number, shared) for number, group in enumerate(source.PerFrameFunctionalGroupsSequence, 1)]


def _frame(source: Dataset, group: Dataset, number: int | None, shared: Dataset | None = None) -> Frame:
    def told(sequence: str, name: str, many: int) -> NDArray[np.float64]:
        for place in (group, shared) if number else (group,):
            holder = place.get(sequence, [None])[0] if number and place is not None else place
            value = holder.get(name) if holder is not None else None
            if value is not None and not isinstance(value, (str, bytes)) and len(value) == many:
                numbers = np.array([float(one) for one in value])
                if np.isfinite(numbers).all():
                    return numbers
        raise _unusable(f"{name} is missing or not {many} numbers" + (f" in frame {number}" if number else ""))

    cosines = told("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    x, y, z = told("PlanePositionSequence", "ImagePositionPatient", 3)
    spacing = told("PixelMeasuresSequence", "PixelSpacing", 2)
    along = np.stack([cosines[3:] * spacing[0], cosines[:3] * spacing[1]], axis=1)
    return Frame(str(source.SOPInstanceUID), number, int(source.Rows), int(source.Columns), (x, y, z), along)


def _one_stack(found: list[Frame], sources: Sequence[Dataset]) -> None:
    first = found[0]
    if any((one.rows, one.columns) != (first.rows, first.columns) for one in found):
        raise _unusable("frames of several sizes")
    if any(np.abs(one.along - first.along).max() > _SAME_DIRECTION * np.abs(first.along).max() for one in found):
        raise _unusable("frames of several orientations or pixel spacings")
    if len({str(source.get("FrameOfReferenceUID") or "") for source in sources} - {""}) != 1:
        raise _unusable("the instances do not share one frame of reference")
    normal = np.cross(first.along[:, 1], first.along[:, 0])
    heights = np.sort(np.array([one.position for one in found]) @ (normal / np.linalg.norm(normal)))
    if len(found) > 1 and np.diff(heights).min() < _SAME_PLACE_MM:
        raise _unusable("two frames at one place")


def _unusable(what: str) -> Unusable:
    return Unusable(f"{what}, so a segmentation of it would have no place", where="source series", do=_DO)
