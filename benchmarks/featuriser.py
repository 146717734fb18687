"""How fast is the featuriser? PhysioNet 2019 (7,499 stays, 284,827 hourly decisions), beside a hand-written Polars script.

Ours      events in the lake's form -> `FeatureSet.columnar`: any time, late knowledge, corrections, units, float32 by fixed point
Peer      the hourly table itself -> `rolling_*` over rows: the same summaries, right only because this data is on a grid
Run       python benchmarks/featuriser.py --data ../shared/data [--signals 34] [--live]
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import get_args

import polars as pl

from bedside.cohort.features import FeatureSet
from bedside.core.events import Event, rows, schema
from bedside.core.task import Features, Signal, Summary
from bedside.core.time import HOUR_US

FILE = Path("cds/sepsis2019/setB_7499.parquet")
BASE_US = 1_577_836_800_000_000
WINDOWS = [6, 24]
SUMMARIES = [s for s in get_args(Summary) if s != "range"]
NOT_SIGNALS = {"Age", "Gender", "Unit1", "Unit2", "HospAdmTime", "ICULOS", "SepsisLabel", "pid", "subject_id"}


def main() -> None:
    asked = arguments()
    table = pl.read_parquet(asked.data / FILE).with_columns(pl.col("pid").str.slice(1).cast(pl.Int64).alias("subject_id"))
    signals = [name for name in table.columns if name not in NOT_SIGNALS][: asked.signals]
    events, decisions = events_of(table, signals), decisions_of(table)
    defined = [Signal(name, [f"LOCAL//{name}"]) for name in signals]
    features = FeatureSet(Features(defined, windows_hours=WINDOWS, summaries=SUMMARIES, static_codes={"age_years": "LOCAL//Age"}))
    ours, made = best(lambda: features.columnar(events, decisions), asked.times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    theirs, wide = best(lambda: by_hand(table, signals), asked.times)
    print(f"{events.height:,} events, {decisions.height:,} decisions, {len(signals)} signals")
    print(f"bedside        {made.width - 1:4d} features  {ours:6.2f} s")
    print(f"polars script  {wide.width - 2:4d} features  {theirs:6.2f} s   bedside takes {ours / theirs:.2f} of its time")
    print(f"equal          {agreement(made, wide, signals)}")
    print(f"peak memory    {peak:,.0f} MB with the events and before the script")
    print(f"one patient    {live(features, events, decisions):6.3f} ms a prediction, plain Python")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds cds/sepsis2019")
    parser.add_argument("--signals", type=int, default=34)
    parser.add_argument("--times", type=int, default=2, help="runs of each; the best counts")
    return parser.parse_args()


def events_of(table: pl.DataFrame, signals: list[str]) -> pl.DataFrame:
    """The hourly table as events: row h is seen at hour h - 1 and known half an hour later."""
    at = ((pl.col("ICULOS").cast(pl.Int64) - 1) * HOUR_US + BASE_US).cast(pl.Datetime("us")).alias("time")
    wide = table.select("subject_id", at, *signals)
    long = wide.unpivot(signals, index=["subject_id", "time"], variable_name="code", value_name="numeric_value")
    ages = table.group_by("subject_id").agg(pl.col("Age").first().alias("numeric_value")).with_columns(pl.lit("Age").alias("code"))
    told = pl.concat([long.drop_nulls(), ages], how="diagonal").with_columns(
        pl.concat_str(pl.lit("LOCAL//"), "code").alias("code"), (pl.col("time") + pl.duration(minutes=30)).alias("known_at"),
        pl.lit("final").alias("status"), pl.lit("benchmark").alias("source"))  # fmt: skip
    told = told.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema().items() if name not in told.columns)
    return told.select(pl.col(name).cast(dtype) for name, dtype in schema().items()).sort("subject_id", "time")


def decisions_of(table: pl.DataFrame) -> pl.DataFrame:
    """One decision at the end of every row's hour."""
    start = pl.lit(BASE_US).cast(pl.Datetime("us"))
    return table.select(
        pl.format("{}@{}", "pid", "ICULOS").alias("unit_id"), "subject_id", start.alias("encounter_start"),
        (pl.col("ICULOS").cast(pl.Int64) * HOUR_US + BASE_US).cast(pl.Datetime("us")).alias("prediction_time"))  # fmt: skip


def by_hand(table: pl.DataFrame, signals: list[str]) -> pl.DataFrame:
    """What one would write for this table alone: last, age and rolling windows over rows, per patient."""
    made = [pl.col("Age").floor().alias("age_years")]
    for name in signals:
        value, hour = pl.col(name), pl.col("ICULOS").cast(pl.Int32)
        seen = pl.when(value.is_not_null()).then(hour).forward_fill()
        made += [value.forward_fill().alias(f"{name}.last"), (hour - seen + 1).alias(f"{name}.age")]
        for window in WINDOWS:
            there = value.is_not_null().cast(pl.Float32)
            made += [there.rolling_sum(window, min_samples=1).alias(f"{name}.count_{window}h")]
            for summary in ("mean", "min", "max"):
                made += [getattr(value, f"rolling_{summary}")(window, min_samples=1).alias(f"{name}.{summary}_{window}h")]
            made += [(value.forward_fill() - value.backward_fill().shift(window - 1)).alias(f"{name}.delta_{window}h")]
    return table.group_by("pid", maintain_order=True).agg("ICULOS", *made).explode(pl.exclude("pid"))


def agreement(ours: pl.DataFrame, theirs: pl.DataFrame, signals: list[str]) -> str:
    """Share of cells of min, max and count in which both say the same."""
    names = [f"{name}.{summary}_6h" for name in signals for summary in ("min", "max", "count")]
    same = sum(int(ours[name].eq_missing(theirs[name].cast(pl.Float32)).sum()) for name in names)
    return f"{100 * same / (len(names) * ours.height):.3f} % of cells of min, max and count over 6 h"


def live(features: FeatureSet, events: pl.DataFrame, decisions: pl.DataFrame) -> float:
    """Median milliseconds for one patient's prediction from some 50 observations."""
    start = BASE_US
    few: list[Event] = list(rows(events.filter(pl.col("subject_id") == decisions["subject_id"][0]).head(50)))
    took = []
    for _ in range(501):
        began = time.perf_counter()
        features.live(few, prediction_time=start + 12 * HOUR_US, encounter_start=start)
        took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2] * 1000


def best(run: object, times: int) -> tuple[float, pl.DataFrame]:
    """Least wall time of some runs, and the last result."""
    least, made = float("inf"), pl.DataFrame()
    for _ in range(times):
        began = time.perf_counter()
        made = run()  # type: ignore[operator]
        least = min(least, time.perf_counter() - began)
    return least, made


if __name__ == "__main__":
    main()
