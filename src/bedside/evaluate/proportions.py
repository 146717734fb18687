"""Shares of a count, with the interval that the count allows.

In        successes and n, whole numbers
Out       `Estimate`
Source    Wilson, JASA 1927;22:209, without continuity correction; Clopper & Pearson, Biometrika 1934;26:404.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Literal

from bedside.core.lazy import need
from bedside.evaluate.records import Estimate

Interval = Literal["wilson", "clopper-pearson"]


def z_of(level: float) -> float:
    """Half width of a two-sided interval in standard errors.

    >>> round(z_of(0.95), 4)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + level / 2)


def nothing(why: str, *, n: int = 0, of: str = "predictions") -> Estimate:
    """An estimate that cannot be made, and why."""
    return Estimate(None, None, None, n, f"not estimable: {why}", of)


def proportion(successes: int, n: int, *, level: float = 0.95, interval: Interval = "wilson", of: str = "predictions") -> Estimate:
    """Share of successes with its interval; null when there is nothing to take a share of.

    >>> round(proportion(1, 29, interval="clopper-pearson").high or 0, 4)
    0.1776
    """
    if n == 0:
        return nothing(f"no {of}", of=of)
    low, high = (wilson if interval == "wilson" else clopper_pearson)(successes, n, level)
    return Estimate(successes / n, low, high, n, "Wilson" if interval == "wilson" else "Clopper-Pearson", of)


def wilson(successes: int, n: int, level: float) -> tuple[float, float]:
    """Wilson's score interval.

    >>> tuple(round(end, 4) for end in wilson(1, 29, 0.95))
    (0.0061, 0.1718)
    """
    z2, share = z_of(level) ** 2, successes / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return (0.0 if successes == 0 else middle - half, 1.0 if successes == n else middle + half)


def clopper_pearson(successes: int, n: int, level: float) -> tuple[float, float]:
    """The exact binomial interval: never too narrow, at the price of some width."""
    special, tail = need("scipy.special", extra="risk"), (1 - level) / 2
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(special.betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high
