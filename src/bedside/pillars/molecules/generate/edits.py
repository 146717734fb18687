"""Small changes of a molecular graph, and two molecules made into one.

In        RDKit molecules without charges to spare; a seeded source of chance
Out       a sanitised molecule, or None where the change cannot be (the caller counts it)
Source    the moves are those of Jensen, Chem Sci 2019;10:3567 (graph-based genetic algorithm): atoms appended, inserted, exchanged and
          taken out, bonds changed, rings closed and opened; children by joining parts of both parents at bonds outside rings.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from bedside.core.lazy import need

ELEMENTS = ("C", "C", "C", "N", "N", "O", "O", "F", "S", "Cl", "Br")
_BRIDGES = ("C", "C", "N", "O", "S")
_RING_PATHS = (5, 6, 6, 6, 7)
_LARGEST_RING = 8
_JOINT = 1


def mutate(mol: Any, chance: Random) -> Any | None:
    """The molecule with one change."""
    chem = need("rdkit.Chem", extra="molecules")
    edited = chem.RWMol(mol)
    chem.Kekulize(edited, clearAromaticFlags=True)
    move = chance.choice(_MOVES)
    return finished(edited) if move(chem, edited, chance) else None


def cross(one: Any, other: Any, chance: Random) -> Any | None:
    """A part of each parent, joined where each was cut: at a single bond outside rings."""
    chem = need("rdkit.Chem", extra="molecules")
    parts = [_part(chem, mol, chance) for mol in (one, other)]
    if None in parts:
        return None
    joined = chem.RWMol(chem.CombineMols(*parts))
    ends = [atom for atom in joined.GetAtoms() if atom.GetAtomicNum() == 0 and atom.GetIsotope() == _JOINT]
    if len(ends) != 2:
        return None
    left, right = (end.GetNeighbors()[0].GetIdx() for end in ends)
    joined.AddBond(left, right, chem.BondType.SINGLE)
    for index in sorted((end.GetIdx() for end in ends), reverse=True):
        joined.RemoveAtom(index)
    return finished(joined)


def finished(mol: Any) -> Any | None:
    """The edited graph as a molecule: sanitised, in one piece, without radicals or strained rings; else None."""
    chem = need("rdkit.Chem", extra="molecules")
    try:
        made = mol.GetMol() if hasattr(mol, "GetMol") else mol
        if chem.SanitizeMol(made, catchErrors=True) != chem.SanitizeFlags.SANITIZE_NONE:
            return None
        smiles = chem.MolToSmiles(made)
        made = chem.MolFromSmiles(smiles)  # a graph that survives being written down
    except (ValueError, RuntimeError):
        return None
    if made is None or "." in smiles or not made.GetNumAtoms():
        return None
    return made if _sound(made) else None


def _sound(mol: Any) -> bool:
    """No radical, no charge that was not paired, no ring too large, no ring with a double bond to a neighbour ring bond in a small ring."""
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()) or sum(atom.GetFormalCharge() for atom in mol.GetAtoms()):
        return False
    return all(len(ring) <= _LARGEST_RING for ring in mol.GetRingInfo().AtomRings()) and not mol.HasSubstructMatch(_strained())


def _strained() -> Any:
    """A cumulated double bond or a triple bond inside a ring."""
    chem = need("rdkit.Chem", extra="molecules")
    return chem.MolFromSmarts("[$([R](=[R])=[R]),$([R]#[R])]")


# --- moves: each edits in place and says whether it found a place ---------------------------------


def _append(chem: Any, mol: Any, chance: Random) -> bool:
    open_to = [atom for atom in mol.GetAtoms() if atom.GetTotalNumHs() > 0]
    if not open_to:
        return False
    atom = chance.choice(open_to)
    new = mol.AddAtom(chem.Atom(chance.choice(ELEMENTS)))
    mol.AddBond(atom.GetIdx(), new, _order(chem, atom.GetTotalNumHs(), mol.GetAtomWithIdx(new).GetSymbol(), chance))
    return True


def _order(chem: Any, hydrogens: int, symbol: str, chance: Random) -> Any:
    """A bond that both ends can bear."""
    most = min(hydrogens, {"C": 3, "N": 3, "O": 2, "S": 2}.get(symbol, 1))
    return chance.choice([chem.BondType.SINGLE, chem.BondType.SINGLE, chem.BondType.DOUBLE, chem.BondType.TRIPLE][: most + 1])


def _insert(chem: Any, mol: Any, chance: Random) -> bool:
    bonds = [bond for bond in mol.GetBonds() if bond.GetBondType() == chem.BondType.SINGLE]
    if not bonds:
        return False
    bond = chance.choice(bonds)
    ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    mol.RemoveBond(*ends)
    new = mol.AddAtom(chem.Atom(chance.choice(_BRIDGES)))
    for end in ends:
        mol.AddBond(end, new, chem.BondType.SINGLE)
    return True


def _exchange(chem: Any, mol: Any, chance: Random) -> bool:
    atom = chance.choice(list(mol.GetAtoms()))
    others = sorted(set(ELEMENTS) - {atom.GetSymbol()})
    atom.SetAtomicNum(chem.Atom(chance.choice(others)).GetAtomicNum())
    atom.SetFormalCharge(0)
    atom.SetNoImplicit(False)
    atom.SetNumExplicitHs(0)
    return True


def _take_out(chem: Any, mol: Any, chance: Random) -> bool:
    """An atom at an end, or one between two others, which then meet."""
    loose = [atom for atom in mol.GetAtoms() if atom.GetDegree() in (1, 2)]
    if mol.GetNumAtoms() < 3 or not loose:
        return False
    atom = chance.choice(loose)
    near = [other.GetIdx() for other in atom.GetNeighbors()]
    if len(near) == 2:
        if mol.GetBondBetweenAtoms(*near) is not None:
            return False
        mol.AddBond(*near, chem.BondType.SINGLE)
    mol.RemoveAtom(atom.GetIdx())
    return True


def _rebond(chem: Any, mol: Any, chance: Random) -> bool:
    bond = chance.choice(list(mol.GetBonds())) if mol.GetNumBonds() else None
    if bond is None:
        return False
    orders = [chem.BondType.SINGLE, chem.BondType.DOUBLE, chem.BondType.TRIPLE]
    bond.SetBondType(chance.choice([order for order in orders if order != bond.GetBondType()]))
    return True


def _close(chem: Any, mol: Any, chance: Random) -> bool:
    """Two atoms with a hydrogen each become neighbours: a ring of five to seven."""
    free = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetTotalNumHs() > 0]
    if not free:
        return False
    far, size = chem.GetDistanceMatrix(mol), chance.choice(_RING_PATHS)
    start = chance.choice(free)
    ends = [index for index in free if far[start][index] == size - 1]
    if not ends:
        return False
    mol.AddBond(start, chance.choice(ends), chem.BondType.SINGLE)
    return True


def _open(chem: Any, mol: Any, chance: Random) -> bool:
    bonds = [bond for bond in mol.GetBonds() if bond.IsInRing() and bond.GetBondType() == chem.BondType.SINGLE]
    if not bonds:
        return False
    bond = chance.choice(bonds)
    mol.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
    return True


_MOVES: tuple[Callable[[Any, Any, Random], bool], ...] = (_append, _append, _insert, _exchange, _exchange, _take_out, _take_out, _rebond, _close, _open)


def _part(chem: Any, mol: Any, chance: Random) -> Any | None:
    """One side of a cut, its joint marked."""
    bonds = [bond.GetIdx() for bond in mol.GetBonds() if bond.GetBondType() == chem.BondType.SINGLE and not bond.IsInRing()]
    if not bonds:
        return None
    cut = chem.FragmentOnBonds(mol, [chance.choice(bonds)], dummyLabels=[(_JOINT, _JOINT)])
    return chance.choice(chem.GetMolFrags(cut, asMols=True, sanitizeFrags=False))
