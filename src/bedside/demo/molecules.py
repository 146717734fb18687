"""A made assay: real structures that RDKit ships, with made numbers beside them, as the tables that a laboratory exports.

In        a folder, a seed
Out       <folder>/raw/assays/solubility.csv (compound, structure, result, unit, date), channel.csv (the same with 0 or 1), mapping.toml,
          study.toml. The solubility is what Delaney's equation says, more for acids, plus noise; who blocks the channel is drawn from logP and amines
Bad       structures that cannot be read, none at all, a mixture, a metal compound, a result below the limit, one in another unit, two
          results of one compound that contradict each other: each is counted by the run
Source    structures: the first of NCI's open database, as in RDKit's Data/NCI (BSD-3-Clause); equation: Delaney, J Chem Inf Comput Sci
          2004;44:1000
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.lazy import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMPOUNDS = 320
_NOISE, _FIRST_DAY = 0.45, date(2019, 1, 7)
_LEAST, _MOST = 8, 35  # heavy atoms
BAD = (
    ("MADE-X1", "C1CC(=O", "-2.10", "1"), ("MADE-X2", "", "-3.00", "1"), ("MADE-X3", "c1ccc([Hg]c2ccccc2)cc1", "-4.4", "1"),
    ("MADE-X4", "CC(C)Cc1ccc(cc1)C(C)C(=O)O.CN1CCCC1c1cccnc1", "-1.9", "1"), ("MADE-X5", "c1ccc2ccccc2c1", "<-6.00", "1"),
    ("MADE-X6", "CCOC(=O)c1ccc(N)cc1", "812", "mg/L"), ("MADE-X7", "CC(=O)Nc1ccc(O)cc1", "-1.05", "1"),
    ("MADE-X8", "CC(=O)Nc1ccc(O)cc1", "-3.90", "1"),
)  # fmt: skip
"""Rows that cannot be learned from as they are: compound, structure, result, unit. The last two are one compound, and disagree."""


def write(out: Path, *, seed: int = 1) -> None:
    """Raw tables, their mapping and study.toml."""
    folder = out / "raw" / "assays"
    folder.mkdir(parents=True, exist_ok=True)
    source = np.random.Generator(np.random.PCG64(seed))
    rows = list(_measured(source))
    solubility = [(name, smiles, f"{value:.2f}", "1", day) for name, smiles, value, _, day in rows]
    solubility += [(*bad, _FIRST_DAY.isoformat()) for bad in BAD]
    _table(folder / "solubility.csv", ("compound", "structure", "result", "unit", "measured"), solubility)
    _table(folder / "channel.csv", ("compound", "structure", "blocks", "measured"), [(name, smiles, str(int(hit)), day) for name, smiles, _, hit, day in rows])
    for ours, theirs in (("molecules.toml", "study.toml"), ("molecules_mapping.toml", "mapping.toml")):
        (out / theirs).write_text(files("bedside.demo").joinpath(ours).read_text(encoding="utf-8"), encoding="utf-8")


def _measured(source: np.random.Generator) -> Iterator[tuple[str, str, float, bool, str]]:
    """Compound, structure, made log solubility, whether it blocks the made channel, and the day."""
    for number, (smiles, molecule) in enumerate(_structures()):
        fat, weight, bonds, aromatic, amines, acids = _described(molecule)
        soluble = 0.16 - 0.63 * fat - 0.0062 * weight + 0.066 * bonds - 0.74 * aromatic + 1.5 * acids + _NOISE * source.standard_normal()
        block = 1 / (1 + np.exp(-(1.1 * fat + 1.6 * amines - 3.2)))
        yield f"MADE-{number:04d}", smiles, soluble, bool(source.random() < block), (_FIRST_DAY + timedelta(days=number * 2)).isoformat()


def _structures() -> Iterator[tuple[str, Any]]:
    """The first drug-sized structures of RDKit's copy of NCI's list that are one part and can be read."""
    chem, config = need("rdkit.Chem", extra="molecules"), need("rdkit.RDConfig", extra="molecules")
    found = 0
    with need("rdkit.rdBase", extra="molecules").BlockLogs(), (Path(config.RDDataDir) / "NCI" / "first_5K.smi").open(encoding="utf-8") as lines:
        for line in lines:
            smiles = line.split()[0]
            molecule = chem.MolFromSmiles(smiles) if "." not in smiles else None
            if molecule is not None and _LEAST <= molecule.GetNumHeavyAtoms() <= _MOST and _organic(molecule):
                yield smiles, molecule
                found += 1
            if found == COMPOUNDS:
                return


def _organic(molecule: Any) -> bool:
    numbers = {atom.GetAtomicNum() for atom in molecule.GetAtoms()}
    return 6 in numbers and numbers <= {1, 6, 7, 8, 9, 15, 16, 17, 35, 53}


def _described(molecule: Any) -> tuple[float, float, int, float, int, int]:
    """logP by Crippen, weight in g/mol, rotatable bonds, share of aromatic atoms, aliphatic amines, acids."""
    library = need("rdkit.Chem.rdMolDescriptors", extra="molecules")
    aromatic = sum(atom.GetIsAromatic() for atom in molecule.GetAtoms()) / molecule.GetNumHeavyAtoms()
    pattern = need("rdkit.Chem", extra="molecules").MolFromSmarts
    amine, acid = pattern("[NX3;!$(N-C=[O,S,N]);!$(N-a);!$(N=*);!$(N-[N,O,S])]"), pattern("[CX3,S](=O)[OX2H1,OX1-]")
    return (library.CalcCrippenDescriptors(molecule)[0], library.CalcExactMolWt(molecule), library.CalcNumRotatableBonds(molecule), aromatic,
            len(molecule.GetSubstructMatches(amine)), len(molecule.GetSubstructMatches(acid)))  # fmt: skip


def _table(path: Path, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
