"""A directed message passing network (D-MPNN) in numpy: molecules to graphs, graphs to one number each. No torch, no chemprop.

In        RDKit molecules; weights as `safetensors` bytes, of the names that chemprop 2 gives them
Out       `Graphs`; `forward`: (n,) float64
Source    Yang et al., J Chem Inf Model 2019;59:3370, equations 1-6; features and layers as chemprop 2 (Heid et al., J Chem Inf Model
          2024;64:9) has them by default: 72 numbers an atom, 14 a bond, sum over atoms / 100, one hidden layer.
Tested    against chemprop itself, to 1e-4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.bundle.runners.molecules_standard import EXTRA
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats32 = NDArray[np.float32]

ATOM, BOND, NORM = 72, 14, 100.0
_ELEMENTS = {number: place for place, number in enumerate([*range(1, 37), 53])}
_CHARGES = {charge: place for place, charge in enumerate((-1, -2, 1, 2, 0))}
_HYBRIDS = {name: place for place, name in enumerate(("S", "SP", "SP2", "SP2D", "SP3", "SP3D", "SP3D2"))}
_ORDERS = {name: place for place, name in enumerate(("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"))}
_SMALL = {number: number for number in range(7)}
# Feature by feature: the choices, the number of places before the place for "another".
_ATOM_CHOICES: tuple[tuple[Mapping[Any, int], int], ...] = (
    (_ELEMENTS, 37), (_SMALL, 6), (_CHARGES, 5), (_SMALL, 4), (_SMALL, 5), (_HYBRIDS, 7),
)  # fmt: skip
_MASS, _STEREOS, _CHUNK = 0.01, 6, 256


class Graphs(NamedTuple):
    """Molecules as one graph. Each bond is two directed edges, 2k and 2k + 1.

    atoms   (a, 72); edges (e, 86): features of the source atom and of the bond; source, target (e,): atoms
    owner   (a,): which molecule an atom belongs to; n molecules
    """

    atoms: Floats32
    edges: Floats32
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    owner: NDArray[np.int64]
    n: int

    def part(self, chosen: Sequence[int]) -> Graphs:
        """The graph of some of the molecules, in that order."""
        first_atom = np.searchsorted(self.owner, np.arange(self.n + 1))
        edge_owner = self.owner[self.source]
        first_edge = np.searchsorted(edge_owner, np.arange(self.n + 1))
        atoms = [np.arange(first_atom[i], first_atom[i + 1]) for i in chosen]
        edges = [np.arange(first_edge[i], first_edge[i + 1]) for i in chosen]
        moved = np.concatenate([[0], np.cumsum([len(a) for a in atoms])])[:-1].astype(np.int64)
        shift = [moved[k] - first_atom[i] for k, i in enumerate(chosen)]
        where = [np.concatenate(parts) if parts else np.zeros(0, np.int64) for parts in (atoms, edges)]
        shifts = np.repeat(np.array(shift, dtype=np.int64), [len(e) for e in edges])
        owner = np.repeat(np.arange(len(chosen)), [len(a) for a in atoms])
        return Graphs(self.atoms[where[0]], self.edges[where[1]], self.source[where[1]] + shifts, self.target[where[1]] + shifts,
                      owner, len(chosen))  # fmt: skip


def graphs(molecules: Sequence[Any]) -> Graphs:
    """The molecules as one graph."""
    atoms, owners, bonds, source, target = list[Any](), list[int](), list[Any](), list[int](), list[int]()
    for number, one in enumerate(molecules):
        start = len(atoms)
        atoms += [_atom(atom) for atom in one.GetAtoms()]
        owners += [number] * (len(atoms) - start)
        for bond in one.GetBonds():
            begin, end, told = bond.GetBeginAtomIdx() + start, bond.GetEndAtomIdx() + start, _bond(bond)
            bonds += [told, told]
            source += [begin, end]
            target += [end, begin]
    table = np.array(atoms, dtype=np.float32).reshape(len(atoms), ATOM)
    from_, to = np.array(source, dtype=np.int64), np.array(target, dtype=np.int64)
    edges = np.concatenate([table[from_], np.array(bonds, dtype=np.float32).reshape(len(bonds), BOND)], axis=1)
    return Graphs(table, edges, from_, to, np.array(owners, dtype=np.int64), len(molecules))


def forward(weights: Mapping[str, Floats32], depth: int, graph: Graphs) -> NDArray[np.float64]:
    """What the network says of each molecule, before it is scaled back.

    depth   rounds of message passing, the first included
    """
    parts = [graph.part(range(i, min(i + _CHUNK, graph.n))) for i in range(0, graph.n, _CHUNK)]
    return np.concatenate([_forward(weights, depth, part) for part in parts]) if parts else np.zeros(0)


def _forward(weights: Mapping[str, Floats32], depth: int, graph: Graphs) -> NDArray[np.float64]:
    start = graph.edges @ weights["message_passing.W_i.weight"].T
    state = _relu(start)
    back = np.arange(len(graph.source)) ^ 1
    for _ in range(1, depth):
        message = _gather(state, graph.target, len(graph.atoms))[graph.source] - state[back]
        state = _relu(start + message @ weights["message_passing.W_h.weight"].T)
    met = np.concatenate([graph.atoms, _gather(state, graph.target, len(graph.atoms))], axis=1)
    atoms = _relu(met @ weights["message_passing.W_o.weight"].T + weights["message_passing.W_o.bias"])
    whole = _gather(atoms, graph.owner, graph.n) / np.float32(NORM)
    hidden = _relu(whole @ weights["predictor.ffn.0.0.weight"].T + weights["predictor.ffn.0.0.bias"])
    said = hidden @ weights["predictor.ffn.1.2.weight"].T + weights["predictor.ffn.1.2.bias"]
    return said[:, 0].astype(np.float64)


def _relu(x: NDArray[Any]) -> Floats32:
    kept: Floats32 = np.maximum(x, np.float32(0)).astype(np.float32, copy=False)
    return kept


def _gather(rows: Floats32, place: NDArray[np.int64], height: int) -> Floats32:
    """The sum of the rows that go to each place; rows of one place are added in their order."""
    whole = np.zeros((height, rows.shape[1]), dtype=np.float32)
    if len(rows):
        order = np.argsort(place, kind="stable")
        met, starts = np.unique(place[order], return_index=True)
        whole[met] = np.add.reduceat(rows[order], starts, axis=0)
    return whole


def _atom(atom: Any) -> NDArray[np.float32]:
    told, at = np.zeros(ATOM, dtype=np.float32), 0
    values = (atom.GetAtomicNum(), atom.GetTotalDegree(), atom.GetFormalCharge(), int(atom.GetChiralTag()),
              int(atom.GetTotalNumHs()), atom.GetHybridization().name)  # fmt: skip
    for value, (choices, places) in zip(values, _ATOM_CHOICES, strict=True):
        found = choices.get(value, places)
        told[at + min(found, places)] = 1
        at += places + 1
    told[at], told[at + 1] = float(atom.GetIsAromatic()), _MASS * atom.GetMass()
    return told


def _bond(bond: Any) -> NDArray[np.float32]:
    told = np.zeros(BOND, dtype=np.float32)
    order = _ORDERS.get(bond.GetBondType().name)
    if order is not None:
        told[1 + order] = 1
    told[5], told[6] = float(bond.GetIsConjugated()), float(bond.IsInRing())
    told[7 + min(int(bond.GetStereo()), _STEREOS)] = 1
    return told


def rdkit_version() -> str:
    """The RDKit that made the graphs and fingerprints."""
    return str(need("rdkit", extra=EXTRA).__version__)
