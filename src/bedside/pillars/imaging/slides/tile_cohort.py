"""Which tiles are asked about: those of slides whose regions were all drawn, each for itself.

In        lake/ and safe/ of a study, the task, [model]
Out       decisions, one row a tile and target; features: where a tile lies, its share of tissue and its numbers (`bundle/runners/tiles.py`)
Split     by subject, as for slides: tiles of one slide, of one subject and of copies of one slide never lie on two sides
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bedside.bundle.runners.tiles import NAMES
from bedside.core.pillar import Cohort, Material
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.index import subgroups
from bedside.pillars.imaging.planes import splits
from bedside.pillars.imaging.planes.cohort import tell
from bedside.pillars.imaging.slides.cohort import Seen, see
from bedside.pillars.imaging.slides.drawn import tile, truths
from bedside.pillars.imaging.slides.options import options

if TYPE_CHECKING:
    import polars as pl

PLACE = ("column", "row", "level", "mpp", "tissue")
_ABOUT = ("subject_id", "prediction_time", "modality", "sex", "age_band", "scanner")


def cohort(material: Material, out: Path) -> Cohort:
    """Decisions and features of the tiles that the task asks about."""
    import polars as pl

    from bedside.lake.store import Lake

    task: ImageTask = material.task
    events = Lake(material.root / "lake").events()
    seen = see(material.root, task, options(material.model))
    tell(seen.left, seen.units, out)
    told, counts = truths(task, seen.images, events, seen.grounds)
    divided = splits.divide(subgroups(events, seen.units), seen.images, events, task.split)
    slides = divided.units.select(pl.col("unit_id").alias("parent_unit"), "split", *_ABOUT)
    tiles = _named(seen).join(slides, on="parent_unit", how="inner", maintain_order="left")
    decisions = told.join(tiles.select("unit_id", "parent_unit", "split", *_ABOUT), on="unit_id", how="inner", maintain_order="left")
    asked = decisions["unit_id"].unique()
    flow = {**seen.flow, "slides there are": seen.units.height, **divided.flow, "tiles of slides in a split": tiles.height,
            "tiles without any label, not asked": tiles.height - len(asked), **counts, "tiles asked about": len(asked), "decisions": decisions.height}  # fmt: skip
    features = tiles.filter(pl.col("unit_id").is_in(asked.to_list())).select("unit_id", *PLACE, *NAMES)
    stages = [("instances", flow["instances in the lake"]), ("slides", seen.units.height), ("tiles", tiles.height),
              ("subjects", decisions["subject_id"].n_unique()), ("decisions", decisions.height)]  # fmt: skip
    return Cohort(decisions.sort("unit_id", "target"), features.sort("unit_id"), flow, stages, divided.leakage, {"left_out": len(seen.left)})


def _named(seen: Seen) -> pl.DataFrame:
    """The tiles, each with its own name and its slide's."""
    import polars as pl

    names = [tile(*place) for place in seen.tiles.select("unit_id", "row", "column", "level").iter_rows()]
    return seen.tiles.rename({"unit_id": "parent_unit"}).with_columns(pl.Series("unit_id", names))
