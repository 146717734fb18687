"""What kind of molecule it is: its ring skeleton, its cluster, its fold.

In        standard SMILES or packed fingerprints, in the order of the rows
Out       names of scaffolds (Bemis & Murcko, J Med Chem 1996;39:2887), numbers of clusters (Butina, J Chem Inf Comput Sci 1999;39:747)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.runners.molecules_interval import tanimoto
from bedside.bundle.runners.molecules_standard import EXTRA, molecule, quiet
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_RING, OTHER = "no ring", "other"


def scaffold(smiles: str) -> str:
    """SMILES of the rings and what links them, without stereo; empty where there is no ring.

    >>> scaffold("CC(=O)Oc1ccccc1C(=O)O")
    'c1ccccc1'
    """
    library = need("rdkit.Chem.Scaffolds.MurckoScaffold", extra=EXTRA)
    with quiet():
        return str(library.MurckoScaffoldSmiles(mol=molecule(smiles), includeChirality=False))


def subgroups(scaffolds: Sequence[str], *, named: int, rows: int) -> list[str]:
    """The most frequent scaffolds by their SMILES, if they have so many rows; compounds without rings; all others together.

    >>> subgroups(["c1ccccc1", "c1ccccc1", "", "C1CC1"], named=1, rows=2)
    ['c1ccccc1', 'c1ccccc1', 'no ring', 'other']
    """
    often = Counter(one for one in scaffolds if one)
    kept = [name for name, count in sorted(often.items(), key=lambda pair: (-pair[1], pair[0]))[:named] if count >= rows]
    return [NO_RING if not one else one if one in kept else OTHER for one in scaffolds]


def families(scaffolds: Sequence[str], skeletons: Sequence[str]) -> list[str]:
    """What must not be divided between folds: compounds of one scaffold, those without a ring by themselves; forms of one compound together.

    >>> families(["c1ccccc1", "", "", "c1ccccc1"], ["A", "B", "C", "D"])
    ['c1ccccc1', 'B', 'C', 'c1ccccc1']
    """
    first: dict[str, str] = {}
    return [first.setdefault(skeleton, ring or skeleton) for ring, skeleton in zip(scaffolds, skeletons, strict=True)]


def deal(groups: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each row: whole groups, the largest first, each to the fold with the fewest rows; ties in an order drawn by the seed.

    >>> sorted(np.bincount(deal(["a", "a", "b", "c", "d"], 2, 1)).tolist())
    [2, 3]
    """
    sizes = Counter(groups)
    names = sorted(sizes)
    drawn = dict(zip(names, np.random.default_rng(seed).permutation(len(names)).tolist(), strict=True))
    held, place = [0] * folds, dict[str, int]()
    for name in sorted(names, key=lambda one: (-sizes[one], drawn[one])):
        place[name] = min(range(folds), key=lambda fold: (held[fold], fold))
        held[place[name]] += sizes[name]
    return np.array([place[group] for group in groups], dtype=np.int64)


def clusters(fingerprints: NDArray[np.uint8], similarity: float) -> list[str]:
    """The cluster of each row: whoever has most neighbours not yet taken leads the next cluster, and takes them.

    similarity   Tanimoto from which two are neighbours. Memory: the neighbours, never all pairs.
    """
    words = np.ascontiguousarray(fingerprints).view(np.uint64)
    sizes = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    near = [np.flatnonzero(tanimoto(row, size, words, sizes) >= similarity) for row, size in zip(words, sizes.tolist(), strict=True)]
    told = np.full(len(words), -1, dtype=np.int64)
    for leader in sorted(range(len(near)), key=lambda i: (-len(near[i]), i)):
        if told[leader] < 0:
            told[near[leader][told[near[leader]] < 0]] = leader
    return [f"cluster-{leader}" for leader in told.tolist()]
