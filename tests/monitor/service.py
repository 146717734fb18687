"""A sealed model of two inputs, and the log of a service that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration, logistic
from bedside.bundle.reference import reference
from bedside.bundle.scorer import Scorer
from bedside.bundle.store import Bundle, seal
from bedside.cohort.features import FeatureSet
from bedside.core.task import Features, Outcome, Signal, Task
from bedside.core.time import HOUR_US, utc_text

TASK = Task(
    name="made", outcome=Outcome("made", ["MADE//1"]),
    features=Features([Signal("heart_rate", ["LOINC//8867-4"], unit="/min")], windows_hours=[6], summaries=["last",
    "mean"], static=[],
                      clock=False),
)  # fmt: skip
NAMES = list(FeatureSet(TASK.features).names)
START_US = 1_772_900_000_000_000
Row = Callable[[np.random.Generator], list[float]]


def usual(random: np.random.Generator) -> list[float]:
    """Heart rates of one hour, as at training: one value in ten is missing."""
    return [float(random.normal(80, 12)) if random.random() > 0.1 else float("nan") for _ in NAMES]


def risk(row: list[float]) -> float:
    away = sum((value - 80) / 20 for value in row if value == value)
    return float(logistic(np.array([away - 2.0]))[0])


def sealed(folder: Path) -> Bundle:
    random = np.random.default_rng(1)
    rows = [usual(random) for _ in range(4000)]
    weights = {"centre": [80.0] * len(NAMES), "scale": [20.0] * len(NAMES), "coefficient": [1.0] * len(NAMES), "intercept": -2.0}
    files = {"member-00.json": msgspec.json.encode(weights)}
    main = Scorer("logistic", files, NAMES, NAMES, calibration=Calibration("platt"), where="t")
    seal(folder, name="made", main=main, beside={}, task=TASK, thresholds={"alert": 0.5}, training={}, card={}, made=True,
         reference=reference(rows, NAMES, [risk(row) for row in rows]))  # fmt: skip
    return Bundle.open(folder)


def line(bundle: str, encounter: int, hour: int, row: list[float], **more: object) -> dict[str, object]:
    value = risk(row)
    features = {name: None if one != one else one for name, one in zip(NAMES, row, strict=True)}
    return {"time": utc_text(START_US + hour * HOUR_US), "unit_id": f"{encounter}-{hour}", "bundle": bundle, "features": features,
            "value": value, "alert": value >= 0.5, "encounter": f"e{encounter}", "missing": [], "card": "c"} | more  # fmt: skip


def stays(
    bundle: str, row: Row = usual, *, encounters: int = 200, hours: int = 6, day: int = 0, seed: int = 2
) -> list[dict[str, object]]:
    """Hourly predictions of some stays, a new row an hour."""
    random = np.random.default_rng(seed)
    return [line(bundle, day * 10_000 + stay, day * 24 + hour, row(random)) for stay in range(encounters) for hour in range(hours)]


def written(path: Path, lines: Iterable[dict[str, object]]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))
    return path
