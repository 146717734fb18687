"""A person found once with confidence, found again: every part of a full name wherever it stands in the same text.

In        a text in ASCII, the same in lower case, and the spans found in it
Out       further spans
Kept      a word of everyday, unless it stands in the middle of a sentence with a capital, behind an initial, or before what people do
Elsewhere who is known from the record: `known_names.py`
"""

from __future__ import annotations

import re

from bedside.deidentify.cued_names import CAPITALISED, PARTICLES, doing, is_disease, is_no_part, is_sure
from bedside.deidentify.lexicon import Word, meanings
from bedside.deidentify.people import DEGREE_WORDS, TITLE_WORDS
from bedside.deidentify.spans import Span

_PART = re.compile(r"[a-z0-9][a-z0-9_']*(?:-[a-z0-9_']+)*")
_WORDLY = Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND
_NO_PART = PARTICLES | TITLE_WORDS | DEGREE_WORDS | frozenset(["jr", "sr", "ii", "iii", "iv", "and", "the"])
_INITIAL = re.compile(r"(?<![A-Za-z0-9.])[A-Za-z]\.[ ]?\Z")
_NEXT = re.compile(r"(?:,?[ \n]+([a-z]+)|('s)\b)")
_MIDDLE = frozenset("abcdefghijklmnopqrstuvwxyz,")
_FEWEST, _MOST_PARTS = 2, 24


def again(text: str, lower: str, found: list[Span]) -> list[Span]:
    """Parts of full names where they stand alone."""
    caseless = CAPITALISED.search(text) is None
    parts = _parts(lower, found, caseless)
    if not parts:
        return []
    more: list[Span] = []
    starts = {span.start for span in found}
    for part in parts:
        flags = meanings().get(part, int(Word.UNKNOWN))
        at, length = lower.find(part), len(part)
        while at >= 0:
            end = at + length
            if at not in starts and not (at and (lower[at - 1].isalnum() or lower[at - 1] in "@_.")) and not (lower[end : end + 1].isalnum() or lower[end : end + 1] in ("@", "_")):
                span = _stands(text, lower, at, end, flags, caseless)
                if span is not None:
                    more.append(span)
            at = lower.find(part, end)
    return more


def _parts(lower: str, found: list[Span], caseless: bool) -> list[str]:
    """Parts of the names of two words and more, in the order in which they stand."""
    parts: dict[str, None] = {}
    for start, end, kind in found:
        if kind != "NAME" or end - start > 60:
            continue
        words = [word for word in _PART.findall(lower[start:end]) if len(word) >= _FEWEST and word not in _NO_PART and not word.isdigit()]
        names = [word for word in words if not is_no_part(word)]
        if len(words) > 1 and (not caseless or any(meanings().get(word, 0) & Word.GIVEN or is_sure(word) for word in names)):
            words = names
            parts.update(dict.fromkeys(words))
    return list(parts)[:_MOST_PARTS]


def _stands(text: str, lower: str, at: int, end: int, flags: int, caseless: bool) -> Span | None:
    """The stretch of a name that stands here, with its initial."""
    if is_disease(lower, end + 2 if lower.startswith("'s", end) else end) or (not caseless and text[at].islower()):
        return None
    begin = at
    if text[at - 1 : at] in (" ", ".") and (initial := _INITIAL.search(text, max(0, at - 4), at)) is not None:
        begin = initial.start()
    if begin < at and not flags & Word.NOT_NAME:
        return Span(begin, end, "NAME")
    if not flags & _WORDLY:
        return Span(begin, end, "NAME") if end - at > _FEWEST or not caseless else _before_doing(lower, at, end)
    if not caseless and text[at - 1 : at] == " " and text[at - 2 : at - 1] in _MIDDLE and not text[at:end].isupper():
        return Span(begin, end, "NAME") if not flags & Word.CLINICAL or flags & (Word.GIVEN | Word.FAMILY) else None
    return _before_doing(lower, at, end)


def _before_doing(lower: str, at: int, end: int) -> Span | None:
    after = _NEXT.match(lower, end)
    if after is not None and (after[2] or after[1] in doing() or after[1] == "family"):
        before = lower[max(0, at - 3) : at].rstrip(" ")
        return Span(at, end, "NAME") if not before or before[-1] in ".:;>|\n,\"" or after[1] == "family" else None
    return None
