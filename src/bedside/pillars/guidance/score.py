"""What every bedside score returns: the total, where each point comes from, and what was not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from bedside.pillars.guidance.bands import Bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Score(msgspec.Struct, frozen=True):
    """One patient's score. With anything missing or implausible, `total` is the least that it can be."""

    name: str
    total: int
    parts: dict[str, int]
    missing: list[str]
    implausible: list[str]
    band: str
    source: str

    @property
    def complete(self) -> bool:
        return not self.missing and not self.implausible


class Column(NamedTuple):
    """A cohort's scores: totals, points of each part (nan where unknown), and how many parts of each row are unknown."""

    total: Floats
    parts: dict[str, Floats]
    unknown: NDArray[np.int64]


class Points(NamedTuple):
    """Parts of one patient's score before the band is known."""

    parts: dict[str, int]
    missing: list[str]
    implausible: list[str]


def points(charts: Mapping[str, Bands], values: Mapping[str, float | None]) -> Points:
    """Points of each part that is known; the others by name."""
    found = Points({}, [], [])
    for name, bands in charts.items():
        value = values.get(name)
        if value is None or value != value:
            found.missing.append(name)
        elif not bands.is_plausible(value):
            found.implausible.append(name)
        else:
            found.parts[name] = bands.score(value)
    return found


def column(parts: dict[str, Floats]) -> Column:
    """Totals of parts; an unknown part adds nothing and is counted."""
    table = np.stack(list(parts.values()))
    return Column(np.nansum(table, axis=0), parts, np.isnan(table).sum(axis=0))
