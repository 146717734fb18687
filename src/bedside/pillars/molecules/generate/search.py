"""A genetic algorithm over molecular graphs with a budget of scorer calls.

In        SMILES to start from, a scorer (higher is better), a budget, a seed
Out       `Search`: every molecule that was scored, in the order of the calls; what became of the proposals
Budget    a call is one molecule scored that was not scored before; the start molecules that are scored count too
Refuses   a start without a single molecule that can be read
Source    Jensen, Chem Sci 2019;10:3567; area under the top-10 curve: Gao et al., NeurIPS 2022 (PMO), arXiv 2206.12411.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.core.errors import Unusable
from bedside.core.lazy import need
from bedside.pillars.molecules.generate.edits import cross, finished, mutate

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scorer = Callable[[Sequence[str]], "NDArray[np.float64]"]
_MOST_TRIES = 50


class SearchOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to search.

    calls        budget of scorer calls
    population   molecules kept from one generation to the next
    offspring    new molecules a generation
    mutation     share of children that are changed once more after the crossing
    most_atoms   heavy atoms a child may have; 0: the start's mean plus three standard deviations
    """

    calls: int = 1000
    population: int = 100
    offspring: int = 100
    mutation: float = 0.5
    most_atoms: int = 0


class Scored(msgspec.Struct, frozen=True):
    """One molecule and its score. `born` 0: it was in the start."""

    call: int
    smiles: str
    score: float
    born: int


@dataclass
class Search:
    """What a search found. `proposals` counts children by what became of them: valid, impossible, too large, seen before, not scored."""

    scored: list[Scored] = field(default_factory=list)
    proposals: dict[str, int] = field(default_factory=dict)

    def best(self, n: int = 10) -> list[Scored]:
        return sorted(self.scored, key=lambda one: (-one.score, one.call))[:n]

    def area(self, n: int = 10, *, calls: int) -> float:
        """Mean over the budget of the mean score of the best `n` so far; after the last call the best stays as it is."""
        best: list[float] = []
        total = 0.0
        for one in self.scored[:calls]:
            best = sorted([*best, one.score], reverse=True)[:n]
            total += sum(best) / n if len(best) == n else 0.0
        return (total + (calls - min(len(self.scored), calls)) * (sum(best) / n if len(best) == n else 0.0)) / calls


def search(start: Sequence[str], scorer: Scorer, options: SearchOptions, *, seed: int) -> Search:
    """Search until the budget is spent, or no new molecule can be made."""
    with need("rdkit.rdBase", extra="molecules").BlockLogs():  # a proposal that cannot be is no fault
        return _searched(start, scorer, options, seed)


def _searched(start: Sequence[str], scorer: Scorer, options: SearchOptions, seed: int) -> Search:
    chance, told = Random(seed), Search()
    pool = _Pool(scorer, told, options.calls)
    first = [mol for mol in map(_read, start) if mol is not None]
    if not first:
        raise Unusable("no molecule to start from can be read", where="the start of the search", do="give SMILES, one a line")
    chance.shuffle(first)
    most = options.most_atoms or _usual_size(first)
    alive = pool.scored(first[: options.population], born=0)
    born = 0
    while alive and pool.left > 0:
        born += 1
        children = _children(alive, options, chance, pool, most)
        fresh = pool.scored(children, born=born)
        if not fresh:
            break
        alive = sorted([*alive, *fresh], key=lambda pair: (-pair[1].score, pair[1].call))[: options.population]
    return told


@dataclass
class _Pool:
    """Molecules that were scored, and the budget that is left."""

    scorer: Scorer
    told: Search
    calls: int
    seen: set[str] = field(default_factory=set)

    @property
    def left(self) -> int:
        return self.calls - len(self.told.scored)

    def scored(self, mols: Sequence[Any], *, born: int) -> list[tuple[Any, Scored]]:
        """Score those not seen before, as far as the budget goes; a score that is no number is counted and left out."""
        new = list({smiles: mol for mol in mols if (smiles := _written(mol)) not in self.seen}.items())[: self.left]
        if not new:
            return []
        self.seen.update(smiles for smiles, _ in new)
        values = np.asarray(self.scorer([smiles for smiles, _ in new]), dtype=float)
        found = []
        for (smiles, mol), value in zip(new, values, strict=True):
            one = Scored(len(self.told.scored) + 1, smiles, float(value) if np.isfinite(value) else float("-inf"), born)
            self.told.scored.append(one)
            if np.isfinite(value):
                found.append((mol, one))
            else:
                self.count("not scored")
        return found

    def count(self, what: str) -> None:
        self.told.proposals[what] = self.told.proposals.get(what, 0) + 1


def _children(alive: list[tuple[Any, Scored]], options: SearchOptions, chance: Random, pool: _Pool, most: int) -> list[Any]:
    """Children of parents drawn by rank; each proposal is counted by what became of it."""
    parents = [mol for mol, _ in alive]
    weights = [1.0 / (rank + 10) for rank in range(len(parents))]
    children: list[Any] = []
    known = set(pool.seen)
    for _ in range(_MOST_TRIES * options.offspring):
        if len(children) >= min(options.offspring, pool.left):
            break
        one, other = chance.choices(parents, weights, k=2)
        child = cross(one, other, chance)
        if child is not None and chance.random() < options.mutation:
            child = mutate(child, chance)
        elif child is None:
            child = mutate(one, chance)
        fate = _fate(child, known, most)
        pool.count(fate)
        if fate == "valid":
            known.add(_written(child))
            children.append(child)
    return children


def _fate(child: Any, known: set[str], most: int) -> str:
    if child is None:
        return "impossible"
    if child.GetNumHeavyAtoms() > most:
        return "too large"
    return "seen before" if _written(child) in known else "valid"


def _usual_size(mols: Sequence[Any]) -> int:
    sizes = np.array([mol.GetNumHeavyAtoms() for mol in mols], dtype=float)
    return int(np.ceil(sizes.mean() + 3 * sizes.std()))


def _read(smiles: str) -> Any | None:
    mol = need("rdkit.Chem", extra="molecules").MolFromSmiles(smiles)
    return finished(mol) if mol is not None else None


def _written(mol: Any) -> str:
    return str(need("rdkit.Chem", extra="molecules").MolToSmiles(mol))
