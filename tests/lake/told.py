"""Readings for the tests of the lake, said in few words."""

from __future__ import annotations

from bedside.core.accounts import Reject, Tally
from bedside.core.events import Event, frame
from bedside.readers.reading import NoteRow, Reading

HOUR = 3_600_000_000
DAY = 24 * HOUR


def fact(subject: int, hour: float | None, code: str = "LOINC//2524-7", value: float | None = 2.0, **more: object) -> Event:
    """One fact at an hour, known an hour later unless told otherwise."""
    time = None if hour is None else int(hour * HOUR)
    known = {"known_at": None if time is None else time + HOUR} | more
    return Event(
        subject, time, code, value, source=str(more.pop("source", "f#1")), **{k: v for k, v in known.items() if k != "source"}
    )  # type: ignore[arg-type]


def reading(source: str, *events: Event, file: str = "file", rejects: int = 0, notes: tuple[NoteRow, ...] = ()) -> Reading:
    """A reading of one source whose every record gave one event."""
    tally = Tally(source, file)
    tally.write(len(events))
    tally.quarantine("broken", rejects)
    return Reading(
        frame(events), tally, list(notes), rejects=[Reject(source, file, f"line {n}", "broken", "0") for n in range(rejects)]
    )
