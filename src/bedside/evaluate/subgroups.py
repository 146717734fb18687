"""The main output within each sex, age band, race and ethnicity; whoever is not recorded is a row too.

In        the sample, one column of levels at a time
Out       `SubgroupRow`s. Below the smallest size a row shows its counts and says so: an estimate on five patients misleads
          and may point at them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.evaluate.calibration import brier
from bedside.evaluate.cluster import Bootstrap, codes_of, sums
from bedside.evaluate.discrimination import Ranking
from bedside.evaluate.operating import counts
from bedside.evaluate.proportions import nothing
from bedside.evaluate.records import Counts, Estimate, OperatingPoint, SubgroupRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

UNKNOWN = "unknown"
Operate = Callable[["Bools", "Ints", int], list[OperatingPoint]]


class Measured(msgspec.Struct, frozen=True):
    """What every set of rows is asked: ranking, base rate, and for probabilities the promise kept."""

    auroc: Estimate
    auprc: Estimate
    base_rate: Estimate


def subgroup_rows(
    column: str, levels: list[str], outcome: Bools, score: Floats, codes: Ints, *,
    probability: bool, smallest: int, bootstrap: Bootstrap, operate: Operate,
) -> list[SubgroupRow]:  # fmt: skip
    """One row per level of the column.

    operate   rows (n,) bool, their codes and number of subjects to operating points, so that thresholds stay one affair
    """
    named = np.array(levels, dtype=object)
    rows = []
    for level in sorted(set(levels), key=level_order):
        here = (named == level).astype(bool)
        own, subjects = codes_inside(codes[here], bootstrap.whom)
        held = counts(outcome[here], own, subjects)
        if why := _too_small(held, smallest, bootstrap.whom):
            rows.append(_empty(column, level, held, why))
            continue
        drawn = bootstrap if subjects == len(np.unique(codes[here])) else msgspec.structs.replace(bootstrap, whom="the units of one group")
        measured = measure(outcome[here], score[here], own, subjects, drawn)
        promised = promises(outcome[here], score[here], own, subjects, drawn) if probability else _unpromised(held)
        ranked = (measured.auroc, measured.auprc, measured.base_rate)
        rows.append(SubgroupRow(column, level, held, *ranked, *promised, operate(here, own, subjects)))
    return rows


def measure(outcome: Bools, score: Floats, codes: Ints, subjects: int, bootstrap: Bootstrap) -> Measured:
    """AUROC, average precision and base rate with patient-bootstrap intervals."""
    n, ranking = len(outcome), Ranking(outcome, score, codes)
    area, precision = ranking.plain()
    spread = bootstrap.spread(ranking, subjects)
    return Measured(bootstrap.estimate(area, spread[:, 0], n=n), bootstrap.estimate(precision, spread[:, 1], n=n),
                    base_rate(outcome, codes, subjects, bootstrap))  # fmt: skip


def base_rate(outcome: Bools, codes: Ints, subjects: int, bootstrap: Bootstrap) -> Estimate:
    """Share of predictions followed by the event: what average precision is by chance."""
    table = sums(codes, subjects, outcome, np.ones(len(outcome)))
    spread = bootstrap.spread(lambda draws: (draws @ table[:, :1]) / (draws @ table[:, 1:]), subjects)
    return bootstrap.estimate(float(outcome.mean()), spread[:, 0], n=len(outcome))


def promises(outcome: Bools, risk: Floats, codes: Ints, subjects: int, bootstrap: Bootstrap) -> tuple[Estimate, Estimate]:
    """Observed over expected events, and Brier score."""
    table = sums(codes, subjects, outcome, risk, (risk - outcome) ** 2, np.ones(len(risk)))

    def both(draws: Floats) -> Floats:
        events, promised, squares, n = (draws @ table).T
        return np.stack([events / promised, squares / n], axis=1)

    spread, total = bootstrap.spread(both, subjects), float(risk.sum())
    ratio, n = float(outcome.sum()) / total if total else float("nan"), len(risk)
    return bootstrap.estimate(ratio, spread[:, 0], n=n), bootstrap.estimate(brier(outcome, risk), spread[:, 1], n=n)


def level_of(value: str | None) -> str:
    """A level's name; what is empty or says that it is unknown becomes one and the same row.

    >>> level_of(None), level_of("  Unknown "), level_of("female")
    ('unknown', 'unknown', 'female')
    """
    text = (value or "").strip()
    return UNKNOWN if text.lower() in ("", UNKNOWN, "unk", "null", "none") else text


def level_order(level: str) -> tuple[bool, list[tuple[int, int | str]]]:
    """Numbers by size, words by letter, unknown last.

    >>> sorted(["unknown", "80-89", "9-17", "18-44"], key=level_order)
    ['9-17', '18-44', '80-89', 'unknown']
    """
    parts = re.findall(r"\d+|\D+", level.lower())
    return level == UNKNOWN, [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def codes_inside(codes: Ints, whom: str) -> tuple[Ints, int]:
    """Clusters within a level. A level that is one group by itself (one scaffold) is resampled by its units: nothing else is there to draw."""
    own, clusters = codes_of(codes)
    return (np.arange(len(codes), dtype=np.int64), len(codes)) if whom == "groups" and clusters == 1 else (own, clusters)


def _too_small(held: Counts, smallest: int, whom: str) -> str | None:
    if held.subjects < smallest:
        return f"fewer than {smallest} {whom}"
    if held.events == 0:
        return "no event"
    return "every prediction was followed by the event" if held.events == held.predictions else None


def _empty(column: str, level: str, held: Counts, why: str) -> SubgroupRow:
    none = nothing(why, n=held.predictions)
    return SubgroupRow(column, level, held, none, none, none, none, none, [], note=why)


def _unpromised(held: Counts) -> tuple[Estimate, Estimate]:
    none = nothing("the output is a score, not a probability", n=held.predictions)
    return none, none
