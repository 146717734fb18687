"""A whole study to what is said of it: volumes with their verdicts, the model's labels, SEG and SR of each series that was taken.

In        a study as it was received; a model of volumes
Out       `Answer`: the objects to send, and of each series what became of it, in words without a name, number or UID
Refuses   what the verdict refuses, a series with several volumes (which one is meant?), one without a place in space, a study that was
          cut off; the reason is told, the study's other series are answered
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bedside.core.errors import BedsideError, Unusable
from bedside.formats.dicom import parse
from bedside.pillars.imaging.exchange.author import MAKER, Author
from bedside.pillars.imaging.exchange.inbox import Received
from bedside.pillars.imaging.exchange.measurements import measurements
from bedside.pillars.imaging.exchange.segmentation import Kind, segmentation
from bedside.pillars.imaging.exchange.sizes import size
from bedside.pillars.imaging.exchange.structures import Structure
from bedside.pillars.imaging.series.read import File, Series, read
from bedside.pillars.imaging.series.volume import Volume

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

Fate = Literal["answered", "refused", "left out"]
_NO_IMAGES = frozenset({"SEG", "SR", "PR", "KO", "DOC", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "AU", "ECG", "PLAN"})


class Segmenter(Protocol):
    """A model of volumes: bundle/runners/onnx_image is one."""

    def labels(self, voxels: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Label of each voxel; 0 is background, n the n-th structure."""


@dataclass(frozen=True)
class Thinker:
    """A model, what its labels are, and how its answers are written.

    modalities   series of others are left out; all images are taken when empty
    irregular    what becomes of a series on no regular grid
    """

    model: Segmenter
    author: Author
    structures: Sequence[Structure]
    modalities: Sequence[str] = ()
    irregular: Literal["resample", "refuse"] = "resample"
    kind: Kind = "BINARY"


@dataclass
class Answer:
    """What is said of one study. series: what became of each, and why."""

    objects: list[Dataset] = field(default_factory=list)
    series: list[tuple[Fate, str]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """(fate: reason) to how many series."""
        return dict(sorted(Counter(f"{fate}: {why}" for fate, why in self.series).items()))


def answer(study: Received, thinker: Thinker, *, at: datetime | None = None) -> Answer:
    """SEG and SR of every series that the model is for. Never raises for what was sent."""
    said = Answer()
    if study.cut:
        said.series.append(("refused", "instances of the study did not fit within the limits"))
        return said
    files = [File(f"instance {number}", data) for number, data in enumerate(study.instances.values(), 1)]
    try:
        for series in read(files, resample=thinker.irregular == "resample"):
            said.series.append(_of(series, study, thinker, said.objects, at))
    except Exception as error:  # noqa: BLE001 (as below, for what the reader did not foresee)
        said.series.append(("refused", f"failed with {type(error).__name__}"))
    return said


def _of(series: Series, study: Received, thinker: Thinker, objects: list[Dataset], at: datetime | None) -> tuple[Fate, str]:
    if series.manufacturer == MAKER or series.modality in _NO_IMAGES:
        return "left out", "no images, or our own"
    if thinker.modalities and series.modality not in thinker.modalities:
        return "left out", "another modality than the task's"
    if series.verdict.decision == "refuse" or not series.volumes:
        return "refused", series.verdict.reason
    try:
        objects += _objects(_one(series), study, thinker, at)
    except BedsideError as error:
        return "refused", error.what
    except Exception as error:  # noqa: BLE001 (whatever one series breaks, the listener goes on; what it says may name the patient)
        return "refused", f"failed with {type(error).__name__}"
    return "answered", series.verdict.decision


def _one(series: Series) -> Volume:
    if len(series.volumes) > 1:
        raise Unusable(f"{len(series.volumes)} volumes in one series", where="series", do="send the one that is meant as a series")
    return series.volumes[0]


def _objects(volume: Volume, study: Received, thinker: Thinker, at: datetime | None) -> list[Dataset]:
    at = at or datetime.now().astimezone()
    wanted = dict.fromkeys(source.instance_uid for source in volume.acquired.sources)
    sources = [parse(study.instances[uid], where="an instance", stop_before_pixels=True) for uid in wanted]
    labels = thinker.model.labels(volume.voxels, volume.affine)
    told = {"structures": thinker.structures, "author": thinker.author, "at": at}
    drawn = segmentation(labels, volume.affine, sources, kind=thinker.kind, **told)  # type: ignore[arg-type]
    sizes = [size(labels == number, volume.affine) for number in range(1, len(thinker.structures) + 1)]
    return [drawn, measurements(drawn, sizes, sources, **told)]  # type: ignore[arg-type]
