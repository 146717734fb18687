"""Six public data sets of molecules from raw tables to the report, one study each, beside published scores.

Ours      `bedside`'s steps on TDC's official splits (caco2_wang, lipophilicity_astrazeneca, herg, bbb_martins, cyp3a4_veith) and on
          MoleculeNet's ESOL by scaffold (80/10/10, train and valid develop): LightGBM on counts and descriptors, five folds of whole
          scaffolds; the mean or base rate and a line through logP and weight beside it
          with --network a D-MPNN of 30 epochs and three folds instead, on caco2_wang and ESOL: few epochs, so that a CPU suffices
Policy    on_leak = "drop-from-train", on_conflict = "median", mixtures = "largest": the test sets stay as published but for structures
          without carbon. Settings of [model] are the defaults, chosen on development folds of four of the sets; one seed
Peers     entries of TDC's leaderboard (train and valid develop, same test set) as GitHub deweihu96/admet-honest-audit lists them;
          ADMET-AI's figures on a split of its own; NovoExpert's by its own claim; LightGBM and Uni-Mol on ESOL as the line says.
          None was run here. A peer inside our interval is told as a tie
Prints    the audit's findings, the score of each output with its interval over scaffolds, coverage of 90 % intervals, CPU seconds
Run       python benchmarks/molecules.py --data ../shared/data/molecules [--only herg,esol] [--network] [--out DIR]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bedside.deidentify.keyring import Keyring
from bedside.study.study import Study

STEPS = ("deidentify", "read", "check", "cohort", "train", "test", "dossier")


class Peer(NamedTuple):
    """A published score and what it is."""

    name: str
    score: float


class Data(NamedTuple):
    """One data set: its files, the measure that is published, and the peers' scores in it."""

    files: tuple[str, ...]
    mapping: str
    kind: str
    code: str
    measure: str
    peers: tuple[Peer, ...]
    network: bool = False


def _tdc(name: str) -> tuple[str, ...]:
    return tuple(f"tdc_admet_group/{name}/{part}.csv" for part in ("train_val", "test"))


SETS = {
    "caco2_wang": Data(_tdc("caco2_wang"), "tdc", "number", "ASSAY//Y", "mae", (
        Peer("CaliciBoost (TDC board)", 0.256), Peer("MapLight (TDC board)", 0.276), Peer("Chemprop-RDKit (TDC board)", 0.330)), True),
    "lipophilicity_astrazeneca": Data(_tdc("lipophilicity_astrazeneca"), "tdc", "number", "ASSAY//Y", "mae", (
        Peer("ADMET-AI (its own split)", 0.431),)),
    "herg": Data(_tdc("herg"), "tdc", "yes-no", "ASSAY//Y", "auroc", (Peer("ADMET-AI (its own split)", 0.859),)),
    "bbb_martins": Data(_tdc("bbb_martins"), "tdc", "yes-no", "ASSAY//Y", "auroc", (Peer("ADMET-AI (its own split)", 0.939),)),
    "cyp3a4_veith": Data(_tdc("cyp3a4_veith"), "tdc", "yes-no", "ASSAY//Y", "auprc", (Peer("NovoExpert (claimed)", 0.916),)),
    "esol": Data(("moleculenet/ESOL_delaney-processed.csv",), "moleculenet", "number", "ASSAY//log-solubility", "rmse", (
        Peer("LightGBM, same split and features, measured elsewhere", 0.723), Peer("Uni-Mol (80 % train, from memory)", 0.788)), True),
}  # fmt: skip

TOML = """schema = "bedside.study/1"
name = "{name}"

[[source]]
name = "compounds"
format = "tables"
path = "raw"
mapping = "{mapping}"

[deidentify]
policy = "as-received"
keyring = "../{name}.keyring"
attestation = "public compounds: no row is about a person"

[task]
kind = "molecule"
name = "{name}"
asks = [{{ name = "{name}", kind = "{kind}" }}]
codes = {{ {name} = "{code}" }}
on_leak = "drop-from-train"
on_conflict = "median"
standard = {{ mixtures = "largest", metals = "keep" }}
split = {split}

[model]
{model}
"""
NETWORK = 'kind = "d-mpnn"\nepochs = 30\nfolds = 3'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with tdc_admet_group and moleculenet")
    parser.add_argument("--only", help="data sets, by comma")
    parser.add_argument("--network", action="store_true", help="fit the D-MPNN where it is meant to be shown")
    parser.add_argument("--out", type=Path, help="folder that keeps the studies; a temporary one by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in asked.only.split(",") if asked.only else [name for name, data in SETS.items() if data.network or not asked.network]:
            one(name, SETS[name], asked.data, asked.out or Path(scratch), network=asked.network)


def one(name: str, data: Data, source: Path, out: Path, *, network: bool) -> None:
    """Run one study and print what came of it."""
    root = out / name
    (root / "raw").mkdir(parents=True)
    for file in data.files:
        shutil.copyfile(source / file, root / "raw" / Path(file).name)
    split = '{ by = "scaffold", test_fraction = 0.1, tune_fraction = 0.1 }' if name == "esol" else '{ by = "declared" }'
    text = TOML.format(name=name, mapping=data.mapping, kind=data.kind, code=data.code, split=split, model=NETWORK if network else "")
    (root / "study.toml").write_text(text, encoding="utf-8")
    Keyring.create(out / f"{name}.keyring")
    print(f"\n{name}, {'D-MPNN' if network else 'LightGBM'}", flush=True)
    study, spent = Study(root), dict[str, float]()
    for step in STEPS:
        begun = time.process_time()
        study.run([step], quiet=True)
        spent[step] = time.process_time() - begun
    report(root, data, spent)


def report(root: Path, data: Data, spent: dict[str, float]) -> None:
    result = msgspec.json.decode((root / "reports/evaluation.json").read_bytes())["sections"][0]["result"]
    flow = msgspec.json.decode((root / "cohort/flow.json").read_bytes())
    print(f"  {', '.join(f'{count} {words}' for words, count in flow.items() if count)}")
    main = scores(result, data.measure)["model"]
    for output, found in scores(result, data.measure).items():
        covered = measured(result, output).get("coverage")
        note = f"   90 % intervals hold {shown(covered)}" if covered else ""
        print(f"  {output:<14}{data.measure} {shown(found)}  n {found['n']}{note}")
    for peer in data.peers:
        print(f"  {'peer':<14}{data.measure} {peer.score:.3f}  {peer.name}: {verdict(main, peer.score, data.measure)}")
    print(f"  CPU seconds {sum(spent.values()):.0f} (cohort {spent['cohort']:.0f}, train {spent['train']:.0f}, test {spent['test']:.0f})", flush=True)


def scores(result: dict[str, Any], measure: str) -> dict[str, dict[str, Any]]:
    """The published measure of every output, the model first."""
    return {row["output"]: found for row in result["outputs"] if (found := measured(result, row["output"]).get(measure))}


def measured(result: dict[str, Any], output: str) -> dict[str, Any]:
    row = next(one for one in result["outputs"] if one["output"] == output)
    return {**row.get("measures", {}), **{name: row[name] for name in ("auroc", "auprc") if name in row}}


def verdict(ours: dict[str, Any], theirs: float, measure: str) -> str:
    """A tie where the peer lies inside our interval."""
    if ours["low"] <= theirs <= ours["high"]:
        return "a tie within our interval"
    lower_is_better = measure in ("mae", "rmse")
    return "ours is better" if (ours["value"] < theirs) == lower_is_better else "theirs is better"


def shown(one: dict[str, Any]) -> str:
    if one["value"] is None or one["low"] is None:
        return "-" if one["value"] is None else f"{one['value']:.3f}"
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


if __name__ == "__main__":
    main()
