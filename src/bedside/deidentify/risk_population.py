"""How many people of the whole population are unique in their quasi-identifiers, when only a sample of it is at hand.

In        sizes of the sample's classes (size -> how many), the sampling fraction
Out       `Uniques`: estimates by two models, the one that Dankar's rule takes, each with a bootstrap interval over classes
Assumes   a simple random sample. Pitman: class probabilities are a draw of the Pitman-Yor process. Zayatz: the sample's
          distribution of class sizes is the population's.
Source    Hoshino, J Official Stat 2001;17:499 (Pitman); Zayatz, SRD report 91/08, US Bureau of the Census 1991; Dankar et al., BMC
          Med Inform Decis Mak 2012;12:66 (Pitman up to a fraction of 0.1, above it others; of those Zayatz is here, SNB is not)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, lgamma, log

import msgspec
import numpy as np

from bedside.core.errors import Unusable

_PITMAN_UP_TO = 0.1
_RESAMPLES, _LEVEL, _STEPS = 200, 0.95, 60


class Estimate(msgspec.Struct, frozen=True):
    """Share of the population that is unique in it, with its interval; None where the model has no answer on this sample."""

    share: float | None
    low: float | None
    high: float | None


class Uniques(msgspec.Struct, frozen=True):
    """Estimates of population uniqueness; `chosen` names the model that the decision rule takes."""

    fraction: float
    chosen: str
    pitman: Estimate
    zayatz: Estimate
    level: float = _LEVEL


def uniques(sizes: Mapping[int, int], fraction: float, *, seed: int = 0, resamples: int = _RESAMPLES) -> Uniques:
    """Population uniqueness of a sample with these class sizes.

    sizes      size of class -> number of classes
    fraction   records of the sample by people of the population, above 0 and at most 1
    """
    if not 0 < fraction <= 1:
        raise Unusable(
            "a sampling fraction is above 0 and at most 1", where="--sampling-fraction", do="give the share, such as 0.05"
        )
    found = {
        name: _with_interval(model, sizes, fraction, seed, resamples) for name, model in (("pitman", pitman), ("zayatz", zayatz))
    }
    chosen = "pitman" if fraction <= _PITMAN_UP_TO and found["pitman"].share is not None else "zayatz"
    return Uniques(fraction, chosen, found["pitman"], found["zayatz"])


def _with_interval(model: Callable[[Mapping[int, int], float], float | None], sizes: Mapping[int, int], fraction: float, seed: int, resamples: int) -> Estimate:  # fmt: skip
    share = model(sizes, fraction)
    if share is None:
        return Estimate(None, None, None)
    keys, counts = np.array(sorted(sizes)), np.array([sizes[key] for key in sorted(sizes)], dtype=float)
    drawn = np.random.default_rng(seed).multinomial(int(counts.sum()), counts / counts.sum(), size=resamples)
    again = [model({int(k): int(c) for k, c in zip(keys, one, strict=True) if c}, fraction) for one in drawn]
    held = np.array([one for one in again if one is not None])
    low, high = np.quantile(held, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]) if len(held) else (np.nan, np.nan)
    return Estimate(share, float(low), float(high))


def zayatz(sizes: Mapping[int, int], fraction: float) -> float | None:
    """Share of population uniques: of sample uniques the part that is unique in the population too, as frequent there as here.

    >>> zayatz({1: 10, 2: 5}, 1.0)
    0.5
    """
    n = sum(size * count for size, count in sizes.items())
    people = max(n, round(n / fraction))
    chance = {size: _one_of(size, people, n) * count for size, count in sizes.items()}
    if not chance.get(1):
        return 0.0
    return sizes[1] * chance[1] / sum(chance.values()) / n


def _one_of(size: int, people: int, n: int) -> float:
    """Hypergeometric chance that exactly one of a class of `size` is among n of the people."""
    if size > people - n + 1:
        return 0.0
    parts = log(size) + _choose(people - size, n - 1) - _choose(people, n)
    return exp(parts)


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def pitman(sizes: Mapping[int, int], fraction: float) -> float | None:
    """Share of population uniques under the Pitman model, its two parameters by maximum likelihood; None without any unique or any pair.

    Expected uniques of N people: N G(theta+1) G(N+theta+alpha-1) / (G(theta+alpha) G(N+theta)), G the gamma function.
    """
    n = sum(size * count for size, count in sizes.items())
    if not sizes.get(1) or len(sizes) < 2:
        return None
    people = max(n, round(n / fraction))
    alpha = _highest(lambda a: _best_theta(sizes, n, a)[1], 1e-4, 0.9999)
    theta = _best_theta(sizes, n, alpha)[0]
    told = lgamma(theta + 1) - lgamma(theta + alpha) + lgamma(people + theta + alpha - 1) - lgamma(people + theta)
    return min(1.0, exp(told))


def _best_theta(sizes: Mapping[int, int], n: int, alpha: float) -> tuple[float, float]:
    found = _highest(lambda x: pitman_likelihood(sizes, n, alpha, exp(x)), log(1e-3), log(1e9))
    return exp(found), pitman_likelihood(sizes, n, alpha, exp(found))


def pitman_likelihood(sizes: Mapping[int, int], n: int, alpha: float, theta: float) -> float:
    """Logarithm of Pitman's sampling formula, but for what no parameter changes (Hoshino 2001, equation 6)."""
    classes = sum(sizes.values())
    growing = (classes - 1) * log(alpha) + lgamma(theta / alpha + classes) - lgamma(theta / alpha + 1)
    whole = lgamma(theta + n) - lgamma(theta + 1)
    return growing - whole + sum(count * (lgamma(size - alpha) - lgamma(1 - alpha)) for size, count in sizes.items() if size > 1)


def _highest(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one hill is highest: golden section."""
    gold = (5**0.5 - 1) / 2
    a, b = high - gold * (high - low), low + gold * (high - low)
    at_a, at_b = of(a), of(b)
    for _ in range(_STEPS):
        if at_a > at_b:
            high, b, at_b = b, a, at_a
            a = high - gold * (high - low)
            at_a = of(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + gold * (high - low)
            at_b = of(b)
        if high - low < 1e-7 * max(1.0, abs(high)):
            break
    return (low + high) / 2
