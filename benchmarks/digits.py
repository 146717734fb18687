"""Handwritten digits through the path of 2-D images: real images that a package ships, beside scikit-learn on the same split.

    nice -n 5 .venv/bin/python benchmarks/digits.py [--networks resnet,densenet,vit] [--epochs 20]

Data      1,797 digits of 8 x 8 pixels, 16 levels (UCI optical recognition, as scikit-learn ships them: `load_digits`); each is a DICOM
          instance and a subject here. Ten yes-no targets; the digit said is the likeliest of the ten.
Path      PNG-like pixels -> DICOM -> deidentify (as-received) -> read -> cohort (declared split) -> train -> test
Split     by scikit-learn's train_test_split, random_state 0: 30% test, of the rest 20% tune; peers are fitted on train and tune together
Interval  test images resampled 2,000 times, percentiles
Peers     SVC(gamma=0.001), which scikit-learn's own example uses, and logistic regression, on the 64 pixels
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from bedside.deidentify.keyring import Keyring
from bedside.pillars.imaging.planes.wrap import instance
from bedside.study import Study

MAPPING = """schema = "bedside.mapping/1"
name = "digits"
[tables.digits]
files = ["digits.csv"]
subject = "image"
[[tables.digits.events]]
code = "DIGIT//{digit}"
encounter = "image"
static = true
[[tables.digits.events]]
code = "READ"
encounter = "image"
static = true
[[tables.digits.events]]
code = "SPLIT//{split}"
encounter = "image"
static = true
"""
STUDY = """schema = "bedside.study/1"
name = "digits"
seed = 1
site = "uci"
timezone = "UTC"
[[source]]
name = "images"
format = "dicom"
path = "raw/images"
[[source]]
name = "labels"
format = "tables"
path = "raw/labels"
mapping = "digits.toml"
[deidentify]
policy = "as-received"
attestation = "handwritten digits, no patients"
[task]
kind = "image"
name = "digits"
question = "classify"
unit = "image"
modalities = ["OT"]
listed = "READ"
asks = [{asks}]
codes = {{ {codes} }}
[task.split]
by = "declared"
[model]
network = "{network}"
size = 32
width = 16
epochs = {epochs}
patience = 5
learning_rate = 3e-3
"""


def main() -> None:
    """Print one line a model: accuracy and mean AUROC with their intervals, CPU seconds of training."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--networks", default="resnet,densenet,vit")
    told.add_argument("--epochs", type=int, default=20)
    said = told.parse_args()
    digits = load_digits()
    rest, test = train_test_split(np.arange(len(digits.target)), test_size=0.3, random_state=0, stratify=digits.target)
    _, tune = train_test_split(rest, test_size=0.2, random_state=0, stratify=digits.target[rest])
    split = np.full(len(digits.target), "train", dtype=object)
    split[tune], split[test] = "tune", "test"
    truth = digits.target[test]
    for name, peer in (("SVC(gamma=0.001)", SVC(gamma=0.001)), ("logistic regression", LogisticRegression(max_iter=5000))):
        peer.fit(digits.data[rest], digits.target[rest])
        scores = peer.decision_function(digits.data[test])
        _line(f"scikit-learn {name}", truth, scores, 0.0)
    for network in said.networks.split(","):
        with tempfile.TemporaryDirectory() as folder:
            scores, seconds = _through(Path(folder) / "study", digits, split, test, network, said.epochs)
        for output, own in scores.items():
            if output == "model" or network == said.networks.split(",")[0]:
                _line(f"bedside {network} ({output})", truth, own, seconds)


def _through(root: Path, digits, split, test, network: str, epochs: int) -> tuple[dict[str, np.ndarray], float]:  # type: ignore[no-untyped-def]
    for folder in ("images", "labels"):
        (root / "raw" / folder).mkdir(parents=True)
    for number, pixels in enumerate(digits.images):
        data = instance((pixels * 15).astype(np.uint8), patient=f"d{number}", number=f"d{number}", modality="OT", more={"WindowCenter": "120", "WindowWidth": "241"})
        (root / "raw/images" / f"d{number}.dcm").write_bytes(data)
    rows = "".join(f"d{number},{digit},{split[number]}\n" for number, digit in enumerate(digits.target))
    (root / "raw/labels/digits.csv").write_text("image,digit,split\n" + rows)
    (root / "digits.toml").write_text(MAPPING)
    asks = ", ".join(f'{{ name = "d{digit}", kind = "yes-no" }}' for digit in range(10))
    codes = ", ".join(f'd{digit} = "DIGIT//{digit}"' for digit in range(10))
    (root / "study.toml").write_text(STUDY.format(asks=asks, codes=codes, network=network, epochs=epochs))
    Keyring.create(root.with_name("study.keyring"))
    study = Study(root)
    study.run(["deidentify", "read", "check", "cohort"], quiet=True)
    before = time.process_time()
    study.run(["train"], quiet=True)
    seconds = time.process_time() - before
    study.run(["test"], quiet=True)
    said = study.predictions("test").with_columns(pl.col("target").str.slice(1).cast(pl.Int64).alias("digit"))
    order = {_subject(f"d{number}"): place for place, number in enumerate(test)}
    scores = {output: np.zeros((len(test), 10)) for output in said["output"].unique().sort(descending=True)}
    for subject, output, digit, value in said.select("subject_id", "output", "digit", "value").iter_rows():
        scores[output][order[subject], digit] = value
    return scores, seconds


def _subject(name: str) -> int:
    from bedside.core.ids import subject_number

    return subject_number(name)


def _line(name: str, truth: np.ndarray, scores: np.ndarray, seconds: float) -> None:
    draw = np.random.default_rng(1)
    drawn = [draw.integers(0, len(truth), len(truth)) for _ in range(2000)]
    right = scores.argmax(1) == truth
    accuracy = np.quantile([right[rows].mean() for rows in drawn], (0.025, 0.975))
    areas = np.quantile([_auroc(truth[rows], scores[rows]) for rows in drawn[:400]], (0.025, 0.975))
    print(f"{name:<38} accuracy {right.mean():.3f} [{accuracy[0]:.3f}, {accuracy[1]:.3f}]   mean AUROC {_auroc(truth, scores):.4f} "
          f"[{areas[0]:.4f}, {areas[1]:.4f}]   n {len(truth)}   {seconds:.0f} CPU-s", flush=True)  # fmt: skip


def _auroc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean over the digits of the chance that one of it scores above one of another."""
    from scipy.stats import rankdata

    areas = []
    for digit in range(10):
        own = truth == digit
        ranks = rankdata(scores[:, digit])
        areas.append((ranks[own].sum() - own.sum() * (own.sum() + 1) / 2) / (own.sum() * (~own).sum()))
    return float(np.mean(areas))


if __name__ == "__main__":
    main()
