"""Sepsis, from the challenge's raw hourly table to the report, and how much it beats an independent baseline by, paired.

Ours      `bedside run` on the shipped study (src/bedside/study/templates/sepsis2019.toml): five folds by patient,
          calibration and thresholds inside the training folds
Peer      sepsis_baseline.py: 193 features by hand, LightGBM weighted by utility; the same folds, nothing else in common
Prints    seconds of each step and peak memory (target: 120 s and 3 GB on two cores); then AUROC, AUPRC and the challenge's
          utility of every output as the study's own evaluation has them, and of the baseline, with intervals that draw
          patients, and the paired differences
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

import msgspec
import polars as pl

from bedside.evaluate.evaluation import evaluate
from bedside.evaluate.records import Estimate, Evaluation

FILE = Path("cds/sepsis2019/setB_7499.parquet")
BASELINE = Path(__file__).with_name("sepsis_baseline.py")
TARGET_S, TARGET_GB = 120, 3


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.out or Path(scratch) / "sepsis"
        predictions, found, lines = ours(asked.data / FILE, root)
        table = baseline(asked.data / FILE, predictions, Path(scratch), asked.baseline)
    report(found, beside(predictions, lines, table, found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds cds/sepsis2019")
    parser.add_argument("--out", type=Path, help="study folder to keep; a temporary one by default")
    parser.add_argument("--baseline", type=Path, help="file of an earlier baseline run on the same folds; written when absent")
    return parser.parse_args()


def ours(data: Path, root: Path) -> tuple[pl.DataFrame, Evaluation, dict[str, float]]:
    """Run the shipped study; its predictions, its evaluation, and the model's utility threshold of each fold."""
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
    found = msgspec.json.decode((root / "reports" / "evaluation.json").read_bytes(), type=Evaluation)
    thresholds = msgspec.json.decode((root / "predictions" / "thresholds.json").read_bytes())
    return pl.read_parquet(root / "predictions" / "test.parquet"), found, thresholds["utility"]["risk"]


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


def beside(predictions: pl.DataFrame, lines: dict[str, float], table: pl.DataFrame, found: Evaluation) -> Evaluation:
    """The model and the baseline on the same rows, judged by the same code and the same resamples as the study."""
    rows = predictions.filter(pl.col("output") == "risk").sort("subject_id", "prediction_time")
    told = rows.with_columns(pl.col("prediction_time").rank("ordinal").over("parent_unit").cast(pl.Int64).alias("row"))
    peer = table.sort("pid", "ICULOS").with_columns(pl.int_range(1, pl.len() + 1).over("pid").alias("row"))
    joined = told.join(peer, left_on=["parent_unit", "row"], right_on=["pid", "row"], how="left", maintain_order="left")
    if joined["score"].null_count():
        raise SystemExit("the baseline was made on other rows: remove its file")
    said = rows.with_columns(pl.lit("baseline").alias("output"), joined["score"].alias("value"))
    least = dict(joined.filter(pl.col("alarm")).group_by("split").agg(pl.col("score").min()).iter_rows())
    cuts = {split: least.get(split, float("inf")) for split in lines}
    return evaluate(
        pl.concat([rows, said]), main="risk", thresholds={}, seed=found.seed, resamples=found.resamples,
        utility_thresholds={"risk": lines, "baseline": cuts},
    )  # fmt: skip


def report(found: Evaluation, both: Evaluation) -> None:
    print(f"{'output':<12}{'AUROC':>24}{'AUPRC':>24}{'utility':>24}")
    for of, names in ((found, [row.output for row in found.outputs]), (both, ["baseline"])):
        for name in names:
            row, gained = of.row(name), of.gained(name)
            print(f"{name:<12}{shown(row.auroc):>24}{shown(row.auprc):>24}{shown(gained.utility if gained else None):>24}")
    print("\nrisk minus")
    for of in (found, both):
        for gap in of.differences:
            gained = of.gained(gap.other)
            print(f"{gap.other:<12}{shown(gap.auroc):>24}{shown(gap.auprc):>24}{shown(gained.gap if gained else None):>24}")
    held = found.counts
    print(f"\n{held.subjects:,} stays, {held.predictions:,} hours, {held.events:,} of them positive")


def shown(one: Estimate | None) -> str:
    if one is None or one.value is None or one.low is None or one.high is None:
        return "-"
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


if __name__ == "__main__":
    main()
