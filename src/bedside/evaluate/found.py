"""Things looked for in units: lesions in scans, entities in notes. How many are found, and how many that are not there.

In        prediction rows of kind "found": label (truly there), value (how sure; NaN not found), parent_unit (where); decisions name
          every unit that was looked at, those without any thing included
Out       `FoundEvaluation`: as given (or, where a threshold was fixed, at the first), at each threshold, and the FROC curve
Source    F1: van Rijsbergen 1979; FROC and the mean sensitivity at seven rates of false positives per unit, linear between points:
          Setio et al., Med Image Anal 2017;42:1 (LUNA16)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Misconfigured
from bedside.evaluate.cluster import Bootstrap, settled, sums
from bedside.evaluate.estimates import estimates, share
from bedside.evaluate.froc import RATES, Sweep
from bedside.evaluate.judged import FoundEvaluation, FoundPoint, Froc
from bedside.evaluate.panel import Panel, panel
from bedside.evaluate.records import Estimate
from bedside.evaluate.things import Things, looked_at, same_things, things_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bedside.evaluate.question import Question

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

NAMES = ("sensitivity", "ppv", "f1", "false_positives_per_unit", "froc")


def judge(asked: Question) -> FoundEvaluation:
    """The whole record of one kind of thing."""
    decisions, lost = looked_at(asked)
    rows = panel(decisions)
    things = {name: things_of(asked.predictions, decisions, name) for name in asked.outputs(asked.predictions)}
    lines = _lines(asked, rows)
    first = next(iter(lines), None)
    used = {**things, asked.main: things[asked.main].at(lines[first][0])} if first else things
    scored = {name for name, own in things.items() if own.scored}
    whole, drawing = np.ones(len(rows), dtype=np.bool_), asked.drawing(rows)
    judged = _Judge(used, things, scored, drawing)
    free = asked.main in scored and things[asked.main].counts(whole).false_positives >= len(rows)
    headline = ["froc", "f1", "sensitivity", "ppv"] if free else ["f1", "sensitivity", "ppv"]
    spine = asked.spine(rows, lost, headline)
    spine["leakage"] = [*spine["leakage"], same_things(things, len(rows))]
    return FoundEvaluation(
        **spine, **asked.compared(rows, dict.fromkeys(things, whole), judged.measured, judged.versus),
        found={name: own.counts(whole) for name, own in used.items()},
        operating=[_point(called, at, things[asked.main].at(line), rows, drawing) for called, (line, at) in lines.items()],
        froc=[_froc(name, things[name], rows, drawing) for name in things if name in scored],
    )  # fmt: skip


@dataclass(frozen=True)
class _Judge:
    """Measures of each output: `used` at the first threshold where there is one, `things` with all values for the curve."""

    used: Mapping[str, Things]
    things: Mapping[str, Things]
    scored: set[str]
    bootstrap: Bootstrap

    def measured(self, name: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
        found = _shares(self.used[name], there, codes, clusters, self.bootstrap)
        if name in self.scored:
            sweep = _sweep(self.things[name], there, codes, clusters)
            made = estimates(("froc",), sweep.mean, clusters, self.bootstrap, n=sweep.lesions, of="things", why={"froc": "nothing is there"})
            perfect = made["froc"].value == 1.0  # no resample changes it: as much is known as of a share of everything
            found["froc"] = share(sweep.there, sweep.there, self.bootstrap, of="things") if perfect else made["froc"]
        return found

    def versus(self, main: str, other: str, there: Bools, codes: Ints, clusters: int) -> dict[str, Estimate]:
        """Sensitivity, PPV and F1 of the main output less those of the other; the FROC score where both have one."""
        one, two = (_table(self.used[name], there, codes, clusters) for name in (main, other))
        n = int(one[:, [0, 2]].sum())
        gaps = estimates(("sensitivity", "ppv", "f1"), lambda d: (_ratios(d @ one) - _ratios(d @ two))[:, :3], clusters, self.bootstrap, n=n, of="things")
        if {main, other} <= self.scored:
            ours, theirs = (_sweep(self.things[name], there, codes, clusters) for name in (main, other))
            gaps |= estimates(("froc",), lambda d: ours.mean(d) - theirs.mean(d), clusters, self.bootstrap, n=ours.lesions, of="things")
        return gaps


def _shares(own: Things, there: Bools, codes: Ints, clusters: int, bootstrap: Bootstrap) -> dict[str, Estimate]:
    table = _table(own, there, codes, clusters)
    tp, fp, missed, _ = table.T
    balance = share(2 * tp, 2 * tp + fp + missed, bootstrap, of="things")
    many = {"f1": msgspec.structs.replace(balance, n=int((tp + fp + missed).sum()))}
    rate = {"false_positives_per_unit": _none_wrong(int(there.sum()), clusters, bootstrap)} if not fp.any() else estimates(
        ("false_positives_per_unit",), lambda d: _ratios(d @ table)[:, 3:], clusters, bootstrap, n=int(there.sum()), of="units")  # fmt: skip
    return {"sensitivity": share(tp, tp + missed, bootstrap, of="things that are there"),
            "ppv": share(tp, tp + fp, bootstrap, of="things found"), **many, **rate}  # fmt: skip


def _none_wrong(units: int, clusters: int, bootstrap: Bootstrap) -> Estimate:
    """No false positive at all: the most that a Poisson rate may be, each cluster counted as one unit (Garwood, Biometrika 1936;28:437)."""
    high = -log((1 - bootstrap.level) / 2) / clusters
    return Estimate(0.0, 0.0, settled(high), units, f"Garwood (Poisson), {clusters} {bootstrap.whom} counted once each", "units")


def _table(own: Things, there: Bools, codes: Ints, clusters: int) -> Floats:
    """Of each cluster: rightly found, wrongly found, missed, units looked at."""
    kept, code = there[own.parent], np.zeros(len(there), dtype=np.int64)
    code[there] = codes
    things = sums(code[own.parent[kept]], clusters, *(mark[kept] for mark in own.marks))
    return np.concatenate([things, sums(codes, clusters, np.ones(len(codes)))], axis=1)


def _ratios(total: Floats) -> Floats:
    """(resamples, 4) counts to sensitivity, PPV, F1, false positives per unit."""
    tp, fp, missed, units = total.T
    return np.stack([tp / (tp + missed), tp / (tp + fp), 2 * tp / (2 * tp + fp + missed), fp / units], axis=1)


def _sweep(own: Things, there: Bools, codes: Ints, clusters: int) -> Sweep:
    kept, code = there[own.parent], np.zeros(len(there), dtype=np.int64)
    code[there] = codes
    return Sweep.of(own.value[kept], own.true[kept], code[own.parent[kept]], np.bincount(codes, minlength=clusters).astype(np.float64))


def _froc(name: str, own: Things, rows: Panel, bootstrap: Bootstrap) -> Froc:
    sweep = _sweep(own, np.ones(len(rows), dtype=np.bool_), rows.codes, rows.subjects)
    named = [f"{rate:g}" for rate in RATES]
    at = estimates(named, sweep, rows.subjects, bootstrap, n=sweep.lesions, of="things", why=dict.fromkeys(named, "nothing is there"))
    return Froc(name, sweep.curve(), at)


def _point(called: str, at: float | dict[str, float], own: Things, rows: Panel, bootstrap: Bootstrap) -> FoundPoint:
    whole = np.ones(len(rows), dtype=np.bool_)
    fixed, by_split = (at, {}) if isinstance(at, float) else (None, at)
    return FoundPoint(called, fixed, by_split, own.counts(whole), _shares(own, whole, rows.codes, rows.subjects, bootstrap))


def _lines(asked: Question, rows: Panel) -> dict[str, tuple[Floats, float | dict[str, float]]]:
    """Threshold of each unit, by name; those of folds where there are any."""
    if not asked.lines.by_fold:
        return {name: (np.full(len(rows), float(at)), float(at)) for name, at in asked.lines.serving.items()}
    found: dict[str, tuple[Floats, float | dict[str, float]]] = {}
    for name, at in asked.lines.by_fold.items():
        if lacking := sorted(set(rows.split) - set(at)):
            raise Misconfigured(f"threshold {name!r} is not given for {', '.join(lacking)}", where=f"lines of target {asked.target.name!r}",
                                do="choose one inside the training part of every fold")  # fmt: skip
        found[name] = (np.array([at[split] for split in rows.split]), {split: float(line) for split, line in at.items()})
    return found
