"""The independent baseline on PhysioNet 2019: what a good analyst writes by hand in an afternoon, to be beaten paired.

In        the published hourly table (one row a patient and ICU hour); none of Bedside's code, but for the fold of each patient
Features  193 causal ones: last value, hours since it and count so far of 34 signals (102); mean, minimum, maximum,
          standard deviation and change of 7 vital signs over 6 and 12 hours (70); last minus the one before of 15
          laboratory values (15); age, sex, the two units, hours from hospital to ICU admission, ICU hour (6).
Model     LightGBM, each row weighted by what its decision is worth in the challenge's utility (alarm against silence);
          trees and threshold chosen on a fifth of the training patients.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

VITALS = ["HR", "O2Sat", "Temp", "SBP", "MAP", "DBP", "Resp"]
LABS_CHANGING = [
    "BUN",
    "Creatinine",
    "Glucose",
    "Lactate",
    "Potassium",
    "WBC",
    "Platelets",
    "Hgb",
    "HCO3",
    "pH",
    "PaCO2",
    "BaseExcess",
    "Calcium",
    "Chloride",
    "Bilirubin_total",
]
SIGNALS = [
    *VITALS,
    "EtCO2",
    "BaseExcess",
    "HCO3",
    "FiO2",
    "pH",
    "PaCO2",
    "SaO2",
    "AST",
    "BUN",
    "Alkalinephos",
    "Calcium",
    "Chloride",
    "Creatinine",
    "Bilirubin_direct",
    "Glucose",
    "Lactate",
    "Magnesium",
    "Phosphate",
    "Potassium",
    "Bilirubin_total",
    "TroponinI",
    "Hct",
    "Hgb",
    "PTT",
    "WBC",
    "Fibrinogen",
    "Platelets",
]
STATIC = ["Age", "Gender", "Unit1", "Unit2", "HospAdmTime", "ICULOS"]
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 255,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "num_threads": 2,
}


def features(table: pl.DataFrame) -> pl.DataFrame:
    """193 causal features, float32, one row an hour, in the table's order (patient, then hour)."""
    hour = pl.col("ICULOS")
    running: list[pl.Expr] = []
    for name in SIGNALS:
        seen = pl.col(name)
        running.append(seen.forward_fill().over("pid").alias(f"{name}_last"))
        running.append((hour - pl.when(seen.is_not_null()).then(hour).forward_fill().over("pid")).alias(f"{name}_age"))
        running.append(seen.is_not_null().cum_sum().over("pid").alias(f"{name}_count"))
    for name in VITALS:
        for hours in (6, 12):
            running += _window(name, hours)
    for name in LABS_CHANGING:
        known = pl.col(name).forward_fill().over("pid")
        before = (
            pl.when(pl.col(name).is_not_null()).then(pl.col(name).forward_fill().shift(1).over("pid")).forward_fill().over("pid")
        )
        running.append((known - before).alias(f"{name}_step"))
    return table.select([*running, *map(pl.col, STATIC)]).cast(pl.Float32)


def _window(name: str, hours: int) -> list[pl.Expr]:
    of = pl.col(name)
    rolled = {
        "mean": of.rolling_mean(hours, min_samples=1),
        "min": of.rolling_min(hours, min_samples=1),
        "max": of.rolling_max(hours, min_samples=1),
        "std": of.rolling_std(hours, min_samples=2),
        "change": of.forward_fill() - of.forward_fill().shift(hours - 1),
    }
    return [made.over("pid").alias(f"{name}_{hours}h_{what}") for what, made in rolled.items()]


def worth(table: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Utility of an alarm and of silence on each row, from the published constants; patient by patient."""
    alarm, silence = np.full(table.height, -0.05), np.zeros(table.height)
    at = 0
    for (labels,) in table.group_by("pid", maintain_order=True).agg("SepsisLabel").select("SepsisLabel").iter_rows():
        if 1 in labels:
            since = np.arange(len(labels)) - (labels.index(1) + 6)
            alarm[at : at + len(labels)] = [max((t + 12) / 6, -0.05) if t <= -6 else -(t - 3) / 9 if t <= 3 else 0.0 for t in since]
            silence[at : at + len(labels)] = [-2 * (t + 6) / 9 if -6 < t <= 3 else 0.0 for t in since]
        at += len(labels)
    return alarm, silence


def out_of_fold(table: pl.DataFrame, fold: np.ndarray, *, seed: int = 7) -> dict[str, np.ndarray]:
    """Score and alarm of every row from a model and a threshold that never saw its patient."""
    matrix = features(table).to_numpy()
    alarm, silence = worth(table)
    gain = alarm - silence
    patient = table["pid"].rank("dense").to_numpy() - 1
    score, raised, trees = np.zeros(table.height), np.zeros(table.height, dtype=bool), []
    for number in np.unique(fold):
        test = fold == number
        model, threshold = _train(matrix, gain, patient, ~test, seed)
        score[test] = model.predict(matrix[test])
        raised[test] = score[test] >= threshold
        trees.append(model.best_iteration)
    return {"score": score, "alarm": raised, "trees": np.array(trees)}


def _train(matrix: np.ndarray, gain: np.ndarray, patient: np.ndarray, training: np.ndarray, seed: int):  # type: ignore[no-untyped-def]
    import lightgbm as lgb

    people = np.unique(patient[training])
    held = np.random.default_rng(seed).choice(people, len(people) // 5, replace=False)
    tune = training & np.isin(patient, held)
    fit = training & ~tune
    target, weight = (gain > 0).astype(np.float32), np.abs(gain).astype(np.float32)
    data = lgb.Dataset(matrix[fit], target[fit], weight=weight[fit], params=PARAMETERS)
    check = lgb.Dataset(matrix[tune], target[tune], weight=weight[tune], reference=data)
    model = lgb.train(PARAMETERS, data, 400, [check], callbacks=[lgb.early_stopping(40, verbose=False)])
    said = model.predict(matrix[tune])
    order = np.argsort(-said, kind="stable")
    return model, said[order][np.argmax(np.cumsum(gain[tune][order]))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="Parquet with the challenge's columns and pid")
    parser.add_argument("--folds", type=Path, required=True, help="Parquet with pid and fold (0..k-1)")
    parser.add_argument("--out", type=Path, required=True, help="Parquet to write: pid, ICULOS, score, alarm")
    asked = parser.parse_args()
    begun = time.perf_counter()
    table = pl.read_parquet(asked.data).sort("pid", "ICULOS")
    fold = table.join(pl.read_parquet(asked.folds), on="pid", how="left", maintain_order="left")["fold"].to_numpy()
    made = out_of_fold(table, fold)
    table.select("pid", "ICULOS").with_columns(score=made["score"], alarm=made["alarm"]).write_parquet(asked.out)
    json.dump(
        {"rows": table.height, "features": 193, "trees": made["trees"].tolist(), "seconds": round(time.perf_counter() - begun, 1)},
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
