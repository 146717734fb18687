"""What the entities of a model are worth in a note: which are names, places or firms, where they begin and end, and which are medicine.

In        a text, the spans found in it, its open words, the model's entities
Out       further spans, and found ones made whole: a name with its title, a hospital with its town, a town with its state or clinic
Kept      an entity without any open word; eponyms (Crohn's disease), drugs and doses, headings, departments, states and lands
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from bedside.deidentify.lexicon import EPONYM_HEADS, Word, listed, meanings
from bedside.deidentify.spans import Span, joined
from bedside.pillars.text.ner_words import Open, is_listed, is_plain, meaning

KINDS = {"PERSON": "NAME", "GPE": "CITY", "LOC": "CITY", "FAC": "HOSPITAL", "ORG": "HOSPITAL"}
_LABELS_OF_LISTED = frozenset({"PRODUCT", "WORK_OF_ART", "EVENT", "LAW", "NORP", "LANGUAGE"})  # the model's slips: a listed name may be one
_STATES = "|".join(state.upper() for state in sorted(listed("states")))
_STATE_NAMES = "|".join(sorted((word.title() for word in listed("state_names")), key=len, reverse=True))
# What a surgeon, an anatomist or a laboratory names for somebody, beside the heads of the rules.
_THINGS = (
    "clamps?|scissors|sutures?|stitch(?:es)?|retractors?|forceps|fascia|ligaments?|drains?|sponges?|needles?|elevators?|dressings?|cautery|electrocautery|layers?|triangle|trocars?|"
    "cannulas?|catheters?|tubes?|tubing|bags?|balloons?|stents?|shunts?|valves?|rods?|screws?|plates?|pins?|wires?|rings?|clips?|staples?|staplers?|knife|blades?|curettes?|dilators?|"
    "speculum|scopes?|tips?|suction|tongs?|holders?|hooks?|loops?|bandages?|gauze|wraps?|packs?|packing|glue|gel|cream|ointment|spray|drops|solution|table|headrest|frame|"
    "approach|maneuvers?|flaps?|grafts?|anastomosis|incisions?|closure|space|line|fossa|membrane|pouch|cord|tendon|spine|roll|rolls|type|style|scores?|reflex(?:es)?|signs?|tests?|"
    "exam|examination|scale|questionnaire|inventory|assay|stains?|agar|medium|machine|monitor|device|system|pump|meter|implant|prosthesis|lens|cage|mesh|patch"
)
_HEADS = rf"(?:{EPONYM_HEADS}|{_THINGS})"
_EPONYM = re.compile(rf"(?:['’]s?)?(?:[\s-]+[a-z]+)?[\s-]+{_HEADS}\b", re.IGNORECASE)
_GAUGE = re.compile(r"(?:\d-0|\d0|#\s?\d+|\bsize \d+|\bgauge|\bFrench)[ \t]+\Z", re.IGNORECASE)
_DOSE = re.compile(r"\s*(?:XR|ER|SR|CR|XL|LA|HCT|DM|PM)?\s*\d+(?:[.,/-]\d+)*\s*(?:mg|mcg|ug|g|gram|grams|ml|units?|iu|meq|%|tabs?|tablets?|puffs?|mmol)\b", re.IGNORECASE)
_HEADING = re.compile(r"\s*:")
_LINE_START = re.compile(r"(?:\A|\n)[^\w\n]*\Z")
# Words before which stands a person, whatever a model thinks of a word that no list has.
_WITH = re.compile(
    r"\b(?:(?:li(?:ves?|ving)|stay(?:s|ed|ing)?|sp[eo]a?k(?:s|e|ing)?|discuss(?:ed|es)?|met|works?|worked|came|went|arrived|review(?:ed|s)?|examined|evaluated|seen|followed|accompanied|"
    r"brought in|called|signed|dictated|assisted|visited|referred|consulted|conferred)\s+(?:with|by|to)|told|named|surname[ds]?|(?:dr|mr|mrs|ms)\.?|maiden name(?:\s+is)?)\s+\Z",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_TITLE = re.compile(r"\b(?:Drs?|Doctor|Mr|Mrs|Ms|Miss|Mx|Prof|Professor|Rev|Nurse|DR|MR|MRS|MS)\b\.?[ \t]+\Z")
_DEGREE = re.compile(r"(?:[ \t]+(?:PhD|Ph\.D\.|DDS|DVM|MD|Jr\b\.?|Sr\b\.?|I{2,3}\b|IV\b(?=[ \t]*[,.;\n])))+")
_CLINIC = re.compile(r"(?:(?:['’]s)?[ \t]+(?:[Dd]owntown[ \t]+)?(?:[Cc]linic|[Hh]ospital|[Oo]ffice|[Ff]acility|[Cc]ampus|[Mm]edical [Cc]enter|[Mm]ed [Cc]enter|[Cc]enter)\b)?")
_AFTER_PLACE = re.compile(rf"(?:,?[ \t]+(?:in[ \t]+)?(?:(?:{_STATES})\b(?!\.)|(?:{_STATE_NAMES})\b))?{_CLINIC.pattern}")
_FACILITY = "(?:[Cc]linics?|[Hh]ospital|[Oo]ffice|[Ff]acility|[Cc]ampus|[Ll]ocation|[Bb]ranch)"
# Phrases that tell a person or a place without a name that a list could hold.
_PHRASES = (
    (re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof)\.?[ \t]+[A-Z]\.(?!\w)"), "NAME"),
    (re.compile(rf"\b(?:our|the|their|at|to|in)[ \t]+((?:New (?:York|Jersey|Mexico|Hampshire)|{_STATE_NAMES})(?:[ \t]+(?:City|downtown))?[ \t]+{_FACILITY})\b"), "HOSPITAL"),
    (re.compile(rf"\b((?:NYC|Philly|SLC|NOLA)(?:[ \t]+{_FACILITY})?)\b"), "CITY"),
    (re.compile(rf"\b(\d{{1,3}}(?:st|nd|rd|th)[ \t]+(?:[Aa]venue|[Ss]treet|[Aa]ve\b\.?|[Ss]t\b\.?)(?:[ \t]+{_FACILITY})?)"), "ADDRESS"),
)
_PARTICLES = r"(?:(?:van|von|de|der|den|del|della|di|da|la|el|al|bin|ibn|ten|ter)[ \t]+){1,3}"
_IN = re.compile(r",?[ \t]+(?:in|of|at)?[ \t]*(?:the[ \t]+)?")
_HOUSE = re.compile(r"(?:Hospital|Clinic|Center|Health|Medical)\b")
_INITIAL = re.compile(rf"[ \t]+(?:[A-Z]\.?[ \t]+|{_PARTICLES})?")
_NEXT_NAME = re.compile(rf"[ \t]+(?:[^\W\d_]\.?[ \t]+|{_PARTICLES})?([^\W\d_a-z][^\W\d_]+(?:['’-]?[^\W\d_]+)*)")
_BEFORE_NAME = re.compile(rf"(?<![\w’'.-])([^\W\d_a-z][^\W\d_]+(?:['’-]?[^\W\d_]+)*)[ \t]+(?:[A-Z]\.?[ \t]+|{_PARTICLES})?\Z")
_NEXT_SMALL = re.compile(r"[ \t]+(?:[^\W\d_]\.?[ \t]+)?([^\W\d_]{2,}(?:['’-]?[^\W\d_]+)*)")
_IN_LIST = re.compile(r"(?:,|,?[ \t]+(?:and|or|&))[ \t]+([A-Z][^\W\d_]+)\b(?=[ \t]*(?:[,.;:)!?\n]|\Z|and\b|or\b|&|[a-z]))")
_KIN = frozenset(["sister", "brother", "mother", "father", "son", "daughter", "wife", "husband", "aunt", "uncle", "baby", "child", "cousin", "friend", "nurse", "dean", "king"])
_GIVEN = int(Word.GIVEN | Word.GIVEN_WORLD)
_PLACES = frozenset({"CITY", "HOSPITAL", "ADDRESS"})
_NAMES_JOINING = frozenset(["de", "la", "del", "van", "von", "der", "den", "di", "da", "el", "al", "bin", "ibn", "st", "y"])
_JOINING = _NAMES_JOINING | {"of", "and", "&", "the", "at", "in", "for"}


class Entity(NamedTuple):
    """Characters `start` to `end`, and the model's word for what they are."""

    start: int
    end: int
    label: str


def spans(text: str, found: Sequence[Span], words: Sequence[Open], entities: Sequence[Entity]) -> Iterator[Span]:
    """Further spans of a text, and the rests of found ones."""
    starts = [word.start for word in words]
    words = [word if word.kind or not (_is_person(text, word) or _is_pair(text, words, at)) else word._replace(kind="NAME") for at, word in enumerate(words)]
    new = [Span(*_grown(text, word)) for word in words if word.kind and not _is_medicine(text, word.start, word.end)]
    for entity in entities:
        inside = words[bisect_left(starts, entity.start) : bisect_left(starts, entity.end)]
        span = _span(text, entity, inside, found)
        if span is not None:
            new.append(span)
    new += _phrases(text)
    yield from new
    whole = joined([*found, *new])
    for span in whole if new or "," in text or " and " in text else ():
        yield from _listed_beside(text, span)
    for span in whole:
        yield from _whole(text, span)
    for span, following in pairwise(whole):
        between = _IN if _is_place(text, span) and following.kind in _PLACES else _INITIAL if span.kind == following.kind == "NAME" else None
        if between is not None and between.fullmatch(text, span.end, following.start):
            yield Span(span.start, following.end, span.kind)


def _phrases(text: str) -> list[Span]:
    return [Span(*found.span(found.re.groups), kind) for pattern, kind in _PHRASES for found in pattern.finditer(text)]


def _is_place(text: str, span: Span) -> bool:
    return span.kind in _PLACES or (span.kind == "NAME" and _HOUSE.search(text, span.start, span.end) is not None)


def _is_person(text: str, word: Open) -> bool:
    """Whether a word of no list stands where only a person would."""
    return not is_plain(text[word.start : word.end]) and _WITH.search(text, max(0, word.start - 32), word.start) is not None


def _is_pair(text: str, words: Sequence[Open], at: int) -> bool:
    """Whether a word of no list has another beside it: two such words are hardly ever anything but a name."""
    if is_plain(text[words[at].start : words[at].end]) or text[words[at].start : words[at].end].isupper():
        return False
    pairs = ((words[at - 1], words[at]) if at else None, (words[at], words[at + 1]) if at + 1 < len(words) else None)
    return any(pair is not None and _INITIAL.fullmatch(text, pair[0].end, pair[1].start) and not any(is_plain(text[one.start : one.end]) for one in pair) for pair in pairs)


def _grown(text: str, word: Open) -> tuple[int, int, str]:
    """A name that shows itself with the initial and the word after it, where that is a name or of no list."""
    small = text.islower()
    following = (_NEXT_SMALL if small else _NEXT_NAME).match(text, word.end) if word.kind == "NAME" else None
    if following is None or (small and not is_listed(following[1])) or (is_plain(following[1]) and not is_listed(following[1])):
        return word
    flags = meaning(following[1])
    return word if small and flags & int(Word.ENGLISH) else (word.start, following.end(), "NAME")


def _listed_beside(text: str, span: Span) -> Iterator[Span]:
    """A family name that is also a word, in one list with a name: "Bowman and White"."""
    following = _IN_LIST.match(text, span.end) if span.kind == "NAME" and " " not in text[span.start : span.end] else None
    if following and meaning(following[1]) & int(Word.FAMILY) and not _is_medicine(text, *following.span(1)):
        yield Span(*following.span(1), "NAME")


def _span(text: str, entity: Entity, inside: Sequence[Open], found: Sequence[Span]) -> Span | None:
    """An entity as a span, None where it is none of ours."""
    kind = KINDS.get(entity.label)
    if kind is None and entity.label in _LABELS_OF_LISTED and any(is_listed(text[word.start : word.end]) for word in inside):
        kind = "NAME"
    start, end = _trimmed(text, entity.start, entity.end, names=kind == "NAME")
    if kind is None or start >= end or _is_medicine(text, start, end):
        return None
    if not any(word.start < end and start < word.end for word in inside):
        return None if _is_common(text, start, end) else _more(text, start, end, found, kind)
    return Span(start, end, kind)


def _more(text: str, start: int, end: int, found: Sequence[Span], kind: str) -> Span | None:
    """A found place that the model sees go on: the whole, where what it adds are towns or firms and nothing of medicine."""
    beside = next((span for span in found if span.start < end and start < span.end), None)
    if beside is None or kind == "NAME" or beside.kind not in _PLACES or (beside.start <= start and end <= beside.end):
        return None
    rest = text[start : beside.start] + " " + text[beside.end : end]
    fresh = [word[0] for word in _WORD.finditer(rest) if word[0].lower() not in _JOINING]
    return Span(start, end, kind) if fresh and all(word[0].isupper() and not meaning(word) & int(Word.CLINICAL) for word in fresh) else None


def _trimmed(text: str, start: int, end: int, *, names: bool) -> tuple[int, int]:
    """An entity without numbers, small words and, of a name, common words at its ends; and only up to the end of its line."""
    line = text.find("\n", start, end)
    words = list(_WORD.finditer(text, start, end if line < 0 else line))
    while words and _is_edge(words[0][0], names=names, first=True):
        words.pop(0)
    while words and _is_edge(words[-1][0], names=names, first=False):
        words.pop()
    return (words[0].start(), words[-1].end()) if words else (start, start)


def _is_edge(word: str, *, names: bool, first: bool) -> bool:
    if not word[0].isupper():
        return not (first and names and word.lower() in _NAMES_JOINING)
    return (names and is_plain(word) and not is_listed(word)) or (first and word.lower() in _JOINING)


def _is_medicine(text: str, start: int, end: int) -> bool:
    """Whether a disease, sign or device is named for it, a dose follows, or it heads a line."""
    if _EPONYM.match(text, end) or _DOSE.match(text, end) or _GAUGE.search(text, max(0, start - 12), start):
        return True
    if _HEADING.match(text, end) and _LINE_START.search(text, max(0, start - 8), start):
        return True
    return all(meanings().get(word[0].lower(), 0) & int(Word.LAND) for word in _WORD.finditer(text, start, end))


def _is_common(text: str, start: int, end: int) -> bool:
    """Whether no word of it is a name."""
    return all(is_plain(word[0]) and not is_listed(word[0]) for word in _WORD.finditer(text, start, end))


def _whole(text: str, span: Span) -> Iterator[Span]:
    """What belongs to a span and stands beside it: the title of a name; the state and the word "clinic" after a place."""
    if span.kind == "NAME":
        before = _BEFORE_NAME.search(text, max(0, span.start - 40), span.start)
        if before and before[1].lower() not in _KIN and (not is_plain(before[1]) or (meaning(before[1]) & _GIVEN and not meaning(before[1]) & int(Word.CLINICAL | Word.NOT_NAME))):
            span = Span(before.start(1), span.end, "NAME")
            yield span
        after = _NEXT_NAME.match(text, span.end)
        if after and not is_plain(after[1]) and not _is_medicine(text, *after.span(1)):
            yield Span(span.start, after.end(1), "NAME")
        degree = _DEGREE.match(text, span.end)
        if degree:
            yield Span(span.start, degree.end(), "NAME")
        title = _TITLE.search(text, max(0, span.start - 12), span.start)
        if title:
            yield Span(title.start(), span.end, "NAME")
    if span.kind in _PLACES or span.kind == "NAME":
        after = (_AFTER_PLACE if span.kind in _PLACES else _CLINIC).match(text, span.end)
        if after and after.end() > span.end:
            yield Span(span.start, after.end(), "HOSPITAL" if span.kind == "NAME" else span.kind)
