"""Made decisions, predictions and measures of every kind of target: nobody behind them, seeded."""

from __future__ import annotations

import numpy as np
import polars as pl

from bedside.core.predictions import conform, conform_measures

SEXES, SITES = ["female", "male", None], ["north", "south"]


def decisions(target: str, units: int, *, per_subject: int = 1, subjects: bool = True, folds: int = 0, **truths: object) -> pl.DataFrame:
    """Held-out decisions of one target: units named u0, u1, ..., each subject with so many of them."""
    of = np.arange(units) // per_subject
    return pl.DataFrame({
        "unit_id": [f"u{i}" for i in range(units)], "target": [target] * units,
        "subject_id": pl.Series([int(one) if subjects else None for one in of], dtype=pl.Int64),
        "split": [f"fold-{one % folds}" if folds else "test" for one in of],
        "sex": pl.Series([SEXES[one % 3] if subjects else None for one in of], dtype=pl.String),
        "site": [SITES[one % 2] for one in of], **truths,
    })  # fmt: skip


def said(rows: pl.DataFrame, output: str, value: object, **more: object) -> pl.DataFrame:
    """What one output says of these decisions."""
    return conform(rows.select("unit_id", "target", "split").with_columns(pl.lit(output).alias("output"), pl.Series("value", value),
                   *(pl.Series(name, column) for name, column in more.items())))  # fmt: skip


def number(units: int = 90, *, seed: int = 2, **how: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A number, a model near it with an interval of one standard deviation 0.5, and a mean that knows nothing."""
    random = np.random.default_rng(seed)
    truth = random.normal(4, 2, units)
    value = truth + random.normal(0.1, 0.5, units)
    rows = decisions("solubility", units, truth=truth, **how)
    model = said(rows, "model", value, low=value - 0.64, high=value + 0.64)
    return rows, pl.concat([model, said(rows, "mean", np.full(units, truth.mean()))])


def grade(units: int = 120, *, seed: int = 3, **how: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A grade 0 to 4, a model that is mostly right, and one that always says 0."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 5, units).astype(float)
    value = np.clip(truth + random.choice([-1, 0, 0, 0, 1], units), 0, 4)
    rows = decisions("retinopathy", units, truth=truth, **how)
    return rows, pl.concat([said(rows, "model", value), said(rows, "majority", np.zeros(units))])


def found(units: int = 40, *, seed: int = 4, scored: bool = True, **how: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lesions: up to two a unit, every fifth unit without any; a model that scores candidates and one that finds half."""
    random = np.random.default_rng(seed)
    rows = decisions("lesion", units, answer=["some"] * units, **how)
    things: list[tuple[str, str, str, float, bool]] = []
    for i in range(units):
        for k in range(0 if i % 5 == 0 else 1 + i % 2):
            value = float(random.random() ** 0.3) if random.random() < 0.85 else float("nan")
            things.append((f"u{i}-{k}", f"u{i}", "model", value if scored or np.isnan(value) else 1.0, True))
            things.append((f"u{i}-{k}", f"u{i}", "threshold", 1.0 if k else float("nan"), True))
        things += [(f"u{i}-f{k}", f"u{i}", "model", float(random.random() ** 2) if scored else 1.0, False) for k in range(i % 3)]
    names = ("unit_id", "parent_unit", "output", "value", "label")
    frame = pl.DataFrame(things, schema=names, orient="row").with_columns(pl.lit("lesion").alias("target"), pl.lit("test").alias("split"))
    return rows, conform(frame)


def region(units: int = 45, *, seed: int = 5, **how: object) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """A structure: Dice and HD95 of a model and of an atlas; one unit has no distance."""
    random = np.random.default_rng(seed)
    rows = decisions("hippocampus", units, answer=["mask"] * units, **how)
    made = []
    for output, middle in (("model", 0.85), ("atlas", 0.7)):
        dice = np.clip(random.normal(middle, 0.05, units), 0, 1)
        distance = np.where(np.arange(units) == 7, np.nan, 10 * (1 - dice))
        for name, unit, value in (("dice", "1", dice), ("hd95_mm", "mm", distance)):
            made.append(rows.select("unit_id", "target", "split").with_columns(
                pl.lit(output).alias("output"), pl.lit(name).alias("measure"), pl.lit(unit).alias("unit"), pl.Series("value", value)))  # fmt: skip
    predictions = pl.concat([said(rows, output, np.ones(units)) for output in ("model", "atlas")])
    return rows, predictions, conform_measures(pl.concat(made))


def finding(units: int = 200, target: str = "pneumonia", *, seed: int = 6, **how: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A yes-no finding with a probability, and a prior that knows nothing."""
    random = np.random.default_rng(seed)
    odds = random.normal(-1, 1.5, units)
    label = random.random(units) < 1 / (1 + np.exp(-odds))
    rows = decisions(target, units, label=label, **how)
    return rows, pl.concat([said(rows, "model", 1 / (1 + np.exp(-odds))), said(rows, "prior", np.full(units, label.mean() + 0.001))])
