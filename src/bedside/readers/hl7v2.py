"""HL7 v2 messages to events.

In        a de-identified file of ADT, ORU, OUL, RDE, OMP, ORM, OML, OMG, RAS, RDS, VXU or MDM messages, v2.1 to v2.8
Out       a `Reading` in which every message is accounted for; other message types are ignored by name
Source    HL7 v2.5.1 chapters 3 (ADT), 4 (orders, pharmacy), 7 (results), 9 (documents).
Snapshots A feed repeats who the patient is in every message. Those facts are told once a file; a message that tells
          nothing else is merged. A40 and other merges of patients were applied when subjects were named.
Elsewhere fields: `hl7v2_elements.py`; what each message type gives: `hl7v2_messages.py`.
"""

from __future__ import annotations

import re

from bedside.core.events import Event
from bedside.formats import hl7v2
from bedside.formats.files import RawFile
from bedside.readers.hl7v2_elements import about_one, said
from bedside.readers.hl7v2_messages import Letter, reader_of
from bedside.readers.pieces import Context, Nothing, Said, gather
from bedside.readers.reading import Reading

_PLAIN = re.compile(r"[A-Z0-9]{2,4}\Z")
_REPEATED = ("MEDS_BIRTH", "MEDS_DEATH", "SEX//", "RACE//", "ETHNICITY//")
_CARRIED = ("//diagnosis", "//allergy", "//procedure")
_Key = tuple[int, str, int | None, float | None, str | None]


def read(file: RawFile, *, timezone: str | None = None) -> Reading:
    """Every message of a file."""
    return gather(file, hl7v2.pieces, _Feed(), timezone=timezone)


class _Feed:
    """One file's messages, with the snapshot facts that it has told before."""

    def __init__(self) -> None:
        self._told: set[_Key] = set()

    def __call__(self, raw: bytes, context: Context) -> Said:
        message = hl7v2.Message.parse(raw, where=context.where)
        kind, trigger = _type(message)
        reader = reader_of(kind, trigger)
        if reader is None:
            raise Nothing(f"no reader for {kind}^{trigger}" if trigger else f"no reader for {kind}")
        letter = Letter(message, context)
        events, notes = reader(letter)
        about_one(message, context)
        told = events + letter.snapshot()
        fresh = [event for event in told if self._is_new(event, snapshot=kind == "ADT")]
        if told and not fresh and not notes:
            raise Nothing("tells only what an earlier message told", merged=True)
        return Said(fresh, notes)

    def _is_new(self, event: Event, *, snapshot: bool) -> bool:
        """Whether a fact is to be kept: of what feeds repeat, only the first telling is."""
        if not event.code.startswith(_REPEATED) and not (snapshot and event.code.endswith(_CARRIED)):
            return True
        key = (event.subject_id, event.code, event.time, event.numeric_value, event.text_value)
        before = key in self._told
        self._told.add(key)
        return not before


def _type(message: hl7v2.Message) -> tuple[str, str]:
    """Message code and trigger event of MSH-9; words that do not look like them are not repeated in a count."""
    head = message.segments[0]
    parts = [said(head, "9.1") or "", said(head, "9.2") or ""]
    if not parts[1] and parts[0] == "ADT" and (event := message.segment("EVN")) is not None:
        parts[1] = said(event, "1") or ""
    return parts[0] if _PLAIN.match(parts[0]) else "a type that HL7 does not have", parts[1] if _PLAIN.match(parts[1]) else ""
