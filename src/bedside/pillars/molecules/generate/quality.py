"""What made molecules are worth as a set: valid, unique, novel, makeable, different from each other.

In        SMILES that were made; those that the search and the scorer knew
Out       `Quality`; every share with its n
Source    validity, uniqueness, novelty: Brown et al., J Chem Inf Model 2019;59:1096 (GuacaMol); internal diversity: Polykovskiy et al.,
          Front Pharmacol 2020;11:565644 (MOSES); synthetic accessibility: Ertl and Schuffenhauer, J Cheminform 2009;1:8, 1 (easy) to 10;
          QED: Bickerton et al., Nat Chem 2012;4:90; PAINS: Baell and Holloway, J Med Chem 2010;53:2719.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from bedside.core.lazy import need
from bedside.evaluate.generated import Quality

_RADIUS, _BITS, _MOST_PAIRS = 2, 2048, 500


def quality(made: Sequence[str], known: Collection[str]) -> Quality:
    """Measures of a set of SMILES against those that were known before (compared as canonical SMILES)."""
    chem = need("rdkit.Chem", extra="molecules")
    mols = [mol for smiles in made if (mol := chem.MolFromSmiles(smiles)) is not None and mol.GetNumAtoms()]
    distinct = {chem.MolToSmiles(mol): mol for mol in mols}
    before = {chem.MolToSmiles(mol) for smiles in known if (mol := chem.MolFromSmiles(smiles)) is not None}
    there = list(distinct.values())
    return Quality(len(made), _share(len(mols), len(made)), _share(len(distinct), len(mols)), _share(len(distinct.keys() - before), len(distinct)),
                   diversity(there), _median([accessibility(mol) for mol in there]), _median([_drug_like(mol) for mol in there]),
                   _share(sum(map(_alerts().HasMatch, there)), len(there)) if there else None)  # fmt: skip


def accessibility(mol: Any) -> float:
    """Synthetic accessibility of one molecule, 1 (easy) to 10 (hard)."""
    return float(need("rdkit.Contrib.SA_Score.sascorer", extra="molecules").calculateScore(mol))


def diversity(mols: Sequence[Any]) -> float | None:
    """1 - mean Tanimoto similarity over pairs; None of fewer than two."""
    if len(mols) < 2:
        return None
    similar = need("rdkit.DataStructs", extra="molecules").BulkTanimotoSimilarity
    prints = _prints(mols[:_MOST_PAIRS])
    return 1.0 - float(np.mean([value for place, one in enumerate(prints[1:], 1) for value in similar(one, prints[:place])]))


def _prints(mols: Sequence[Any]) -> list[Any]:
    maker = need("rdkit.Chem.rdFingerprintGenerator", extra="molecules").GetMorganGenerator(radius=_RADIUS, fpSize=_BITS)
    return [maker.GetFingerprint(mol) for mol in mols]


def _drug_like(mol: Any) -> float:
    return float(need("rdkit.Chem.QED", extra="molecules").qed(mol))


def _alerts() -> Any:
    catalog = need("rdkit.Chem.FilterCatalog", extra="molecules")
    asked = catalog.FilterCatalogParams()
    asked.AddCatalog(catalog.FilterCatalogParams.FilterCatalogs.PAINS)
    return catalog.FilterCatalog(asked)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
