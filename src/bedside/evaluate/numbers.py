"""A number against the true number: how far off, how well ordered, how well it agrees, and whether its interval holds.

In        truth (n,) float64, value (n,), and where they are given low and high (n,)
Out       `NumberEvaluation`; measures named in `NAMES`
Source    Bland & Altman, Lancet 1986;327:307 (bias, limits of agreement: bias -/+ 1.96 sd); Lin, Biometrics 1989;45:255 (concordance);
          Spearman with midranks; R2 = 1 - squared error / squared distance from the mean of the truth.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.cluster import Bootstrap, sums
from bedside.evaluate.estimates import by_rows, estimates, share
from bedside.evaluate.judged import NumberEvaluation, Points
from bedside.evaluate.panel import Panel, panel
from bedside.evaluate.proportions import z_of
from bedside.evaluate.records import Estimate
from bedside.evaluate.weighted import correlation, midranks

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from bedside.evaluate.question import Question

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

MOMENTS = ("mae", "rmse", "r2", "pearson", "ccc", "bias", "limit_low", "limit_high")
NAMES = (*MOMENTS, "spearman", "coverage", "width")
HEADLINE = ("mae", "rmse", "r2")
_OF, _DRAWN, _NOUGHT = "units", 400, 1e-12
_FLAT = dict.fromkeys(("r2", "pearson", "spearman", "ccc"), "one of the two does not vary")
_WIDE = z_of(0.95)


def judge(asked: Question) -> NumberEvaluation:
    """The whole record of one number."""
    import polars as pl

    known = asked.decisions.filter(pl.col("truth").cast(pl.Float64).is_finite()) if "truth" in asked.decisions.columns else asked.decisions.clear()
    if known.is_empty():
        raise Unusable("no held-out decision with a known number", where=f"decisions of target {asked.target.name!r}, column truth",
                       do="give the measured number of each unit")  # fmt: skip
    rows, truth = panel(known), known["truth"].cast(pl.Float64).to_numpy()
    said = {name: _columns(asked.predictions, known, name) for name in asked.outputs(asked.predictions)}
    spoke = {name: ~np.isnan(value) for name, (value, _, _) in said.items()}
    if not spoke[asked.main].any():
        raise Unusable(f"no held-out prediction of {asked.main!r} with a known number", where=f"predictions of target {asked.target.name!r}",
                       do=f"outputs present: {', '.join(sorted(said))}")  # fmt: skip
    drawing = asked.drawing(rows)
    lost = {"truth not known": asked.decisions.height - known.height, f"no {asked.main} value": int((~spoke[asked.main]).sum())}
    return NumberEvaluation(
        **asked.spine(rows, lost, HEADLINE),
        **asked.compared(rows, spoke, partial(_measured, truth, said, drawing), partial(_versus, truth, said, drawing)),
        measured_in=asked.target.unit, promised=asked.lines.promised, points=_points(rows, truth, said[asked.main][0]),
    )  # fmt: skip


def measures(truth: Floats, value: Floats, codes: Ints, clusters: int, bootstrap: Bootstrap, *, low: Floats | None = None,
             high: Floats | None = None) -> dict[str, Estimate]:  # fmt: skip
    """Every measure of one output over rows on which it spoke.

    >>> found = measures(np.array([1.0, 2, 3, 4]), np.array([2.0, 2, 3, 5]), np.arange(4), 4, Bootstrap(20))
    >>> found["mae"].value, found["bias"].value
    (0.5, 0.5)
    """
    table = _moments(truth, value, codes, clusters)
    found = estimates(MOMENTS, lambda draws: _from_moments(draws @ table), clusters, bootstrap, n=len(truth), of=_OF, why=_FLAT)
    ranked = by_rows(lambda w: correlation(midranks(truth, w), midranks(value, w), w)[:, None], codes)
    found |= estimates(["spearman"], ranked, clusters, bootstrap, n=len(truth), of=_OF, why=_FLAT)
    return found | _interval(truth, low, high, codes, clusters, bootstrap)


def _moments(truth: Floats, value: Floats, codes: Ints, clusters: int) -> Floats:
    """Sums of each cluster, of numbers less the mean truth so that large numbers lose no digits."""
    middle = float(truth.mean())
    x, y = truth - middle, value - middle
    off = y - x
    return sums(codes, clusters, np.ones(len(x)), x, y, x * x, y * y, x * y, np.abs(off), off * off)


def _from_moments(total: Floats) -> Floats:
    """(resamples, 8) sums to (resamples, 8) measures, in the order of MOMENTS."""
    n, x, y, xx, yy, xy, absolute, squared = total.T
    vx, vy, cov, bias = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2, xy / n - x * y / n**2, (y - x) / n
    bias = np.where(np.abs(bias) < _NOUGHT * np.sqrt(xx / n + yy / n), 0.0, bias)
    flat_x, flat_y = vx <= 1e-12 * xx / n, vy <= 1e-12 * yy / n
    sd = np.sqrt(np.where(n > 1, np.maximum(squared - n * bias**2, 0) / np.where(n > 1, n - 1, 1), np.nan))
    r2 = np.where(flat_x, np.nan, 1 - squared / n / np.where(flat_x, 1, vx))
    pearson = np.where(flat_x | flat_y, np.nan, cov / np.sqrt(np.where(flat_x | flat_y, 1, vx * vy)))
    both = vx + vy + bias**2
    ccc = np.where(flat_x & flat_y, np.nan, 2 * cov / np.where(both > 0, both, 1))
    return np.stack([absolute / n, np.sqrt(squared / n), r2, pearson, ccc, bias, bias - _WIDE * sd, bias + _WIDE * sd], axis=1)


def _interval(truth: Floats, low: Floats | None, high: Floats | None, codes: Ints, clusters: int, bootstrap: Bootstrap) -> dict[str, Estimate]:
    """Share of true numbers inside [low, high], and how wide it is; nothing where no interval was given."""
    if low is None or high is None:
        return {}
    given = ~np.isnan(low) & ~np.isnan(high)
    if not given.any():
        return {}
    inside = given & (truth >= low) & (truth <= high)
    table = sums(codes, clusters, inside, given, np.where(given, high - low, 0.0))
    wide = estimates(["width"], lambda d: (d @ table[:, 2:]) / (d @ table[:, 1:2]), clusters, bootstrap, n=int(given.sum()), of="intervals")
    return {"coverage": share(table[:, 0], table[:, 1], bootstrap, of="intervals"), **wide}


Said = dict[str, tuple["Floats", "Floats", "Floats"]]


def _measured(truth: Floats, said: Said, bootstrap: Bootstrap, name: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
    value, low, high = (column[there] for column in said[name])
    return measures(truth[there], value, codes, clusters, bootstrap, low=low, high=high)


def _versus(truth: Floats, said: Said, bootstrap: Bootstrap, main: str, other: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
    """Error of the main output less that of the other: below 0 the main one is nearer to the truth."""
    ours, theirs = (np.abs(said[name][0][there] - truth[there]) for name in (main, other))
    table = sums(codes, clusters, np.ones(len(ours)), ours, theirs, ours**2, theirs**2)

    def gap(draws: Floats) -> Floats:
        n, a, b, aa, bb = (draws @ table).T
        return np.stack([(a - b) / n, np.sqrt(aa / n) - np.sqrt(bb / n)], axis=1)

    return estimates(("mae", "rmse"), gap, clusters, bootstrap, n=len(ours), of=_OF)


def _columns(predictions: pl.DataFrame, known: pl.DataFrame, name: str) -> tuple[Floats, Floats, Floats]:
    """Value, low and high of one output on the known decisions; NaN where it said nothing."""
    import polars as pl

    own = predictions.filter(pl.col("output") == name).select("unit_id", "value", "low", "high")
    joined = known.select("unit_id").join(own, on="unit_id", how="left", maintain_order="left")
    value, low, high = (joined[column].fill_null(float("nan")).to_numpy().astype(np.float64) for column in ("value", "low", "high"))
    if np.isinf(value).any():
        raise Unusable("a value is infinite", where=f"predictions, output {name!r}", do="fix the output that wrote it")
    return value, low, high


def _points(rows: Panel, truth: Floats, value: Floats) -> Points:
    """Units for drawing, evenly over the true values."""
    there = np.flatnonzero(~np.isnan(value))
    order = there[np.lexsort((value[there], truth[there]))]
    kept = order[np.unique(np.linspace(0, len(order) - 1, min(_DRAWN, len(order))).round().astype(int))]
    return Points(truth[kept].tolist(), value[kept].tolist(), len(order))
