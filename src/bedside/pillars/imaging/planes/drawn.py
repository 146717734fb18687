"""Lesions that somebody drew: DICOM Segmentations of 2-D images, each connected piece of a segment a lesion with its box.

In        SEG instances of the lake's index, the images that are taken, the segments that each target wants
Out       of each image that a mask is of, its boxes by target, in pixels; masks that could not be used, with the reason
Rule      a frame of the mask is of the image that its derivation names, pixel for pixel; pixels that touch at a corner are one piece
Source    DICOM PS3.3 C.8.20 (segmentation), C.7.6.16.2.6 (derivation image)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Malformed
from bedside.core.lazy import need
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes.units import Left, load

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_DAMAGE = (AttributeError, KeyError, TypeError, ValueError, NotImplementedError, RuntimeError, IndexError, OverflowError)
_DO = "draw the mask again on this image"
Boxes = dict[str, dict[str, list[list[float]]]]
"""Of each image (SOP instance UID), of each target, its boxes."""


def boxes(root: Path, task: ImageTask, masks: list[str], images: pl.DataFrame) -> tuple[Boxes, list[Left]]:
    """Boxes by image.

    masks    paths of SEG instances; images: instance_uid, rows, columns
    """
    sizes = {uid: (rows, columns) for uid, rows, columns in images.select("instance_uid", "rows", "columns").iter_rows()}
    found, left = Boxes(), list[Left]()
    for path in masks:
        try:
            for uid, target, box in _of_mask(load(root, path), task, sizes, path):
                told = found.setdefault(uid, {one.name: [] for one in task.asks})
                told[target] += [box] if box else []
        except Malformed as error:
            left.append(Left(path, error.what))
        except _DAMAGE as error:
            left.append(Left(path, f"a mask that cannot be read ({type(error).__name__})"))
    return found, left


def _of_mask(dataset: Any, task: ImageTask, sizes: dict[str, tuple[int, int]], path: str) -> list[tuple[str, str, list[float]]]:
    """Image, target and box of every piece; an image that a mask is of and that shows nothing has an empty box."""
    names = {int(one.SegmentNumber): _names(one) for one in dataset.SegmentSequence}
    frames, told = _frames(dataset), list[tuple[str, str, list[float]]]()
    for uid, number, values in frames:
        if uid not in sizes:
            raise Malformed("a mask of an image that is not among those taken", where=path, do=_DO)
        if values.shape != sizes[uid]:
            raise Malformed("a mask of another size than its image", where=path, do=_DO)
        for target in task.asks:
            wanted = set(task.segments.get(target.name, [target.name]))
            chosen = [one for one, called in names.items() if called & wanted and number in (None, one)]
            inside = np.isin(values, chosen) if number is None else values > _threshold(dataset) if chosen else np.zeros(values.shape, np.bool_)
            told += [(uid, target.name, box) for box in [*pieces(inside), []]]
    return told


def pieces(inside: NDArray[np.bool_]) -> list[list[float]]:
    """Left, top, width and height of each connected piece; a piece of one pixel has no width.

    >>> pieces(np.array([[1, 1, 0, 0], [0, 0, 0, 1]], dtype=bool))
    [[0.0, 0.0, 1.0, 0.0], [3.0, 1.0, 0.0, 0.0]]
    """
    ndimage = need("scipy.ndimage", extra="imaging")
    labels, _ = ndimage.label(inside, np.ones((3, 3)))
    return [[float(across.start), float(down.start), float(across.stop - 1 - across.start), float(down.stop - 1 - down.start)]
            for down, across in ndimage.find_objects(labels)]  # fmt: skip


def _frames(dataset: Any) -> list[tuple[str, int | None, NDArray[Any]]]:
    """Of each frame the image it is of, its segment's number (None in a label map), and its pixels."""
    from pydicom.pixels import pixel_array

    stored = pixel_array(dataset)
    stored = stored[None] if stored.ndim == 2 else stored
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or [{}] * len(stored)
    return [(_image(dataset, group, shared), _number(group, shared), values) for group, values in zip(groups, stored, strict=True)]


def _number(group: Any, shared: Any) -> int | None:
    said = group.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
    return int(said[0].ReferencedSegmentNumber) if said else None


def _image(dataset: Any, group: Any, shared: Any) -> str:
    """The image that a frame was drawn on: its derivation says, else the only one that the mask names."""
    derived = group.get("DerivationImageSequence") or shared.get("DerivationImageSequence")
    if derived and derived[0].get("SourceImageSequence"):
        return str(derived[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
    named = [str(one.ReferencedSOPInstanceUID) for series in dataset.get("ReferencedSeriesSequence") or [] for one in series.ReferencedInstanceSequence]
    if len(named) != 1:
        raise Malformed("a frame of a mask that names no image", where="a mask", do=_DO)
    return named[0]


def _names(segment: Any) -> set[str]:
    """What a segment is called: its label and its codes."""
    codes = segment.get("SegmentedPropertyTypeCodeSequence") or []
    return {str(segment.SegmentLabel).strip(), *(f"{code.CodingSchemeDesignator}:{code.CodeValue}" for code in codes if "CodeValue" in code)}


def _threshold(dataset: Any) -> float:
    """Above which a stored value is inside: half of the most that a fraction can be."""
    return int(dataset.get("MaximumFractionalValue") or 1) / 2 if str(dataset.get("SegmentationType")) == "FRACTIONAL" else 0.0
