"""Notes as files: a header that says whose and when, and the text.

In        a de-identified note file
Out       one `NOTE//<type>` event and one `NoteRow`
Elsewhere notes inside FHIR: `fhir_notes.py`; inside HL7 v2 MDM: `hl7v2_messages.py`.
"""

from __future__ import annotations

import re

from bedside.core.errors import Malformed
from bedside.core.events import Event
from bedside.core.ids import subject_number
from bedside.core.time import Instant, compact_instant, iso_instant
from bedside.formats.files import RawFile
from bedside.formats.notes import parse, pieces
from bedside.readers.pieces import Context, Nothing, Said, gather
from bedside.readers.reading import NoteRow, Reading
from bedside.readers.times import available
from bedside.readers.words import slug

_LOINC = re.compile(r"\d{1,5}-\d\Z")


def read(file: RawFile, *, timezone: str | None = None) -> Reading:
    """One note."""
    return gather(file, pieces, _interpret, timezone=timezone)


def _interpret(raw: bytes, context: Context) -> Said:
    note = parse(raw, where=context.where)
    name = note.header.get("Patient-ID", "").strip()
    if not name:
        raise Malformed("a note without Patient-ID", where=context.where, do="begin the file with Patient-ID, Date and Type lines")
    body = note.body.strip()
    if not body:
        raise Nothing("a note without text")
    time, code = _instant(note.header.get("Date", "").strip(), context), _code(note.header.get("Type", ""))
    who, within = subject_number(name), note.header.get("Encounter-ID", "").strip() or None
    known_at = available(time)
    event = Event(who, time.us, code, known_at=known_at, utc_offset_min=time.offset_min, encounter_id=within, source=context.source)
    note_id = note.header.get("Note-ID", "").strip() or context.source
    return Said([event], [NoteRow(note_id, who, within, time.us, known_at, code, body, context.source)])


def _instant(text: str, context: Context) -> Instant:
    if not text:
        raise Malformed("a note without Date", where=context.where, do="a note that is not dated cannot be used before any time")
    read_time = compact_instant if text[:8].isdigit() else iso_instant
    return read_time(text, where=context.where, timezone=context.timezone)


def _code(kind: str) -> str:
    """NOTE//<LOINC code> when the type is, or begins with, one; else its words.

    >>> _code("34117-2 History and physical"), _code("Progress note")
    ('NOTE//34117-2', 'NOTE//progress-note')
    """
    first = kind.split(maxsplit=1)[0] if kind.strip() else ""
    return f"NOTE//{first}" if _LOINC.match(first) else "NOTE//" + slug(kind or "unnamed")
