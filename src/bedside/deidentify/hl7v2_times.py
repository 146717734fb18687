"""Times of HL7 v2 messages, moved: the form that nearly all have by hand, the others by the subject's clock.

In        a DTM as written, days, the source's zone or the message's offset
Out       the moved time as written, with its offset; "" for the caller's slower way, or for a time that is none
Source    HL7 v2.8.2 section 2.A.22 (DTM)
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from bedside.core.time import zone

TIME = re.compile(r"\d{4,14}(?:\.\d{1,6})?(?:[+-]\d{4})?\Z")
WALL = re.compile(r"(\d{8})(\d\d)(\d\d)(\d\d(?:\.\d{1,6})?)?\Z")
OFFSET = re.compile(r"[+-]\d{4}\Z")
LAST_YEAR = "9990"


@lru_cache(maxsize=65536)
def quick(days: int, timezone: str, offset: str, day: str, hour: str, minute: str, second: str) -> str:
    """A wall time moved: what `Clock.compact` gives, for the one form that nearly all times have; "" for a time that is none.

    timezone, offset   the source's zone, or else the message's offset; neither where no zone is stated
    """
    try:
        true = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), int(hour), int(minute))
        moved = datetime.fromordinal(true.toordinal() + days)
    except (ValueError, OverflowError):
        return ""
    if second[:2] > "59" or not 1 < moved.year < int(LAST_YEAR) or offset[1:] > "1400":
        return ""
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}{hour}{minute}{second}{_offset(true, timezone) if timezone else offset}"


def _offset(wall: datetime, timezone: str) -> str:
    minutes = int((wall.replace(tzinfo=zone(timezone)).utcoffset() or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


@lru_cache(maxsize=16384)
def is_day(text: str) -> bool:
    """Whether a year, month or day is one: senders write zeros where they know none."""
    try:
        date(int(text[:4]), int(text[4:6] or 1), int(text[6:8] or 1))
    except ValueError:
        return False
    return True
