"""Has the input, or the score, moved away from what the model was trained on?

In        a sketch, the values served in a window, and how many encounters they come from
Out       `Drift`: index, how likely chance alone is to give as much, missing shares then and now, and whether that is drift
Source    PSI as in `bundle/reference.py`, for the size; Pearson's chi-square over the same bins, for chance: with few
          patients an empty bin is no news, and PSI alone would cry wolf. Both sides count encounters (the effective size
          of repeated rows), since the hours of one stay repeat each other; two samples: Cochran, Ann Math Stat 1952;23:315.
"""

from __future__ import annotations

from math import erfc, exp, gamma, isnan, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.bundle.reference import Sketch, counts_in, psi_of_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

BY_CHANCE = 0.001
_PRIOR = 0.5


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as drift. psi: the trade's "act" is .25, "look" is .1. missing: change of the share, 0..1."""

    psi: float = 0.25
    missing: float = 0.15
    least_encounters: int = 20


class Drift(msgspec.Struct, frozen=True):
    """One quantity in one window. `chance` is how often a window without drift would differ as much, 0..1."""

    name: str
    psi: float | None
    chance: float
    missing_then: float
    missing_now: float
    drifted: bool
    why: str = ""


class Size(msgspec.Struct, frozen=True):
    """How much a window and its reference rest on. `then` is 0 when the bundle does not say, and is taken as many."""

    encounters: int
    rows: int
    then: int = 0

    def effective(self, rows: int) -> float:
        """Independent values among `rows` of the window, against a reference of `then` encounters (harmonic sum)."""
        now = self.encounters * rows / max(1, self.rows)
        return now * self.then / (now + self.then) if self.then else now


def drift(name: str, then: Sketch, values: NDArray[np.float64], size: Size, limits: Limits) -> Drift:
    """How far one column has moved."""
    there = values[~np.isnan(values)]
    now, missing_now = counts_in(then, there), 1 - len(there) / max(1, len(values))
    index, chance = psi_of_counts(then.counts, now), by_chance(then.counts, now, size.effective(len(there)))
    moved = not isnan(index) and index > limits.psi and chance < BY_CHANCE
    absent = _is_absent(then.missing_share, missing_now, size, limits)
    enough = size.encounters >= limits.least_encounters
    why = " and ".join(word for word, true in (("distribution", enough and moved), ("missing share", enough and absent)) if true)
    return Drift(name, None if isnan(index) else index, chance, then.missing_share, missing_now, bool(why), why)


def by_chance(then: list[int], now: list[int], effective: float) -> float:
    """Probability of a Pearson chi-square at least this large when `effective` values come from the reference.

    A reference bin gets half a value more than it had, so that a value never seen before is unlikely, not impossible.

    >>> round(by_chance([500, 500], [60, 40], 100.0), 4)
    0.0455
    """
    if not sum(now) or not sum(then):
        return 1.0
    expected = (np.array(then) + _PRIOR) / (sum(then) + _PRIOR * len(then))
    share = np.array(now) / sum(now)
    statistic = effective * float(np.sum((share - expected) ** 2 / expected))
    return chi_square_above(statistic, len(then) - 1)


def chi_square_above(statistic: float, degrees: int) -> float:
    """Probability that chi-square exceeds the statistic; exact for whole degrees of freedom.

    >>> round(chi_square_above(27.877, 9), 6), round(chi_square_above(5.991, 2), 4)
    (0.001, 0.05)
    """
    if degrees < 1 or statistic <= 0:
        return 1.0
    half, odd = statistic / 2, degrees % 2
    if half > 700:
        return 0.0
    steps = sum(half ** (i - odd / 2) / gamma(i + 1 - odd / 2) for i in range(odd, degrees // 2 + odd))
    return float(min(1.0, (erfc(sqrt(half)) if odd else 0.0) + exp(-half) * steps))


def _is_absent(then: float, now: float, size: Size, limits: Limits) -> bool:
    share = (then + now) / 2
    spread = sqrt(max(share * (1 - share), 1e-6) / max(1.0, size.effective(size.rows)))
    return abs(now - then) > max(limits.missing, NormalDist().inv_cdf(1 - BY_CHANCE) * spread)
