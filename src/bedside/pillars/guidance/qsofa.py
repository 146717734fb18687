"""qSOFA: three signs at the bedside that say an infected adult may die or stay long in intensive care.

In        respiratory_rate /min, systolic_bp mmHg, consciousness 0 (alert) or 1 (altered: Glasgow coma scale below 15)
Out       `Score` of one patient, or `Column` of a cohort; 2 or 3 is positive
Source    Singer et al., JAMA 2016;315:801, box 4; Seymour et al., JAMA 2016;315:762.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bedside.pillars.guidance.bands import Bands
from bedside.pillars.guidance.score import Column, Score, column, points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NAME = "qSOFA"
SOURCE = "Singer et al., JAMA 2016;315:801."
POSITIVE = 2
CHART: dict[str, Bands] = {
    "respiratory_rate": Bands((21,), (0, 1), 0, 80),
    "systolic_bp": Bands((100,), (1, 0), 20, 320),
    "consciousness": Bands((0,), (0, 1), 0, 1),
}
INPUTS: tuple[str, ...] = tuple(CHART)


def qsofa(values: Mapping[str, float | None]) -> Score:
    """One patient's qSOFA with its parts.

    >>> qsofa({"respiratory_rate": 22, "systolic_bp": 100}).missing
    ['consciousness']
    """
    found = points(CHART, values)
    total = sum(found.parts.values())
    said = "positive" if total >= POSITIVE else "negative"
    return Score(NAME, total, found.parts, found.missing, found.implausible, said, SOURCE)


def qsofa_column(values: Mapping[str, Floats]) -> Column:
    """qSOFA of a cohort: one array a sign, nan or an absent key where unknown."""
    rows = len(next(iter(values.values())))
    return column({name: bands.scores(np.asarray(values.get(name, np.full(rows, np.nan)), dtype=np.float64))
                   for name, bands in CHART.items()})  # fmt: skip
