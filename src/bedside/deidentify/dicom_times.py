"""The dates and times of one instance: each moves as its subject's clock says, a date together with the time that belongs to it.

In        the subject's clock, what the policy does to times, the offset of the instance's times from UTC
Out       values moved in their own representation; what is no date or time becomes empty
Source    DICOM PS3.5 section 6.2 (DA, TM, DT); PS3.3 C.12.1.1.8 (0008,0201); ACR-NEMA's 2004.01.19 and 10:15 are read too
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from bedside.core.errors import Malformed
from bedside.core.time import compact_instant
from bedside.deidentify.dicom_rules import ACTIONS
from bedside.deidentify.dicom_stream import Element, Level, walk
from bedside.deidentify.dicom_values import DATE, OFFSET, TIME_OF_DAY, dummy, plain_date, plain_time

if TYPE_CHECKING:
    from bedside.deidentify.clock import Clock

ZONE = 0x00080201
_STUDY_TIME, _SOP_INSTANCE = 0x00080030, 0x00080018
_TIMES_FIRST = ((0x00080020, 0x00080030), (0x00080021, 0x00080031), (0x00080022, 0x00080032), (0x00080023, 0x00080033))
_ENDS_IN_OFFSET = re.compile(r"[+-]\d{4}\Z")


@lru_cache(maxsize=1)
def _pairs() -> tuple[dict[int, int], dict[int, int]]:
    """The time that belongs to a date, by their keywords, and the date that belongs to a time."""
    from pydicom._dicom_dict import DicomDictionary

    times = {entry[4][:-4]: tag for tag, entry in DicomDictionary.items() if entry[0] == "TM" and entry[4].endswith("Time")}
    found = {
        tag: times[entry[4][:-4]]
        for tag, entry in DicomDictionary.items()
        if entry[0] == "DA" and entry[4].endswith("Date") and entry[4][:-4] in times
    }
    return found, {time: date for date, time in found.items()}


def zone_of(level: Level, timezone: str | None, where: str) -> str | None:
    """The offset of an instance's times: said in it, or of the source's zone on the true date. None when it has no time of day."""
    said = level.text(ZONE)
    if OFFSET.match(said):
        return said
    for date, time in _dated_times(level, where):
        minutes = compact_instant(date + time, where=f"{where}, a time of day", timezone=timezone).offset_min or 0
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return None


def _dated_times(level: Level, where: str) -> Iterator[tuple[str, str]]:
    """Dates with their times: those of the study first, then any, in sequences too."""
    for of_date, of_time in _TIMES_FIRST:
        date, time = plain_date(level.text(of_date)), plain_time(level.text(of_time))
        if date and time:
            yield date, time
    times = _pairs()[0]
    for at, element in walk(level, where, skip=lambda tag: ACTIONS.get(tag) == "X" or tag >> 16 & 1 == 1):
        if element.vr == "DA" and element.tag in times:
            date, time = plain_date(at.text(element.tag)), plain_time(at.text(times[element.tag]))
            if date and time:
                yield date, time


class Times:
    """Moves the times of one instance."""

    def __init__(self, clock: Clock, offset: str | None, where: str) -> None:
        self.clock, self.offset, self.where = clock, offset, where
        self.dates, self.times = _pairs()
        self._moved: dict[str, str] = {}

    def move(self, level: Level, element: Element) -> None:
        """One DA, TM or DT, in place."""
        value = level.value(element)
        if not value.strip(b" \0"):
            return
        said = [one.strip(" \0") for one in value.decode("latin-1").split("\\")]
        new: list[str] | None
        if element.vr == "DA":
            new = self._dates(level, element, said)
        elif element.vr == "DT":
            new = [self._cached("DT", one) for one in said]
        else:
            new = self._times_of_day(level, element, said)
        if new == [""] and "D" in ACTIONS.get(element.tag, ""):  # where a type may demand a value
            level.set(element, dummy(element.vr, element.tag))
        elif new is not None and new != said:
            level.set(element, "\\".join(new).encode("ascii"))

    def mark(self, level: Level) -> None:
        """Write the offset that the times of the instance have now."""
        if self.offset is not None and (_STUDY_TIME in level.elements or _SOP_INSTANCE in level.elements):
            now = b"+0000" if self.clock.relative else self.offset.encode("ascii")
            element = level.elements.get(ZONE)
            if element is None or level.value(element).strip(b" \0") != now:
                level.put(ZONE, "SH", now)

    def _dates(self, level: Level, element: Element, said: list[str]) -> list[str]:
        partner = level.elements.get(self.dates.get(element.tag, -1))
        if self.clock.relative and partner is not None and len(said) == 1:
            time = plain_time(level.text(partner.tag))
            if time:
                date, time = self._pair(plain_date(said[0]), time)
                level.set(partner, time.encode("ascii"))
                return [date]
        return [self._cached("DA", one) for one in said]

    def _times_of_day(self, level: Level, element: Element, said: list[str]) -> list[str] | None:
        """Of whole weeks a time of day stays; counted from the first event it moves with its date, and goes without one."""
        if not self.clock.relative:
            return [plain_time(one) for one in said]
        has_date = self.times.get(element.tag, -1) in level.elements and len(said) == 1 and plain_time(said[0])
        return None if has_date else [""]

    def _cached(self, vr: str, text: str) -> str:
        known = self._moved.get(text)
        if known is None:
            known = self._moved[text] = self._date(text) if vr == "DA" else self._date_time(text)
        return known

    def _date(self, text: str) -> str:
        plain = plain_date(text)
        try:
            return self.clock.compact(plain, where=self.where, timezone=None) if plain else ""
        except Malformed:
            return ""

    def _date_time(self, text: str) -> str:
        plain = text + (self.offset or "+0000") if len(text) > len("YYYYMMDD") and not _ENDS_IN_OFFSET.search(text) else text
        try:
            return self.clock.compact(plain, where=self.where, timezone=None)
        except Malformed:
            return ""

    def _pair(self, date: str, time: str) -> tuple[str, str]:
        if not DATE.match(date) or not TIME_OF_DAY.match(time):
            return "", ""
        moved = self._date_time(date + time.ljust(6, "0") + (self.offset or "+0000"))
        plain = re.split(r"[+-]", moved)[0]
        return plain[:8], plain[8:]
