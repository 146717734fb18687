"""FHIR R4 to events: the same function for a file of resources and for the prefetch of one live patient.

In        a resource as a dict (`resource_events`), or a de-identified file of resources (`read`)
Out       events; for a file a `Reading` in which every resource is accounted for
Source    HL7 FHIR R4 (4.0.1). Ids of Patient and Encounter are already pseudonyms, or stay in memory (live).
Elsewhere what each type gives: `fhir_resources.py`; texts of documents: `fhir_notes.py`.
"""

from __future__ import annotations

from bedside.core.errors import Malformed
from bedside.core.events import Event
from bedside.formats import fhir
from bedside.formats.files import RawFile
from bedside.readers.fhir_elements import Json
from bedside.readers.fhir_notes import notes_of
from bedside.readers.fhir_resources import HANDLERS
from bedside.readers.pieces import Context, Nothing, Said, gather
from bedside.readers.reading import NoteRow, Reading

_LONGEST_TYPE = 40
_FACTS = HANDLERS.keys() - {"Patient", "Encounter", "Specimen"}
"""Types that state a fact of their own. Contained ones describe their container in nearly all feeds, so they are counted."""
_WRONG_SHAPE = (TypeError, KeyError, AttributeError, ValueError, IndexError, OverflowError, RecursionError)


def resource_events(
    resource: Json, *, source: str, timezone: str | None = None, problems: dict[str, int] | None = None
) -> list[Event]:
    """Events of one resource, in its own order; none when it states no fact that we read.

    source    what `Event.source` shall say
    timezone  zone for a time of day without one
    problems  oddities that were kept, counted by kind, are added here

    Raises `Malformed` when an element has another type than R4 says.
    """
    try:
        return _events(resource, Context(source, where=source, timezone=timezone, problems=problems))
    except Nothing:
        return []


def resource_notes(resource: Json, *, source: str, timezone: str | None = None, problems: dict[str, int] | None = None) -> list[NoteRow]:
    """The texts of one resource, as `resource_events` gives its events: what a live service hands to the function that reads notes."""
    context = Context(source, where=source, timezone=timezone, problems=problems)
    try:
        return notes_of(resource, _events(resource, context), context)
    except Nothing:
        return []


def read(file: RawFile, *, timezone: str | None = None) -> Reading:
    """Every resource of an NDJSON file, a Bundle or a single-resource file."""
    return gather(file, fhir.pieces, _interpret, timezone=timezone)


def _interpret(raw: bytes, context: Context) -> Said:
    resource = fhir.parse(raw, where=context.where)
    events = _events(resource, context)
    return Said(events, notes_of(resource, events, context))


def _events(resource: Json, context: Context) -> list[Event]:
    kind = resource.get("resourceType")
    handler = HANDLERS.get(kind) if isinstance(kind, str) else None
    if kind == "Bundle":
        raise Nothing("a Bundle without resources")
    if handler is None:
        raise Nothing(f"no reader for {_safe(kind)}")
    try:
        for inside in resource.get("contained") or ():
            if inside.get("resourceType") in _FACTS:
                context.problem(f"a contained {inside['resourceType']}, not read")
        return handler(resource, context)
    except _WRONG_SHAPE as error:
        raise Malformed(f"{kind} with an element missing, or of another type than FHIR R4 says", where=context.where,
                        do="validate the resource at its sender") from error  # fmt: skip


def _safe(kind: object) -> str:
    """A resource type as the sender wrote it, when it looks like one: a reason must not carry patient content."""
    plain = isinstance(kind, str) and kind.isascii() and kind.isalpha() and len(kind) <= _LONGEST_TYPE
    return str(kind) if plain else "a type that FHIR does not have"
