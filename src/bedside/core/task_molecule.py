"""Contract 2 for molecules: which measured property is predicted from the structure, and how structures are split."""

from __future__ import annotations

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target


class MoleculeTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="molecule"):
    """One task on molecules. A compound is the subject of its events; its predictions name no subject.

    structure   event code whose text_value is the SMILES
    asks        the targets; `codes` gives the event code of each, by its name
    """

    name: str
    asks: list[Target]
    codes: dict[str, str]
    structure: str = "MOLECULE//SMILES"
    split: Split = msgspec.field(default_factory=lambda: Split(by="scaffold"))

    @property
    def targets(self) -> list[Target]:
        return list(self.asks)

    @property
    def unit(self) -> str:
        return "molecule"
