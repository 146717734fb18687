"""The reference sketch: what inputs and risks looked like at training, in a few kilobytes and without a patient.

In        a feature's values (n,) with nan for missing; or the whole matrix and its risks
Out       `Sketch`: inner edges at quantiles, counts between them, how many were missing. No minimum, no maximum
Source    population stability index: Siddiqi, Credit Risk Scorecards (2006), chapter 9: sum of (now - then) * ln(now / then)
          over bins; the trade's rule: below .1 nothing, .1 to .25 look, above .25 act
Elsewhere what is served against it: `monitor/`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SCHEMA_NAME = "bedside.reference/1"
DECILES: tuple[float, ...] = tuple(tenth / 10 for tenth in range(1, 10))
RISK_QUANTILES: tuple[float, ...] = (*DECILES, 0.95, 0.99)
_LEAST_SHARE = 1e-4


class Sketch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One distribution. Bin i holds edges[i - 1] <= value < edges[i]; `counts` has one bin more than `edges`.

    missing   values that were not there
    n         all values, missing ones among them
    """

    edges: list[float]
    counts: list[int]
    missing: int
    n: int

    @property
    def missing_share(self) -> float:
        return self.missing / self.n if self.n else 0.0


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every feature's sketch by name, that of the calibrated risk, and how many stays they rest on (0: not said)."""

    sketches: dict[str, Sketch]
    score: Sketch
    schema: str = SCHEMA_NAME
    stays: int = 0


def reference(matrix: ArrayLike, names: Sequence[str], risk: ArrayLike, *, stays: int = 0) -> Reference:
    """The sketch of a training matrix (n, p), nan for missing, and of its risks (n,).

    stays   how many subjects or encounters the rows come from: what monitoring needs to know how sure the sketch is
    """
    table, risks = np.asarray(matrix), np.asarray(risk, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(names) or len(table) != len(risks):
        raise Unusable("matrix, names and risks do not belong together", where="reference sketch", do="give one name a column")
    columns = {name: sketch(table[:, i]) for i, name in enumerate(names)}
    return Reference(columns, sketch(risks, quantiles=RISK_QUANTILES), stays=stays)


def sketch(values: ArrayLike, *, quantiles: Sequence[float] = DECILES) -> Sketch:
    """The sketch of one column. An edge is a value that occurs, so that few distinct values get a bin each.

    >>> sketch([1.0, 1.0, 2.0, float("nan")]).counts
    [0, 2, 1]
    """
    every = np.asarray(values, dtype=np.float64)
    there = every[~np.isnan(every)]
    edges = np.unique(np.quantile(there, quantiles, method="inverted_cdf")) if len(there) else np.zeros(0)
    return Sketch(edges.tolist(), _counts(edges, there), len(every) - len(there), len(every))


def psi(then: Sketch, values: ArrayLike) -> float:
    """Population stability index of values (nan left out) against a sketch; nan when either side is empty.

    A bin without values counts as one in ten thousand, so that the logarithm exists.

    >>> round(psi(Sketch([1.0], [50, 50], 0, 100), [0.0] * 40 + [2.0] * 60), 6)
    0.040547
    """
    now = np.asarray(values, dtype=np.float64)
    return psi_of_counts(then.counts, counts_in(then, now[~np.isnan(now)]))


def counts_in(then: Sketch, there: ArrayLike) -> list[int]:
    """How many of some values (none missing) fall into each bin of a sketch."""
    return _counts(np.asarray(then.edges, dtype=np.float64), np.asarray(there, dtype=np.float64))


def psi_of_counts(then: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index of two histograms over the same bins."""
    if not sum(then) or not sum(now):
        return float("nan")
    was, is_now = _shares(then), _shares(now)
    return float(np.sum((is_now - was) * np.log(is_now / was)))


def _counts(edges: Floats, there: Floats) -> list[int]:
    counted = np.bincount(np.searchsorted(edges, there, side="right"), minlength=len(edges) + 1)
    return [int(count) for count in counted]


def _shares(counts: Sequence[int]) -> Floats:
    share = np.asarray(counts, dtype=np.float64)
    kept: Floats = np.maximum(share / share.sum(), _LEAST_SHARE)
    return kept
