"""Contract 2 for molecules: which measured property is predicted from the structure, and how structures are split."""

from __future__ import annotations

from typing import Literal

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target

MOLECULE, SPLIT = "MOLECULE//SMILES", "SPLIT//"


class Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a structure as drawn is brought to one form; the bundle does the same to every structure that it is asked about.

    tautomer      "as-drawn", or RDKit's canonical one (slow, and not always what is in the flask)
    stereo        "keep": isomers are different compounds; "drop": one compound, drawn flat
    mixtures      two organic parts of comparable size (the second has half of the heavy atoms or more), known counter-ions and solvents aside
                  where another part is larger: "leave-out", or take the "largest"
    metals        a metal bonded in the compound: "leave-out" or "keep"; metal counter-ions go with the salt in any case
    fewest, most  heavy atoms of the compound after desalting
    """

    tautomer: Literal["as-drawn", "canonical"] = "as-drawn"
    stereo: Literal["keep", "drop"] = "keep"
    mixtures: Literal["leave-out", "largest"] = "leave-out"
    metals: Literal["leave-out", "keep"] = "leave-out"
    fewest: int = 1
    most: int = 150


class MoleculeTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="molecule"):
    """One task on molecules. A compound is the subject of its events; its predictions name no subject.

    structure     event code whose text_value is the SMILES
    asks          the targets, of kind yes-no or number; `codes` gives the event code of each, by its name
    covariates    further columns of the model: name to event code with a numeric_value (pH of the assay, say)
    standard      how structures are brought to one form
    on_leak       a test compound that development knows (same desalted InChIKey, same first block, or Tanimoto 1.0): "refuse", or
                  "drop-from-train", which takes the development rows out and leaves the test as it is
    on_conflict   measurements of one compound that contradict each other: "refuse"; or in development "drop" them, or take the "median"
                  (of yes-no the majority; a tie is dropped). Test rows stay, and are counted
    spread        two numbers of one compound contradict each other when further apart than this, in the target's unit
    similarity    Tanimoto from which compounds are neighbours, for split by cluster
    """

    name: str
    asks: list[Target]
    codes: dict[str, str]
    structure: str = MOLECULE
    split: Split = msgspec.field(default_factory=lambda: Split(by="scaffold"))
    covariates: dict[str, str] = msgspec.field(default_factory=dict)
    standard: Standard = msgspec.field(default_factory=Standard)
    on_leak: Literal["refuse", "drop-from-train"] = "refuse"
    on_conflict: Literal["refuse", "drop", "median"] = "refuse"
    spread: float = 0.5
    similarity: float = 0.35

    @property
    def targets(self) -> list[Target]:
        return list(self.asks)

    @property
    def unit(self) -> str:
        return "molecule"
