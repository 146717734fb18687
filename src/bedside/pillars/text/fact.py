"""One fact that a note states: where it stands, what it says, and whether it is so.

Out       `Fact`, and `Extractor`: what finds facts. Rules, a trained tagger and an encoder stand behind the same interface.
Offsets   count code points of the note's text, end not included: `note[fact.start : fact.end] == fact.text`, always.
Source    the four axes are those of ConText: Harkema et al., J Biomed Inform 2009;42:839-51.
Elsewhere a fact as an event: `events.py`; as a FHIR resource: `fhir.py`.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

Kind = Literal[
    "problem", "medication", "lab", "vital", "procedure",
    "tumour-site", "histology", "stage", "grade", "margin", "tumour-size", "lymph-nodes", "biomarker", "date",
]  # fmt: skip
KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]
Temporality = Literal["current", "historical", "hypothetical"]
Experiencer = Literal["patient", "family", "other"]


class Attribute(msgspec.Struct, frozen=True):
    """One part of a fact, with its own place in the text.

    number   what the text says as a number; unit: UCUM
    normal   the text in one spelling ("twice a day" and "BID" are "BID"); None when it has none
    """

    start: int
    end: int
    text: str
    number: float | None = None
    unit: str | None = None
    normal: str | None = None


class Fact(msgspec.Struct, frozen=True):
    """One fact.

    attributes  by name. medication: dose, strength, form, route, frequency, duration, prn, status; lab, vital, biomarker: value, flag,
                reference; blood pressure: systolic, diastolic; stage: t, n, m, group; lymph-nodes: positive, examined; size: value; any: date
    name        the concept in one spelling, from a closed list; None for one that no list has
    code        as in events: ICD10CM//I10, RXNORM//6809, LOINC//2160-0; None when no loaded terminology has it
    section     in one spelling ("medications"), None before the first heading; sentence: (start, end)
    score       how sure a learned extractor is, 0..1; None from rules, which are not sure or unsure
    """

    kind: Kind
    start: int
    end: int
    text: str
    attributes: dict[str, Attribute] = {}
    name: str | None = None
    code: str | None = None
    negated: bool = False
    uncertain: bool = False
    temporality: Temporality = "current"
    experiencer: Experiencer = "patient"
    section: str | None = None
    sentence: tuple[int, int] | None = None
    score: float | None = None

    @property
    def present(self) -> bool:
        """Whether the note says that this is so, now, of the patient."""
        return not (self.negated or self.uncertain) and self.temporality == "current" and self.experiencer == "patient"


class Extractor(Protocol):
    """What finds facts in the text of a note. Makes no request, writes no log, and raises nothing for what a text holds."""

    @property
    def name(self) -> str:
        """What it is, with its version or digest, for the ledger: "rules/1"."""

    def extract(self, text: str) -> list[Fact]:
        """The facts, sorted by start, then end; the same text gives the same facts."""
