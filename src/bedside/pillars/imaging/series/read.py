"""Files of instances to series, each with its verdict and its volumes: the door of this folder.

In        DICOM files as bytes, in any order; names mean nothing
Out       one `Series` a series UID, sorted by UID. What cannot become a volume has a verdict that says why; nothing is lost:
          instances = those in volumes + duplicates + those of refused series + rejects
Never     raises for what a file holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.core.errors import Malformed, Unusable
from bedside.formats.dicom import parse
from bedside.pillars.imaging.series import mosaic, pixels
from bedside.pillars.imaging.series.frames import UNREADABLE, Frame, frames, millimetres, text
from bedside.pillars.imaging.series.resample import regular
from bedside.pillars.imaging.series.stacks import Stack, normal, stacks
from bedside.pillars.imaging.series.verdict import Verdict, is_even, judge, refuse
from bedside.pillars.imaging.series.volume import Plane, Source, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TURNED = 1e-3
_LOCALISER, _NO_IMAGE = "LOCALIZER", "an object that is no image"
_MASKS = "1.2.840.10008.5.1.4.1.1.66."  # registrations, fiducials, segmentations (PS3.4 B.5)


class File(NamedTuple):
    """One instance's bytes and what it is called in messages."""

    name: str
    data: bytes


@dataclass(frozen=True, eq=False)
class Series:
    """One series: the verdict; its volumes, unless refused; who made it.

    rejects   name of a file to why it is in no volume; what is no image at all (a report, a mask) stands here and refuses nothing
    """

    uid: str
    study_uid: str
    modality: str
    verdict: Verdict
    instances: int
    volumes: list[Volume] = field(default_factory=list)
    rejects: dict[str, str] = field(default_factory=dict)
    manufacturer: str = ""
    model: str = ""


def read(files: Iterable[File], *, resample: bool = True) -> list[Series]:
    """Every series among the files.

    resample   False refuses what lies on no regular grid; a series of verdict `resample` then has no volume
    """
    by_series: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    broken: dict[str, str] = {}
    for name, data in files:
        try:
            dataset = parse(data, where=name)
            by_series[text(dataset, "SeriesInstanceUID")].append((name, dataset))
        except Malformed as error:
            broken[name] = error.what
    found = [_series(uid, told, resample=resample) for uid, told in sorted(by_series.items())]
    return found + ([Series("", "", "", refuse("files that are no DICOM instance"), len(broken), rejects=broken)] if broken else [])


def _series(uid: str, told: list[tuple[str, Any]], *, resample: bool) -> Series:
    head, work = told[0][1], _Work(told)
    try:
        verdict, volumes = work.volumes(resample=resample)
    except (*UNREADABLE, ArithmeticError, MemoryError, RuntimeError) as error:  # one series takes no other with it
        verdict, volumes = refuse(f"its headers or pixels cannot be put together ({type(error).__name__})"), []
    return Series(uid, text(head, "StudyInstanceUID"), text(head, "Modality"), verdict, len(told), volumes, work.rejects,
                  text(head, "Manufacturer"), text(head, "ManufacturerModelName"))  # fmt: skip


class _Work:
    """One series on its way: data sets by number, their frames, and pixels decoded once."""

    def __init__(self, told: list[tuple[str, Any]]) -> None:
        self.names, self.datasets = [name for name, _ in told], [dataset for _, dataset in told]
        self.rejects: dict[str, str] = {}
        self._broken: list[str] = []
        self._decoded: dict[int, NDArray[Any]] = {}

    def volumes(self, *, resample: bool) -> tuple[Verdict, list[Volume]]:
        """The verdict and what it allows; a series that lacks an instance because that is broken is refused, not patched."""
        found = self._frames()
        reason = self._unfit(found)
        if reason:
            return refuse(reason), []
        try:
            divided, duplicates = stacks(found, self._plane)
        except Unusable as error:
            return refuse(error.what), []
        verdict = judge(divided, duplicates)
        if verdict.decision == "refuse" or (verdict.decision == "resample" and not resample):
            return verdict, []
        try:
            return verdict, [self._volume(stack) for stack in divided]
        except Unusable as error:
            return refuse(error.what, duplicates=duplicates), []

    def _frames(self) -> list[Frame]:
        found: list[Frame] = []
        for place, (name, dataset) in enumerate(zip(self.names, self.datasets, strict=True)):
            if "Rows" not in dataset or text(dataset, "SOPClassUID").startswith(_MASKS):
                self.rejects[name] = _NO_IMAGE  # set aside: that it lies in the series takes no slice from it
                continue
            try:
                found += self._of_instance(place, name, dataset)
            except Malformed as error:
                self.rejects[name] = error.what
                self._broken.append(error.what)
        return found

    def _of_instance(self, place: int, name: str, dataset: Any) -> list[Frame]:
        self._decoded[place] = pixels.stored(dataset, where=name)  # first, since it bounds the number of frames
        made = frames(dataset, file=place, where=name)
        whole = mosaic.tiles(dataset, made[0], where=name) if mosaic.is_mosaic(made[0]) else made
        return [pixels.checked(self._decoded[place], frame, where=name) for frame in whole]

    def _unfit(self, found: list[Frame]) -> str | None:
        """Why no stack can be made of these frames, None when one can."""
        if self._broken:
            return f"{len(self._broken)} of {len(self.datasets)} instances cannot be read: {'; '.join(sorted(set(self._broken)))}"
        if not found:
            return "no image"
        if any(_LOCALISER in frame.image_type for frame in found):
            return "a localiser"
        turns = {tuple(np.round(np.concatenate([_unit(frame.across), _unit(frame.down)]) / _TURNED).astype(int)) for frame in found}
        directions = _different([normal(frame) for frame in found])
        if directions > 1 or (len(turns) > 1 and _different([_unit(frame.across) for frame in found]) > 1):
            return f"{max(directions, 2)} orientations in one series"
        if len({(frame.rows, frame.columns) for frame in found}) > 1:
            return "slices of different sizes in one series"
        steps = {(round(float(np.linalg.norm(f.down)), 3), round(float(np.linalg.norm(f.across)), 3)) for f in found}
        return "slices of different pixel spacings in one series" if len(steps) > 1 else None

    def _plane(self, frame: Frame) -> NDArray[Any]:
        return pixels.plane(self._decoded[frame.file], frame)

    def _volume(self, stack: Stack) -> Volume:
        planes = [self._plane(frame) for frame in stack.frames]
        voxels, first = np.stack(planes), stack.frames[0]
        sources = tuple(Source(frame.instance_uid, frame.number, frame.row, frame.column) for frame in stack.frames)
        acquired = Plane(stack.origins, first.down, first.across, sources)
        single = len(stack.frames) == 1
        straight = single or (is_even(stack) and _one_verdict(stack) == "accept")
        values, affine = (voxels, _affine(acquired, self.datasets[first.file])) if straight else regular(voxels, acquired)
        head = self.datasets[first.file]
        return Volume(values, affine, acquired, text(head, "SeriesInstanceUID"), text(head, "StudyInstanceUID"),
                      text(head, "FrameOfReferenceUID"), text(head, "Modality"), not straight, stack.told)  # fmt: skip


def _one_verdict(stack: Stack) -> str:
    return judge([stack], 0).decision


def _affine(acquired: Plane, head: Any) -> NDArray[np.float64]:
    """(slice, row, column) to mm; the one slice of a stack is as thick as its header says."""
    origins, affine = acquired.origins, np.eye(4)
    thick = next((size for name in ("SpacingBetweenSlices", "SliceThickness") if (size := millimetres(head, name))), 1.0)
    affine[:3, 0] = (origins[-1] - origins[0]) / (len(origins) - 1) if len(origins) > 1 else acquired.normal * thick
    affine[:3, 1], affine[:3, 2], affine[:3, 3] = acquired.down, acquired.across, origins[0]
    return affine


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))


def _different(vectors: list[NDArray[np.float64]]) -> int:
    """How many directions there are, within a tenth of a degree or so."""
    kept: list[NDArray[np.float64]] = []
    for vector in vectors:
        if not any(float(vector @ other) > 1 - _TURNED**2 * 2 for other in kept):
            kept.append(vector)
    return len(kept)
