"""A structure as drawn to one form, or the reason why it is left out. The same at training and when a bundle is asked.

In        SMILES; a `Standard` (core.task_molecule)
Out       `Compound`: canonical SMILES, InChIKey, what was changed; or the reason
Steps     RDKit's cleanup (metal bonds cut, groups normalised, reionised), the compound among its parts (`molecules_parts.py`), uncharge, then tautomer and stereo as the
          standard says. Never raises for what the text holds.
Source    RDKit MolStandardize; cf. Bento et al., J Cheminform 2020;12:51 (the ChEMBL pipeline).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from bedside.bundle.runners.molecules_parts import compound
from bedside.core.lazy import need
from bedside.core.task_molecule import Standard

EXTRA = "molecules"
_LONGEST = 5_000  # characters: beyond it is no drug-like molecule, and parsing would cost minutes
# Hydrogen, boron to fluorine, silicon to chlorine, arsenic, selenium, bromine, tellurium, iodine.
_NO_METAL = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 33, 34, 35, 52, 53})
EMPTY, UNREADABLE, LARGE, SMALL = "no structure", "SMILES that cannot be read", "too large", "too small"
MIXTURE, METAL, INORGANIC, UNNAMED = "mixture", "holds a metal", "no carbon", "no InChIKey"
DUMMY = "holds an atom that stands for any (*)"


class Compound(NamedTuple):
    """One structure in its standard form; `reason` alone when it is left out. `steps`: what changed it."""

    smiles: str = ""
    key: str = ""
    reason: str | None = None
    steps: tuple[str, ...] = ()

    @property
    def skeleton(self) -> str:
        """First block of the InChIKey: the connectivity, without stereo, isotopes and charge."""
        return self.key[:14]


def standardise(smiles: str | None, standard: Standard) -> Compound:
    """The compound in this SMILES.

    >>> standardise("CC(=O)[O-].[Na+]", Standard()).smiles, standardise("C1CC", Standard()).reason
    ('CC(=O)O', 'SMILES that cannot be read')
    """
    text = (smiles or "").strip()
    if not text:
        return Compound(reason=EMPTY)
    if len(text) > _LONGEST:
        return Compound(reason=LARGE)
    with quiet():
        try:
            return _standardised(text, standard)
        except (ValueError, RuntimeError):  # RDKit's sanitisation and kekulisation errors are ValueErrors
            return Compound(reason=UNREADABLE)


def quiet() -> Any:
    """RDKit says nothing while this is held: what it says of bad input holds the input."""
    return need("rdkit.rdBase", extra=EXTRA).BlockLogs()


def molecule(smiles: str) -> Any:
    """The RDKit molecule of a standard SMILES."""
    return need("rdkit.Chem", extra=EXTRA).MolFromSmiles(smiles)


def _standardised(text: str, standard: Standard) -> Compound:
    chem, tools = need("rdkit.Chem", extra=EXTRA), _tools()
    drawn = chem.MolFromSmiles(text)
    if drawn is None:
        return Compound(reason=UNREADABLE)
    if drawn.GetNumAtoms() == 0:
        return Compound(reason=EMPTY)
    clean = tools.cleanup(drawn)
    main = tools.fragment.choose(clean)
    if standard.mixtures == "leave-out" and _has_carbon(main):
        parts = [part for part in chem.GetMolFrags(clean, asMols=True) if _has_carbon(part)]
        main = compound(parts, tools.charge.uncharge) if len(parts) > 1 else main
    if main is None:
        return Compound(reason=MIXTURE)
    if reason := _unfit(main, standard):
        return Compound(reason=reason)
    return _finished(drawn, clean, main, standard)


def _finished(drawn: Any, clean: Any, main: Any, standard: Standard) -> Compound:
    """Charge, tautomer, stereo; each step is noted where the canonical SMILES changed."""
    chem, tools = need("rdkit.Chem", extra=EXTRA), _tools()
    forms = [("cleaned up", clean), ("desalted", main), ("neutralised", tools.charge.uncharge(main))]
    if standard.tautomer == "canonical":
        forms.append(("tautomer changed", tools.tautomer.Canonicalize(forms[-1][1])))
    if standard.stereo == "drop":
        flat = chem.Mol(forms[-1][1])
        chem.RemoveStereochemistry(flat)
        forms.append(("stereo dropped", flat))
    told = [chem.MolToSmiles(form) for form in (drawn, *(form for _, form in forms))]
    steps = tuple(word for (word, _), before, after in zip(forms, told, told[1:], strict=False) if before != after)
    final = chem.MolFromSmiles(told[-1])
    key = chem.MolToInchiKey(final) if final is not None else ""
    return Compound(told[-1], key, None, steps) if key else Compound(reason=UNNAMED)


def _unfit(main: Any, standard: Standard) -> str | None:
    atoms = main.GetNumHeavyAtoms()
    if not standard.fewest <= atoms <= standard.most:
        return LARGE if atoms > standard.most else SMALL
    if any(atom.GetAtomicNum() == 0 for atom in main.GetAtoms()):
        return DUMMY
    if standard.metals == "leave-out" and any(atom.GetAtomicNum() not in _NO_METAL for atom in main.GetAtoms()):
        return METAL
    return None if _has_carbon(main) else INORGANIC


def _has_carbon(part: Any) -> bool:
    return any(atom.GetAtomicNum() == 6 for atom in part.GetAtoms())


class _Tools(NamedTuple):
    cleanup: Any
    fragment: Any
    charge: Any
    tautomer: Any


@lru_cache(maxsize=1)
def _tools() -> _Tools:
    library = need("rdkit.Chem.MolStandardize.rdMolStandardize", extra=EXTRA)
    return _Tools(library.Cleanup, library.LargestFragmentChooser(), library.Uncharger(), library.TautomerEnumerator())
