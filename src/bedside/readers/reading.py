"""What every reader returns: events, notes and image rows of one file, what its notes state, its counts and its rejects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from bedside.core.accounts import Reject, Tally
from bedside.core.events import Event

if TYPE_CHECKING:
    import polars as pl


class NoteRow(msgspec.Struct, frozen=True):
    """One note's text, beside the event that says it exists. Times in microseconds of UTC."""

    note_id: str
    subject_id: int
    encounter_id: str | None
    time: int | None
    known_at: int | None
    code: str
    text: str
    source: str


class ImageRow(msgspec.Struct, frozen=True):
    """One DICOM instance: where its de-identified file lies, what it shows, and what its header tells of patient and scanner."""

    subject_id: int
    study_uid: str
    series_uid: str
    instance_uid: str
    modality: str
    time: int | None
    body_part: str | None
    rows: int | None
    columns: int | None
    frames: int | None
    transfer_syntax: str | None
    file: str
    sop_class: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    sex: str | None = None
    age_years: int | None = None


class FactRow(msgspec.Struct, frozen=True):
    """One fact that a note states, beside the events that say the same. Times in microseconds of UTC; offsets in code points of the note's text.

    code        the event code, "TEXT//..." where no terminology has one
    attributes  JSON of its parts, each with its own place; resource: the FHIR R4 resource, JSON, null where FHIR has none
    """

    subject_id: int
    note_id: str
    encounter_id: str | None
    time: int | None
    known_at: int | None
    kind: str
    start: int
    end: int
    text: str
    name: str | None
    code: str
    negated: bool
    uncertain: bool
    temporality: str
    experiencer: str
    section: str | None
    attributes: str
    resource: str | None
    extractor: str
    source: str


class Stated(NamedTuple):
    """What one note states, as events and as facts with their places."""

    events: list[Event]
    facts: list[FactRow]


class States(Protocol):
    """A note to what it states: handed in from below, since no reader knows what finds facts in text. Never raises for what a text holds."""

    def __call__(self, note: NoteRow) -> Stated: ...


@dataclass
class Reading:
    """One file, read. `events` keeps the contract of `core.events`; order is the file's. `labels` names codes for people."""

    events: pl.DataFrame
    tally: Tally
    notes: list[NoteRow] = field(default_factory=list)
    images: list[ImageRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    problems: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    facts: list[FactRow] = field(default_factory=list)
