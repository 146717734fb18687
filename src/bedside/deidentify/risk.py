"""How well a table hides its people: equivalence classes of its quasi-identifiers, and what follows from their sizes.

In        a table (polars), the columns that an outsider may know (quasi-identifiers), those that must stay secret (sensitive)
Out       `Risk`: k-anonymity, l-diversity, t-closeness, and the risk of the three adversaries. Counts only, never a value
Source    k: Sweeney, IJUFKS 2002;10:557. l: Machanavajjhala et al., ACM TKDD 2007;1:3 (distinct, entropy 4.1, recursive 4.2).
          t: Li et al., ICDE 2007, equations for the equal and the ordered distance. Adversaries: El Emam, Guide to the
          De-Identification of Personal Health Information, 2013, chapter 16; Dankar and El Emam, PAIS 2010. Estimated journalist
          risk: Benedetti and Franconi 1998 (negative binomial), the individual risk of mu-Argus.
Elsewhere uniques of a population that is not at hand: `risk_population.py`; generalisation: `risk_search.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp, inf

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from bedside.core.errors import Unusable

SCHEMA_NAME = "bedside.risk/1"
# 1/20, 1/11 and 1/5: El Emam 2013, table 16.1, thresholds of cells of 20, 11 and 5.
THRESHOLDS = (0.05, 0.09, 0.2)
_SIZE = "__size"


class Adversary(msgspec.Struct, frozen=True):
    """Risk that a record is matched to its person: of the worst record, on average, and the share of records above each threshold."""

    maximum: float
    average: float
    over: dict[str, float]


class Diversity(msgspec.Struct, frozen=True):
    """How much the classes tell of one sensitive column.

    distinct        fewest different values in a class (l)
    entropy         exp of the least entropy of a class: the l of entropy l-diversity
    recursive       l -> the c that the worst class needs: it is (c', l)-diverse for every c' above
    t_equal         greatest distance of a class from the table, all values equally far apart
    t_ordered       the same with values in their order (numbers); None for words
    """

    distinct: int
    entropy: float
    recursive: dict[str, float | None]
    t_equal: float
    t_ordered: float | None


class Risk(msgspec.Struct, frozen=True):
    """What a table's quasi-identifiers come to. `sizes`: size of class -> number of classes."""

    records: int
    quasi: list[str]
    classes: int
    k: int
    mean_class: float
    uniques: int
    sizes: dict[int, int]
    prosecutor: Adversary
    marketer: float
    journalist: Adversary | None
    journalist_marketer: float | None
    journalist_basis: str
    diversity: dict[str, Diversity]

    @property
    def least_diversity(self) -> int | None:
        """Fewest distinct sensitive values in a class, over all sensitive columns."""
        return min((one.distinct for one in self.diversity.values()), default=None)

    @property
    def greatest_distance(self) -> float | None:
        """Greatest distance, ordered where values are numbers."""
        return max((one.t_equal if one.t_ordered is None else one.t_ordered for one in self.diversity.values()), default=None)


def risk(
    frame: pl.DataFrame,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    *,
    population: pl.DataFrame | None = None,
    sampling_fraction: float | None = None,
) -> Risk:
    """All measures of a table.

    population          a table of everybody from whom the records may come, with the same quasi-identifiers written alike
    sampling_fraction   share of that population in the table, where the table of everybody is not at hand: 0 < fraction <= 1

    >>> table = pl.DataFrame({"zip": ["476", "476", "479", "479"], "disease": ["flu", "flu", "flu", "cancer"]})
    >>> found = risk(table, ["zip"], ["disease"])
    >>> found.k, found.least_diversity, found.prosecutor.maximum, found.marketer
    (2, 1, 0.5, 0.5)
    """
    _check(frame, quasi, sensitive)
    sizes = frame.group_by(quasi).len(name=_SIZE)
    counted = sizes[_SIZE].to_numpy().astype(np.int64)
    many, of = np.unique(counted, return_counts=True)
    journalist, marketer, basis = _journalist(sizes, quasi, population, sampling_fraction)
    return Risk(
        frame.height,
        list(quasi),
        len(counted),
        int(counted.min()),
        frame.height / len(counted),
        int((counted == 1).sum()),
        {int(size): int(count) for size, count in zip(many, of, strict=True)},
        adversary(counted, 1 / counted),
        len(counted) / frame.height,
        journalist,
        marketer,
        basis,
        {name: diversity(frame, quasi, name) for name in sensitive},
    )


def quick(frame: pl.DataFrame, quasi: Sequence[str], sensitive: str) -> tuple[int, int, float, float]:
    """(k, fewest distinct sensitive values, highest prosecutor risk, its average): for tables judged again and again."""
    cells = frame.group_by([*quasi, sensitive]).len(name=_SIZE)
    classes = cells.group_by(quasi).agg(pl.col(_SIZE).sum(), pl.len().alias("distinct"))
    smallest = int(classes[_SIZE].min())  # type: ignore[arg-type]
    return smallest, int(classes["distinct"].min()), 1 / smallest, classes.height / frame.height  # type: ignore[arg-type]


def adversary(sizes: NDArray[np.int64], risks: NDArray[np.float64]) -> Adversary:
    """Over classes of these sizes, each of whose records has this risk."""
    records = int(sizes.sum())
    over = {str(line): float(sizes[risks > line + 1e-12].sum() / records) for line in THRESHOLDS}
    return Adversary(float(risks.max()), float((sizes * risks).sum() / records), over)


def _check(frame: pl.DataFrame, quasi: Sequence[str], sensitive: Sequence[str]) -> None:
    lacking = [name for name in (*quasi, *sensitive) if name not in frame.columns]
    if lacking or not quasi:
        raise Unusable(f"no such column: {', '.join(map(repr, lacking))}" if lacking else "no quasi-identifier is named",
                       where="--quasi, --sensitive", do=f"choose among {', '.join(frame.columns[:20])}")  # fmt: skip
    if len({*quasi, *sensitive}) < len(quasi) + len(sensitive):
        raise Unusable("a column is named twice", where="--quasi, --sensitive", do="name each once: as known to an outsider, or as what must stay secret")
    if frame.height == 0:
        raise Unusable("the table holds no record, and has no risk", where="TABLE", do="give a table with records")


def _journalist(
    sizes: pl.DataFrame, quasi: Sequence[str], population: pl.DataFrame | None, fraction: float | None
) -> tuple[Adversary | None, float | None, str]:
    counted = sizes[_SIZE].to_numpy().astype(np.int64)
    if population is not None:
        _check(population, quasi, ())
        outside = population.group_by(quasi).len(name="__all")
        met = sizes.join(outside, on=list(quasi), how="left", nulls_equal=True)["__all"].fill_null(0).to_numpy().astype(np.int64)
        whole = np.maximum(met, counted)
        lost = int((met < counted).sum())
        basis = "population table" + (f"; {lost} classes are larger here than there, and were taken as complete" if lost else "")
        found = adversary(counted, 1 / whole)
    elif fraction is not None:
        if not 0 < fraction <= 1:
            raise Unusable(
                "a sampling fraction is above 0 and at most 1", where="--sampling-fraction", do="give the share, such as 0.05"
            )
        each = {int(size): expected_risk(int(size), fraction) for size in np.unique(counted)}
        found = adversary(counted, np.array([each[int(size)] for size in counted]))
        basis = f"estimated for a simple random sample of {fraction:g} of the population, negative binomial"
    else:
        return None, None, "needs a population table or a sampling fraction; it is never above the prosecutor's"
    return found, found.average, basis


def expected_risk(size: int, fraction: float) -> float:
    """Expected 1/F of a class of `size` records in a sample: the integral over u from 0 to 1 of (pu / (1 - (1 - p)u))^size / u.

    >>> round(expected_risk(1, 0.5), 6), expected_risk(4, 1.0)
    (0.693147, 0.25)
    """
    if fraction == 1:
        return 1 / size
    # With v = pu / (1 - qu) the integral is that of v^(size-1) p / (p + qv), smooth on [0, 1].
    points, weights = np.polynomial.legendre.leggauss(200)
    # The mass lies near v = 1 for large classes and near v = p for small fractions: split there.
    ends = sorted({0.0, min(1.0, fraction), min(1.0, 10 * fraction), max(0.0, 1 - 10 / size), 1.0})
    whole = 0.0
    for low, high in pairwise(ends):
        v = (high - low) / 2 * points + (high + low) / 2
        whole += float((high - low) / 2 * (weights * v ** (size - 1) / (fraction + (1 - fraction) * v)).sum())
    return whole * fraction


def diversity(frame: pl.DataFrame, quasi: Sequence[str], sensitive: str) -> Diversity:
    """l-diversity and t-closeness of one sensitive column."""
    cells = frame.group_by([*quasi, sensitive]).len(name=_SIZE).with_columns(pl.col(_SIZE).cast(pl.Float64))
    whole = frame.group_by(sensitive).len(name="__q").with_columns(pl.col("__q") / frame.height)
    share = pl.col(_SIZE) / pl.col(_SIZE).sum()
    told = (
        cells.join(whole, on=sensitive, nulls_equal=True)
        .group_by(quasi)
        .agg(
            pl.len().alias("distinct"),
            -(share * share.log()).sum().alias("entropy"),
            pl.col(_SIZE).sort(descending=True).alias("counts"),
            (((share - pl.col("__q")).abs().sum() + 1 - pl.col("__q").sum()) / 2).alias("t"),
        )
    )
    entropy, t = told["entropy"].min(), told["t"].max()
    assert isinstance(entropy, float)
    assert isinstance(t, float)
    return Diversity(
        int(told["distinct"].min()),  # type: ignore[arg-type]
        exp(entropy),
        {str(values): _finite(_recursive(told, values)) for values in (2, 3)},
        max(0.0, t),
        _ordered(frame, quasi, sensitive),
    )


def _recursive(told: pl.DataFrame, values: int) -> float:
    """The greatest r1 / (r_l + ... + r_m) of a class; infinite where one has fewer values."""
    tail = told["counts"].list.slice(values - 1).list.sum()
    found = (told["counts"].list.first() / tail).fill_null(inf).fill_nan(inf).max()
    return float(found)  # type: ignore[arg-type]


def _finite(number: float) -> float | None:
    return number if number < inf else None


def _ordered(frame: pl.DataFrame, quasi: Sequence[str], sensitive: str) -> float | None:
    """Ordered distance: sum of |cumulated difference| over the m values, by m - 1. None where values are no numbers."""
    numbers = frame[sensitive].cast(pl.Float64, strict=False)
    if numbers.null_count() > frame[sensitive].null_count() or numbers.null_count() == frame.height:
        return None
    table = frame.select(quasi).with_columns(numbers.alias("__v")).filter(pl.col("__v").is_not_null())
    values, at = np.unique(table["__v"].to_numpy(), return_inverse=True)
    if len(values) < 2:
        return 0.0
    whole = np.cumsum(np.bincount(at) / len(at))
    cells = (
        table.with_columns(pl.Series("__at", at))
        .group_by([*quasi, "__at"])
        .len(name=_SIZE)
        .sort([*quasi, "__at"], nulls_last=True)
        .with_columns(
            (pl.col(_SIZE).cum_sum().over(quasi) / pl.col(_SIZE).sum().over(quasi)).alias("__p"),
            pl.col("__at").shift(-1).over(quasi).fill_null(len(values)).alias("__end"),
            (pl.col("__at") == pl.col("__at").first().over(quasi)).alias("__first"),
        )
    )
    start, end = cells["__at"].to_numpy().astype(int), cells["__end"].to_numpy().astype(int)
    parts = _between(whole, cells["__p"].to_numpy(), start, end)
    parts += np.where(cells["__first"].to_numpy(), _between(whole, np.zeros(len(start)), np.zeros(len(start), int), start), 0.0)
    by_class = cells.with_columns(pl.Series("__t", parts)).group_by(quasi).agg(pl.col("__t").sum())["__t"].max()
    return float(by_class) / (len(values) - 1)  # type: ignore[arg-type]


def _between(
    whole: NDArray[np.float64], level: NDArray[np.float64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sum of |level - whole[i]| for start <= i < end, where `whole` rises: by prefix sums around where it passes the level."""
    sums = np.concatenate([[0.0], np.cumsum(whole)])
    cut = np.clip(np.searchsorted(whole, level), start, end)
    below = level * (cut - start) - (sums[cut] - sums[start])
    return np.asarray(below + (sums[end] - sums[cut]) - level * (end - cut))
