"""DICOM Segmentation from a label volume, and back: equal voxel for voxel on the source grid.

In        labels with their affine, the source instances, what each label is, who says so
Out       a data set of Segmentation Storage ("BINARY", what every viewer reads) or of Label Map Segmentation Storage ("LABELMAP", far
          smaller, new in 2024), with a reference from each of its frames to the source frame that it lies on
Source    DICOM PS3.3 A.51, C.8.20; written and read by highdicom
Frames    those without a label are left out of the file, and are there again, empty, when it is read
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bedside.core.errors import Malformed, Unusable
from bedside.core.lazy import need
from bedside.pillars.imaging.exchange.author import Author, stamp, uid_of, uids_of
from bedside.pillars.imaging.exchange.frames import Frame, frames_of, planes
from bedside.pillars.imaging.exchange.sources import completed, made_from_sources
from bedside.pillars.imaging.exchange.structures import Structure

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

Kind = Literal["LABELMAP", "BINARY"]
SERIES_NUMBER = 9001


def segmentation(
    labels: NDArray[Any], affine: NDArray[np.float64], sources: Sequence[Dataset], *, structures: Sequence[Structure], author: Author,
    kind: Kind = "BINARY", at: datetime | None = None,
) -> Dataset:  # fmt: skip
    """The SEG of one volume.

    labels      (i, j, k) integers: 0 is background, n is structures[n - 1]
    affine      (4, 4) voxel index to mm LPS
    sources     the instances of the series, in any order; pixel data is not looked at
    at          when it was made; now when None

    Raises `Unusable` for a source without a place in space, and for a label that is no structure.
    """
    highdicom, frames = need("highdicom", extra="imaging"), frames_of(sources)
    if labels.ndim != 3 or labels.min(initial=0) < 0 or labels.max(initial=0) > len(structures):
        raise Unusable("labels that are no structure, or no volume", where="segmentation", do=f"label 0 to {len(structures)}, three axes")
    series, instance = uids_of(kind, author, sources)
    with made_from_sources("segmentation"):
        told = highdicom.seg.Segmentation(
            source_images=completed(sources), pixel_array=planes(labels, affine, frames), segmentation_type=kind,
            segment_descriptions=[_segment(number, one, author, instance) for number, one in enumerate(structures, 1)],
            series_instance_uid=series, series_number=SERIES_NUMBER, sop_instance_uid=instance, instance_number=1,
            transfer_syntax_uid=_SYNTAX[kind], content_label="SEGMENTATION", content_description=f"Automatic segmentation by {author.name}"[:64],
            omit_empty_frames=bool(labels.any()), **author.equipment(),
        )  # fmt: skip
    stamp(told, at or datetime.now().astimezone(), series=author.series("segmentation"))
    return told


_SYNTAX = {"LABELMAP": "1.2.840.10008.1.2.5", "BINARY": "1.2.840.10008.1.2.1"}
"""RLE Lossless makes a label map some fifty times smaller; one bit a pixel cannot be run-length encoded (PS3.5 section 8.2.2)."""


def tracking(number: int, structure: Structure, instance: str) -> tuple[str, str]:
    """Tracking identifier and UID of a structure, the same in SEG and SR."""
    return f"{structure.name} {number}", uid_of("tracking", instance, str(number))


def _segment(number: int, structure: Structure, author: Author, instance: str) -> Any:
    from highdicom.seg import SegmentDescription

    identifier, uid = tracking(number, structure, instance)
    return SegmentDescription(number, structure.label, structure.category.code(), structure.type.code(), "AUTOMATIC", author.algorithm(),
                              tracking_uid=uid, tracking_id=identifier)  # fmt: skip


def read(dataset: Dataset, sources: Sequence[Dataset]) -> NDArray[np.uint16]:
    """Labels on the source frames: (frames, rows, columns) in the order of `sources`; 0 where no segment says anything.

    Raises `Malformed` for what is no SEG of those frames, or says two things of one pixel.
    """
    need("highdicom", extra="imaging")
    from highdicom.seg import Segmentation

    frames = frames_of(sources)
    if not {frame.instance for frame in frames} <= _referenced(dataset):
        raise Malformed("not a segmentation of these frames: it does not name them", where="SEG", do="fetch both again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of run-length codes that happen to be as long as the pixels
            found = _on(Segmentation.from_dataset(dataset, copy=False), frames)
    except (ValueError, RuntimeError, KeyError, AttributeError, TypeError) as error:
        raise Malformed(f"not a segmentation of these frames ({type(error).__name__})", where="SEG", do="fetch both again") from None
    return np.asarray(found, np.uint16)


def _referenced(dataset: Dataset) -> set[str]:
    """The source instances that a segmentation names, with labels on them or not."""
    series = dataset.get("ReferencedSeriesSequence") or []
    return {str(one.get("ReferencedSOPInstanceUID")) for held in series for one in held.get("ReferencedInstanceSequence") or []}


def _on(told: Any, frames: Sequence[Frame]) -> Any:
    asked: dict[str, Any] = {"combine_segments": True, "assert_missing_frames_are_empty": True, "dtype": np.uint16}
    if frames[0].number is not None:
        return told.get_pixels_by_source_frame(frames[0].instance, [frame.number for frame in frames], **asked)
    return told.get_pixels_by_source_instance([frame.instance for frame in frames], **asked)
