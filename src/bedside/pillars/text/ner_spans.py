"""What the entities of a model are worth in a note: which are names, places or firms, where they begin and end, and which are medicine.

In        a text, the spans found in it, its open words, the model's entities
Out       further spans, and found ones made whole (`ner_phrases.py`)
Kept      an entity without any open word, and what `ner_medicine.py` knows
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bedside.deidentify.lexicon import Word
from bedside.deidentify.spans import Span, joined
from bedside.pillars.text.ner_medicine import is_common, is_medicine
from bedside.pillars.text.ner_phrases import INITIAL, NEXT_NAME, PLACES, completed, phrases
from bedside.pillars.text.ner_words import Open, is_listed, is_plain, meaning

KINDS = {"PERSON": "NAME", "GPE": "CITY", "LOC": "CITY", "FAC": "HOSPITAL", "ORG": "HOSPITAL"}
_LABELS_OF_LISTED = frozenset({"PRODUCT", "WORK_OF_ART", "EVENT", "LAW", "NORP", "LANGUAGE"})  # the model's slips: a listed name may be one
# Words before which stands a person, whatever a model thinks of a word that no list has.
_WITH = re.compile(
    r"\b(?:(?:li(?:ves?|ving)|stay(?:s|ed|ing)?|sp[eo]a?k(?:s|e|ing)?|discuss(?:ed|es)?|met|works?|worked|came|went|arrived|review(?:ed|s)?|examined|evaluated|seen|followed|accompanied|"
    r"brought in|called|signed|dictated|assisted|visited|referred|consulted|conferred)\s+(?:with|by|to)|told|named|surname[ds]?|(?:dr|mr|mrs|ms)\.?|maiden name(?:\s+is)?)\s+\Z",
    re.IGNORECASE,
)
_LIVING = re.compile(
    r"\b(?:liv(?:es?|ed|ing)|resid(?:es?|ed|ing)|born|grew up|raised|originally|moved(?: here| back)?|comes|travel(?:s|led|ed|ling|ing)?|flew|relocat(?:ed|ing)|returned|home(?: city| town)?|visit(?:ed|ing|s)?|"
    r"resident|native)\s+(?:(?:in|to|from|of|near|outside|at)\s+)?(?:the\s+)?\Z",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_NEXT_SMALL = re.compile(r"[ \t]+(?:[^\W\d_]\.?[ \t]+)?([^\W\d_]{2,}(?:['’-]?[^\W\d_]+)*)")
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
    words = [word if word.kind else word._replace(kind=_told(text, words, at)) for at, word in enumerate(words)]
    new = [Span(*_grown(text, word)) for word in words if word.kind and not is_medicine(text, word.start, word.end)]
    for entity in entities:
        inside = words[bisect_left(starts, entity.start) : bisect_left(starts, entity.end)]
        span = _span(text, entity, inside, found)
        if span is not None:
            new.append(span)
    new += phrases(text)
    yield from new
    yield from completed(text, joined([*found, *new]))


def _told(text: str, words: Sequence[Open], at: int) -> str:
    """What a word of no list is where only a person or a place would stand; empty where the words before it do not tell."""
    word = words[at]
    if is_plain(text[word.start : word.end]):
        return ""
    if _WITH.search(text, max(0, word.start - 32), word.start) or _is_pair(text, words, at):
        return "NAME"
    return "CITY" if _LIVING.search(text, max(0, word.start - 32), word.start) else ""


def _is_pair(text: str, words: Sequence[Open], at: int) -> bool:
    """Whether a word of no list has another beside it: two such words are hardly ever anything but a name."""
    if text[words[at].start : words[at].end].isupper():
        return False
    pairs = ((words[at - 1], words[at]) if at else None, (words[at], words[at + 1]) if at + 1 < len(words) else None)
    return any(pair is not None and INITIAL.fullmatch(text, pair[0].end, pair[1].start) and not any(is_plain(text[one.start : one.end]) for one in pair) for pair in pairs)


def _grown(text: str, word: Open) -> tuple[int, int, str]:
    """A name that shows itself with the initial and the word after it, where that is a name or of no list."""
    small = text.islower()
    following = (_NEXT_SMALL if small else NEXT_NAME).match(text, word.end) if word.kind == "NAME" else None
    if following is None or (small and not is_listed(following[1])) or (is_plain(following[1]) and not is_listed(following[1])):
        return word
    flags = meaning(following[1])
    return word if small and flags & int(Word.ENGLISH) else (word.start, following.end(), "NAME")


def _span(text: str, entity: Entity, inside: Sequence[Open], found: Sequence[Span]) -> Span | None:
    """An entity as a span, None where it is none of ours."""
    kind = KINDS.get(entity.label)
    if kind is None and entity.label in _LABELS_OF_LISTED and any(is_listed(text[word.start : word.end]) for word in inside):
        kind = "NAME"
    start, end = _trimmed(text, entity.start, entity.end, names=kind == "NAME")
    if kind is None or start >= end or is_medicine(text, start, end):
        return None
    if not any(word.start < end and start < word.end for word in inside):
        return None if is_common(text, start, end) else _more(text, start, end, found, kind)
    return Span(start, end, kind)


def _more(text: str, start: int, end: int, found: Sequence[Span], kind: str) -> Span | None:
    """A found place that the model sees go on: the whole, where what it adds are towns or firms and nothing of medicine."""
    beside = next((span for span in found if span.start < end and start < span.end), None)
    if beside is None or kind == "NAME" or beside.kind not in PLACES or (beside.start <= start and end <= beside.end):
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


