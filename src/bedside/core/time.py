"""Clinical times to instants: microseconds of UTC, with the offset that was on the wall.

FHIR R4 section 2.24.0.1 (dateTime, instant), HL7 v2.5.1 section 2.A.22 (DTM), DICOM PS3.5 section 6.2
(DA, TM, DT). A time of day without a zone is an error unless the source declares its zone: guessing
one is the most repeated defect of converters.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bedside.core.errors import Malformed, Misconfigured, shape_of

Precision = Literal["year", "month", "day", "time"]
UNSTATED = ""
"""In place of a zone: times that carry none stay without one, and are read as though they were of UTC. For what needs no instants."""
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
_EPOCH = datetime(1970, 1, 1)
FIRST_US, LAST_US = ((datetime(*day) - _EPOCH) // timedelta(days=1) * DAY_US for day in ((1, 1, 1), (9999, 12, 31)))
"""The stretch of UTC that a calendar of four-digit years holds, but for its last day."""
_ISO = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2})?)?)?)?\Z"
)
_COMPACT = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?\Z")


class Instant(NamedTuple):
    """A moment: `us` microseconds since 1970 in UTC, the wall's offset in minutes, and how exactly it was said."""

    us: int
    offset_min: int | None
    precision: Precision

    @property
    def local_us(self) -> int:
        """Microseconds since 1970 as the wall clock showed them."""
        return self.us + (self.offset_min or 0) * MINUTE_US


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The tz database's zone, `Misconfigured` when there is none of that name."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Misconfigured(f"no time zone called {name!r}", where="timezone", do='use a name such as "Europe/Paris"') from error


def iso_instant(text: str, *, where: str, timezone: str | None = None) -> Instant:
    """Instant of an ISO 8601 / FHIR date, dateTime or instant.

    timezone  zone of the source, for times that carry none
    Raises `Malformed` for text that is no date, or a time of day without zone when none is declared.

    >>> iso_instant("2026-03-08T12:00:00-05:00", where="x")
    Instant(us=1772989200000000, offset_min=-300, precision='time')
    """
    found = _ISO.match(text)
    if found is None:
        raise Malformed(f"not an ISO date or time: {shape_of(text)}", where=where, do="fix the sender, or declare the format")
    return _instant(found.groups(), where, timezone)


def compact_instant(text: str, *, where: str, timezone: str | None = None) -> Instant:
    """Instant of an HL7 v2 DTM or a DICOM DT: YYYY[MM[DD[HH[MM[SS[.S+]]]]]][+ZZZZ].

    >>> compact_instant("20260308120000-0500", where="x").us
    1772989200000000
    """
    found = _COMPACT.match(text)
    if found is None:
        raise Malformed(f"not an HL7 or DICOM time: {shape_of(text)}", where=where, do="fix the sender")
    return _instant(found.groups(), where, timezone)


def _instant(parts: tuple[str | None, ...], where: str, timezone: str | None) -> Instant:
    year, month, day, hour, minute, second, fraction, offset = parts
    try:
        wall = datetime(int(year or 0), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), min(int(second or 0), 59))
    except ValueError as error:
        raise Malformed("no such date or time of day", where=where, do="fix the sender") from error
    if fraction:
        wall += timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
    if hour is None:
        return Instant(wall_us(wall), None, "day" if day else "month" if month else "year")
    minutes = _offset(offset, wall, where, timezone)
    us = wall_us(wall) - (minutes or 0) * MINUTE_US
    if not FIRST_US <= us <= LAST_US:
        raise Malformed("a time beyond the years 1 to 9999 in UTC", where=where, do="fix the sender")
    return Instant(us, minutes, "time")


def _offset(offset: str | None, wall: datetime, where: str, timezone: str | None) -> int | None:
    if offset == "Z":
        return 0
    if offset:
        sign, digits = offset[0], offset[1:].replace(":", "")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        if minutes > 14 * 60:
            raise Malformed("an offset beyond 14 hours", where=where, do="fix the sender")
        return -minutes if sign == "-" else minutes
    if timezone == UNSTATED:
        return None
    if timezone is None:
        raise Malformed("a time of day without a zone", where=where, do='declare timezone = "..." for this source in study.toml')
    # Of an hour that clocks show twice the first; of one that they skip, the offset before it.
    shift = wall.replace(tzinfo=zone(timezone)).utcoffset()
    return int(shift.total_seconds() // 60) if shift is not None else 0


def wall_us(wall: datetime) -> int:
    """Microseconds between 1970 and a naive datetime."""
    return (wall - _EPOCH) // timedelta(microseconds=1)


def wall_time(us: int) -> datetime:
    """The naive datetime `us` microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=us)


def utc_text(us: int) -> str:
    """ISO text of an instant in UTC.

    >>> utc_text(0)
    '1970-01-01T00:00:00Z'
    """
    return wall_time(us).isoformat() + "Z"
