"""A grade against the true grade: agreement beyond chance, where far misses weigh more.

In        truth (n,) and value (n,): whole numbers 0, 1, 2, ...; a value between two grades is taken for the nearest
Out       `GradeEvaluation`
Source    Cohen, Psychol Bull 1968;70:213: weighted kappa, weights (i - j) squared; 1 is perfect, 0 what chance would give
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.cluster import Bootstrap, sums
from bedside.evaluate.estimates import estimates, share
from bedside.evaluate.judged import Confusion, GradeEvaluation
from bedside.evaluate.panel import panel
from bedside.evaluate.records import Estimate

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from bedside.evaluate.question import Question

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

NAMES = ("kappa", "agreement", "within_one", "mae")
HEADLINE = ("kappa", "agreement")
_OF, _MOST_GRADES = "units", 30
_FLAT = {"kappa": "all units have one grade"}


def judge(asked: Question) -> GradeEvaluation:
    """The whole record of one grade."""
    import polars as pl

    known = asked.decisions.filter(pl.col("truth").cast(pl.Float64).is_finite()) if "truth" in asked.decisions.columns else asked.decisions.clear()
    rows_of = {name: asked.predictions.filter(pl.col("output") == name) for name in asked.outputs(asked.predictions)}
    if known.is_empty() or rows_of[asked.main].is_empty():
        raise Unusable(f"no held-out prediction of {asked.main!r} with a known grade", where=f"target {asked.target.name!r}",
                       do=f"outputs present: {', '.join(sorted(rows_of))}")  # fmt: skip
    rows, truth = panel(known), np.rint(known["truth"].cast(pl.Float64).to_numpy())
    said = {name: _grades_of(own, known) for name, own in rows_of.items()}
    spoke = {name: ~np.isnan(value) for name, value in said.items()}
    if not spoke[asked.main].any():
        raise Unusable(f"no held-out prediction of {asked.main!r} with a known grade", where=f"predictions of target {asked.target.name!r}",
                       do="see why it gave no value")  # fmt: skip
    grades = _scale(truth, said)
    place = {name: _places(grades, value) for name, value in said.items()}
    own = _places(grades, truth)
    drawing = asked.drawing(rows)
    lost = {"truth not known": asked.decisions.height - known.height, f"no {asked.main} value": int((~spoke[asked.main]).sum())}
    return GradeEvaluation(
        **asked.spine(rows, lost, HEADLINE),
        **asked.compared(rows, spoke, partial(_measured, grades, own, place, drawing), partial(_versus, grades, own, place, drawing)),
        grades=grades.astype(int).tolist(), confusion=[Confusion(name, _table(own, place[name], spoke[name], len(grades))) for name in said],
    )  # fmt: skip


def measures(grades: Floats, truth: Ints, value: Ints, codes: Ints, clusters: int, bootstrap: Bootstrap) -> dict[str, Estimate]:
    """Weighted kappa, exact agreement, agreement within one grade, mean distance.

    grades   (k,) the grades in order; truth, value (n,) places in it
    """
    steps = np.abs(grades[truth] - grades[value])
    cells = _cells(truth, value, codes, clusters, len(grades))
    found = estimates(("kappa",), lambda draws: _kappa(draws @ cells, grades)[:, None], clusters, bootstrap, n=len(truth), of=_OF, why=_FLAT)
    table = sums(codes, clusters, steps == 0, steps <= 1, steps, np.ones(len(steps)))
    found["agreement"] = share(table[:, 0], table[:, 3], bootstrap, of=_OF)
    found["within_one"] = share(table[:, 1], table[:, 3], bootstrap, of=_OF)
    return found | estimates(("mae",), lambda d: (d @ table[:, 2:3]) / (d @ table[:, 3:]), clusters, bootstrap, n=len(truth), of=_OF)


def _kappa(cells: Floats, grades: Floats) -> Floats:
    """Quadratic weighted kappa of each resample; NaN where chance itself never errs."""
    size = len(grades)
    table = cells.reshape(-1, size, size)
    total = table.sum(axis=(1, 2))
    weight = (grades[:, None] - grades[None, :]) ** 2
    chance = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :] / total[:, None, None]
    seen, expected = (table * weight).sum(axis=(1, 2)), (chance * weight).sum(axis=(1, 2))
    found: Floats = np.where(expected > 0, 1 - seen / np.where(expected > 0, expected, 1), np.nan)
    return found


def _cells(truth: Ints, value: Ints, codes: Ints, clusters: int, size: int) -> Floats:
    """Each cluster's confusion table, flat."""
    place = codes * size * size + truth * size + value
    return np.bincount(place, minlength=clusters * size * size).reshape(clusters, size * size).astype(np.float64)


def _measured(grades: Floats, truth: Ints, place: dict[str, Ints], bootstrap: Bootstrap, name: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
    return measures(grades, truth[there], place[name][there], codes, clusters, bootstrap)


def _versus(grades: Floats, truth: Ints, place: dict[str, Ints], bootstrap: Bootstrap, main: str, other: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
    """Kappa and exact agreement of the main output less those of the other."""
    size, own = len(grades), truth[there]
    one, two = (_cells(own, place[name][there], codes, clusters, size) for name in (main, other))
    right = sums(codes, clusters, place[main][there] == own, place[other][there] == own, np.ones(len(own)))

    def gap(draws: Floats) -> Floats:
        hits = draws @ right
        return np.stack([_kappa(draws @ one, grades) - _kappa(draws @ two, grades), (hits[:, 0] - hits[:, 1]) / hits[:, 2]], axis=1)

    return estimates(("kappa", "agreement"), gap, clusters, bootstrap, n=len(own), of=_OF, why=_FLAT)


def _scale(truth: Floats, said: dict[str, Floats]) -> Floats:
    grades = np.unique(np.concatenate([truth, *(value[~np.isnan(value)] for value in said.values())]))
    if not np.isfinite(grades).all() or len(grades) > _MOST_GRADES:
        raise Unusable(f"there are {len(grades)} grades", where="predictions", do='a target with so many values is of kind "number"')
    return grades


def _places(grades: Floats, values: Floats) -> Ints:
    return np.searchsorted(grades, np.where(np.isnan(values), grades[0], values)).astype(np.int64)


def _table(truth: Ints, value: Ints, there: Bools, size: int) -> list[list[int]]:
    counted: list[list[int]] = np.bincount(truth[there] * size + value[there], minlength=size * size).reshape(size, size).tolist()
    return counted


def _grades_of(own: pl.DataFrame, known: pl.DataFrame) -> Floats:
    joined = known.select("unit_id").join(own.select("unit_id", "value"), on="unit_id", how="left", maintain_order="left")
    found: Floats = np.rint(joined["value"].fill_null(float("nan")).to_numpy().astype(np.float64))
    return found
