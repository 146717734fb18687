"""The text scrubber: what the structure knows of the patient and the staff, then patterns, then whatever detectors are handed in.

In        a text, the finder of its subject (and of the staff), the subject's clock
Out       the text with a word in brackets for each identifier ([NAME], [PHONE], ...), dates moved in their own writing, ages above
          the cap replaced by the cap + 1; and how many of each kind there were, never which
Source    45 CFR 164.514(b)(2)(i)
Elsewhere numbers: `numbers.py`, `dates.py`; people and places: `capitals.py`; known identifiers: `known.py`; what stands in their place:
          `replace.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bedside.deidentify.ages import spelled_ages
from bedside.deidentify.capitals import capital_spans
from bedside.deidentify.clock import Clock
from bedside.deidentify.cued_names import CAPITALISED, before_ages, before_verbs, in_records, with_signs, without_capitals
from bedside.deidentify.facilities import office_spans
from bedside.deidentify.folding import folded, in_ascii
from bedside.deidentify.hospital_names import hospitals_in_any_case
from bedside.deidentify.known import Finder
from bedside.deidentify.numbers import address_spans, number_spans
from bedside.deidentify.patients import KnownIdentifiers
from bedside.deidentify.people import label_lines, whole_names
from bedside.deidentify.places import whole_places
from bedside.deidentify.replace import Instead, Replacing, Scrubbed, replaced
from bedside.deidentify.same_person import again
from bedside.deidentify.spans import Detector, Runs, Span, joined, runs_of_digits

_THIS_CENTURY = 2000


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
    instead: Instead | None = None,
) -> Scrubbed:
    """Take the identifiers out of a text.

    known, staff   what the structure knows of the subject, and of the hospital's people
    clock          moves dates; without one (a text of nobody known) a date becomes [DATE]
    age_cap        ages above it read one more than it; None keeps ages
    keep_dates, keep_places   dates, and cities and zip codes, stay as they are (limited data set)
    year           year for dates that say none
    instead        gives the surrogate of an identifier; without it a word in brackets stands in its place

    >>> scrub("Mr. Smith, MRN 40012345, seen 01/13/2026 for Parkinson disease, BP 120/80.").text
    'Mr. [NAME], MRN [ID], seen [DATE] for Parkinson disease, BP 120/80.'
    """
    if not text or text.isspace():
        return Scrubbed(text, {})
    finders = [_finder(person, keep_places) for person in (known, staff) if person is not None]
    spans = spans_of(text, age_cap=age_cap, keep_dates=keep_dates, keep_places=keep_places, finders=finders, detectors=detectors)
    return replaced(text, spans, Replacing(clock, age_cap, year, instead)) if spans else Scrubbed(text, {})


_LINE_OF_FORM = re.compile(r"(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])")


def spans_of(
    text: str,
    *,
    age_cap: int | None = 89,
    keep_dates: bool = False,
    keep_places: bool = False,
    finders: Sequence[Finder] = (),
    detectors: Sequence[Detector] = (),
) -> list[Span]:
    """Where the identifiers of a text stand: patterns, what the finders know, then what the detectors find in the rest."""
    plain = folded(text)
    shadow = in_ascii(plain.text)
    if "_" in shadow:  # the line of a form, or emphasis: no sign of a word there
        shadow = _LINE_OF_FORM.sub(lambda found: " " * len(found[0]), shadow)
    lower, runs = shadow.lower(), runs_of_digits(shadow)
    found = _rules(shadow, lower, runs, age_cap, keep_dates, keep_places)
    if finders and shadow is not plain.text:
        lower = plain.text.lower()
    for finder in finders:
        found += (span for span in finder.spans(plain.text, lower, runs) if not (keep_dates and span.kind == "DATE"))
    if plain.at is not None:
        found = [Span(*plain.span(span.start, span.end), span.kind) for span in found]
    whole = whole_names(text, whole_places(text, joined(found)))
    for detector in detectors:
        whole = joined([*whole, *detector.find(text, whole)])
    return whole


def _finder(person: Finder | KnownIdentifiers, keep_places: bool) -> Finder:
    return person if isinstance(person, Finder) else Finder(person, city=keep_places)


def _rules(text: str, lower: str, runs: Runs, age_cap: int | None, keep_dates: bool, keep_places: bool) -> list[Span]:
    """What shows itself in a text in ASCII without knowing whom it is about."""
    towns = not keep_places
    found = number_spans(text, lower, runs, places=towns, age_cap=age_cap)
    found += capital_spans(text, lower, towns=towns)
    found += address_spans(text)
    found += label_lines(text, lower)
    found += with_signs(text, lower)
    found += in_records(text)
    found += before_verbs(text, lower)
    found += before_ages(text, lower, runs)
    found += without_capitals(text, lower)
    found += again(text, lower, found)
    if towns:
        found += office_spans(text, lower)
        if CAPITALISED.search(text) is None:
            found += hospitals_in_any_case(text, lower)
    if age_cap is not None:
        found += spelled_ages(lower, age_cap)
    if keep_dates:
        dated = [span for span in found if span.kind == "DATE"]
        return [span for span in found if not any(span.start >= one.start and span.end <= one.end for one in dated)]
    return found
