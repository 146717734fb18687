"""Found names and places made whole: the title and the word beside a name, the state and clinic after a town, two halves of one hospital.

In        a text and the spans found in it, in order
Out       further spans over them and beside them; a few phrases that tell a person or a place without any name ("Dr. A.", "our New York office")
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bedside.deidentify.lexicon import Word, listed
from bedside.deidentify.spans import Span
from bedside.pillars.text.ner_medicine import is_medicine
from bedside.pillars.text.ner_words import is_plain, meaning

_STATES = "|".join(state.upper() for state in sorted(listed("states")))
_STATE_NAMES = "|".join(sorted((word.title() for word in listed("state_names")), key=len, reverse=True))
_TITLE = re.compile(r"\b(?:Drs?|Doctor|Mr|Mrs|Ms|Miss|Mx|Prof|Professor|Rev|Nurse|DR|MR|MRS|MS)\b\.?[ \t]+\Z")
_DEGREE = re.compile(r"(?:[ \t]+(?:PhD|Ph\.D\.|DDS|DVM|MD|Jr\b\.?|Sr\b\.?|I{2,3}\b|IV\b(?=[ \t]*[,.;\n])))+")
_CLINIC = re.compile(r"(?:(?:['’]s)?[ \t]+(?:[Dd]owntown[ \t]+)?(?:[Cc]linic|[Hh]ospital|[Oo]ffice|[Ff]acility|[Cc]ampus|[Mm]edical [Cc]enter|[Mm]ed [Cc]enter|[Cc]enter)\b)?")
_AFTER_PLACE = re.compile(rf"(?:,?[ \t]+(?:in[ \t]+)?(?:(?:{_STATES})\b(?!\.)|(?:{_STATE_NAMES})\b))?{_CLINIC.pattern}")
_FACILITY = "(?:[Cc]linics?|[Hh]ospital|[Oo]ffice|[Ff]acility|[Cc]ampus|[Ll]ocation|[Bb]ranch)"
# Phrases that tell a person or a place without a name that a list could hold.
_PHRASES = (
    (re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof)\.?[ \t]+[A-Z]\.(?!\w)"), "NAME"),
    (re.compile(rf"\b(?:our|the|their|at|to|in)[ \t]+((?:New (?:York|Jersey|Mexico|Hampshire)|{_STATE_NAMES})(?:[ \t]+(?:City|downtown))?[ \t]+{_FACILITY})\b"), "HOSPITAL"),
    (re.compile(r"\b(?:Facility|FACILITY|Hospital|HOSPITAL|Institution)[ \t]*:[ \t]*([A-Z][\w'’.&-]*(?:[ \t]+(?:(?:of|and|the|for)[ \t]+)?[A-Z][\w'’.&-]*){1,5})"), "HOSPITAL"),
    (re.compile(rf"\b((?:NYC|Philly|SLC|NOLA)(?:[ \t]+{_FACILITY})?)\b"), "CITY"),
    (re.compile(rf"\b(\d{{1,3}}(?:st|nd|rd|th)[ \t]+(?:[Aa]venue|[Ss]treet|[Aa]ve\b\.?|[Ss]t\b\.?)(?:[ \t]+{_FACILITY})?)"), "ADDRESS"),
)
# The lines of an address after its street: a town by itself, and a land or nothing with a postal code.
_TOWN_LINE = re.compile(r"[ \t]*,?\n[ \t>?]*(?![^\n]*:)([^\W\d_a-z][^\W\d_]+(?:[ \t’'-]+[^\W\d_]+){0,4})[ \t]*(?=\n|\Z|,)")
_CODE_LINE = re.compile(r"[ \t]*(?:,?\n[ \t>?]*){1,2}(?:[A-Z][^\W\d_]+[ \t]+){0,2}(\d{4,6}(?:-\d{4})?)\b(?!-?\d)")
_PARTICLES = r"(?:(?:van|von|de|der|den|del|della|di|da|la|el|al|bin|ibn|ten|ter)[ \t]+){1,3}"
INITIAL = re.compile(rf"[ \t]+(?:[A-Z]\.?[ \t]+|{_PARTICLES})?")
NEXT_NAME = re.compile(rf"[ \t]+(?:[^\W\d_]\.?[ \t]+|{_PARTICLES})?([^\W\d_a-z][^\W\d_]+(?:['’-]?[^\W\d_]+)*)")
_IN = re.compile(r",?[ \t]+(?:in|of|at)?[ \t]*(?:the[ \t]+)?")
_HOUSE = re.compile(r"(?:Hospital|Clinic|Center|Health|Medical)\b")
_BEFORE_NAME = re.compile(rf"(?<![\w’'.-])([^\W\d_a-z][^\W\d_]+(?:['’-]?[^\W\d_]+)*)[ \t]+(?:[A-Z]\.?[ \t]+|{_PARTICLES})?\Z")
_IN_LIST = re.compile(r"(?:,|,?[ \t]+(?:and|or|&))[ \t]+([A-Z][^\W\d_]+)\b(?=[ \t]*(?:[,.;:)!?\n]|\Z|and\b|or\b|&|[a-z]))")
_KIN = frozenset(["sister", "brother", "mother", "father", "son", "daughter", "wife", "husband", "aunt", "uncle", "baby", "child", "cousin", "friend", "nurse", "dean", "king"])
_GIVEN = int(Word.GIVEN | Word.GIVEN_WORLD)
PLACES = frozenset({"CITY", "HOSPITAL", "ADDRESS"})


def completed(text: str, whole: Sequence[Span]) -> Iterator[Span]:
    """What makes found spans whole."""
    for span in whole:
        yield from _whole(text, span)
        yield from _listed_beside(text, span)
        if span.kind == "ADDRESS":
            yield from _lines_below(text, span)
    for span, following in pairwise(whole):
        between = _IN if _is_place(text, span) and following.kind in PLACES else INITIAL if span.kind == following.kind == "NAME" else None
        if between is not None and between.fullmatch(text, span.end, following.start):
            yield Span(span.start, following.end, span.kind)


def _lines_below(text: str, street: Span) -> Iterator[Span]:
    """The town and the postal code on the lines under a street."""
    town = _TOWN_LINE.match(text, street.end)
    if town and not all(is_plain(word) for word in town[1].split()):
        yield Span(*town.span(1), "CITY")
        code = _CODE_LINE.match(text, town.end(1))
        if code:
            yield Span(*code.span(1), "ZIP")


def phrases(text: str) -> list[Span]:
    """Persons and places told without a name."""
    return [Span(*found.span(found.re.groups), kind) for pattern, kind in _PHRASES for found in pattern.finditer(text)]


def _is_place(text: str, span: Span) -> bool:
    return span.kind in PLACES or (span.kind == "NAME" and _HOUSE.search(text, span.start, span.end) is not None)


def _listed_beside(text: str, span: Span) -> Iterator[Span]:
    """A family name that is also a word, in one list with a name: "Bowman and White"."""
    following = _IN_LIST.match(text, span.end) if span.kind == "NAME" and " " not in text[span.start : span.end] else None
    if following and meaning(following[1]) & int(Word.FAMILY) and not is_medicine(text, *following.span(1)):
        yield Span(*following.span(1), "NAME")


def _whole(text: str, span: Span) -> Iterator[Span]:
    """What belongs to a span and stands beside it: the title of a name; the state and the word "clinic" after a place."""
    if span.kind == "NAME":
        before = _BEFORE_NAME.search(text, max(0, span.start - 40), span.start)
        if before and before[1].lower() not in _KIN and (not is_plain(before[1]) or (meaning(before[1]) & _GIVEN and not meaning(before[1]) & int(Word.CLINICAL | Word.NOT_NAME))):
            span = Span(before.start(1), span.end, "NAME")
            yield span
        after = NEXT_NAME.match(text, span.end)
        if after and not is_plain(after[1]) and not is_medicine(text, *after.span(1)):
            yield Span(span.start, after.end(1), "NAME")
        degree = _DEGREE.match(text, span.end)
        if degree:
            yield Span(span.start, degree.end(), "NAME")
        title = _TITLE.search(text, max(0, span.start - 12), span.start)
        if title:
            yield Span(title.start(), span.end, "NAME")
    if span.kind in PLACES or span.kind == "NAME":
        after = (_AFTER_PLACE if span.kind in PLACES else _CLINIC).match(text, span.end)
        if after and after.end() > span.end:
            yield Span(span.start, after.end(), "HOSPITAL" if span.kind == "NAME" else span.kind)
