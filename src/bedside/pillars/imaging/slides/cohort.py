"""Which slides are asked about, and the tiles of each: every slide is cut and read once, here.

In        lake/ and safe/ of a study, the task, [model]
Out       decisions, one row a slide and target; features: mean of the tiles' numbers; cohort/tiles.parquet, one row a tile
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bedside.bundle.runners.tiles import NAMES
from bedside.core import canonical
from bedside.core.errors import Malformed
from bedside.core.ids import sha256
from bedside.core.pillar import Cohort, Material
from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.index import images_of, subgroups
from bedside.pillars.imaging.planes.cohort import put_together
from bedside.pillars.imaging.planes.units import Left, load
from bedside.pillars.imaging.slides.open import opened
from bedside.pillars.imaging.slides.options import SlideOptions, options
from bedside.pillars.imaging.slides.tiles import Ground, ground, table

if TYPE_CHECKING:
    import polars as pl

TILES = "tiles.parquet"
MEANS = tuple(f"mean_{name}" for name in NAMES)
AMOUNT = ("tiles", "tissue")
_SLIDE = "SM"


class Seen(NamedTuple):
    """Slides that are taken, one row each; their instances; their tiles; what was left out; counts; with unit tile, tissue in the tiles."""

    units: pl.DataFrame
    images: pl.DataFrame
    tiles: pl.DataFrame
    left: list[Left]
    flow: dict[str, int]
    grounds: dict[str, Ground]


def cohort(material: Material, out: Path) -> Cohort:
    """Decisions, features and tiles of the slides that the task asks about."""
    from bedside.lake.store import Lake

    task: ImageTask = material.task
    events = Lake(material.root / "lake").events()
    seen = see(material.root, task, options(material.model))
    seen.tiles.write_parquet(out / TILES)
    units = subgroups(events, seen.units) if seen.units.height else seen.units
    return put_together(task, units, seen.images, events, out, left=seen.left, flow=seen.flow, numbers=(*AMOUNT, *MEANS))


def see(root: Path, task: ImageTask, said: SlideOptions) -> Seen:
    """Cut and read every slide."""
    import polars as pl

    index, other = images_of(root, task)
    slides = index.filter((pl.col("modality") == _SLIDE) & (pl.col("series_uid") != "")).sort("series_uid", "path")
    rows, images, tiles, left = list[dict[str, object]](), list[dict[str, object]](), list[pl.DataFrame](), list[Left]()
    grounds: dict[str, Ground] = {}
    left += [Left(path, "an instance that is no slide, or of no series") for path in index.join(slides, on="path", how="anti")["path"]]
    for (series,), levels in slides.group_by("series_uid", maintain_order=True):
        paths = levels["path"].to_list()
        try:
            if levels["subject_id"].n_unique() > 1:
                raise Malformed("a slide of two subjects", where="a slide", do="correct the sender")
            accession = str(load(root, paths[0]).get("AccessionNumber") or "").strip()
            with opened([root / path for path in paths]) as slide:
                cut = table(str(series), slide, said)
                grounds |= {str(series): ground(slide, cut, said)} if task.unit == "tile" else {}
        except Malformed as error:
            left += [Left(path, error.what) for path in paths]
            continue
        tiles.append(cut)
        row, told = _row(root, str(series), levels, accession, cut)
        rows.append(row)
        images += told
    taken = sum(len(levels) for (series,), levels in slides.group_by("series_uid") if series in {row["unit_id"] for row in rows})
    flow = {"instances in the lake": index.height + sum(other.values()), **other}
    flow |= {f"left out: {reason}": sum(one.reason == reason for one in left) for reason in sorted({one.reason for one in left})}
    flow |= {"instances taken": taken, "tiles": sum(cut.height for cut in tiles)}
    return Seen(pl.DataFrame(rows), pl.DataFrame(images), pl.concat(tiles) if tiles else pl.DataFrame(), left, flow, grounds)


def _row(root: Path, series: str, levels: pl.DataFrame, accession: str, cut: pl.DataFrame) -> tuple[dict[str, object], list[dict[str, object]]]:
    """One slide as a unit, and its instances as labels may name them."""
    paths, first = levels["path"].to_list(), levels.row(0, named=True)
    digest = sha256("".join(sha256((root / path).read_bytes()) for path in paths).encode())
    shown = sha256(canonical.frame_digest(cut.drop("unit_id")).encode())
    row: dict[str, object] = {
        "unit_id": series, "subject_id": first["subject_id"], "prediction_time": first["time"], "parent_unit": first["study_uid"], "modality": first["modality"],
        **{name: first[name] for name in ("sex", "age_years", "manufacturer", "model")}, "images": canonical.dumps(paths).decode(), "digest": digest,
        "tiles": float(cut.height), "tissue": float(cut["tissue"].mean()),  # type: ignore[arg-type]
        **{f"mean_{name}": float(cut[name].mean()) for name in NAMES},  # type: ignore[arg-type]
    }  # fmt: skip
    told = [{"unit_id": series, "subject_id": one["subject_id"], "accession": accession, "instance_uid": one["instance_uid"], "series_uid": series,
             "study_uid": one["study_uid"], "print": shown} for one in levels.iter_rows(named=True)]  # fmt: skip
    return row, told
