"""The patient bootstrap: rows of one patient stand or fall together, so patients are resampled, not rows.

In        a code per row, 0..subjects-1
Out       blocks of counts (resamples, subjects): how often each subject was drawn. The same seed gives the same draws to
          every statistic, so that differences between outputs are paired.
Method    every statistic is reduced to sums per subject beforehand; a resample is then a product of matrices.
Source    Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13 (percentile interval);
          Field & Welsh, JRSS B 2007;69:369 (cluster bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.evaluate.records import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_BLOCK_CELLS, _KEPT_CELLS = 4_000_000, 10_000_000
_DIGITS = 10
_LEAST_SHARE = 0.9
Statistic = Callable[["Floats"], "Floats"]


class Bootstrap(msgspec.Struct, frozen=True):
    """How often, from which seed, to which level; `whom` names what is drawn, for the words of the method."""

    resamples: int = 500
    seed: int = 1
    level: float = 0.95
    whom: str = "subjects"

    def draws(self, subjects: int) -> Iterator[Floats]:
        """Blocks (some resamples, subjects) of how often each subject was drawn; every row sums to `subjects`."""
        if self.resamples * subjects <= _KEPT_CELLS:
            yield _kept(self.seed, subjects, self.resamples).astype(np.float64)
            return
        random, left = np.random.default_rng([self.seed, subjects]), self.resamples
        while left > 0:
            height = min(left, max(1, _BLOCK_CELLS // max(1, subjects)))
            yield _drawn(random, subjects, height).astype(np.float64)
            left -= height

    def spread(self, statistic: Statistic, subjects: int) -> Floats:
        """The statistic of every resample, (resamples, k)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.concatenate([statistic(block) for block in self.draws(subjects)])

    def estimate(self, value: float, resampled: Floats, *, n: int, of: str = "predictions") -> Estimate:
        """The value with its percentile interval; without interval when too many resamples had no answer."""
        answered = resampled[np.isfinite(resampled)]
        method = self.method
        if not np.isfinite(value):
            return Estimate(None, None, None, n, "not estimable: the sample lacks one of the two outcomes", of)
        if len(answered) < _LEAST_SHARE * len(resampled) or len(answered) == 0:
            return Estimate(float(value), None, None, n, "no interval: too few resamples hold both outcomes", of)
        if answered.min() == answered.max():
            return Estimate(float(value), None, None, n, "no interval: every resample gives the same value", of)
        low, high = np.quantile(answered, [0.5 - self.level / 2, 0.5 + self.level / 2])
        return Estimate(float(value), settled(low), settled(high), n, method, of)

    @property
    def method(self) -> str:
        return f"percentile bootstrap over {self.whom}, {self.resamples} resamples, seed {self.seed}"


def settled(number: float) -> float:
    """The number without the last digits, which hang on the machine's order of adding."""
    return float(f"{number:.{_DIGITS}g}")


@lru_cache(maxsize=8)
def _kept(seed: int, subjects: int, resamples: int) -> NDArray[np.uint16]:
    """All draws at once, kept for the next statistic on as many subjects."""
    return _drawn(np.random.default_rng([seed, subjects]), subjects, resamples)


def _drawn(random: np.random.Generator, subjects: int, resamples: int) -> NDArray[np.uint16]:
    rows = (np.bincount(random.integers(0, subjects, subjects), minlength=subjects) for _ in range(resamples))
    return np.stack([row.astype(np.uint16) for row in rows])


def codes_of(names: NDArray[np.generic]) -> tuple[Ints, int]:
    """Names of clusters as codes 0..k-1, and k.

    >>> codes_of(np.array([9, 4, 9]))
    (array([1, 0, 1]), 2)
    """
    found, codes = np.unique(names, return_inverse=True)
    return codes.astype(np.int64), len(found)


def sums(codes: Ints, subjects: int, *columns: NDArray[np.generic]) -> Floats:
    """Sum of each column within each subject, (subjects, columns)."""
    return np.stack([np.bincount(codes, weights=column.astype(np.float64), minlength=subjects) for column in columns], axis=1)
