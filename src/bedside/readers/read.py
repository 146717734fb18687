"""The one door of the room: a de-identified file to its events, by its format.

In        a file of a source, the source's table mapping and time zone; what finds facts in its notes, if anything shall
Out       `Reading`: events, notes, image rows, facts of notes, counts that reconcile, rejects
Never     raises for what a file holds; a mapping or zone that cannot be is `Misconfigured`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bedside.core.errors import Misconfigured
from bedside.core.events import frame
from bedside.core.time import zone
from bedside.formats.files import RawFile
from bedside.readers.reading import Reading, States


def read(file: RawFile, *, mapping: dict[str, Any] | None = None, timezone: str | None = None, states: States | None = None) -> Reading:
    """Read one file.

    mapping   of table sources: what their columns mean, as `readers.mapping.load` gives it
    timezone  zone of times that carry none; without it such a record is quarantined
    states    a note to the facts that it states, which then stand beside the file's own events
    """
    if timezone is not None:
        zone(timezone)
    reading = _read(file, mapping, timezone)
    return reading if states is None or not reading.notes else _stating(reading, states)


def _stating(reading: Reading, states: States) -> Reading:
    """The reading with what its notes state."""
    import polars as pl

    told = [states(note) for note in reading.notes]
    events = [event for stated in told for event in stated.events]
    facts = [fact for stated in told for fact in stated.facts]
    return replace(reading, events=pl.concat([reading.events, frame(events)]) if events else reading.events, facts=facts)


def _read(file: RawFile, mapping: dict[str, Any] | None, timezone: str | None) -> Reading:
    if file.format == "fhir":
        from bedside.readers import fhir

        return fhir.read(file, timezone=timezone)
    if file.format == "hl7v2":
        from bedside.readers import hl7v2

        return hl7v2.read(file, timezone=timezone)
    if file.format == "dicom":
        from bedside.readers import dicom

        return dicom.read(file, timezone=timezone)
    if file.format == "notes":
        from bedside.readers import notes

        return notes.read(file, timezone=timezone)
    return _tables(file, mapping, timezone)


def _tables(file: RawFile, mapping: dict[str, Any] | None, timezone: str | None) -> Reading:
    from bedside.readers.tables import read as read_table

    if mapping is None:
        raise Misconfigured("tables need a mapping that says what their columns mean", where=f"source {file.source!r}",
                            do='set mapping = "..." for this source in study.toml')  # fmt: skip
    return read_table(file, mapping=mapping, timezone=timezone)
