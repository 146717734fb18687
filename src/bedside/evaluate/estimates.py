"""Estimates of many measures at once: values, their resamples, and words for what has no answer.

In        a statistic over draws of clusters (cluster.Bootstrap), one column a measure
Out       measure to `Estimate`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bedside.evaluate.cluster import Bootstrap, settled
from bedside.evaluate.proportions import nothing, proportion
from bedside.evaluate.records import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Statistic = Callable[["Floats"], "Floats"]
_CELLS = 4_000_000
_LEAST_CLUSTERS = 3
_SAME = 1e-9


def estimates(
    names: Sequence[str], statistic: Statistic, clusters: int, bootstrap: Bootstrap, *, n: int, of: str, why: Mapping[str, str] | None = None,
) -> dict[str, Estimate]:  # fmt: skip
    """Each measure with its percentile interval; `why` says for a measure what it means that it has no value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = statistic(np.ones((1, clusters)))[0]
    if clusters < _LEAST_CLUSTERS:
        few = f"no interval: {clusters} {bootstrap.whom} are too few to resample"
        return {name: _alone(float(value[i]), n, of, few, (why or {}).get(name)) for i, name in enumerate(names)}
    spread = bootstrap.spread(statistic, clusters)
    return {name: estimate(float(value[i]), spread[:, i], bootstrap, n=n, of=of, why=(why or {}).get(name))
            for i, name in enumerate(names)}  # fmt: skip


def estimate(value: float, spread: Floats, bootstrap: Bootstrap, *, n: int, of: str, why: str | None = None) -> Estimate:
    if not np.isfinite(value):
        return nothing(why or "the sample gives no value", n=n, of=of)
    value = settled(value)
    if _same(spread[np.isfinite(spread)], value):
        return Estimate(value, None, None, n, "no interval: every resample gives the same value", of)
    found = bootstrap.estimate(value, spread, n=n, of=of)
    if found.method.startswith("no interval: too few resamples"):
        return Estimate(found.value, None, None, n, "no interval: too few resamples have a value", of)
    return found


def share(successes: Floats, of_each: Floats, bootstrap: Bootstrap, *, of: str) -> Estimate:
    """A share over clusters, (clusters,) of counts each; one of nothing or of everything gets Wilson's interval, clusters counted once."""
    total, bearers = float(of_each.sum()), int((of_each > 0).sum())
    if total == 0:
        return nothing(f"no {of}", of=of)
    value = float(successes.sum()) / total
    if value in (0.0, 1.0):
        told = proportion(round(value * bearers), bearers, level=bootstrap.level, of=of)
        return Estimate(value, told.low, told.high, int(total), f"Wilson, {bearers} {bootstrap.whom} counted once each", of)
    made = estimates(["share"], lambda draws: ((draws @ successes) / (draws @ of_each))[:, None], len(of_each), bootstrap, n=int(total), of=of)
    return made["share"]


def by_rows(statistic: Statistic, codes: Ints, cells: int | None = None) -> Statistic:
    """A statistic over weights of rows as one over draws of clusters, a few resamples at a time so that memory stays bounded.

    cells   numbers that one resample needs; as many as rows when not given
    """
    high = max(1, _CELLS // max(1, cells or len(codes)))

    def over(draws: Floats) -> Floats:
        return np.concatenate([statistic(draws[at : at + high][:, codes]) for at in range(0, len(draws), high)])

    return over


def _same(answered: Floats, value: float) -> bool:
    """Whether all resamples gave this very value, up to the last digits of adding."""
    return len(answered) > 0 and float(np.abs(answered - value).max()) <= _SAME * max(abs(value), _SAME)


def _alone(value: float, n: int, of: str, few: str, why: str | None) -> Estimate:
    return Estimate(settled(value), None, None, n, few, of) if np.isfinite(value) else nothing(why or "the sample gives no value", n=n, of=of)
