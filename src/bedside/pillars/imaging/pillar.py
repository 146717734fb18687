"""The imaging pillar on the spine: which part answers which question, and nothing else.

segment   structures in volumes (`segment/`)
planes    2-D images: findings, grades, lesions (`planes/`)
slides    whole slides, from all of their tiles (`slides/`)
tiles     tiles of whole slides, each for itself (`slides/`)
Each part is an object with the functions of `core.pillar.Pillar`, found by the question and the unit of the task.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Misconfigured
from bedside.core.pillar import Cohort, Developed, Material, Pillar, Predicted
from bedside.core.registry import Registry
from bedside.core.task_image import ImageTask

if TYPE_CHECKING:
    import polars as pl

PARTS: Registry[Pillar] = Registry("part of the imaging pillar", {
    "segment": "bedside.pillars.imaging.segment.part:PART",
    "planes": "bedside.pillars.imaging.planes.part:PART",
    "slides": "bedside.pillars.imaging.slides.part:PART",
    "tiles": "bedside.pillars.imaging.slides.tile_part:PART",
})  # fmt: skip
_BY_QUESTION = {
    ("segment", "series"): "segment",
    **{(question, unit): "planes" for question in ("classify", "grade", "detect") for unit in ("image", "study")},
    **{(question, "slide"): "slides" for question in ("classify", "grade")},
    ("classify", "tile"): "tiles",
}


def part_of(task: ImageTask) -> Pillar:
    """The part that answers a task; `Misconfigured` when no part does."""
    name = _BY_QUESTION.get((task.question, task.unit))
    if name is None:
        can = sorted({f"{question} a {unit}" for question, unit in _BY_QUESTION})
        raise Misconfigured(f"nothing here can {task.question} with one decision a {task.unit}", where="study.toml, [task]",
                            do=f"choose one of: {', '.join(can)}")  # fmt: skip
    return PARTS.get(name)


class Imaging:
    """`core.pillar.Pillar` for images."""

    main = "model"
    extra = "imaging"

    def check(self, task: ImageTask, model: Mapping[str, object], *, policy: str | None) -> None:
        part_of(task).check(task, model, policy=policy)

    def cohort(self, material: Material, out: Path) -> Cohort:
        return part_of(material.task).cohort(material, out)

    def develop(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
        return part_of(material.task).develop(material, decisions, features, out=out, training=training)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        return part_of(material.task).predict(material, decisions, features, bundle=bundle, out=out)

    def patient_days(self, task: ImageTask, predictions: pl.DataFrame) -> float | None:
        """Images cover no time."""
        return None


PILLAR: Any = Imaging()
