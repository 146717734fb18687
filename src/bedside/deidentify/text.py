"""The text scrubber: what the structure knows of the patient and the staff, then patterns, then whatever detectors are handed in.

In        a text, the finder of its subject (and of the staff), the subject's clock
Out       the text with a word in brackets for each identifier ([NAME], [PHONE], ...), dates moved in their own writing, ages above
          the cap replaced by the cap + 1; and how many of each kind there were, never which
Source    45 CFR 164.514(b)(2)(i)
Elsewhere patterns: `patterns.py`, `dates.py`; known identifiers: `known.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from bedside.deidentify import dates, patterns
from bedside.deidentify.clock import Clock
from bedside.deidentify.facilities import facilities
from bedside.deidentify.known import Finder
from bedside.deidentify.patients import KnownIdentifiers
from bedside.deidentify.spans import Detector, Span, joined

_THIS_CENTURY = 2000


class Scrubbed(msgspec.Struct, frozen=True):
    """A text without identifiers, and how many of each kind it held."""

    text: str
    counts: dict[str, int]


def scrub(
    text: str,
    *,
    known: Finder | KnownIdentifiers | None = None,
    staff: Finder | KnownIdentifiers | None = None,
    clock: Clock | None = None,
    age_cap: int | None = 89,
    keep_dates: bool = False,
    keep_places: bool = False,
    year: int = _THIS_CENTURY,
    detectors: Sequence[Detector] = (),
) -> Scrubbed:
    """Take the identifiers out of a text.

    known, staff   what the structure knows of the subject, and of the hospital's people
    clock          moves dates; without one (a text of nobody known) a date becomes [DATE]
    age_cap        ages above it read one more than it; None keeps ages
    keep_dates, keep_places   dates, and cities and zip codes, stay as they are (limited data set)
    year           year for dates that say none

    >>> scrub("Mr. Smith, MRN 40012345, seen 01/13/2026 for Parkinson disease, BP 120/80.").text
    'Mr. [NAME], MRN [ID], seen [DATE] for Parkinson disease, BP 120/80.'
    """
    if not text or text.isspace():
        return Scrubbed(text, {})
    finders = [*(_finder(person, keep_places) for person in (known, staff) if person is not None), *detectors]
    spans = spans_of(text, age_cap=age_cap, keep_dates=keep_dates, keep_places=keep_places, detectors=finders)
    return _replaced(text, spans, clock, age_cap, year) if spans else Scrubbed(text, {})


def spans_of(
    text: str, *, age_cap: int | None = 89, keep_dates: bool = False, keep_places: bool = False, detectors: Sequence[Detector] = ()
) -> list[Span]:
    """Where the identifiers of a text stand: patterns, and what the detectors find."""
    found: list[Span] = []
    at = 0
    for line in text.splitlines(keepends=True):
        found += (Span(at + span.start, at + span.end, span.kind) for span in _line_spans(line, age_cap, keep_dates, keep_places))
        at += len(line)
    for detector in detectors:
        found += detector.find(text)
    return joined(found)


def _finder(person: Finder | KnownIdentifiers, keep_places: bool) -> Finder:
    return person if isinstance(person, Finder) else Finder(person, city=keep_places)


@lru_cache(maxsize=65536)
def _line_spans(text: str, age_cap: int | None, keep_dates: bool, keep_places: bool) -> list[Span]:
    """What shows itself in one line without knowing whom the text is about. Lines repeat: each is worked out once."""
    found = [*patterns.numbers(text), *patterns.names(text), *patterns.addresses(text, city=keep_places), *patterns.hospitals(text)]
    found += facilities(text, city=keep_places)
    if age_cap is not None:
        found += patterns.old_ages(text, age_cap)
    dated = list(dates.find(text))
    if keep_dates:
        return [span for span in found if not any(span.start >= one.start and span.end <= one.end for one in dated)]
    return found + dated


def _replaced(text: str, spans: Iterable[Span], clock: Clock | None, age_cap: int | None, year: int) -> Scrubbed:
    parts, at, counts = [], 0, Counter[str]()
    for span in spans:
        before = text[at : span.start]
        if span.kind == "DATE" and clock is not None:
            before = dates.weekday_moved(before, clock.days)
        parts += [before, _instead(text[span.start : span.end], span.kind, clock, age_cap, year)]
        counts[span.kind] += 1
        at = span.end
    return Scrubbed("".join([*parts, text[at:]]), dict(sorted(counts.items())))


def _instead(said: str, kind: str, clock: Clock | None, age_cap: int | None, year: int) -> str:
    if kind == "DATE" and clock is not None:
        latest = clock.last_year(year)
        read = dates.parsed(said, year, latest)
        if read is not None and clock.hides(read[1]):
            return str(clock.told(read[1]).year)
        return dates.moved(said, clock.told, year=year, latest=latest) or "[DATE]"
    if kind == "AGE" and age_cap is not None:
        return str(age_cap + 1)
    return f"[{kind}]"
