"""Where something lies: how well each unit's region overlaps the truth, and how that spreads over units.

In        measures (core.predictions): one row a unit, output and measure, made by `overlap.py` or the like
Out       `RegionEvaluation`: mean, median, quartiles with intervals; units where a measure has no value are counted, never dropped
Source    a Dice of 0.7 as the least of good overlap: Zijdenbos et al., IEEE Trans Med Imaging 1994;13:716
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.cluster import Bootstrap, sums
from bedside.evaluate.estimates import Statistic, by_rows, estimates, share
from bedside.evaluate.judged import RegionEvaluation, Spread, Unit
from bedside.evaluate.panel import Panel, panel
from bedside.evaluate.proportions import nothing
from bedside.evaluate.records import Estimate
from bedside.evaluate.weighted import quantiles

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from bedside.evaluate.question import Question

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

LIMITS: Mapping[str, float] = {"dice": 0.7}
ORDER = ("dice", "hd95", "surface_dice", "mean_surface_distance", "volume_difference", "jaccard")
HIGHER = ("dice", "jaccard", "surface_dice", "sensitivity", "ppv", "specificity")
NEAR_NOUGHT = ("volume_difference",)
STATISTICS = ("mean", "median", "q1", "q3")
_WORST, _OF = 5, "units"


@dataclass(frozen=True)
class _Values:
    """One measure of one output on every decision: NaN where it has no value; `there` where it has a row."""

    value: Floats
    there: Bools
    unit: str | None


Table = dict[tuple[str, str], _Values]


def judge(asked: Question) -> RegionEvaluation:
    """The whole record of one region."""
    if asked.measures is None or asked.measures.is_empty():
        raise Unusable("there is no measure of any region", where=f"measures of target {asked.target.name!r}",
                       do="write one row a unit and measure (evaluate.overlap)")  # fmt: skip
    rows, outputs = panel(asked.decisions), asked.outputs(asked.measures)
    named = sorted(asked.measures["measure"].unique(), key=lambda name: (ORDER.index(base(name)) if base(name) in ORDER else len(ORDER), name))
    table = {(output, name): _values(asked.measures, asked.decisions, output, name) for output in outputs for name in named}
    spoke = {output: np.any([table[output, name].there for name in named], axis=0) for output in outputs}
    if not spoke[asked.main].any():
        raise Unusable(f"no held-out decision has a measure of {asked.main!r}", where=f"measures of target {asked.target.name!r}",
                       do=f"outputs present: {', '.join(sorted(set(asked.measures['output'])))}")  # fmt: skip
    limits = {name: at for name in named if (at := asked.limits.get(name, LIMITS.get(base(name)))) is not None}
    judged = _Judge(table, named, limits, asked.drawing(rows))
    lost = {f"no measure of {asked.main}": int((~spoke[asked.main]).sum())}
    return RegionEvaluation(
        **asked.spine(rows, lost, [f"{name}/mean" for name in named]), **asked.compared(rows, spoke, judged.measured, judged.versus),
        spreads=[_spread(output, name, one, rows, limits.get(name)) for (output, name), one in table.items() if one.there.any()],
    )  # fmt: skip


def base(measure: str) -> str:
    """The kind of a measure: its name without the unit or tolerance after it.

    >>> base("hd95_mm"), base("surface_dice_1mm"), base("dice")
    ('hd95', 'surface_dice', 'dice')
    """
    fitting = [name for name in (*ORDER, *HIGHER) if measure == name or measure.startswith(name + "_")]
    return max(fitting, key=len, default=measure)


def badness(measure: str, value: Floats) -> Floats:
    """The higher the worse, whatever the measure."""
    kind = base(measure)
    worse: Floats = -value if kind in HIGHER else np.abs(value) if kind in NEAR_NOUGHT else value
    return worse


@dataclass(frozen=True)
class _Judge:
    table: Table
    named: list[str]
    limits: dict[str, float]
    bootstrap: Bootstrap

    def measured(self, output: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
        found: dict[str, Estimate] = {}
        for name in self.named:
            one = self.table[output, name]
            if one.there.any():
                made = measures(name, one.value[there], codes, clusters, self.bootstrap, limit=self.limits.get(name))
                found |= {f"{name}/{key}": estimate for key, estimate in made.items()}
        return found

    def versus(self, main: str, other: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
        """Mean of the main output less that of the other, where both have a value; of a signed measure, of its size."""
        found: dict[str, Estimate] = {}
        for name in self.named:
            ours, theirs = (self.table[output, name].value[there] for output in (main, other))
            signed = base(name) in NEAR_NOUGHT
            gap = np.abs(ours) - np.abs(theirs) if signed else ours - theirs
            known = np.isfinite(gap)
            if not known.any():
                continue
            found |= estimates([f"{name}/{'size' if signed else 'mean'}"], by_rows(_mean_of(gap[known]), codes[known]), clusters, self.bootstrap, n=int(known.sum()), of=_OF)
        return found


def measures(name: str, value: Floats, codes: Ints, clusters: int, bootstrap: Bootstrap, *, limit: float | None = None) -> dict[str, Estimate]:
    """Mean, median and quartiles of one measure over units where it has a value, and the share that is worse than the limit.

    A unit without a value counts as worse than the limit: a region missed altogether is no better than one drawn badly.
    """
    known = np.isfinite(value)
    if not known.any():
        return {key: nothing("no unit has a value", n=len(value), of=_OF) for key in STATISTICS}
    kept, own = value[known], codes[known]

    def spread(weight: Floats) -> Floats:
        return np.concatenate([_mean_of(kept)(weight), quantiles(kept, weight, (0.5, 0.25, 0.75))], axis=1)

    found = estimates(STATISTICS, by_rows(spread, own), clusters, bootstrap, n=len(kept), of=_OF)
    if base(name) in NEAR_NOUGHT:  # what is too large and what is too small must not make up for each other
        found |= estimates(["size"], by_rows(_mean_of(np.abs(kept)), own), clusters, bootstrap, n=len(kept), of=_OF)
    if limit is not None:
        worse = ~known | (badness(name, np.where(known, value, 0.0)) > badness(name, np.array([limit]))[0])
        table = sums(codes, clusters, worse, np.ones(len(value)))
        found["beyond_limit"] = share(table[:, 0], table[:, 1], bootstrap, of=_OF)
    return found


def _mean_of(value: Floats) -> Statistic:
    return lambda weight: ((weight * value).sum(axis=1) / weight.sum(axis=1))[:, None]


def _values(frame: pl.DataFrame, decisions: pl.DataFrame, output: str, name: str) -> _Values:
    import polars as pl

    own = frame.filter(pl.col("output") == output, pl.col("measure") == name)
    joined = decisions.select("unit_id").join(own.select("unit_id", "value", pl.lit(True).alias("there")), on="unit_id", how="left", maintain_order="left")
    value = joined["value"].fill_null(float("nan")).to_numpy().astype(np.float64)
    unit = next((str(one) for one in own["unit"] if one is not None), None)
    return _Values(np.where(np.isfinite(value), value, np.nan), joined["there"].fill_null(False).to_numpy().astype(np.bool_), unit)


def _spread(output: str, name: str, one: _Values, rows: Panel, limit: float | None) -> Spread:
    known = np.flatnonzero(np.isfinite(one.value))
    order = known[np.argsort(-badness(name, one.value[known]), kind="stable")]
    worst = [Unit(rows.units[place], float(one.value[place])) for place in order[:_WORST]]
    undefined = int((one.there & ~np.isfinite(one.value)).sum())
    return Spread(output, name, one.unit, one.value[order].tolist(), worst, undefined, int((~one.there).sum()), limit)
