"""Tiles of whole slides on the spine: the four functions of `core.pillar.Pillar` for question classify with one decision a tile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Misconfigured
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.slides.part import Slides

if TYPE_CHECKING:
    import polars as pl


class Tiles(Slides):
    """The part for tiles; what may be declared is what may be for slides, and regions. Stateless."""

    def check(self, task: ImageTask, model: Mapping[str, object], *, policy: str | None) -> None:
        super().check(task, model, policy=policy)
        wrong = [] if task.listed else ["task.listed names no event that says that all regions of a slide were drawn, and without it no tile is free of them"]
        wrong += [] if 0 < task.tile_share <= 1 else ["task.tile_share is no share above 0, up to 1"]
        wrong += ["task.segments names masks, and regions of a slide are read from events alone"] if task.segments else []
        if wrong:
            raise Misconfigured("; ".join(wrong), where="study.toml, [task]", do="see docs/imaging-2d.md, Tiles")

    def cohort(self, material: Material, out: Path) -> Cohort:
        from bedside.pillars.imaging.slides.tile_cohort import cohort

        return cohort(material, out)

    def develop(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
        from bedside.pillars.imaging.slides.tile_develop import develop

        return develop(material, decisions, features, out=out, training=training)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        import polars as pl

        from bedside.bundle.runners.onnx_slides import OnnxSlides
        from bedside.bundle.sealed import Sealed
        from bedside.pillars.imaging.slides.tile_say import say

        model = OnnxSlides.open(Sealed.open(bundle))
        asked = features.join(decisions.select("unit_id").unique(), on="unit_id", how="semi").sort("unit_id")
        return Predicted(say(model, material.task, decisions, asked).with_columns(pl.lit(model.digest).alias("bundle")))


PART: Any = Tiles()
