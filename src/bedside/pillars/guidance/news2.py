"""NEWS2: how ill is this adult now, from seven things that a nurse measures in three minutes.

In        respiratory_rate /min, oxygen_saturation %, supplemental_oxygen 0|1, systolic_bp mmHg, heart_rate /min,
          consciousness 0 (alert) or 1 (new confusion, voice, pain, unresponsive), temperature Cel
          scale 1; or scale 2 for confirmed hypercapnic respiratory failure with a prescribed target of 88-92 %
Out       `Score` of one patient, or `Column` of a cohort
Source    Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, 2017, charts 1 and 2.
Not for   children under 16, pregnancy, spinal cord injury (the chart's own exclusions).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from bedside.pillars.guidance.bands import Bands
from bedside.pillars.guidance.score import Column, Score, column, points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NAME = "NEWS2"
SOURCE = "Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, 2017."
SATURATION, OXYGEN, MIND = "oxygen_saturation", "supplemental_oxygen", "consciousness"
Scale = Literal[1, 2]

CHART: dict[str, Bands] = {
    "respiratory_rate": Bands((8, 11, 20, 24), (3, 1, 0, 2, 3), 0, 80),
    SATURATION: Bands((91, 93, 95), (3, 2, 1, 0), 30, 100),
    OXYGEN: Bands((0,), (0, 2), 0, 1),
    "systolic_bp": Bands((90, 100, 110, 219), (3, 2, 1, 0, 3), 20, 320),
    "heart_rate": Bands((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3), 0, 350),
    MIND: Bands((0,), (0, 3), 0, 1),
    "temperature": Bands((350, 360, 380, 390), (3, 1, 0, 1, 2), 20, 45, per_unit=10),
}
# Scale 2 on oxygen; on air everything from 88 % up scores nothing.
SATURATION_2_ON_OXYGEN = Bands((83, 85, 87, 92, 94, 96), (3, 2, 1, 0, 1, 2, 3), 30, 100)
SATURATION_2_ON_AIR = Bands((83, 85, 87), (3, 2, 1, 0), 30, 100)
INPUTS: tuple[str, ...] = tuple(CHART)


def news2(values: Mapping[str, float | None], *, scale: Scale = 1) -> Score:
    """One patient's NEWS2 with its sub-scores. Missing inputs are listed, never taken for normal.

    >>> news2({"respiratory_rate": 22, "oxygen_saturation": 94, "supplemental_oxygen": 0, "systolic_bp": 105,
    ...        "heart_rate": 95, "consciousness": 0, "temperature": 38.5}).total
    6
    """
    charts = CHART | {SATURATION: _saturation(values)} if scale == 2 else CHART
    found = points(charts, values)
    if scale == 2 and SATURATION in found.parts and not _knows_oxygen(values) and float(values[SATURATION] or 0) >= 92.5:
        del found.parts[SATURATION]
        found.missing.append(SATURATION)
    total = sum(found.parts.values())
    worst = max(found.parts.values(), default=0)
    return Score(NAME, total, found.parts, found.missing, found.implausible, band(total, worst), SOURCE)


def news2_column(values: Mapping[str, Floats], *, scale: Scale = 1) -> Column:
    """NEWS2 of a cohort: one array a vital sign, nan or an absent key where unknown."""
    rows = len(next(iter(values.values())))
    known = {name: np.asarray(values[name], dtype=np.float64) if name in values else np.full(rows, np.nan) for name in INPUTS}
    parts = {name: bands.scores(known[name]) for name, bands in CHART.items()}
    if scale == 2:
        parts[SATURATION] = _saturations(known[SATURATION], known[OXYGEN])
    return column(parts)


def band(total: int, worst: int) -> str:
    """Clinical risk of chart 2: a single 3 asks for urgent review although the total is low.

    >>> band(3, 3), band(4, 2), band(5, 2), band(7, 3)
    ('low-medium', 'low', 'medium', 'high')
    """
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    return "low-medium" if worst == 3 else "low"


def _knows_oxygen(values: Mapping[str, float | None]) -> bool:
    given = values.get(OXYGEN)
    return given is not None and 0 <= given <= 1


def _saturation(values: Mapping[str, float | None]) -> Bands:
    given = values.get(OXYGEN)
    return SATURATION_2_ON_OXYGEN if given is not None and 0.5 <= given <= 1 else SATURATION_2_ON_AIR


def _saturations(saturation: Floats, oxygen: Floats) -> Floats:
    """Scale 2 by row; from 93 % up the points hang on oxygen, and are unknown when it is."""
    given = (oxygen >= 0.5) & (oxygen <= 1)
    found = np.where(given, SATURATION_2_ON_OXYGEN.scores(saturation), SATURATION_2_ON_AIR.scores(saturation))
    undecided = ~((oxygen >= 0) & (oxygen <= 1)) & (saturation >= 92.5)
    return np.where(undecided, np.nan, found)
