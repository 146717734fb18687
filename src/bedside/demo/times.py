"""Minutes of UTC since 1970 to wall-clock text of New York, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ZONE = "America/New_York"
HOUR, DAY = 60, 24 * 60
_ZONE = ZoneInfo(ZONE)
_EPOCH = datetime(1970, 1, 1)


@lru_cache(maxsize=1 << 16)
def _offset(hour: int) -> tuple[int, bool]:
    """Offset in minutes during an hour of UTC, and whether the wall shows that hour for the second time."""
    local = datetime.fromtimestamp(hour * 3600, UTC).astimezone(_ZONE)
    shift = local.utcoffset() or timedelta()
    return int(shift.total_seconds() // 60), local.fold == 1


def clear(minute: int) -> int:
    """The minute, or one hour later where a clock without offset could not tell it from the hour before."""
    return minute + HOUR if _offset(minute // HOUR)[1] else minute


def minute_of(wall: datetime) -> int:
    """Minute of UTC of a naive wall-clock time; the first one when there are two."""
    offset = wall.replace(tzinfo=_ZONE).utcoffset() or timedelta()
    return (wall - offset - _EPOCH) // timedelta(minutes=1)


def local(minute: int) -> datetime:
    """The naive wall-clock time."""
    return _EPOCH + timedelta(minutes=minute + _offset(minute // HOUR)[0])


@lru_cache(maxsize=1 << 14)
def iso(minute: int) -> str:
    """FHIR dateTime with offset.

    >>> iso(29470380)
    '2026-01-12T08:00:00-05:00'
    """
    offset = _offset(minute // HOUR)[0]
    return f"{local(minute):%Y-%m-%dT%H:%M:00}-{-offset // 60:02d}:00"


@lru_cache(maxsize=1 << 14)
def hl7(minute: int) -> str:
    """HL7 v2 DTM, seconds, no offset."""
    return f"{local(minute):%Y%m%d%H%M00}"


@lru_cache(maxsize=1 << 14)
def plain(minute: int) -> str:
    """`YYYY-MM-DD HH:MM:SS`."""
    return f"{local(minute):%Y-%m-%d %H:%M:00}"


def day(minute: int) -> str:
    return f"{local(minute):%Y-%m-%d}"


def american(minute: int) -> str:
    """The date as clinicians type it, 01/12/2026."""
    return f"{local(minute):%m/%d/%Y}"
