"""Fed-Heart-Disease over four hospitals: FedAvg against training on pooled rows, through the whole spine.

    .venv/bin/python benchmarks/fed_heart.py [--seeds 43,44,45,46,47] [--data ../shared/data]

Data      UCI Heart Disease (CC BY 4.0), four hospitals; as in FLamby: columns slope, ca, thal left out, complete rows, target above 0,
          66/34 split in each hospital, stratified where both kinds are there (scikit-learn's train_test_split; FLamby's is random_state 43, the first seed here).
Each      split: four study folders (as-received tables, mapping fed-heart, declared split), deidentify .. cohort, then `federate`. Everything
          is judged on the same test patients of all hospitals together, by the accuracy at risk 0.5 and the AUROC.
pooled    the same fit with all rows at one site (the fit that FedAvg should equal); and scikit-learn's Newton on the same rows
local     one hospital's rows alone, the same fit
Interval  of FedAvg minus pooled: patients of the test resampled within hospitals, both models on the same patients (2,000 times, percentiles)
Published FLamby, mean of 5 seeds, pooled test, accuracy: pooled .7953, FedAvg .7480, FedProx .7480, cyclic .7850, local 0 .7843, local 2 .4827
          (shared/data/evidence/fed-heart/flamby_reference_heart_seed42.csv)
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from bedside.bundle.store import Bundle
from bedside.federate.coordinator import Coordinator
from bedside.federate.receipt import sign
from bedside.federate.site import Site, Tested, Who
from bedside.federate.transport import InProcess
from bedside.pillars.risk.fit import matrix_of
from bedside.pillars.risk.learners import Lesson, logistic_member
from bedside.pillars.risk.options import options
from bedside.study import Study
from bedside.study.federate import columns_of, federate
from bedside.study.federate_site import OWN, plan_of

SITES = ("cleveland", "hungarian", "switzerland", "va")
_LEFT_OUT = ("slope", "ca", "thal")
_FITS = {
    "FedAvg": {"kind": "logistic", "federated": {"rounds": 60, "local_steps": 5}},
    "FedProx": {"kind": "logistic", "federated": {"method": "fedprox", "proximal": 0.1, "rounds": 60, "local_steps": 5}},
    "FedAvg, one local step": {"kind": "logistic", "federated": {"rounds": 300, "local_steps": 1}},
    "FedAvg, private": {"kind": "logistic", "federated": {"rounds": 30, "local_steps": 1, "folds": 0, "privacy": {"unit": "patient", "noise": 3.0, "clip": 1.0}}},
    "LightGBM bagging": {"kind": "lightgbm", "federated": {"rounds": 40}},
    "LightGBM cyclic": {"kind": "lightgbm", "federated": {"method": "cyclic", "rounds": 80}},
}
_TREES = {"trees": 160, "rows_in_leaf": 8, "leaves": 4, "feature_share": 0.7, "l2": 1.0}
_RESAMPLES = 2000


def prepare(data: Path, out: Path, seed: int, model: dict[str, object], *, tell: bool) -> None:
    """Four study folders and the shared study.toml."""
    for site in SITES:
        rows = _complete(data / f"processed.{site}.data")
        ill = [float(row["target"]) > 0 for row in rows]
        enough = min(sum(ill), len(ill) - sum(ill)) > 2  # as FLamby: one hospital has a single patient without the disease
        _, test = train_test_split(range(len(rows)), test_size=0.34, train_size=0.66, random_state=seed, shuffle=True, stratify=ill if enough else None)
        rows, test = _without_copies(rows, set(test), site if tell else "")
        folder = out / "sites" / site
        (folder / "raw").mkdir(parents=True)
        with (folder / "raw" / "patients.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [*rows[0], "split"])
            writer.writeheader()
            writer.writerows({**row, "split": "test" if place in test else "train"} for place, row in enumerate(rows))
        (folder / "study.toml").write_text(_study(site, _SOURCE, model))
    (out / "study.toml").write_text(_study("all", "", model, shared=True))


def _complete(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        rows = [{name: value for name, value in row.items() if name not in _LEFT_OUT} for row in csv.DictReader(stream)]
    return [row for row in rows if all(value not in ("", "?") for value in row.values())]


def _without_copies(rows: list[dict[str, str]], test: set[int], site: str) -> tuple[list[dict[str, str]], set[int]]:
    """Rows without training rows that are a test patient's once more: the cohort step refuses such a split, FLamby keeps it."""
    told = [tuple(float(value) for value in row.values()) for row in rows]
    tested = {told[place] for place in test}
    kept = [place for place in range(len(rows)) if place in test or told[place] not in tested]
    if site and len(kept) < len(rows):
        print(f"  {site}: {len(rows) - len(kept)} training row is a copy of a test patient's and is left out", flush=True)
    return [rows[place] for place in kept], {new for new, place in enumerate(kept) if place in test}


def _study(site: str, source: str, model: dict[str, object], *, shared: bool = False) -> str:
    own = {name: value for name, value in model.items() if name != "federated"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in own.items()]
    federated = [f"{name} = {_toml(value)}" for name, value in dict(model["federated"]).items()]  # type: ignore[call-overload]
    return (f'schema = "bedside.study/1"\nname = "fed-heart"\nsite = "{site}"\n' + ("source = []\n" if shared else "") + source
            + '[deidentify]\npolicy = "as-received"\nattestation = "UCI Heart Disease: names and numbers were taken out by the donors"\n' + _TASK
            + "\n[model]\npenalty = 1.0\n" + "\n".join(lines) + '\nvariants = []\n[model.thresholds]\nhalf = "risk=0.5"\n[model.federated]\n' + "\n".join(federated) + "\n")  # fmt: skip


def _toml(value: object) -> str:
    return "{ " + ", ".join(f"{name} = {json.dumps(one)}" for name, one in value.items()) + " }" if isinstance(value, dict) else json.dumps(value)


_SOURCE = '[[source]]\nname = "patients"\nformat = "tables"\npath = "raw"\nmapping = "fed-heart"\n'


def _signal(name: str, codes: list[str], values: dict[str, int] | None = None, unit: str | None = None,
            between: tuple[float, float] | None = None) -> str:  # fmt: skip
    told = f'\n[[task.features.signals]]\nname = "{name}"\ncodes = {json.dumps(codes)}\n' + (f'unit = "{unit}"\n' if unit else "")
    told += f"low = {between[0]}\nhigh = {between[1]}\n" if between else ""
    return told + ("values = { " + ", ".join(f'"{code}" = {value}' for code, value in values.items()) + " }\n" if values else "")


def _kinds(code: str, numbers: range) -> str:
    """A signal for each kind but the first, as FLamby's dummies."""
    names = [f"UCI_HEART//{code}//{number}" for number in numbers]
    return "".join(_signal(f"{code.lower()}_{one.rpartition('/')[2]}", names, {name: int(name == one) for name in names}) for one in names[1:])


_TASK = (
    """
[task]
name = "heart-disease"
exclude_ages_below = 0
[task.outcome]
name = "diseased vessels at angiography"
codes = ["UCI_HEART//DISEASE"]
at_least = 1
[task.prediction]
unit = "admission"
start_codes = ["ENCOUNTER_START//OUTPATIENT"]
end_codes = ["ENCOUNTER_END//OUTPATIENT"]
[task.split]
by = "declared"
[task.features]
summaries = ["last"]
windows_hours = [24]
static = ["age_years", "sex_male"]
static_codes = { age_years = "UCI_HEART//AGE" }
clock = false
"""
    + "".join(_signal(name, [f"UCI_HEART//{name.upper()}"], unit=unit, between=between) for name, unit, between in (
        ("trestbps", "mm[Hg]", (0, 250)), ("chol", "mg/dL", (0, 700)), ("fbs", None, (0, 1)), ("thalach", "/min", (50, 220)),
        ("exang", None, (0, 1)), ("oldpeak", None, (-4, 8))))
    + _kinds("CP", range(1, 5)) + _kinds("RESTECG", range(3))
)  # fmt: skip


class _NoTest:
    """A desk for rows that were put together for comparison: nothing is tested there, and nothing vouched for."""

    def test(self, bundle: str, files: object) -> Tested:
        return Tested({}, {}, 0, 0)

    def sign(self, receipt: object) -> object:
        return sign(receipt, bytes(32))  # type: ignore[arg-type]


def alone(out: Path, sites: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Risks and hospitals of all test patients by the same fit on the rows of some hospitals put together."""
    studies = [Study(out / "sites" / site) for site in SITES]
    agreed = plan_of(studies[0].file)
    rows = [agreed.pillar.rows(s.file.task, s.file.model, *_frames(s), s.file.seed) for s in studies if s.file.site in sites]
    first = np.cumsum([0] + [len(one.outcome) for one in rows[:-1]])
    whole = rows[0]._replace(matrix=np.vstack([one.matrix for one in rows]), outcome=np.concatenate([one.outcome for one in rows]),
                             subject=np.concatenate([one.subject + start for one, start in zip(rows, first, strict=True)]),
                             fold=np.concatenate([one.fold for one in rows]))  # fmt: skip
    if whole.outcome.all():  # nothing to learn: a hospital that knows the disease alone sees it in everybody
        return np.ones(len(tests(out, whole.names)[1])), tests(out, whole.names)[2]
    with tempfile.TemporaryDirectory() as beside:
        site = Site(Who("together", "as-received", "", ""), agreed, whole, _NoTest(), key=bytes(32))  # type: ignore[arg-type]
        Coordinator(agreed, InProcess([site])).federate(columns_of(agreed), Path(beside) / "model")
        bundle = Bundle.open(Path(beside) / "model")
    features, _, hospital = tests(out, bundle.names)
    return bundle.predict(features), hospital


def newton(out: Path) -> np.ndarray:
    """Risks of all test patients by scikit-learn on all training rows, uncalibrated."""
    studies = [Study(out / "sites" / site) for site in SITES]
    agreed = plan_of(studies[0].file)
    rows = [agreed.pillar.rows(s.file.task, s.file.model, *_frames(s), s.file.seed) for s in studies]
    matrix, outcome = np.vstack([one.matrix for one in rows]), np.concatenate([one.outcome for one in rows]).astype(np.float32)
    text = logistic_member(Lesson(matrix, outcome, np.ones(len(outcome), np.float32), rows[0].names, 1), options(dict(studies[0].file.model)))
    from bedside.bundle.runners.logistic import Logistic

    return 1 / (1 + np.exp(-Logistic({"member-00.json": text}, where="pooled").margins(tests(out, rows[0].names)[0])))


def _frames(study: Study) -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.read_parquet(study.root / "cohort/decisions.parquet"), pl.read_parquet(study.root / "cohort/features.parquet")


def tests(out: Path, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, outcomes and hospitals of all test patients, in the order of the federated predictions."""
    parts = [], [], []  # type: ignore[var-annotated]
    for site in SITES:
        told = pl.read_parquet(out / "sites" / site / OWN / "predictions.parquet").filter(output="risk").sort("unit_id")
        features = pl.read_parquet(out / "sites" / site / "cohort/features.parquet")
        parts[0].append(matrix_of(told.select("unit_id").join(features, on="unit_id", how="left", maintain_order="left"), names))
        parts[1].append(told["label"].to_numpy().astype(bool))
        parts[2].append(np.full(told.height, site))
    return np.vstack(parts[0]), np.concatenate(parts[1]), np.concatenate(parts[2])


def risks(out: Path) -> np.ndarray:
    """The federated bundle's risks of all test patients, as each hospital predicted them."""
    frames = [pl.read_parquet(out / "sites" / site / OWN / "predictions.parquet").filter(output="risk").sort("unit_id") for site in SITES]
    return np.concatenate([frame["value"].to_numpy() for frame in frames])


def accuracy(outcome: np.ndarray, risk: np.ndarray) -> float:
    return float(((risk >= 0.5) == outcome).mean())


def gap_interval(outcome: np.ndarray, ours: np.ndarray, theirs: np.ndarray, hospital: np.ndarray, seed: int) -> tuple[float, float]:
    """95% interval of the difference in accuracy: patients resampled within hospitals."""
    better = ((ours >= 0.5) == outcome).astype(float) - ((theirs >= 0.5) == outcome).astype(float)
    draw, total = np.random.default_rng(seed), np.zeros(_RESAMPLES)
    for site in SITES:
        own = better[hospital == site]
        total += own[draw.integers(0, len(own), (_RESAMPLES, len(own)))].sum(axis=1)
    low, high = np.percentile(total / len(outcome), [2.5, 97.5])
    return float(low), float(high)


def run(seed: int, data: Path, top: Path) -> dict[str, tuple[float, float]]:
    """Accuracy and AUROC of every fit on one split, printed as they come."""
    found: dict[str, tuple[float, float]] = {}
    said: dict[str, np.ndarray] = {}
    for name, model in _FITS.items():
        out = top / f"{seed}-{name.replace(' ', '-').replace(',', '')}"
        told = {**model, **(_TREES if model["kind"] == "lightgbm" else {})}
        prepare(data, out, seed, told, tell=name == "FedAvg")
        if name != "FedAvg":  # the steps up to the cohort are the same whatever the model is
            _reuse(top / f"{seed}-FedAvg", out)
        done = federate(out / "study.toml", [out / "sites" / site for site in SITES], out=out / "federated", quiet=True)
        said[name] = risks(out)
        if "privacy" in dict(model["federated"]):  # type: ignore[call-overload]
            print(f"  {name}: epsilon {done.run.sites[0].signed.told.epsilon:.2f} at delta 1e-5, for each patient", flush=True)  # type: ignore[union-attr]
        _, outcome, hospital = tests(out, Bundle.open(out / "federated/bundles/model").names)
        if name == "FedAvg":
            said["pooled"], _ = alone(out, list(SITES))
            said["pooled, scikit-learn"] = newton(out)
            said |= {f"local {place} ({site})": alone(out, [site])[0] for place, site in enumerate(SITES)}
        if name == "LightGBM bagging":
            said["LightGBM pooled"], _ = alone(out, list(SITES))
        shown = said["pooled"]
        print(f"  {name:<24} accuracy {accuracy(outcome, said[name]):.4f}  AUROC {roc_auc_score(outcome, said[name]):.4f}", flush=True)
        if model["kind"] == "logistic":
            low, high = gap_interval(outcome, said[name], shown, hospital, seed)
            gap = accuracy(outcome, said[name]) - accuracy(outcome, shown)
            print(f"    minus pooled {gap:+.4f} (95% interval {low:+.4f} to {high:+.4f}, {len(outcome)} test patients)", flush=True)
    for name in said:
        found[name] = accuracy(outcome, said[name]), float(roc_auc_score(outcome, said[name]))
        if name not in _FITS:
            print(f"  {name:<24} accuracy {found[name][0]:.4f}  AUROC {found[name][1]:.4f}", flush=True)
    return found


def _reuse(done: Path, out: Path) -> None:
    """Folders that a run has made, under another model: only the cohort's seal depends on it, and runs again."""
    for site in SITES:
        text = (out / "sites" / site / "study.toml").read_text()
        shutil.rmtree(out / "sites" / site)
        shutil.copytree(done / "sites" / site, out / "sites" / site)
        for suffix in (".keyring", ".keyring.map"):
            shutil.copy2(done / "sites" / f"{site}{suffix}", out / "sites" / f"{site}{suffix}")
        (out / "sites" / site / "study.toml").write_text(text)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seeds", default="43,44,45,46,47")
    asked.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    told = asked.parse_args()
    seeds = [int(seed) for seed in told.seeds.split(",")]
    with tempfile.TemporaryDirectory() as beside:
        found = []
        for seed in seeds:
            print(f"split {seed}", flush=True)
            found.append(run(seed, told.data / "evidence" / "fed-heart", Path(beside)))
    print(f"mean over {len(seeds)} splits")
    for name in found[0]:
        mean = np.mean([one[name] for one in found], axis=0)
        print(f"  {name:<24} accuracy {mean[0]:.4f}  AUROC {mean[1]:.4f}")
    gaps = [one["FedAvg"][0] - one["pooled"][0] for one in found]
    print(f"FedAvg minus pooled, accuracy: mean {np.mean(gaps):+.4f}, each {', '.join(f'{gap:+.4f}' for gap in gaps)}")


if __name__ == "__main__":
    main()
