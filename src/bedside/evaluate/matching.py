"""Who found what: things that were said matched one to one with things that are there.

In        weight (m, k): how well candidate i fits thing j, 0 where it does not; score (m,): how sure each candidate is
Out       `Thing`s, and the rows of kind "found" (core.predictions) that they make
Method    the surest candidate chooses first, and takes the best fitting thing that is left: Lin et al., ECCV 2014 (COCO);
          a second candidate on a thing already found is not right a second time, it is a false positive unless told to pass it over
Elsewhere what fits: lesions in `lesions.py`, spans of text in `spans.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.core.errors import Unusable

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Thing(NamedTuple):
    """One thing found (candidate), there (truth), or both: places in the lists that were matched. `value` is NaN where it was missed."""

    candidate: int | None
    truth: int | None
    value: float

    @property
    def label(self) -> bool:
        """Whether it is truly there."""
        return self.truth is not None


def one_to_one(weight: Floats, score: Sequence[float] | Floats, *, repeats: bool = True) -> list[Thing]:
    """Candidates and things matched; first the things in their order, found or missed, then what was found and is not there.

    repeats   whether a further candidate on a thing that is found already counts as a false positive

    >>> one_to_one(np.array([[0.9, 0.0], [0.6, 0.0]]), [0.5, 0.8])
    [Thing(candidate=1, truth=0, value=0.8), Thing(candidate=None, truth=1, value=nan), Thing(candidate=0, truth=None, value=0.5)]
    """
    said, fit = np.asarray(score, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if fit.shape[:1] != said.shape or fit.ndim != 2 or not np.isfinite(said).all():
        raise Unusable(f"{len(said)} scores for weights of shape {fit.shape}, or a score that is no number", where="matching",
                       do="give one finite score a candidate")  # fmt: skip
    best = fit.max(axis=1, initial=0.0)
    taken: dict[int, int] = {}
    for candidate in np.lexsort((np.arange(len(said)), -best, -said)).tolist():
        open_to = [thing for thing in np.flatnonzero(fit[candidate] > 0).tolist() if thing not in taken]
        if open_to:
            taken[max(open_to, key=lambda thing: (fit[candidate, thing], -thing))] = candidate
    there = [Thing(taken.get(j), j, float(said[taken[j]]) if j in taken else float("nan")) for j in range(fit.shape[1])]
    matched = set(taken.values())
    wrong = [i for i in range(len(said)) if i not in matched and (repeats or best[i] <= 0)]
    return [*there, *(Thing(i, None, float(said[i])) for i in wrong)]


def rows(things: Sequence[Thing], *, parent_unit: str, target: str, output: str, split: str = "test", names: Sequence[str] | None = None) -> pl.DataFrame:
    """The prediction rows of one unit, to be put through `core.predictions.conform`.

    names   of the things that are there, in their order; their places when not given. No PHI: they become part of unit_id
    """
    import polars as pl

    called = [
        f"{parent_unit}/{target}/{names[thing.truth] if names else thing.truth}" if thing.truth is not None
        else f"{parent_unit}/{target}/extra-{thing.candidate}" for thing in things
    ]  # fmt: skip
    return pl.DataFrame(
        {"unit_id": called, "value": [thing.value for thing in things], "label": [thing.label for thing in things]},
        schema={"unit_id": pl.String, "value": pl.Float64, "label": pl.Boolean},
    ).with_columns(pl.lit(parent_unit).alias("parent_unit"), pl.lit(target).alias("target"), pl.lit(output).alias("output"), pl.lit(split).alias("split"))
