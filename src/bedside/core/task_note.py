"""Contract 2 for the text of notes: what is looked for in them, and where the truth stands in the lake."""

from __future__ import annotations

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target


class NoteTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="note"):
    """One task on notes: entities of the kinds asked for are found in each note."""

    name: str
    asks: list[Target]
    split: Split = msgspec.field(default_factory=Split)

    @property
    def targets(self) -> list[Target]:
        return list(self.asks)

    @property
    def unit(self) -> str:
        return "note"
