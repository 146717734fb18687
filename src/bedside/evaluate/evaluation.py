"""The whole test: every output, every difference, every subgroup, every fold, with intervals, as one record.

In        predictions frame (core.predictions), thresholds fixed beforehand
Out       `Evaluation` (schema "bedside.evaluation/1"); `figures(evaluation)` for the ledger
Refuses   to call rows of a development split a test; to print a number without interval, n and method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bedside.core import predictions as contract
from bedside.core.errors import Misconfigured, Unusable
from bedside.evaluate import leakage
from bedside.evaluate.alarms import utility_rows
from bedside.evaluate.calibration import calibration
from bedside.evaluate.cluster import Bootstrap, codes_of
from bedside.evaluate.discrimination import Ranking, delong, delong_difference, precision_recall_curve, roc_curve
from bedside.evaluate.figures import figures
from bedside.evaluate.net_benefit import decision_curve
from bedside.evaluate.operating import counts, operating_point
from bedside.evaluate.records import (
    SCHEMA_NAME,
    Difference,
    Evaluation,
    OperatingPoint,
    OutputRow,
    SplitRow,
    SubgroupRow,
    UtilityRow,
    Worth,
)
from bedside.evaluate.sample import Sample, is_held_out, sample
from bedside.evaluate.subgroups import measure, subgroup_rows

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = ["Evaluation", "evaluate", "figures"]

# Published alert thresholds: Royal College of Physicians, NEWS2 (2017), chart 2; Singer et al., JAMA 2016;315:801.
PUBLISHED: Mapping[str, Mapping[str, float]] = {"news2": {"5 or more": 5.0, "7 or more": 7.0}, "qsofa": {"2 or more": 2.0}}
_MOST_STRATA = 1000
_CLUSTERED = (
    "Several predictions belong to one subject, so rows are not independent: the intervals to rely on resample subjects. "
    "DeLong's, which takes rows for independent, stands beside them for comparison and is too narrow."
)
_SINGLE = "Every subject has one prediction, so rows are independent as far as the data tell."
_GROUPED = (
    "Several predictions belong to one group (a scaffold, say), so rows are not independent: the intervals to rely on resample groups. "
    "DeLong's, which takes rows for independent, stands beside them for comparison and is too narrow."
)
_UNITS = "No subject and no group is known, so every prediction is taken for independent."


def evaluate(
    predictions: pl.DataFrame, *, main: str = "risk", thresholds: Mapping[str, float], seed: int = 1,
    patient_days: float | None = None, level: float = 0.95, resamples: int = 500,
    fold_thresholds: Mapping[str, Mapping[str, float]] | None = None,
    probabilities: Sequence[str] | None = None, outcome: str = "", unit: str = "prediction", smallest_subgroup: int = 10,
    utility_thresholds: Mapping[str, Mapping[str, float]] | None = None, scope: str = "",
) -> Evaluation:  # fmt: skip
    """Judge the main output and all beside it on the held-out splits ("test" or "fold-...").

    thresholds         name to threshold of the main output, fixed before the test
    fold_thresholds    name to {split: threshold}, for thresholds chosen inside the training part of each fold
    patient_days       time that the held-out predictions cover, in days
    probabilities      outputs that promise a probability; by default those whose values lie in 0..1 and are not all whole
    outcome, unit      what is predicted and what one row is, in words, for the record
    smallest_subgroup  fewest subjects of a subgroup row with estimates
    utility_thresholds output to {split: threshold}, chosen on other subjects: asks for the utility of hourly alarms
    scope              the target, for the names of figures, where a study has several
    """
    contract.check(predictions, where="predictions")
    _check_arguments(level, resamples, thresholds, fold_thresholds)
    held_out = sorted(split for split in predictions["split"].unique() if is_held_out(split))
    if not held_out:
        raise Unusable("no split is held out", where="predictions, column split",
                       do='name the held-out split "test", or the folds "fold-0", ...')  # fmt: skip
    rows = sample(predictions, main=main, splits=held_out)
    test = _Test(rows, Bootstrap(resamples, seed, level, rows.clusters), main, dict(thresholds), _by_fold(fold_thresholds), patient_days,
                 _promising(rows, probabilities), smallest_subgroup)  # fmt: skip
    worths = utility_rows(rows, utility_thresholds or {}, main=main, bootstrap=test.bootstrap)
    return Evaluation(
        schema=SCHEMA_NAME, main=main, outcome=outcome, unit=unit, level=level, seed=seed, resamples=resamples,
        smallest_subgroup=smallest_subgroup, clustered=rows.clustered, note=_note(rows),
        counts=counts(rows.outcome, rows.codes, rows.subjects), patient_days=patient_days,
        outputs=[test.output(name) for name in rows.scores],
        differences=[test.difference(name) for name in rows.scores if name != main],
        worth=test.worth(worths), subgroups=test.subgroups(), splits=_splits(predictions, main, test.bootstrap),
        leakage=leakage.checks(predictions), left_out=_left_out(predictions, main, held_out),
        utility=worths, scope=scope, clusters=rows.clusters,
    )  # fmt: skip


@dataclass(frozen=True)
class _Test:
    """The held-out rows and how they are judged."""

    rows: Sample
    bootstrap: Bootstrap
    main: str
    thresholds: dict[str, float]
    fold_thresholds: dict[str, dict[str, float]]
    patient_days: float | None
    promising: frozenset[str]
    smallest: int

    def output(self, name: str) -> OutputRow:
        there = self.rows.spoke(name)
        outcome, score, codes, subjects = self._part(there, name)
        measured = measure(outcome, score, codes, subjects, self.bootstrap)
        promises = name in self.promising and bool(outcome.any())
        return OutputRow(
            name, name in self.promising, counts(outcome, codes, subjects), measured.auroc,
            delong(outcome, score, level=self.bootstrap.level), measured.auprc, measured.base_rate,
            roc_curve(outcome, score), precision_recall_curve(outcome, score), self.operating(name, there),
            calibration(outcome, score, codes, subjects=subjects, bootstrap=self.bootstrap) if promises else None,
            decision_curve(outcome, score, codes, subjects=subjects, bootstrap=self.bootstrap) if promises else [],
        )  # fmt: skip

    def operating(self, name: str, there: Bools) -> list[OperatingPoint]:
        return [self._point(name, called, at, there) for called, at in self._lines(name).items()]

    def difference(self, other: str) -> Difference:
        there = self.rows.spoke(self.main, other)
        outcome, one, codes, subjects = self._part(there, self.main)
        two = self.rows.scores[other][there]
        ours, theirs = Ranking(outcome, one, codes), Ranking(outcome, two, codes)
        gap = self.bootstrap.spread(ours, subjects) - self.bootstrap.spread(theirs, subjects)
        value = np.subtract(ours.plain(), theirs.plain())
        area, precision = (self.bootstrap.estimate(float(value[i]), gap[:, i], n=len(outcome)) for i in (0, 1))
        return Difference(self.main, other, area, precision, *delong_difference(outcome, one, two, level=self.bootstrap.level))

    def worth(self, utility: Sequence[UtilityRow]) -> Worth | None:
        if "clock" not in self.rows.scores or self.main == "clock":
            return None
        gap, there = self.difference("clock"), self.rows.spoke(self.main, "clock")
        outcome, score, codes, subjects = self._part(there, self.main)
        within = Ranking(outcome, score, codes, strata=self._same_time(there))
        spread = self.bootstrap.spread(within, subjects)
        estimate = self.bootstrap.estimate(within.plain()[0], spread[:, 0], n=len(outcome))
        return Worth("clock", gap.auroc, gap.auprc, estimate, next((row.gap for row in utility if row.output == "clock"), None))

    def _same_time(self, there: Bools) -> Ints:
        """Rows at the same whole hour of their encounter; where that is not known, rows with the same value of the clock."""
        return self.rows.hours[there] if self.rows.hours is not None else _steps_of(self.rows.scores["clock"][there])

    def subgroups(self) -> list[SubgroupRow]:
        outcome, score, codes, _ = self._part(there := self.rows.spoke(self.main), self.main)
        found: list[SubgroupRow] = []
        for column, levels in self.rows.levels.items():
            found += subgroup_rows(
                column, [level for level, kept in zip(levels, there, strict=True) if kept], outcome, score, codes,
                probability=self.main in self.promising, smallest=self.smallest, bootstrap=self.bootstrap,
                operate=lambda here, own, subjects: self._operate_within(there, here),
            )  # fmt: skip
        return found

    def _operate_within(self, there: Bools, here: Bools) -> list[OperatingPoint]:
        inside = there.copy()
        inside[there] = here
        return self.operating(self.main, inside)

    def _part(self, there: Bools, name: str) -> tuple[Bools, Floats, Ints, int]:
        """Outcome, score and subjects of the rows: the codes stay those of the whole sample while all rows are there."""
        if there.all():
            return self.rows.outcome, self.rows.scores[name], self.rows.codes, self.rows.subjects
        codes, subjects = codes_of(self.rows.codes[there])
        return self.rows.outcome[there], self.rows.scores[name][there], codes, subjects

    def _lines(self, name: str) -> dict[str, float | dict[str, float]]:
        if name == self.main:
            return {**self.thresholds, **self.fold_thresholds}
        return dict(PUBLISHED.get(name, {}))

    def _point(self, name: str, called: str, at: float | dict[str, float], there: Bools) -> OperatingPoint:
        outcome, score, codes, subjects = self._part(there, name)
        line = at if isinstance(at, float) else self._line_of_each_row(called, at)[there]
        days = self.patient_days * len(outcome) / len(self.rows.outcome) if self.patient_days else None
        fixed = at if isinstance(at, float) else None
        odds = fixed / (1 - fixed) if fixed is not None and name in self.promising and fixed < 1 else None
        return operating_point(
            outcome, score >= line, codes, subjects=subjects, bootstrap=self.bootstrap, name=called, threshold=fixed,
            by_split=None if isinstance(at, float) else at, patient_days=days, odds=odds,
        )  # fmt: skip

    def _line_of_each_row(self, called: str, at: dict[str, float]) -> Floats:
        lacking = sorted(set(self.rows.split) - set(at))
        if lacking:
            raise Misconfigured(f"threshold {called!r} is not given for {', '.join(lacking)}", where="fold_thresholds",
                                do="choose one inside the training part of every fold")  # fmt: skip
        return np.array([at[split] for split in self.rows.split])


def _note(rows: Sample) -> str:
    if rows.clusters == "units":
        return _UNITS
    if not rows.clustered:
        return _SINGLE if rows.clusters == "subjects" else _SINGLE.replace("subject", "group")
    return _CLUSTERED if rows.clusters == "subjects" else _GROUPED


def _splits(predictions: pl.DataFrame, main: str, bootstrap: Bootstrap) -> list[SplitRow]:
    import polars as pl

    ours, found = predictions.filter(pl.col("output") == main), []
    for split in sorted(predictions["split"].unique()):
        try:
            rows = sample(ours, main=main, splits=[split])
        except Unusable:
            continue
        measured = measure(rows.outcome, rows.scores[main], rows.codes, rows.subjects, bootstrap)
        held = counts(rows.outcome, rows.codes, rows.subjects)
        found.append(SplitRow(split, is_held_out(split), held, measured.auroc, measured.auprc))
    return found


def _promising(rows: Sample, given: Sequence[str] | None) -> frozenset[str]:
    if given is not None:
        return frozenset(given)
    return frozenset(name for name, score in rows.scores.items() if _looks_like_probability(score[~np.isnan(score)]))


def _looks_like_probability(score: Floats) -> bool:
    return len(score) > 0 and bool(score.min() >= 0 and score.max() <= 1 and (score != np.floor(score)).any())


def _steps_of(clock: Floats) -> Ints:
    """Strata of equal time: the clock's own values, or a hundred steps when it hardly ever repeats."""
    values, strata = np.unique(clock, return_inverse=True)
    if len(values) <= _MOST_STRATA:
        return strata.astype(np.int64)
    return np.searchsorted(np.quantile(clock, np.linspace(0, 1, 101)[1:-1]), clock, "right").astype(np.int64)


def _by_fold(given: Mapping[str, Mapping[str, float]] | None) -> dict[str, dict[str, float]]:
    return {name: {split: float(at) for split, at in lines.items()} for name, lines in (given or {}).items()}


def _left_out(predictions: pl.DataFrame, main: str, held_out: list[str]) -> dict[str, int]:
    """Held-out units that the test could not use, by reason."""
    import polars as pl

    units = predictions.filter(pl.col("split").is_in(held_out))
    ours = units.filter(pl.col("output") == main)
    spoken = ours.filter(pl.col("value").is_not_null() & pl.col("value").is_not_nan())
    return {"outcome not known": ours["label"].null_count(), f"no {main} score": units["unit_id"].n_unique() - spoken.height}


def _check_arguments(
    level: float, resamples: int, thresholds: Mapping[str, float], by_fold: Mapping[str, Mapping[str, float]] | None
) -> None:
    wrong = []
    if not 0 < level < 1:
        wrong.append("level is not between 0 and 1")
    if resamples < 1:
        wrong.append("resamples is below 1")
    if twice := set(thresholds) & set(by_fold or {}):
        wrong.append(f"thresholds {sorted(twice)} are given both for all rows and by fold")
    if wrong:
        raise Misconfigured("; ".join(wrong), where="evaluate", do="correct the arguments")
