"""2-D images on the spine: the four functions of `core.pillar.Pillar` for questions classify, grade and detect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.bundle.runners.onnx_planes import OnnxPlanes
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Misconfigured
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes import cohort as who
from bedside.pillars.imaging.planes.options import options

if TYPE_CHECKING:
    import polars as pl


class Planes:
    """The part for 2-D images. Stateless."""

    main = "model"
    extra = "imaging"

    def check(self, task: ImageTask, model: Mapping[str, object], *, policy: str | None) -> None:
        if task.question == "detect" and task.unit != "image":
            raise Misconfigured("lesions are looked for in images, one by one", where="study.toml, [task] unit", do='set unit = "image"')
        who.check(task)
        options(model)

    def cohort(self, material: Material, out: Path) -> Cohort:
        return who.cohort(material, out)

    def develop(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
        from bedside.pillars.imaging.planes.develop import develop

        return develop(material, decisions, features, out=out, training=training)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        import polars as pl

        from bedside.pillars.imaging.planes.pack import pack
        from bedside.pillars.imaging.planes.say import say

        model = OnnxPlanes.open(Sealed.open(bundle))
        units = set(decisions["unit_id"].to_list())
        packed = pack(material.root, features, units, size=model.planes.size, channels=model.planes.channels)
        return Predicted(say(model, material.task, decisions, features, packed).with_columns(pl.lit(model.digest).alias("bundle")))

    def patient_days(self, task: Any, predictions: pl.DataFrame) -> float | None:
        return None


PART: Any = Planes()
