"""MSD hippocampus from raw DICOM to dossier: anterior and posterior part on MR, by subject, on one thread of a processor.

    .venv/bin/python benchmarks/hippocampus.py OUT [--data ../shared/data/imaging/msd-hippocampus] [--limit N] [--steps N]

Writes the NIfTI pairs as a raw study (one MR instance a slice, one DICOM SEG a volume, made names and numbers), then runs the steps of
`bedside run` on it, and prints the figures of the test split. Training reads what de-identification, reading and cohort deliver.
An outside run (2-D U-Net, 41,000 weights, 208 training volumes, 62 CPU-seconds) had Dice .839/.823 on the 52 development volumes by which
its step was chosen; here the test volumes chose nothing.
Data: Medical Segmentation Decathlon, Task04, CC-BY-SA 4.0 (arXiv:1902.09063); sexes, ages and scanners here are made.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bedside.demo.images import encoded, instances, patient, segmentation
from bedside.pillars.imaging.series import nifti
from bedside.study.showcase import with_made_keyring
from bedside.study.study import Study

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "imaging" / "msd-hippocampus"
NAMES = ("Anterior hippocampus", "Posterior hippocampus")
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
STUDY = """schema = "bedside.study/1"
name = "msd-hippocampus"
seed = 1
timezone = "America/New_York"

[[source]]
name = "mr"
format = "dicom"
path = "raw/mr"

[task]
kind = "image"
name = "hippocampus"
question = "segment"
unit = "series"
modalities = ["MR"]
asks = [
  {{ name = "anterior", kind = "region", label = "Anterior hippocampus" }},
  {{ name = "posterior", kind = "region", label = "Posterior hippocampus" }},
]
segments = {{ anterior = ["Anterior hippocampus"], posterior = ["Posterior hippocampus"] }}

[task.split]
test_fraction = 0.3
tune_fraction = 0.1

[model]
network = "unet"
steps = {steps}

[claims]
intended_use = "None: a measurement of this software on a public data set."
"""


def write(out: Path, data: Path, *, limit: int | None, steps: int) -> int:
    """The raw study; how many volumes."""
    found = sorted((data / "images").glob("*.nii.gz"))[:limit]
    for number, path in enumerate(found):
        image, drawn = (nifti.read((data / kind / path.name).read_bytes(), where=path.name) for kind in ("images", "labels"))
        who = patient(number)
        folder = out / "raw" / "mr" / who.mrn
        folder.mkdir(parents=True, exist_ok=True)
        slices = instances(*as_slices(image), who)
        for one in slices:
            (folder / f"{one.InstanceNumber:03d}.dcm").write_bytes(encoded(one))
        (folder / "mask.dcm").write_bytes(encoded(segmentation(np.rint(as_axes(drawn.voxels)).astype(np.uint8), slices, NAMES)))
    (out / "study.toml").write_text(STUDY.format(steps=steps), encoding="utf-8")
    return len(found)


def as_axes(voxels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(i, j, k) as (slice, row, column)."""
    return voxels.reshape(voxels.shape[:3]).transpose(2, 1, 0)


def as_slices(image: nifti.Nifti) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """int16 slices and their affine in LPS; values above twelve bits are scaled down, as MR has no unit."""
    values = as_axes(image.voxels).astype(np.float64)
    affine = (TO_LPS @ image.affine)[:, [2, 1, 0, 3]]
    return np.rint(values * min(1.0, 4095 / max(values.max(), 1))).astype(np.int16), affine


def dice(out: Path, split: str) -> pl.DataFrame:
    told = pl.read_parquet(out / f"predictions/{split}-measures.parquet")
    return told.group_by("measure", "output", "target").agg(
        pl.col("value").fill_nan(None).mean().alias("mean"), pl.col("value").fill_nan(None).median().alias("median"),
        pl.col("value").min().alias("least"), pl.len().alias("n"), pl.col("value").is_nan().sum().alias("undefined"),
    ).sort("measure", "output", "target")  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("out", type=Path)
    asked.add_argument("--data", type=Path, default=DATA)
    asked.add_argument("--limit", type=int)
    asked.add_argument("--steps", type=int, default=800)
    told = asked.parse_args()
    if not (told.out / "study.toml").exists():
        print(f"{write(told.out, told.data, limit=told.limit, steps=told.steps)} volumes written as DICOM")
    study = with_made_keyring(Study(told.out), "msd-hippocampus")  # names are made: a secret that is known keeps the split the same
    for step in ("deidentify", "read", "check", "cohort", "train", "test", "dossier"):
        clock, before = time.process_time(), time.time()
        study.run([step])
        print(f"{step}: CPU {time.process_time() - clock:.0f} s, wall {time.time() - before:.0f} s", flush=True)
    with pl.Config(tbl_rows=100, float_precision=3):
        print(dice(told.out, "test").filter(pl.col("measure").is_in(["dice", "hd95_mm"])))
    for entry in study.ledger():
        for figure in entry.receipt.figures if entry.receipt.step in ("train", "test") else []:
            if entry.receipt.step == "train" or (figure.name.endswith("/mean") and "/by/" not in figure.name):
                print(figure.name, figure.value, figure.low, figure.high, figure.n)


if __name__ == "__main__":
    main()
