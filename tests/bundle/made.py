"""A small fitted bundle, for the tests of this room: one task, three signals, 400 made decisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bedside.bundle.calibration import Calibration
from bedside.bundle.reference import reference
from bedside.bundle.scorer import Scorer
from bedside.bundle.store import seal
from bedside.cohort.features import FeatureSet
from bedside.core.task import Features, Outcome, Signal, Task
from bedside.pillars.risk.learners import LEARNERS, SUFFIX, Lesson
from bedside.pillars.risk.options import ModelOptions

SIGNALS = [Signal("heart_rate", ["LOINC//8867-4"]), Signal("lactate", ["LOINC//2524-7"], kind="workup")]
TASK = Task(
    "made", Outcome("death", ["MEDS_DEATH"]), Features(SIGNALS, windows_hours=[6], summaries=["last", "age", "count", "mean"])
)
NAMES = FeatureSet(TASK.features).names
FAST = ModelOptions(trees=12, rows_in_leaf=5)


def matrix(rows: int = 400, *, seed: int = 3) -> np.ndarray:
    """Made features with a fifth missing; every value is a float32."""
    source = np.random.default_rng(seed)
    table = source.normal(80, 30, (rows, len(NAMES))).astype(np.float32)
    table[source.random(table.shape) < 0.2] = np.nan
    return table


def weights(learner: str, columns: tuple[str, ...], *, members: int = 2) -> dict[str, bytes]:
    table = matrix()[:, [NAMES.index(column) for column in columns]]
    target = (np.nan_to_num(matrix()[:, 0], nan=80) + np.random.default_rng(1).normal(0, 20, 400) > 95).astype(np.float32)
    lessons = [Lesson(table, target, np.ones(400, np.float32), columns, seed) for seed in range(members)]
    return {f"member-{n:02d}.{SUFFIX[learner]}": LEARNERS[learner](lesson, FAST) for n, lesson in enumerate(lessons)}


def scorer(learner: str, columns: tuple[str, ...] = NAMES) -> Scorer:
    return Scorer(learner, weights(learner, columns), columns, NAMES, calibration=Calibration("platt", 1.1, -0.2), where="made")


def sealed(folder: Path, learner: str = "lightgbm") -> str:
    main = scorer(learner)
    beside = {"clock": scorer("hours", ("clock.hours",)), "workup": scorer("logistic", ("heart_rate.age", "lactate.age"))}
    sketch = reference(matrix(), NAMES, main.scores(matrix()))
    return seal(folder, name="made", main=main, beside=beside, task=TASK, thresholds={"alert": 0.3}, training={"rows": "0" * 64},
                reference=sketch, card={"schema": "bedside.card/1", "name": "made"}, made=True)  # fmt: skip
