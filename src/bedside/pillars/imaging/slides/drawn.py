"""What is true of each tile: yes where enough of its tissue lies in a drawn region, no where none does, nothing in between.

In        events whose `encounter_id` names a slide and whose text is a region (`regions.py`); events of code `task.listed`, which say that
          all regions of a slide were drawn; of each slide where its tiles lie and where in them is tissue (`Ground`)
Out       unit_id of the tile, target, label; counts of what could not be used
Refuses   to take a slide that nobody listed as free of findings; and to call any tile of a slide "no" for a target of which one
          region cannot be used: that tile may be the one that was meant.
Exact to  one point in GRID x GRID of a tile, and to a pixel of the small picture that shows where tissue is
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.task_image import ImageTask
from bedside.pillars.imaging.planes.truths import placed
from bedside.pillars.imaging.slides.regions import corners, fault, inside

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from bedside.pillars.imaging.slides.regions import Bools, Floats
    from bedside.pillars.imaging.slides.tiles import Ground

Truth = tuple[str, str, bool]


def tile(slide: str, row: int, column: int, level: int) -> str:
    """The name of a tile as a unit of decision; row and column of its corner in pixels of level 0.

    >>> tile("2.25.7", 512, 1024, 1)
    '2.25.7#512-1024@1'
    """
    return f"{slide}#{row}-{column}@{level}"


def truths(task: ImageTask, images: pl.DataFrame, events: pl.DataFrame, grounds: dict[str, Ground]) -> tuple[pl.DataFrame, dict[str, int]]:
    """The answers of all tiles of the slides that were listed.

    images   subject_id, unit_id and the keys of every slide (`planes/truths.py`)
    """
    import polars as pl

    told, counts = placed(task, images, events)
    listed = set(told.filter(pl.col("code") == task.listed)["unit_id"].to_list())
    rows: list[Truth] = []
    for target in task.asks:
        said = told.filter(pl.col("code") == task.codes[target.name]).select("unit_id", "text_value").unique(maintain_order=True)
        texts = {str(slide): [text or "" for text in part["text_value"]] for (slide,), part in said.group_by("unit_id", maintain_order=True)}
        counts[f"{target.name}: regions on slides that are not listed, not used"] += sum(len(own) for slide, own in texts.items() if slide not in listed)
        for slide in sorted(listed):
            rows += _slide(task, target.name, slide, texts.get(slide, []), grounds[slide], counts)
    counts["slides that are not listed, no tile asked about"] = len(grounds.keys() - listed)
    names = {"unit_id": pl.String(), "target": pl.String(), "label": pl.Boolean()}
    return pl.DataFrame(rows, schema=names, orient="row"), {what: n for what, n in sorted(counts.items()) if n}


def _slide(task: ImageTask, target: str, slide: str, texts: list[str], ground: Ground, counts: Counter[str]) -> list[Truth]:
    """The answers of one slide's tiles for one target."""
    pixels = 1 / ground.mpp if task.regions_in == "um" else 1.0
    drawn: list[Floats] = []
    faults: list[str] = []
    for text in texts:
        found = corners(text)
        wrong = "is neither box nor polygon" if found is None else fault(found * pixels, ground.columns, ground.rows)
        faults += [wrong] if wrong else []
        drawn += [found * pixels] if found is not None else []
    for wrong in faults:
        counts[f"{target}: a region that {wrong}, not used"] += 1
    if faults:
        counts[f"{target}: tiles of slides with a region that cannot be used, left out"] += len(ground.places)
        return []
    rows: list[Truth] = []
    for (column, row, level), tissue in zip(ground.places, ground.tissue, strict=True):
        share = _share(drawn, column, row, ground.side, np.unpackbits(tissue).reshape(ground.grid, ground.grid).astype(np.bool_))
        if share is None or 0 < share < task.tile_share:
            counts[f"{target}: tiles {'without tissue where it was looked for' if share is None else 'partly inside a region'}, left out"] += 1
            continue
        rows.append((tile(slide, row, column, level), target, share > 0))
    return rows


def _share(drawn: list[Floats], column: int, row: int, side: float, tissue: Bools) -> float | None:
    """Share of a tile's tissue that lies in any region; None for a tile that shows none."""
    if not tissue.any():
        return None
    steps: NDArray[np.float64] = (np.arange(len(tissue)) + 0.5) * side / len(tissue)
    covered = np.zeros_like(tissue)
    for one in drawn:
        covered |= inside(one, column + steps, row + steps)
    return float((covered & tissue).sum() / tissue.sum())
