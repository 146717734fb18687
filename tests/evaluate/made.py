"""Made predictions for the tests of this room: no patient behind them, seeded."""

from __future__ import annotations

import numpy as np
import polars as pl

from bedside.core.predictions import conform

HOUR_US = 3_600_000_000


def predictions(*, subjects: int = 80, hours: int = 12, seed: int = 3, folds: int = 0, sure: float = 1.0) -> pl.DataFrame:
    """Hourly predictions of made subjects: model, logistic, NEWS2, clock. `sure` below 1 makes the model too timid."""
    random = np.random.default_rng(seed)
    subject, hour = np.repeat(np.arange(subjects), hours), np.tile(np.arange(1, hours + 1), subjects)
    odds = -2.5 + random.normal(0, 1.2, subjects)[subject] + 0.03 * hour
    happened = random.random(len(odds)) < 1 / (1 + np.exp(-odds))
    seen = odds + random.normal(0, 0.5, len(odds))
    said = {
        "risk": 1 / (1 + np.exp(-(sure * seen))), "logistic": 1 / (1 + np.exp(-(seen + random.normal(0, 1, len(odds))))),
        "news2": np.clip(np.round(seen + 5), 0, 20), "clock": hour.astype(float),
    }  # fmt: skip
    base = _base(random, subject, hour, happened, folds)
    return conform(
        pl.concat([base.with_columns(pl.lit(name).alias("output"), pl.Series("value", value)) for name, value in said.items()])
    )


def _base(random: np.random.Generator, subject: np.ndarray, hour: np.ndarray, happened: np.ndarray, folds: int) -> pl.DataFrame:
    some = {"sex": ["female", "male", None], "age_band": ["18-44", "45-64", "65-79"], "race": ["black", "white", None],
            "ethnicity": ["hispanic", "not hispanic"]}  # fmt: skip
    levels = {
        name: [choices[k] for k in random.integers(0, len(choices), subject.max() + 1)[subject]] for name, choices in some.items()
    }
    return pl.DataFrame({
        "subject_id": subject, "unit_id": [f"u{row}" for row in range(len(subject))], "label": happened, "target": "outcome",
        "prediction_time": pl.Series(hour * HOUR_US).cast(pl.Datetime("us")),
        "event_time": pl.Series((hour + 2) * HOUR_US).cast(pl.Datetime("us")),
        "split": [f"fold-{one % folds}" if folds else "test" for one in subject], **levels,
    }, strict=False)  # fmt: skip
