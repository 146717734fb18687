"""Notes without identifiers: the header by its keys, the body through the text scrubber.

In        one note file, the desk, the source's zone
Out       the note with the subject's name, the encounter's pseudonym, the moved date with its offset, no author
Header    keys that are not known lose their line. A note without Patient-ID is about nobody known and goes to quarantine, but
          where the caller has no map to ask (`nobody`): then all of the map are looked for in it, and its dates become tags.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bedside.core.errors import Malformed
from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.replace import Scrubbed
from bedside.formats import notes as format

_COMPACT_LENGTH = 8
Told = Callable[[format.Note, Scrubbed], None]


def change(raw: bytes, desk: Desk, *, source: str, timezone: str | None, where: str, line: bool = False, nobody: bool = False, told: Told | None = None) -> bytes:
    """The note without identifiers. Raises `Malformed` for one that is unreadable or says not whose it is.

    line     it is a line of JSON lines
    nobody   a note need not say whose it is
    told     is told the note as it came, and what became of its body
    """
    note = format.parse(raw, where=where, line=line)
    number = note.header.get("Patient-ID", "").strip()
    if not number and not nobody:
        raise Malformed(
            "a note without Patient-ID: whose it is, and what to look for in it, is not known",
            where=where,
            do="begin the file with a Patient-ID line",
        )
    person = desk.the(desk.map.record_key(number, source=source), where=where) if number else None
    header = {key: new for key, value in note.header.items() if (new := _header(key, value.strip(), person, desk, timezone, where))}
    desk.actions["notes: header line removed"] += len(note.header) - len(header)
    done = desk.scrubbed(note.body, person)
    if told is not None:
        told(note, done)
    return format.dump(msgspec.structs.replace(note, header=header, body=done.text, raw=b""))


def _header(key: str, value: str, person: Person | None, desk: Desk, timezone: str | None, where: str) -> str:
    if key == "Patient-ID":
        return person.name if person is not None else ""
    if key in ("Encounter-ID", "Note-ID"):
        return desk.number(value) if value else ""
    if key == "Date":
        return _date(value, person, timezone, where)
    return desk.text(value, person) if key in ("Type", "Title") and value else ""


def _date(value: str, person: Person | None, timezone: str | None, where: str) -> str:
    if not value or person is None:
        return ""
    move = person.clock.compact if value[:_COMPACT_LENGTH].isdigit() else person.clock.iso
    return move(value, where=f"{where}, Date", timezone=timezone)
