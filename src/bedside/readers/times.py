"""When a fact became available: never before it happened, and for an inexact date not before that date is over.

In        the instant of a fact, and the instants that its sender gives for knowing it
Out       microseconds of UTC; features use facts known strictly before the prediction
"""

from __future__ import annotations

from datetime import datetime

from bedside.core.time import DAY_US, HOUR_US, LAST_US, Instant, wall_time, wall_us

LAST_ZONE_US = 12 * HOUR_US
"""A date says no zone: it is over everywhere when it is over in UTC-12, at noon of the next day in UTC."""


def end_of(time: Instant) -> int:
    """The first microsecond after the stretch that an inexact time covers anywhere on Earth, or the time itself when exact.

    >>> end_of(Instant(0, None, "day")) == DAY_US + LAST_ZONE_US, end_of(Instant(0, 0, "time"))
    (True, 0)
    """
    if time.precision == "time":
        return time.us
    if time.precision == "day":
        return max(time.us, min(time.us + DAY_US + LAST_ZONE_US, LAST_US))
    wall = wall_time(time.us)
    year, month = (wall.year + 1, 1) if time.precision == "year" or wall.month == 12 else (wall.year, wall.month + 1)
    return wall_us(datetime(year, month, 1)) + LAST_ZONE_US if year <= 9999 else LAST_US


def available(time: Instant, said: Instant | None = None) -> int:
    """When a fact of `time` could be known. Where nobody says, that is the time itself, or the end of its day."""
    return end_of(time) if said is None else max(end_of(said), time.us)
