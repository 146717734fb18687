"""Contract 2 for the text of notes: what is looked for in them, and where the truth stands in the lake.

Truth     events `ANNOTATION//<type>` of the note's subject, whose text says where: "note id|start|end|words" (code points of the note's
          text, end not included; the words may be left out), or "note id" alone with type none: annotated, and nothing is there.
          A note that no such event names is not annotated, and no decision is made on it.
Split     by = "declared": events SPLIT//train, SPLIT//tune, SPLIT//test whose text is a note id; without text they say it of all of
          a subject's notes.
"""

from __future__ import annotations

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target

ANNOTATION, SPLIT, NOTHING = "ANNOTATION//", "SPLIT//", "none"
OVERLAP = ", any overlap"
"""Ends the name of the target that asks the same thing, and takes any overlap with a true span for an answer."""


class NoteTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="note"):
    """One task on notes: entities of the kinds asked for are found in each note.

    asks      the targets, of kind found: the entity types
    types     target to the annotation types that count as it; its own name when not given
    codes     codes of the notes that are taken (NOTE//...), all when empty
    overlap   whether each target is asked a second time, judged by any overlap beside the exact span
    """

    name: str
    asks: list[Target]
    types: dict[str, list[str]] = {}
    codes: list[str] = []
    overlap: bool = True
    split: Split = msgspec.field(default_factory=Split)

    @property
    def targets(self) -> list[Target]:
        """What is asked for, by the exact span; then the same by any overlap."""
        again = [Target(f"{target.name}{OVERLAP}", target.kind, label=f"{target.label or target.name}{OVERLAP}") for target in self.asks]
        return [*self.asks, *(again if self.overlap else [])]

    @property
    def unit(self) -> str:
        return "note"

    @property
    def target_of(self) -> dict[str, str]:
        """Annotation type to the target that it counts as."""
        return {kind: target.name for target in self.asks for kind in self.types.get(target.name, [target.name])}
