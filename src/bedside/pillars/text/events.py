"""Facts of a note as events of the lake, and as rows with their places.

In        a `NoteRow` and the facts that an extractor found in its text
Out       `stating(extractor)`: a function from a note to its `Stated`, which readers call on files and services on a live note alike
Time      the day that stands with the fact ("colonoscopy on 3/14/2019") when it is a whole date before the note, else the time of the note;
          known when the note is known, however old the fact. A note without a time gives rows and no events, since an event
          without a time would count as known always.
Codes     <code>//noted, or with a qualifier of `core.events.NOT_PRESENT` for what is not so, not surely, not now, or not of the patient:
          no plain code ever, so that what a note denies reaches no feature, and what it states only one that asks for notes.
Source    the note's own source, then "@" and the fact's offsets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from bedside.core.canonical import dumps
from bedside.core.errors import Malformed
from bedside.core.events import Event
from bedside.core.time import iso_instant
from bedside.pillars.text import fhir
from bedside.pillars.text.fact import Attribute, Extractor, Fact
from bedside.readers.reading import FactRow, NoteRow, Stated, States
from bedside.readers.words import single, slug

PRESENT = "noted"
_PRESSURES = {"systolic": "LOINC//8480-6", "diastolic": "LOINC//8462-4"}
_LONGEST_TEXT = 200
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


def stating(extractor: Extractor) -> States:
    """What a note states, by this extractor."""

    def states(note: NoteRow) -> Stated:
        found = extractor.extract(note.text)
        return Stated(events_of(found, note), [_row(fact, note, extractor.name) for fact in found])

    return states


def events_of(facts: Sequence[Fact], note: NoteRow) -> list[Event]:
    """The events of a note's facts, in the order of the facts; a date is a fact and no event."""
    if note.time is None:
        return []
    return [event for fact in facts if fact.kind != "date" for event in _events(fact, note)]


def code_of(fact: Fact) -> str:
    """The event code, with its qualifier.

    >>> code_of(Fact("problem", 0, 3, "CHF", code="ICD10CM//I50.9", negated=True)), code_of(Fact("margin", 0, 6, "margin", name="margin"))
    ('ICD10CM//I50.9//negated', 'TEXT//margin//noted')
    """
    return f"{_bare(fact)}//{qualifier(fact)}"


def qualifier(fact: Fact) -> str:
    """The one word for the four axes: whose comes first, then negated, hypothetical, uncertain, historical, and stopped for a drug."""
    if fact.negated:
        how = "negated"
    elif fact.temporality == "hypothetical":
        how = "hypothetical"
    elif fact.uncertain:
        how = "uncertain"
    elif fact.temporality == "historical":
        how = "historical"
    elif fact.kind == "medication" and (status := fact.attributes.get("status")) and status.normal == "stopped":
        how = "stopped"
    else:
        how = ""
    if fact.experiencer != "patient":
        return f"family-{how}" if how and how != "stopped" else "family"
    return how or PRESENT


def _bare(fact: Fact) -> str:
    """Code without qualifier; one that no terminology has is named from the closed list of concepts, never by the words of the note."""
    if fact.code:
        return fact.code
    return f"TEXT//{slug(fact.kind if not fact.name or fact.name == fact.kind else f'{fact.kind}-{fact.name}')}"


def _events(fact: Fact, note: NoteRow) -> list[Event]:
    source = f"{note.source}@{fact.start}-{fact.end}"
    parts = fact.attributes
    time = _time(fact, note)
    if "systolic" in parts and "diastolic" in parts:
        return [_event(note, time, f"{code}//{qualifier(fact)}", _number(parts[side]), None, parts[side].text, "mm[Hg]", source) for side, code in _PRESSURES.items()]
    value = parts.get("dose") if fact.kind == "medication" else parts.get("positive") or parts.get("value")
    number = _number(value)
    lexeme, unit = (value.text, value.unit) if value and number is not None else (None, None)
    return [_event(note, time, code_of(fact), number, _text(fact, value, number), lexeme, unit, source)]


def _event(note: NoteRow, time: int | None, code: str, number: float | None, text: str | None, lexeme: str | None, unit: str | None, source: str) -> Event:
    return Event(note.subject_id, time, code, number, text, note.known_at, lexeme=lexeme, unit=unit, encounter_id=note.encounter_id, source=source)


def _time(fact: Fact, note: NoteRow) -> int | None:
    """The midnight of the day that stands with a fact, when it lies before the note; else the note's time."""
    told = fact.attributes.get("date")
    if told is None or note.time is None or told.normal is None or not _DAY.match(told.normal):
        return note.time
    try:
        day = iso_instant(told.normal, where="note").us
    except Malformed:  # 31 February
        return note.time
    return min(day, note.time)


def _number(value: Attribute | None) -> float | None:
    return single(value.number) if value and value.number is not None else None


def _text(fact: Fact, value: Attribute | None, number: float | None) -> str | None:
    """What an event's text says beside its number: a comparator, a word, the way a drug is taken, or what no list has."""
    if fact.kind == "medication":
        told = [part.normal or part.text for name in ("route", "frequency") if (part := fact.attributes.get(name))]
        return " ".join(told) or None
    if fact.kind == "lymph-nodes" and {"positive", "examined"} <= fact.attributes.keys():
        return "/".join(f"{fact.attributes[name].number:g}" for name in ("positive", "examined"))
    if fact.kind == "stage" or fact.name is None:
        return fact.text[:_LONGEST_TEXT]
    if value is None:
        return None
    plain = number is not None and value.text[:1] not in "<>≤≥" and not value.text[:1].isalpha()
    return None if plain else value.normal or value.text


def _row(fact: Fact, note: NoteRow, extractor: str) -> FactRow:
    told = fhir.resource(fact, note, extractor)
    parts = {name: {key: kept for key, kept in msgspec.structs.asdict(part).items() if kept is not None} for name, part in fact.attributes.items()}
    return FactRow(
        note.subject_id, note.note_id, note.encounter_id, note.time, note.known_at, fact.kind, fact.start, fact.end, fact.text, fact.name, code_of(fact),
        fact.negated, fact.uncertain, fact.temporality, fact.experiencer, fact.section, dumps(parts).decode(),
        dumps(told).decode() if told is not None else None, extractor, f"{note.source}@{fact.start}-{fact.end}",
    )  # fmt: skip
