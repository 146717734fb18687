"""Whole slides on the spine: the four functions of `core.pillar.Pillar` for questions classify and grade."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Misconfigured
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes.cohort import check as questions
from bedside.pillars.imaging.slides.options import options

if TYPE_CHECKING:
    import polars as pl

ATTENTION = "attention.parquet"


class Slides:
    """The part for whole slides. Stateless."""

    main = "model"
    extra = "imaging"

    def check(self, task: ImageTask, model: Mapping[str, object], *, policy: str | None) -> None:
        if policy not in (None, "as-received"):
            raise Misconfigured("de-identification holds slides back, since this version does not read their pixels, and a photographed label may be among them",
                                where="study.toml, [deidentify] policy", do='have labels and overviews taken out at the source, then set policy = "as-received"')  # fmt: skip
        questions(task)
        options(model)

    def cohort(self, material: Material, out: Path) -> Cohort:
        from bedside.pillars.imaging.slides.cohort import cohort

        return cohort(material, out)

    def develop(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
        from bedside.pillars.imaging.slides.develop import develop

        return develop(material, decisions, features, out=out, training=training)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        import polars as pl

        from bedside.bundle.runners.onnx_slides import OnnxSlides
        from bedside.bundle.sealed import Sealed
        from bedside.pillars.imaging.slides.bags import bags
        from bedside.pillars.imaging.slides.say import say

        model = OnnxSlides.open(Sealed.open(bundle))
        packed = bags(material.root, features, set(decisions["unit_id"].to_list()))
        predictions, attention = say(model, material.task, decisions, packed)
        out.mkdir(parents=True, exist_ok=True)
        attention.write_parquet(out / ATTENTION)
        return Predicted(predictions.with_columns(pl.lit(model.digest).alias("bundle")))

    def patient_days(self, task: Any, predictions: pl.DataFrame) -> float | None:
        return None


PART: Any = Slides()
