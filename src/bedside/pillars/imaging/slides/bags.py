"""Slides in memory: the numbers of each one's tiles, as the cohort wrote them.

In        cohort/tiles.parquet of a study, features (unit_id and the means), which slides
Out       `Bags`: of each slide (tiles, 22) float32, where its tiles lie, its means; and columns of decisions in the same order
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.bundle.runners.tiles import NAMES
from bedside.pillars.imaging.slides.cohort import TILES

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Bags(NamedTuple):
    """Slides in memory: the numbers of each one's tiles, and where the tiles lie."""

    names: list[str]
    tiles: list[Floats]
    places: pl.DataFrame
    features: pl.DataFrame


def bags(root: Path, features: pl.DataFrame, units: set[str]) -> Bags:
    """The tiles of these slides."""
    import polars as pl

    known = features.filter(pl.col("unit_id").is_in(list(units))).sort("unit_id")
    table = pl.read_parquet(root / "cohort" / TILES).filter(pl.col("unit_id").is_in(list(units)))
    parts = table.partition_by("unit_id", as_dict=True, maintain_order=True)
    names = known["unit_id"].to_list()
    return Bags(names, [parts[(name,)].select(NAMES).to_numpy().astype(np.float32) for name in names],
                pl.concat([parts[(name,)].drop(NAMES) for name in names]), known)  # fmt: skip


def column(decisions: pl.DataFrame, packed: Bags, target: str, name: str) -> NDArray[np.float64]:
    """(slides,) of one column of one target's decisions, nan where there is none."""
    rows = decisions.filter(decisions["target"] == target)
    told = dict(zip(rows["unit_id"].to_list(), rows[name].to_list(), strict=True))
    return np.array([np.nan if told.get(unit) is None else float(told[unit]) for unit in packed.names])
