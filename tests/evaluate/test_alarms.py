"""Utility in the evaluation: every output's alarms, and what the model's are worth beyond them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from bedside.core.errors import Misconfigured
from bedside.core.predictions import conform
from bedside.evaluate import utility
from bedside.evaluate.evaluation import Evaluation, evaluate, figures

HOUR_US = 3_600_000_000
STAYS, HOURS = 90, 24


def frame(*, every: int = 1, ends: bool = False) -> pl.DataFrame:
    """Hourly rows of made stays; every third becomes septic at hour 15. The model sees it, the clock only counts."""
    stay, hour = np.repeat(np.arange(STAYS), HOURS), np.tile(np.arange(HOURS), STAYS)
    label = (stay % 3 == 0) & (hour >= 15)
    if ends:
        label &= hour < 20
    noise = np.random.default_rng(4).normal(0, 0.15, len(stay))
    said = {"risk": np.clip(0.2 + 0.4 * ((stay % 3 == 0) & (hour > 10)) + noise, 0.01, 0.99), "clock": hour / 25}
    base = pl.DataFrame({
        "subject_id": stay, "parent_unit": [f"e{one}" for one in stay], "unit_id": [f"u{row}" for row in range(len(stay))],
        "label": label, "prediction_time": pl.Series(hour * every * HOUR_US).cast(pl.Datetime("us")), "split": [f"fold-{one % 2}" for one in stay],
    })  # fmt: skip
    return conform(pl.concat([base.with_columns(pl.lit("outcome").alias("target"), pl.lit(name).alias("output"), pl.Series("value", v)) for name, v in said.items()]))


AT = {"risk": {"fold-0": 0.45, "fold-1": 0.5}, "clock": {"fold-0": 0.5, "fold-1": 0.5}}


def judged(rows: pl.DataFrame) -> Evaluation:
    return evaluate(rows, thresholds={}, resamples=100, utility_thresholds=AT)


def test_the_utility_of_an_evaluation_is_that_of_its_alarms():
    rows = frame()
    ours = rows.filter(pl.col("output") == "risk").sort("subject_id", "prediction_time")
    alarm = ours["value"].to_numpy() >= np.array([AT["risk"][split] for split in ours["split"]])
    found = judged(rows.sample(fraction=1.0, shuffle=True, seed=2)).gained("risk")
    assert found.utility.value == pytest.approx(utility.utility(ours["parent_unit"].to_numpy(), ours["label"].to_numpy(), alarm))
    assert found.utility.low < found.utility.value < found.utility.high
    assert (found.utility.n, found.utility.of, found.alarms) == (STAYS, "encounters", int(alarm.sum()))


def test_what_the_score_is_worth_beyond_the_clock_is_said_in_utility_too():
    found = judged(frame())
    gap = found.gained("risk").utility.value - found.gained("clock").utility.value
    assert found.worth.utility == found.gained("clock").gap
    assert found.worth.utility.value == pytest.approx(gap)
    told = {figure.name: figure for figure in figures(found)}
    assert told["test/risk-clock/utility"].low == found.worth.utility.low
    assert {"test/risk/utility", "test/clock/utility", "test/clock/utility-alarms"} <= set(told)


@pytest.mark.parametrize(
    ("rows", "why"), [(frame(every=4), "one prediction an hour"), (frame(ends=True), "stays once it is there")]
)
def test_utility_has_no_answer_where_it_is_not_defined(rows: pl.DataFrame, why: str):
    found = judged(rows).gained("risk").utility
    assert found.value is None
    assert why in found.method


def test_without_thresholds_for_it_nobody_asked_for_utility():
    found = evaluate(frame(), thresholds={}, resamples=20)
    assert found.utility == []
    assert found.worth.utility is None


def test_a_fold_without_a_threshold_is_refused():
    with pytest.raises(Misconfigured, match="fold-1"):
        evaluate(frame(), thresholds={}, resamples=20, utility_thresholds={"risk": {"fold-0": 0.5}})
