"""Search for molecules: calls per CPU-second and what is found, and how much of a gain the held-back scorer sees.

    python benchmarks/generate.py --data ../shared/data [--calls 2300] [--seeds 3]

Rediscovery: Tanimoto similarity to celecoxib (ECFP4 counts folded to 2048 bits would be GuacaMol's; here the binary ones), from 300 ChEMBL
molecules without it. Elsewhere, another machine and start: the graph GA of guacamol_baselines gave best .570, top-10 .508 after 2,323 calls, 60 calls
per CPU-second. Held back: logD of AstraZeneca's set, 800 compounds, 600 calls.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from bedside.core.task_molecule import Standard
from bedside.pillars.molecules.generate.run import generate
from bedside.pillars.molecules.generate.search import SearchOptions, search
from bedside.pillars.molecules.groups import scaffold
from bedside.pillars.molecules.options import ModelOptions

CELECOXIB = "Cc1ccc(cc1)-c1cc(nn1-c1ccc(cc1)S(N)(=O)=O)C(F)(F)F"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=2300)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    molecules = asked.data / "molecules"
    rediscovery(molecules / "chembl_10k" / "chembl_10k.smi", asked.calls, asked.seeds)
    held_back(molecules / "tdc_admet_group" / "lipophilicity_astrazeneca" / "train_val.csv", asked.seeds)


def rediscovery(path: Path, calls: int, seeds: int) -> None:
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    aim = maker.GetFingerprint(Chem.MolFromSmiles(CELECOXIB))
    start = [line.split()[0] for line in path.read_text().splitlines()[:300]]

    def score(smiles):
        return np.array([DataStructs.TanimotoSimilarity(aim, maker.GetFingerprint(Chem.MolFromSmiles(one))) for one in smiles])

    for seed in range(1, seeds + 1):
        before = time.process_time()
        found = search(start, score, SearchOptions(calls=calls), seed=seed)
        spent = time.process_time() - before
        best = [one.score for one in found.best(10)]
        print(f"rediscovery, seed {seed}: {len(found.scored)} calls, {len(found.scored) / spent:.0f} calls per CPU-second, best {best[0]:.3f}, "
              f"top-10 {np.mean(best):.3f}, area {found.area(calls=calls):.3f}")  # fmt: skip


def held_back(path: Path, seeds: int) -> None:
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:800]
    smiles, answer = [row["Drug"] for row in rows], np.array([float(row["Y"]) for row in rows])
    groups = [scaffold(one) or one for one in smiles]
    for seed in range(1, seeds + 1):
        found = generate(smiles, answer, groups, target="logD", labels=False, higher=True, seed=seed, search_options=SearchOptions(calls=600),
                         standard=Standard(), options=ModelOptions(trees=200))  # fmt: skip
        kept, made = found.kept["held_back"], found.quality
        print(f"logD, seed {seed}: objective {found.start.objective:.2f} -> {found.course[-1].objective:.2f}, held-back scorer sees {kept.value:.2f} of the gain "
              f"({kept.low:.2f} to {kept.high:.2f}, n = {kept.n}), the twin {found.kept['twin'].value:.2f}; valid {made.valid:.3f}, unique {made.unique:.3f}, "
              f"novel {made.novel:.3f}, accessibility {made.accessibility:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
