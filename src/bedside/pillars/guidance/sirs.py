"""SIRS: the four signs of systemic inflammation, of which two make the syndrome.

In        temperature Cel, heart_rate /min, respiratory_rate /min or paco2 mmHg, white_cells 10^9/L (bands are not asked for)
Out       `Score` of one patient, or `Column` of a cohort; 2 or more is positive
Source    Bone et al., Chest 1992;101:1644, table 1: above 38 or below 36; above 90; above 20 or PaCO2 below 32;
          above 12 or below 4.
Strict    "above 38" is strict on the value as measured: 38.0 scores nothing, 38.1 one. Rounded to tenths for temperature
          and white cells, to whole numbers else.
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

NAME = "SIRS"
SOURCE = "Bone et al., Chest 1992;101:1644."
POSITIVE = 2
BREATHING = "respiration"
_RATE, _GAS = "respiratory_rate", "paco2"
CHART: dict[str, Bands] = {
    "temperature": Bands((359, 380), (1, 0, 1), 20, 45, per_unit=10),
    "heart_rate": Bands((90,), (0, 1), 0, 350),
    "white_cells": Bands((39, 120), (1, 0, 1), 0, 500, per_unit=10),
}
BREATHS: dict[str, Bands] = {_RATE: Bands((20,), (0, 1), 0, 80), _GAS: Bands((31,), (1, 0), 5, 200)}
INPUTS: tuple[str, ...] = (*CHART, *BREATHS)


def sirs(values: Mapping[str, float | None]) -> Score:
    """One patient's SIRS criteria. Breathing counts once: by its rate or by PaCO2, whichever is known and abnormal.

    >>> sirs({"temperature": 38.4, "heart_rate": 104, "respiratory_rate": 18, "white_cells": 9.0}).total
    2
    """
    found, breaths = points(CHART, values), points(BREATHS, values)
    if breaths.parts:
        found.parts[BREATHING] = max(breaths.parts.values())
    elif not breaths.implausible:
        found.missing.append(BREATHING)
    total = sum(found.parts.values())
    implausible = found.implausible + breaths.implausible
    return Score(NAME, total, found.parts, found.missing, implausible, "positive" if total >= POSITIVE else "negative", SOURCE)


def sirs_column(values: Mapping[str, Floats]) -> Column:
    """SIRS of a cohort: one array a sign, nan or an absent key where unknown."""
    rows = len(next(iter(values.values())))
    of = {name: np.asarray(values.get(name, np.full(rows, np.nan)), dtype=np.float64) for name in INPUTS}
    parts = {name: bands.scores(of[name]) for name, bands in CHART.items()}
    rate, gas = (bands.scores(of[name]) for name, bands in BREATHS.items())
    return column(parts | {BREATHING: np.fmax(rate, gas)})
