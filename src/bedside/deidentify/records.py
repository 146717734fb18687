"""Records of a person on one line, with upright strokes between the fields: a field is read by its place and by its whole content.

In        a text in ASCII
Out       spans of numbers, local phones, streets, towns and short dates that fill a field
Kept      tables of laboratory values and of medicines: a line is a person's only where a sex or a name with carets fills one of its fields
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify.spans import Span

_PERSON = re.compile(r"\|\s*(?:[MFmf]|[Mm]ale|[Ff]emale|MALE|FEMALE)\s*\||[A-Za-z]\^[A-Za-z]")
_FIELD = re.compile(r"[^|\n]+")
_NUMBER = re.compile(r"[A-Za-z]{0,3}\d[\d-]{4,}\d")
_LOCAL_PHONE = re.compile(r"\d{3}[-. ]\d{4}(?:\s?(?:x|ext\.?)\s?\d{1,6})?")
_STREET = re.compile(
    r"(?:(?:flat|apt\.?|apartment|unit|suite)\s*#?\w{1,5},?\s+)?\d{1,6}(?:\s?[-/]\s?\d{1,4})?(?:-?[A-Za-z](?!\w))?,?\s+(?:\d{1,3}(?:st|nd|rd|th)|[A-Za-z])[\w',. #-]{2,60}|[A-Za-z][A-Za-z'. -]{2,40}\s\d{1,5}\s?[A-Za-z]?"
    r"|(?:rr|rural route|hc)\s*#?\d{1,4},?\s+box\s+\d{1,6}|p\.?\s?o\.?\s?box\s+\d{1,6}",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:[0-2]\d|3[01])|\d\d?-\d\d?-(?:\d\d|\d{4})")
_TOWN = re.compile(r"[A-Za-z][A-Za-z'.]*(?:[ -][A-Za-z'.]+){0,4}")
_FEWEST_STROKES, _FEWEST_DIGITS = 4, 6


def record_spans(text: str, *, places: bool) -> Iterator[Span]:
    """What fills the fields of the lines that are records of a person."""
    at = text.find("|")
    while at >= 0:
        start = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if line.count("|") >= _FEWEST_STROKES and _PERSON.search(line):
            yield from _fields(text, start, end, places)
        at = text.find("|", end)


def _fields(text: str, start: int, end: int, places: bool) -> Iterator[Span]:
    after_street = False
    for field in _FIELD.finditer(text, start, end):
        said = field.group().strip()
        begin = field.start() + len(field.group()) - len(field.group().lstrip())
        if places and after_street and _TOWN.fullmatch(said):
            yield Span(begin, begin + len(said), "CITY")
        after_street = bool(places and _STREET.fullmatch(said)) and _town_follows(text, field.end(), end)
        if after_street:
            yield Span(begin, begin + len(said), "ADDRESS")
        elif _LOCAL_PHONE.fullmatch(said):
            yield Span(begin, begin + len(said), "PHONE")
        elif _NUMBER.fullmatch(said) and not _DATE.fullmatch(said) and sum(map(str.isdigit, said)) >= _FEWEST_DIGITS:
            yield Span(begin, begin + len(said), "ID")


def _town_follows(text: str, at: int, end: int) -> bool:
    field = _FIELD.match(text, at + 1, end)
    return field is not None and _TOWN.fullmatch(field.group().strip()) is not None
