"""Bedside scores from features: the last value of each named signal, for one patient or a whole cohort.

In        a mapping or a frame with columns "respiratory_rate.last", "heart_rate.last", ... (names of the score's inputs)
Out       `Score`, or one total a row. A signal that the study does not have is missing, and says so.
SCORES    output name to the function that gives a cohort's totals, for whoever compares a model with them
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.errors import Misconfigured
from bedside.pillars.guidance import news2, qsofa, sirs
from bedside.pillars.guidance.score import Column, Score

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ONE: dict[str, Callable[[Mapping[str, float | None]], Score]] = {"news2": news2.news2, "qsofa": qsofa.qsofa, "sirs": sirs.sirs}
_MANY: dict[str, Callable[[Mapping[str, Floats]], Column]] = {
    "news2": news2.news2_column, "qsofa": qsofa.qsofa_column, "sirs": sirs.sirs_column,
}  # fmt: skip
_INPUTS: dict[str, tuple[str, ...]] = {"news2": news2.INPUTS, "qsofa": qsofa.INPUTS, "sirs": sirs.INPUTS}


def from_features(name: str, features: Mapping[str, float | None]) -> Score:
    """One patient's score from features by name; nan counts as missing.

    >>> from_features("qsofa", {"respiratory_rate.last": 24.0, "systolic_bp.last": 118.0}).total
    1
    """
    _known(name)
    return _ONE[name]({signal: features.get(f"{signal}.last") for signal in _INPUTS[name]})


def column_from_features(name: str, features: pl.DataFrame) -> Column:
    """A cohort's scores with their parts."""
    _known(name)
    nothing = np.full(features.height, np.nan)
    return _MANY[name]({
        signal: _values(features[f"{signal}.last"]) if f"{signal}.last" in features.columns else nothing for signal in _INPUTS[name]
    })  # fmt: skip


def totals_from_features(name: str, features: pl.DataFrame) -> Floats:
    """A cohort's totals; what is unknown adds nothing, so each is the least that it can be."""
    return column_from_features(name, features).total


def _values(column: pl.Series) -> Floats:
    return column.fill_null(float("nan")).to_numpy().astype(np.float64)


def _known(name: str) -> None:
    if name not in _ONE:
        raise Misconfigured(f"no bedside score called {name!r}", where="guidance", do=f"choose one of {sorted(_ONE)}")


SCORES: dict[str, Callable[[pl.DataFrame], Floats]] = {name: partial(totals_from_features, name) for name in ("news2", "qsofa")}
