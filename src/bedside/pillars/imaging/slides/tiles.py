"""The tiles of a slide: a grid over the level nearest to the wanted scale, of which those with tissue are taken.

In        an open slide, options
Out       one row a tile: column and row (pixels of level 0), level, mpp, share of tissue; and its numbers (`bundle/runners/tiles.py`)
Order     row by row from the top left. Of a slide with more than `most` tiles, every so-manieth is taken, so that all of it is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.bundle.runners.tiles import NAMES, embed
from bedside.core.errors import Malformed
from bedside.pillars.imaging.slides.open import Level, Slide
from bedside.pillars.imaging.slides.options import SlideOptions
from bedside.pillars.imaging.slides.tissue import tissue

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_THUMBNAIL = 1024
_READ = 64
_GRID = 32


class Place(NamedTuple):
    """One tile: its corner in pixels of its own level, and its share of tissue."""

    column: int
    row: int
    share: float


class Ground(NamedTuple):
    """Where a slide's tiles lie, and where in them is tissue: what a drawn region is laid over.

    columns, rows, mpp   of level 0: its pixels, and micrometres of each
    side                 of a tile, in pixels of level 0
    places               (column, row, level) of each tile, the first two in pixels of level 0
    tissue               (n, grid * grid / 8) uint8: a lattice of grid x grid points in each tile, a bit for each
    """

    columns: int
    rows: int
    mpp: float
    side: float
    places: list[tuple[int, int, int]]
    tissue: NDArray[np.uint8]
    grid: int = _GRID


def places(slide: Slide, level: Level, options: SlideOptions) -> list[Place]:
    """The tiles that are taken."""
    mask = tissue(slide.thumbnail(_THUMBNAIL))
    across, down = mask.shape[1] / level.columns, mask.shape[0] / level.rows
    whole = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    found = []
    for row in range(0, max(1, level.rows - options.tile + 1), options.tile):
        for column in range(0, max(1, level.columns - options.tile + 1), options.tile):
            top, bottom = (min(round(at * down), mask.shape[0]) for at in (row, row + options.tile))
            left, right = (min(round(at * across), mask.shape[1]) for at in (column, column + options.tile))
            area = max((bottom - top) * (right - left), 1)
            share = float(whole[bottom, right] - whole[top, right] - whole[bottom, left] + whole[top, left]) / area
            if share >= options.tissue:
                found.append(Place(column, row, share))
    step = -(-len(found) // options.most)
    return found[::step] if step > 1 else found


def table(unit: str, slide: Slide, options: SlideOptions) -> pl.DataFrame:
    """The rows of one slide. Raises `Malformed` for one without tissue."""
    import polars as pl

    level = slide.near(options.mpp)
    taken = places(slide, level, options)
    if not taken:
        raise Malformed("a slide without tissue", where="a slide", do="look at it: is it stained, and is the scale right?")
    told = np.concatenate([embed(_pixels(slide, level, taken[at : at + _READ], options.tile)) for at in range(0, len(taken), _READ)])
    rows = {"unit_id": [unit] * len(taken), "column": [round(one.column * level.down) for one in taken], "row": [round(one.row * level.down) for one in taken],
            "level": [level.number] * len(taken), "mpp": [round(level.mpp, 6)] * len(taken), "tissue": [round(one.share, 6) for one in taken]}  # fmt: skip
    return pl.DataFrame({**rows, **{name: told[:, place] for place, name in enumerate(NAMES)}})


def ground(slide: Slide, cut: pl.DataFrame, options: SlideOptions) -> Ground:
    """Tissue in the tiles that `table` took, point by point."""
    base, side = slide.levels[0], options.tile * slide.near(options.mpp).down
    mask = tissue(slide.thumbnail(_THUMBNAIL))
    steps = (np.arange(_GRID) + 0.5) * side / _GRID
    taken = list(cut.select("column", "row", "level").iter_rows())
    shown = np.zeros((len(taken), _GRID * _GRID // 8), np.uint8)
    for place, (column, row, _) in enumerate(taken):
        across, down = (column + steps) / base.columns, (row + steps) / base.rows
        x, y = (np.minimum(at * length, length - 1).astype(np.int64) for at, length in ((across, mask.shape[1]), (down, mask.shape[0])))
        shown[place] = np.packbits(mask[np.ix_(y, x)] & (down < 1)[:, None] & (across < 1))
    return Ground(base.columns, base.rows, base.mpp, side, taken, shown)


def _pixels(slide: Slide, level: Level, taken: list[Place], size: int) -> NDArray[np.uint8]:
    return np.stack([slide.read(level, one.column, one.row, size, size) for one in taken])
