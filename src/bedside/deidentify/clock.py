"""One subject's clock: every time of the subject moves by the same amount, whatever format it stands in.

shift      whole weeks, so that weekday and time of day stay; the UTC offset is written out, resolved on the TRUE date,
           since a moved date no longer says on which side of a change to summer time it was
relative   the day (of UTC) of the subject's first surveyed instant becomes 2000-01-01; times are written in UTC. Whole days,
           since a date without a time of day can move by nothing less: else the two would no longer lie as they did. Of a subject
           without any surveyed instant no time is told: a text's dates become tags
keep       dates stay (limited data set); a missing offset is still written out
Ages       above the policy's cap at the subject's last known event: the birth date becomes the day on which the age at that
           event reads cap + 1 and stays so for as much of the record before it as can be (one day short of cap + 2)
Source     FHIR R4 2.24.0.1; HL7 v2.5.1 2.A.22; DICOM PS3.5 6.2; 45 CFR 164.514(b)(2)(i)(C).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from bedside.core.errors import Malformed
from bedside.core.ids import keyed
from bedside.core.time import DAY_US, MINUTE_US, Instant, compact_instant, iso_instant, wall_time
from bedside.deidentify.patients import Subject
from bedside.deidentify.policy import Policy

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

YEAR_DAYS = 365.2425
_START_US = 946_684_800_000_000  # 2000-01-01T00:00:00Z
_WEEK_DAYS = 7
_LAST_YEAR = 9990  # later years are sentinels for "no end", not dates of a person
_EPOCH = date(1970, 1, 1)
_FULL = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})\Z")
_COMPACT_FULL = re.compile(r"(\d{8})(\d{2,6}(?:\.\d{1,6})?)([+-]\d{4})\Z")


def weeks(keyring: Keyring, subject: Subject, most: int) -> int:
    """The subject's shift: from -most to +most weeks, never 0."""
    drawn = int.from_bytes(keyed(keyring.shift_key, "weeks", str(subject.code))[:8], "big") % (2 * most)
    return drawn - most if drawn < most else drawn - most + 1


class Clock:
    """Moves the times of one subject under one policy."""

    __slots__ = ("anchored", "birth_year_only", "births", "cap", "days", "last_us", "relative", "shift_us")

    def __init__(
        self,
        *,
        shift_us: int = 0,
        relative: bool = False,
        anchored: bool = True,
        cap: int | None = None,
        birth_year_only: bool = False,
        last_us: int | None = None,
        births: frozenset[str] = frozenset(),
    ) -> None:
        self.shift_us, self.relative, self.cap, self.last_us = shift_us, relative, cap, last_us
        self.anchored = anchored
        self.days = shift_us // DAY_US
        self.birth_year_only, self.births = birth_year_only, births

    @classmethod
    def of(cls, subject: Subject, policy: Policy, keyring: Keyring) -> Clock:
        """The clock of a surveyed subject."""
        shift = 0
        if policy.dates == "shift":
            shift = weeks(keyring, subject, policy.shift_weeks) * _WEEK_DAYS * DAY_US
        elif policy.dates == "relative":
            shift = relative_shift(subject.first_us) if subject.first_us is not None else 0
        return cls(
            shift_us=shift,
            relative=policy.dates == "relative",
            anchored=policy.dates != "relative" or subject.first_us is not None,
            cap=policy.age_cap,
            birth_year_only=policy.birth_date == "year",
            last_us=subject.last_us,
            births=frozenset(subject.known.births),
        )

    def iso(self, text: str, *, where: str, timezone: str | None) -> str:
        """A FHIR date, dateTime or instant, moved; precision and offset stay.

        >>> Clock(shift_us=7 * DAY_US).iso("2026-03-05T12:00:00-05:00", where="x", timezone=None)
        '2026-03-12T12:00:00-05:00'
        """
        self._must_be_anchored(where)
        found = None if self.relative else _FULL.match(text)
        if found is not None:
            return _moved_day(found[1], self.days) + found[2] + found[3]
        return self._iso(iso_instant(text, where=where, timezone=timezone), text)

    def compact(self, text: str, *, where: str, timezone: str | None) -> str:
        """An HL7 v2 DTM or DICOM DT, moved.

        >>> Clock(shift_us=7 * DAY_US).compact("202603051200", where="x", timezone="America/New_York")
        '202603121200-0500'
        """
        self._must_be_anchored(where)
        instant = compact_instant(text, where=where, timezone=timezone)
        if instant.precision != "time":
            return self._day_text(instant).replace("-", "")
        body = re.split(r"[+-]", text)[0]
        moved, offset = self._moved(instant)
        plain = wall_time(moved + (offset or 0) * MINUTE_US)
        stamp = plain.strftime("%Y%m%d%H%M%S").zfill(14)
        whole, _, fraction = body.partition(".")
        digits = len(whole) if not self.relative else max(len(whole), 14)
        return stamp[:digits] + ("." + f"{plain.microsecond:06d}"[: len(fraction)] if fraction else "") + _offset_text(offset, "")

    def _must_be_anchored(self, where: str) -> None:
        """Without a first event nothing says how far a relative time should move, and an unmoved one would be the true one."""
        if not self.anchored:
            raise Malformed("a time of a subject of whom the survey met none", where=where, do="survey the files again: this one has changed")

    def birth(self, text: str, *, where: str) -> str:
        """A birth date in ISO form, moved, capped and cut as the policy says.

        A year alone, once moved, is written to the day: cut again, it would have moved by up to a year more.
        """
        return self.birth_date(iso_instant(text[:10], where=where)).isoformat()[: self._birth_digits(len(text), 10)]

    def compact_birth(self, text: str, *, where: str) -> str:
        """A birth date in HL7 or DICOM form; a time of birth is not kept."""
        day = self.birth_date(compact_instant(text[:8], where=where)).isoformat().replace("-", "")
        return day[: self._birth_digits(len(text), 8)]

    def _birth_digits(self, said: int, whole: int) -> int:
        return 4 if self.birth_year_only else whole if self.days else min(whole, said)

    def birth_date(self, born: Instant) -> date:
        """The moved day of birth; `capped` when the person was older than the policy lets be seen."""
        return _plus(capped(born.us, self.last_us, self.cap), self.days)

    def day(self, true: date) -> date:
        """A calendar day, moved."""
        return true if true.year >= _LAST_YEAR else _plus(true, self.days)

    def told(self, true: date) -> date:
        """A day that a text tells, moved; one so long ago that it tells an age above the cap as the birth date would be."""
        if true.year >= _LAST_YEAR:
            return true
        return self.birth_date(Instant((true - _EPOCH).days * DAY_US, None, "day"))

    def last_year(self, otherwise: int) -> int:
        """The year of the subject's last known event, or of the document where that is later or none is known."""
        return max(otherwise, wall_time(self.last_us).year) if self.last_us is not None else otherwise

    def hides(self, true: date) -> bool:
        """Whether a day is the subject's birth date, of which the policy keeps the year only."""
        return self.birth_year_only and true.isoformat() in self.births

    def _iso(self, instant: Instant, text: str) -> str:
        if instant.precision != "time":
            return self._day_text(instant)
        moved, offset = self._moved(instant)
        written = wall_time(moved + (offset or 0) * MINUTE_US).isoformat(timespec="microseconds")
        whole, _, fraction = written.partition(".")
        seconds = text.count(":") - (1 if re.search(r"[+-]\d{2}:\d{2}\Z", text) else 0) > 1 or self.relative
        said = re.search(r"\.(\d+)", text)
        tail = "." + fraction[: min(6, len(said[1]))] if said else ""
        return (whole if seconds else whole[:16]) + tail + ("Z" if self.relative and offset is not None else _offset_text(offset, ":"))

    def _moved(self, instant: Instant) -> tuple[int, int | None]:
        """Microseconds of UTC and the offset to write; none where the time said none and no zone is known."""
        if wall_time(instant.us).year >= _LAST_YEAR:
            return instant.us, instant.offset_min
        return instant.us + self.shift_us, 0 if self.relative and instant.offset_min is not None else instant.offset_min

    def _day_text(self, instant: Instant) -> str:
        """A date of day, month or year precision; the coarser two move as their middle does."""
        true = wall_time(instant.us).date()
        middle = {"day": true, "month": true.replace(day=15), "year": true.replace(month=7, day=1)}[instant.precision]
        return self.day(middle).isoformat()[: {"day": 10, "month": 7, "year": 4}[instant.precision]]


def relative_shift(first_us: int) -> int:
    """What moves the day of a subject's first instant to 2000-01-01, in microseconds: whole days."""
    return _START_US - first_us // DAY_US * DAY_US


def capped(born_us: int, last_us: int | None, cap: int | None) -> date:
    """The day of birth, or the day that an age above `cap` lets stand.

    >>> capped(-1_567_382_400_000_000, 946_684_800_000_000, 65), capped(-1_567_382_400_000_000, 946_684_800_000_000, 89)
    (datetime.date(1933, 1, 2), datetime.date(1920, 5, 2))
    """
    true = wall_time(born_us).date()
    if cap is None or last_us is None or age_years(born_us, last_us) <= cap:
        return true
    return wall_time(last_us).date() - timedelta(days=int((cap + 2) * YEAR_DAYS) - 1)


def age_years(born_us: int, at_us: int) -> int:
    """Whole years between two instants, as the features count them."""
    return int((at_us - born_us) / DAY_US // YEAR_DAYS)


@lru_cache(maxsize=65536)
def _moved_day(text: str, days: int) -> str:
    try:
        true = date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("no such date", where="a date", do="fix the sender") from error
    return (true if true.year >= _LAST_YEAR else _plus(true, days)).isoformat()


def _plus(true: date, days: int) -> date:
    try:
        return true + timedelta(days=days)
    except OverflowError:
        return true


def _offset_text(minutes: int | None, colon: str) -> str:
    if minutes is None:
        return ""
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{size // 60:02d}{colon}{size % 60:02d}"
