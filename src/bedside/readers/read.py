"""The one door of the room: a de-identified file to its events, by its format.

In        a file of a source, the source's table mapping and time zone
Out       `Reading`: events, notes, image rows, counts that reconcile, rejects
Never     raises for what a file holds; a mapping or zone that cannot be is `Misconfigured`.
"""

from __future__ import annotations

from typing import Any

from bedside.core.errors import Misconfigured
from bedside.core.time import zone
from bedside.formats.files import RawFile
from bedside.readers.reading import Reading


def read(file: RawFile, *, mapping: dict[str, Any] | None = None, timezone: str | None = None) -> Reading:
    """Read one file.

    mapping   of table sources: what their columns mean, as `readers.mapping.load` gives it
    timezone  zone of times that carry none; without it such a record is quarantined
    """
    if timezone is not None:
        zone(timezone)
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
