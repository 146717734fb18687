"""One target with all that is needed to judge it, and what judging has in common for all kinds but yes-no.

In        the frames of one target, cut to its rows; a function from an output and rows to measures
Out       the parts of a `Judged` record: outputs, differences, subgroups, splits
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.core.pillar import Lines
from bedside.core.target import Target
from bedside.evaluate import leakage
from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.judged import Gap, Group, Part, Row, Sizes
from bedside.evaluate.panel import Panel
from bedside.evaluate.records import Estimate
from bedside.evaluate.subgroups import codes_inside, level_order

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Measure = Callable[[str, "Bools", "Ints", int], dict[str, Estimate]]
Versus = Callable[[str, str, "Bools", "Ints", int], dict[str, Estimate]]
_WORDS = {"subjects": "Intervals resample subjects: what belongs to one subject stands or falls together.",
          "groups": "No subject is known; intervals resample groups (scaffolds, say): what belongs to one group stands or falls together.",
          "units": "No subject and no group is known; intervals resample the units of decision."}  # fmt: skip

_FEW = 20  # below it percentile intervals fall short of their level: Efron & Tibshirani (1993), chapter 13


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What `judge` hands to the judge of one kind. Frames hold the rows of this target alone."""

    target: Target
    main: str
    decisions: Any
    predictions: Any
    measures: Any
    lines: Lines
    bootstrap: Bootstrap
    smallest: int
    unit: str
    scope: str
    patient_days: float | None
    limits: dict[str, float]

    @property
    def said(self) -> str:
        """The target in words."""
        return self.target.label or self.target.name.replace("_", " ").replace("-", " ")

    def drawing(self, rows: Panel) -> Bootstrap:
        """The bootstrap that names what these rows are resampled by."""
        return msgspec.structs.replace(self.bootstrap, whom=rows.clusters)

    def outputs(self, rows: pl.DataFrame) -> list[str]:
        """Outputs of these rows, the main one first."""
        return [self.main, *sorted(set(rows["output"].unique()) - {self.main})]

    def spine(self, rows: Panel, left_out: Mapping[str, int], headline: Sequence[str]) -> dict[str, Any]:
        """The fields that all kinds fill alike."""
        return {
            "scope": self.scope, "main": self.main, "outcome": self.said, "unit": self.unit, "level": self.bootstrap.level,
            "seed": self.bootstrap.seed, "resamples": self.bootstrap.resamples, "smallest_subgroup": self.smallest,
            "clusters": rows.clusters, "note": _note(rows), "counts": Sizes(len(rows), rows.subjects), "headline": list(headline),
            "leakage": leakage.checks_of_decisions(self.decisions, self.predictions), "left_out": {k: v for k, v in left_out.items() if v}, "unrecorded": rows.unrecorded,
        }  # fmt: skip

    def compared(self, rows: Panel, spoke: Mapping[str, Bools], measure: Measure, versus: Versus) -> dict[str, Any]:
        """Every output, the main one less each other, and the main one by subgroup and split.

        spoke     output to the rows (n,) on which it said something
        measure   output, rows, their codes and number of clusters to estimates; versus: the same for main less other
        """
        return {
            "outputs": [_row(rows, name, there, measure) for name, there in spoke.items()],
            "differences": [_gap(rows, self.main, other, spoke[self.main] & there, versus) for other, there in spoke.items() if other != self.main],
            "subgroups": self._groups(rows, spoke[self.main], measure),
            "splits": _splits(rows, self.main, spoke[self.main], measure),
        }  # fmt: skip

    def _groups(self, rows: Panel, spoke: Bools, measure: Measure) -> list[Group]:
        found = []
        for column, named in rows.levels.items():
            levels = np.array(named, dtype=object)
            for level in sorted(set(named), key=level_order):
                there = spoke & (levels == level).astype(bool)
                if not there.any():
                    continue
                own, clusters = codes_inside(rows.codes[there], rows.clusters)
                held = Sizes(int(there.sum()), clusters)
                few = f"fewer than {self.smallest} {rows.clusters}" if clusters < self.smallest else None
                told = {} if few else measure(self.main, there, own, clusters)
                alone = clusters != len(np.unique(rows.codes[there]))
                found.append(Group(column, level, held, _by_units(told) if alone else told, few))
        return found


def _note(rows: Panel) -> str:
    few = f" With only {rows.subjects} {rows.clusters} such intervals are likely too narrow." if rows.subjects < _FEW else ""
    return _WORDS[rows.clusters] + few


def _by_units(measures: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Estimates of a level that is one group by itself: what was resampled are its units."""
    return {key: msgspec.structs.replace(one, method=one.method.replace("over groups", "over the units of one group")) for key, one in measures.items()}


def sizes(rows: Panel, there: Bools) -> Sizes:
    return Sizes(int(there.sum()), rows.within(there)[1] if there.any() else 0)


def _row(rows: Panel, name: str, there: Bools, measure: Measure) -> Row:
    return Row(name, sizes(rows, there), measure(name, there, *rows.within(there)) if there.any() else {})


def _gap(rows: Panel, main: str, other: str, there: Bools, versus: Versus) -> Gap:
    return Gap(main, other, sizes(rows, there), versus(main, other, there, *rows.within(there)) if there.any() else {})


def _splits(rows: Panel, main: str, spoke: Bools, measure: Measure) -> list[Part]:
    """Each held-out split by itself, where there are several."""
    named, names = np.array(rows.split, dtype=object), sorted(set(rows.split))
    parts = ((name, spoke & (named == name).astype(bool)) for name in names if len(names) > 1)
    return [Part(name, sizes(rows, there), measure(main, there, *rows.within(there))) for name, there in parts if there.any()]
