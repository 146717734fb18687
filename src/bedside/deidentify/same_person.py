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
_FEWEST, _LONGEST, _MOST_PARTS = 2, 60, 24


def again(text: str, lower: str, found: list[Span]) -> list[Span]:
    """Parts of full names where they stand alone."""
    named = [span for span in found if span.kind == "NAME" and span.end - span.start < _LONGEST]
    if not named:
        return []
    caseless = CAPITALISED.search(text) is None
    parts, starts = _parts(lower, named, caseless)
    more: list[Span] = []
    for part in parts:
        flags = meanings().get(part, int(Word.UNKNOWN))
        at, length = lower.find(part), len(part)
        while at >= 0:
            end = at + length
            if at not in starts and _is_whole(lower, at, end) and (span := _stands(text, lower, at, end, flags, caseless)) is not None:
                more.append(span)
            at = lower.find(part, end)
    return more


def _is_whole(lower: str, at: int, end: int) -> bool:
    """Whether a part is a word of its own, and not of an address of mail."""
    return not (at and (lower[at - 1].isalnum() or lower[at - 1] in "@_.")) and not (lower[end : end + 1].isalnum() or lower[end : end + 1] in ("@", "_"))


def _parts(lower: str, named: list[Span], caseless: bool) -> tuple[list[str], set[int]]:
    """Parts of the names of two words and more, in the order in which they stand, and the places where a name was found."""
    parts: dict[str, None] = {}
    starts: set[int] = set()
    seen: set[str] = set()
    for start, end, _ in named:
        starts.add(start)
        said = lower[start:end]
        if said in seen or (" " not in said and said.isalpha()):
            continue
        seen.add(said)
        found = [(one.start() + start, one[0]) for one in _PART.finditer(said)]
        starts.update([at for at, _ in found])
        words = [word for _, word in found if len(word) >= _FEWEST and word not in _NO_PART and not word.isdigit()]
        if len(words) > 1:
            names = [word for word in words if not is_no_part(word)]
            if not caseless or any(meanings().get(word, 0) & Word.GIVEN or is_sure(word) for word in names):
                parts.update(dict.fromkeys(names))
    return list(parts)[:_MOST_PARTS], starts


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
