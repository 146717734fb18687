"""Every pair of folds left out once: scores, calibration and thresholds that never meet a subject they were fitted on.

Members    with k folds, one member (times `repeats`) for each pair {i, j}, fitted on the other k - 2 folds
Of fold i  score: the mean of the k - 1 pairs with i in them: none has seen fold i.
           calibration and threshold: fitted on the other folds, where fold j is scored by the members of {i, j} alone, which
           have seen neither; so they are out of sample too, and the test fold takes no part in them.
Served     the mean of all members, calibrated on the scores of every fold
Cost       k (k - 1) / 2 fits on (k - 2) / k of the rows: six times the rows for five folds, where nesting costs twenty.
Source     pairs of folds left out, as in Airola et al., Comput Stat Data Anal 2011;55:1828 (leave-pair-out), for whole folds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.bundle.calibration import Calibration, fit
from bedside.bundle.runners.table import RUNNERS
from bedside.bundle.scorer import Scorer
from bedside.core.errors import Unusable
from bedside.core.lazy import need
from bedside.core.progress import track
from bedside.pillars.risk.learners import LEARNERS, SUFFIX, Lesson
from bedside.pillars.risk.options import ModelOptions
from bedside.pillars.risk.thresholds import Rows, rule, threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Thresholds = dict[str, float]
FEWEST_FOLDS = 3


class Study(NamedTuple):
    """Development rows, in encounter and time order."""

    matrix: NDArray[np.float32]
    names: tuple[str, ...]
    outcome: Bools
    target: NDArray[np.float32]
    weight: NDArray[np.float32]
    subject: Ints
    encounter: Ints
    fold: Ints
    hours: float


class Fitted(NamedTuple):
    """One output: its scorer for serving, every row's risk out of fold, thresholds for serving and of each fold."""

    scorer: Scorer
    risk: Floats
    thresholds: Thresholds
    by_fold: list[Thresholds]


class Job(NamedTuple):
    """One member to fit: the two folds that it must not see, and which repeat it is."""

    first: int
    second: int
    repeat: int

    @property
    def seed(self) -> tuple[int, int, int]:
        return self.first, self.second, self.repeat


def crossfit(study: Study, columns: tuple[str, ...], learner: str, options: ModelOptions, *, seed: int, label: str) -> Fitted:
    """Fit one output on some columns."""
    folds = int(study.fold.max()) + 1
    _check(study, folds)
    places = [study.names.index(column) for column in columns]
    jobs = [Job(i, j, r) for r in range(options.repeats) for i, j in combinations(range(folds), 2)]
    # inner[i] scores the rows outside fold i without it; outer scores fold i without it.
    inner, outer, weights = np.zeros((folds, len(study.fold))), np.zeros(len(study.fold)), dict[str, bytes]()
    for job, text, first, second in track(_fit_all(study, places, columns, learner, options, jobs, seed), label, total=len(jobs)):
        weights[f"member-{len(weights):02d}.{SUFFIX[learner]}"] = text
        for own, other, told in ((job.first, job.second, first), (job.second, job.first, second)):
            inner[other, study.fold == own] += told / options.repeats
            outer[study.fold == own] += told / (options.repeats * (folds - 1))
    return _calibrated(study, columns, learner, options, weights, inner, outer)


def _calibrated(study: Study, columns: tuple[str, ...], learner: str, options: ModelOptions, weights: dict[str, bytes],
                inner: Floats, outer: Floats) -> Fitted:  # fmt: skip
    """Calibration and thresholds of each fold from the others, and those for serving from all."""
    risk, by_fold = np.zeros(len(outer)), list[Thresholds]()
    for number in range(len(inner)):
        rest, own = study.fold != number, study.fold == number
        calibration = fit(inner[number, rest], study.outcome[rest], method=options.calibration)
        risk[own] = calibration(outer[own])
        by_fold.append(_thresholds(options, calibration(inner[number, rest]), study, rest))
    last: Calibration = fit(outer, study.outcome, method=options.calibration)
    scorer = Scorer(learner, weights, columns, study.names, calibration=last, where="model")
    return Fitted(scorer, risk, _thresholds(options, last(outer), study, np.ones(len(outer), dtype=np.bool_)), by_fold)


def _thresholds(options: ModelOptions, risk: Floats, study: Study, rows: Bools) -> Thresholds:
    on = Rows(study.encounter[rows], study.outcome[rows], study.hours)
    return {name: threshold(rule(text), risk, on) for name, text in options.thresholds.items()}


def _fit_all(study: Study, places: list[int], columns: tuple[str, ...], learner: str, options: ModelOptions, jobs: list[Job],
             seed: int) -> Iterator[tuple[Job, bytes, Floats, Floats]]:  # fmt: skip
    """Members in the order of the jobs, one a core at a time; each with its margins on the two folds that it has not seen."""
    full = places == list(range(len(study.names)))
    matrix = study.matrix if full else np.ascontiguousarray(study.matrix[:, places])

    def one(job: Job) -> tuple[Job, bytes, Floats, Floats]:
        rows = _lesson_rows(study, job, options, seed)
        share = np.where(_without_event(study)[rows], options.negatives, 1.0)
        weight = (study.weight[rows] / share).astype(np.float32)
        text = LEARNERS[learner](Lesson(matrix[rows], study.target[rows], weight, columns, _member_seed(seed, job)), options)
        runner = RUNNERS.get(learner)({"member": text}, where="member")
        first, second = (runner.margins(matrix[study.fold == fold]) for fold in (job.first, job.second))
        return job, text, first, second

    with _one_thread_each(), ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, len(jobs))) as pool:
        yield from pool.map(one, jobs)


def _one_thread_each() -> AbstractContextManager[object]:
    """Linear algebra on one thread while members are fitted: the same bits on any number of cores, and no queueing."""
    control: Any = need("threadpoolctl", extra="risk")
    limits: AbstractContextManager[object] = control.threadpool_limits(1)
    return limits


def _lesson_rows(study: Study, job: Job, options: ModelOptions, seed: int) -> Ints:
    """Rows outside both folds: all of subjects with the event, and a share of the others'."""
    outside = (study.fold != job.first) & (study.fold != job.second)
    if options.negatives < 1:
        drawn = np.random.default_rng([seed, *job.seed]).random(len(outside)) < options.negatives
        outside &= drawn | ~_without_event(study)
    return np.flatnonzero(outside)


def _without_event(study: Study) -> Bools:
    return ~(np.bincount(study.subject, study.outcome) > 0)[study.subject]


def _member_seed(seed: int, job: Job) -> int:
    return int(np.random.default_rng([seed, *job.seed]).integers(1, 2**31 - 1))


def deal(subject: Ints, outcome: Bools, folds: int, seed: int) -> Ints:
    """A fold for each row: subjects dealt out at random, those with the event and those without apart, so that each fold has both.

    >>> sorted(set(deal(np.arange(6), np.array([1, 1, 1, 0, 0, 0], bool), 3, 1).tolist()))
    [0, 1, 2]
    """
    struck = np.bincount(subject, outcome) > 0
    source, place = np.random.default_rng(seed), np.zeros(len(struck), dtype=np.int64)
    for group in (np.flatnonzero(struck), np.flatnonzero(~struck)):
        place[source.permutation(group)] = np.arange(len(group)) % folds
    return place[subject]


def _check(study: Study, folds: int) -> None:
    struck, subjects = len(np.unique(study.subject[study.outcome])), len(np.unique(study.subject))
    if struck == 0:
        raise Unusable("the outcome never happens", where=f"{len(study.outcome)} development rows of {subjects} subjects",
                       do="compare codes, at_least and hours of task.outcome with what `bedside check` found")  # fmt: skip
    if struck < FEWEST_FOLDS:
        raise Unusable(f"cross-fitting needs at least {FEWEST_FOLDS} subjects with the outcome, and there are {struck}",
                       where=f"{len(study.outcome)} development rows of {subjects} subjects",
                       do="add patients, or lengthen the horizon: on so few nothing can be learned or judged")  # fmt: skip
    if folds < FEWEST_FOLDS:
        raise Unusable(
            f"cross-fitting needs at least {FEWEST_FOLDS} folds", where=f"{folds} folds", do="set task.split.folds to 5"
        )
    poor = [number for number in range(folds) if not study.outcome[study.fold == number].any()]
    if poor:
        raise Unusable(
            f"{len(poor)} of {folds} folds have no row with the outcome",
            where=f"{int(study.outcome.sum())} rows with the outcome",
            do="use fewer folds, a longer horizon, or more subjects",
        )
