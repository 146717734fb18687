"""What a sealed model says of volumes: a label map each, the volume of each structure, and how well it lies on the truth.

In        a bundle, rows of decisions and features
Out       predictions (value: mL of the structure; artifact_digest: of the label map), measures where the truth is known, label maps
          as <folder>/<unit>.<output>.nii.gz, labels numbered in the order of the task's targets
Beside    the atlas, on the same rows
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.bundle.runners.onnx_image import OnnxImage
from bedside.bundle.sealed import Sealed
from bedside.core.ids import sha256
from bedside.core.predictions import SUBGROUPS
from bedside.core.progress import track
from bedside.core.task_image import ImageTask
from bedside.evaluate.overlap import measured
from bedside.pillars.imaging.segment import atlas
from bedside.pillars.imaging.segment.cases import labels_of, volume_of
from bedside.pillars.imaging.series import nifti
from bedside.pillars.imaging.series.volume import Volume

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

MODEL, ATLAS = "model", "atlas"
ATLAS_FILE = "beside/atlas.npy"
_OF_UNIT = ("subject_id", "unit_id", "parent_unit", "prediction_time", "modality", "split", *SUBGROUPS)
_ML = 1000.0


class Said(NamedTuple):
    """Rows of contract 4."""

    predictions: pl.DataFrame
    measures: pl.DataFrame


class Speaker:
    """A bundle that answers, and what stands beside it."""

    def __init__(self, sealed: Sealed) -> None:
        self.model, self.digest = OnnxImage(sealed), sealed.digest
        shares = atlas.load(sealed.files[ATLAS_FILE])
        self.outputs: dict[str, Callable[[Volume], NDArray[np.uint8]]] = {
            MODEL: lambda volume: self.model.labels(volume.voxels, volume.affine),
            ATLAS: lambda volume: atlas.on(shares, volume.voxels.shape, volume.affine),
        }

    @classmethod
    def open(cls, folder: Path) -> Speaker:
        return cls(Sealed.open(folder))


def say(speaker: Speaker, root: Path, task: ImageTask, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path | None) -> Said:
    """Predictions and measures of all rows; label maps are written under `out`, where that is given."""
    import polars as pl

    from bedside.core.predictions import measure_schema, prediction_schema

    predictions, measures = list[dict[str, Any]](), list[dict[str, Any]]()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    for unit, volume, truth in _units(root, task, decisions, features):
        for output, answer in speaker.outputs.items():
            said = answer(volume)
            data = nifti.write(*Volume(said, volume.affine, volume.acquired).ras())
            if out is not None:
                (out / f"{unit['unit_id']}.{output}.nii.gz").write_bytes(data)
            told = {**unit, "output": output, "bundle": speaker.digest}
            predictions += [{**told, "target": target, "value": _ml(said == number, volume), "artifact_digest": sha256(data)}
                            for number, target in enumerate((one.name for one in task.targets), 1)]  # fmt: skip
            measures += _measures(told, said, truth, volume, task) if truth is not None else []
    return Said(_frame(predictions, prediction_schema(), pl), _frame(measures, measure_schema(), pl))


def _units(root: Path, task: ImageTask, decisions: pl.DataFrame, features: pl.DataFrame) -> Iterator[tuple[dict[str, Any], Volume, NDArray[np.uint8] | None]]:
    """Each unit once: what is known of it, its volume, its true labels when every target's truth is known."""
    told = {unit: (paths, digest) for unit, paths, digest in features.select("unit_id", "files", "digest").iter_rows()}
    for (unit_id,), rows in track(sorted(decisions.partition_by("unit_id", as_dict=True).items()), "segment"):
        volume = volume_of(root, *told[str(unit_id)])
        first = rows.row(0, named=True)
        answers = dict(rows.select("target", "answer").iter_rows()) if "answer" in rows.columns else {}
        known = all(answers.get(target.name) is not None for target in task.targets)
        yield {name: first.get(name) for name in _OF_UNIT}, volume, labels_of(root, task, answers, volume) if known else None


def _measures(told: dict[str, Any], said: NDArray[np.uint8], truth: NDArray[np.uint8], volume: Volume, task: ImageTask) -> list[dict[str, Any]]:
    rows = []
    for number, target in enumerate(task.targets, 1):
        found = measured(said == number, truth == number, spacing_mm=volume.spacing)
        rows += [{**told, "target": target.name, "measure": one.measure, "value": one.value, "unit": one.unit} for one in found]
    return rows


def _ml(inside: NDArray[np.bool_], volume: Volume) -> float:
    return float(inside.sum() * abs(np.linalg.det(volume.affine[:3, :3])) / _ML)


def _frame(rows: list[dict[str, Any]], schema: dict[str, Any], pl: Any) -> Any:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
