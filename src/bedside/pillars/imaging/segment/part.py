"""Segmentation on the spine: the functions of `core.pillar.Pillar` for question "segment", one decision a series and structure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.cohort import splits
from bedside.core.errors import Misconfigured
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.segment.options import options

if TYPE_CHECKING:
    import polars as pl


class Segment:
    """The part for structures in volumes. Stateless."""

    main = "model"
    extra = "imaging"

    def check(self, task: ImageTask, model: Mapping[str, object], *, policy: str | None) -> None:
        """`Misconfigured` with every fault of the task, then of [model]."""
        splits.check(task.split)
        names = [target.name for target in task.targets]
        faults = ["asks for nothing"] * (not names) + ["asks for one structure twice"] * (len(set(names)) < len(names))
        faults += [f"target {target.name!r} is of kind {target.kind!r}, and structures are regions" for target in task.targets if target.kind != "region"]
        faults += [f"segments names {name!r}, which is no target" for name in task.segments if name not in names]
        faults += ["a segmentation is trained once: folds must be 0"] * bool(task.split.folds)
        faults += ['series are divided by subject: split.by must be "subject"'] * (task.split.by != "subject")
        faults += ["more than 254 structures"] * (len(names) > 254)
        if faults:
            raise Misconfigured("; ".join(faults), where="study.toml, [task]", do="correct the values above; see docs/imaging.md")
        options(model)

    def cohort(self, material: Material, out: Path) -> Cohort:
        from bedside.pillars.imaging.segment.cohort import cohort

        return cohort(material, out)

    def develop(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
        from bedside.pillars.imaging.segment.develop import develop

        return develop(material, decisions, features, out=out, training=training)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        from bedside.pillars.imaging.segment.say import Speaker, say

        return Predicted(*say(Speaker.open(bundle), material.root, material.task, decisions, features, out=out))

    def patient_days(self, task: Any, predictions: pl.DataFrame) -> float | None:
        return None


PART: Any = Segment()
