"""Has the input, or the score, moved away from what the model was trained on?

In        a sketch, the values served in a window, and how many encounters they come from
Out       `Drift`: index, what chance alone would give, missing shares then and now, and whether that is drift
Source    PSI * n m / (n + m) is about chi-square with bins - 1 degrees of freedom when nothing moved (Yurdakul & Naranjo,
          J Risk Model Validation 2020;14(4)); chi-square quantile by Wilson & Hilferty, PNAS 1931;17:684. n and m are
          encounters: hours of one stay repeat each other, and counting them as independent would cry wolf.
"""

from __future__ import annotations

from math import isnan, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.bundle.reference import Sketch, psi

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = 0.999


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as drift. psi: the trade's "act" is .25, "look" is .1. missing: change of the share, 0..1."""

    psi: float = 0.25
    missing: float = 0.15
    least_encounters: int = 20


class Drift(msgspec.Struct, frozen=True):
    """One quantity in one window. `chance` is the index that moves of chance alone reach once in a thousand windows."""

    name: str
    psi: float | None
    chance: float
    missing_then: float
    missing_now: float
    drifted: bool
    why: str = ""


def drift(name: str, then: Sketch, values: NDArray[np.float64], *, encounters: int, rows: int, limits: Limits) -> Drift:
    """How far one column has moved. `encounters` of `rows` rows says how much the values repeat each other."""
    there = values[~np.isnan(values)]
    index = psi(then, there)
    effective = max(1.0, encounters * len(there) / max(1, rows))
    chance = chance_index(len(then.counts), effective)
    missing_now = 1 - len(there) / len(values) if len(values) else 0.0
    moved = not isnan(index) and index > max(limits.psi, chance)
    absent = abs(missing_now - then.missing_share) > max(limits.missing, _by_chance(then.missing_share, missing_now, encounters))
    enough = encounters >= limits.least_encounters
    why = " and ".join(word for word, true in (("distribution", enough and moved), ("missing share", enough and absent)) if true)
    return Drift(name, None if isnan(index) else index, chance, then.missing_share, missing_now, bool(why), why)


def chance_index(bins: int, encounters: float) -> float:
    """Index that `encounters` independent values without drift stay below in 999 of 1,000 windows.

    The reference is taken as exact: it rests on many more encounters than a window does. (Exact for nine degrees: 27.88.)

    >>> round(chance_index(10, 1.0), 1)
    28.1
    """
    degrees = max(1, bins - 1)
    z = NormalDist().inv_cdf(SURE)
    cube = 1 - 2 / (9 * degrees) + z * sqrt(2 / (9 * degrees))
    return float(degrees * cube**3 / encounters)


def _by_chance(then: float, now: float, encounters: int) -> float:
    share = (then + now) / 2
    return NormalDist().inv_cdf(SURE) * sqrt(max(share * (1 - share), 1e-6) / max(1, encounters))
