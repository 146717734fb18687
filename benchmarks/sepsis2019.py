"""Sepsis, from the challenge's raw hourly table to the report, and how much it beats an independent baseline by, paired.

Ours      `bedside run` on the shipped study (src/bedside/study/templates/sepsis2019.toml): five folds by patient,
          calibration and thresholds inside the training folds
Peer      sepsis_baseline.py: 193 features by hand, LightGBM weighted by utility; the same folds, nothing else in common
Prints    seconds of each step and peak memory (target: 120 s and 3 GB on two cores); then AUROC, AUPRC and the challenge's
          utility of every output and of the baseline, with intervals that draw patients, and the differences
Run       python benchmarks/sepsis2019.py --data ../shared/data [--out DIR] [--baseline FILE]
Tuned     on these same 7,499 stays: differences here are of development, not of a hold-out.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from bedside.bundle.store import Bundle
from bedside.evaluate import utility
from bedside.evaluate.evaluation import evaluate
from bedside.evaluate.records import Estimate

FILE = Path("cds/sepsis2019/setB_7499.parquet")
BASELINE = Path(__file__).with_name("sepsis_baseline.py")
TARGET_S, TARGET_GB, DRAWS = 120, 3, 500


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.out or Path(scratch) / "sepsis"
        predictions, thresholds = ours(asked.data / FILE, root)
        table = baseline(asked.data / FILE, predictions, Path(scratch), asked.baseline)
    report(predictions, thresholds, table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds cds/sepsis2019")
    parser.add_argument("--out", type=Path, help="study folder to keep; a temporary one by default")
    parser.add_argument("--baseline", type=Path, help="file of an earlier baseline run on the same folds; written when absent")
    return parser.parse_args()


def ours(data: Path, root: Path) -> tuple[pl.DataFrame, dict[str, dict[str, dict[str, float]]]]:
    """Run the shipped study; its predictions, and the thresholds of each output, rule and fold."""
    from bedside.deidentify.keyring import Keyring
    from bedside.study.study import Study

    (root / "raw").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(data, root / "raw" / data.name)
    text = (files("bedside.study") / "templates" / "sepsis2019.toml").read_text(encoding="utf-8")
    (root / "study.toml").write_text(text.replace("@NAME@", "sepsis-2019"), encoding="utf-8")
    keyring = root.with_name(root.name + ".keyring")
    if not keyring.exists():
        Keyring.create(keyring)
    study, whole = Study(root), 0.0
    for step in ("deidentify", "read", "check", "cohort", "train", "test", "dossier"):
        begun = time.perf_counter()
        study.run([step], quiet=True)
        took = time.perf_counter() - begun
        whole += took
        print(f"  {step:<12}{took:7.1f} s", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  raw Parquet to report {whole:6.1f} s (target {TARGET_S}), peak {peak:.2f} GB (target {TARGET_GB})\n", flush=True)
    card = Bundle.open(root / "bundles" / "model").card
    return pl.read_parquet(root / "predictions" / "test.parquet"), card["thresholds_by_fold"]


def baseline(data: Path, predictions: pl.DataFrame, scratch: Path, kept: Path | None) -> pl.DataFrame:
    """The baseline's score and alarm of every stay and hour, on our folds."""
    out = kept or scratch / "baseline.parquet"
    if not out.exists():
        stays = predictions.select(
            pl.col("parent_unit").alias("pid"), pl.col("split").str.strip_prefix("fold-").cast(pl.Int64).alias("fold")
        )
        stays.unique().sort("pid").write_parquet(scratch / "folds.parquet")
        subprocess.run(
            [sys.executable, str(BASELINE), "--data", str(data), "--folds", str(scratch / "folds.parquet"), "--out", str(out)],
            check=True,
        )
    return pl.read_parquet(out)


def report(predictions: pl.DataFrame, thresholds: dict[str, dict[str, dict[str, float]]], table: pl.DataFrame) -> None:
    rows = predictions.filter(pl.col("output") == "risk").sort("subject_id", "prediction_time")
    told = rows.with_columns(pl.col("prediction_time").rank("ordinal").over("parent_unit").cast(pl.Int64).alias("row"))
    peer = table.sort("pid", "ICULOS").with_columns(pl.int_range(1, pl.len() + 1).over("pid").alias("row"))
    joined = told.join(peer, left_on=["parent_unit", "row"], right_on=["pid", "row"], how="left", maintain_order="left")
    if joined["score"].null_count():
        raise SystemExit("the baseline was made on other rows: remove its file")
    said = joined.select(predictions.columns[:0] + [c for c in predictions.columns if c not in ("output", "value")]).with_columns(
        pl.lit("baseline").alias("output"), joined["score"].alias("value")
    )
    both = pl.concat([predictions, said.select(predictions.columns)])
    kept = ["risk", "baseline", *thresholds, "news2", "qsofa"]
    found = evaluate(both.filter(pl.col("output").is_in(kept)), main="risk", thresholds={}, resamples=DRAWS, unit="hour")
    worth = utility.rows(rows["parent_unit"].to_numpy(), rows["label"].to_numpy())
    sums = {name: utility.totals(worth, alarms(predictions, name, cuts["utility"])) for name, cuts in thresholds.items()}
    sums["baseline"] = utility.totals(worth, joined["alarm"].to_numpy())
    print(f"{'output':<12}{'AUROC':>24}{'AUPRC':>24}{'utility':>24}")
    for row in sorted(found.outputs, key=lambda each: kept.index(each.output)):
        gained = (
            estimate(utility.score(sums[row.output]), utility.interval(sums[row.output], draws=DRAWS))
            if row.output in sums
            else "-"
        )
        print(f"{row.output:<12}{shown(row.auroc):>24}{shown(row.auprc):>24}{gained:>24}")
    print("\nrisk minus")
    for gap in found.differences:
        if gap.other in sums:
            value = utility.score(sums["risk"]) - utility.score(sums[gap.other])
            wide = utility.interval(sums["risk"], versus=sums[gap.other], draws=DRAWS)
            print(f"{gap.other:<12}{shown(gap.auroc):>24}{shown(gap.auprc):>24}{estimate(value, wide):>24}")
    print(f"\n{rows['parent_unit'].n_unique():,} stays, {rows.height:,} hours, {int(rows['label'].sum()):,} of them positive")


def alarms(predictions: pl.DataFrame, output: str, cuts: dict[str, float]) -> np.ndarray:
    """Alarms of one output, each row at the threshold that its fold did not help to choose."""
    rows = predictions.filter(pl.col("output") == output).sort("subject_id", "prediction_time")
    return (rows["value"] >= rows["split"].replace_strict(cuts, return_dtype=pl.Float64)).to_numpy()


def shown(one: Estimate) -> str:
    return estimate(one.value, (one.low, one.high)) if None not in (one.value, one.low, one.high) else "-"


def estimate(value: float | None, wide: tuple[float | None, float | None]) -> str:
    return f"{value:.3f} ({wide[0]:.3f} to {wide[1]:.3f})"


if __name__ == "__main__":
    main()
