"""Sentences of a note, as people write at a bedside: lists, shorthand, lines broken anywhere.

In        the text, and places where a sentence surely ends (headings)
Out       (start, end) of each sentence, in order, without outer blanks; together they hold every character that is not blank
Rules     a full stop ends a sentence unless it belongs to an abbreviation, a number, a list's own numbering or an initial;
          a line end does when the next line begins a list item or a heading, after a blank line, or after a short line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

Span = tuple[int, int]
_MARK = re.compile(r"[.!?](?=[\s\"')\],;]|\Z)|\n")
_ITEM = re.compile(r"[^\S\n]*(?:[-*•·–>+]|\(?\d{1,2}[.)](?=\s)|\(?[a-zA-Z][.)](?=\s)|#)")
_ABBREVIATED = (
    "dr mr mrs ms prof pt pts vs st jr sr no approx est dept resp temp wt ht yr yrs mo mos wk wks hr hrs min sec tab tabs cap caps inj "
    "hx dx tx rx sx fx bx abd ext neuro cv gi gu ob gyn incl excl etc eg ie e.g i.e fig figs al inc ltd a.m p.m am pm q.d b.i.d t.i.d "
    "q.i.d p.o p.r.n i.v i.m s.c h.s a.c p.c o.d o.s o.u q.h.s q.a.m q.p.m mg mcg ml cc lb lbs oz in ft jan feb mar apr jun jul aug sep "
    "sept oct nov dec mon tue wed thu fri sat sun rt lt bilat cont discont sched prn bid tid qid qd lat med post ant sup inf"
)
_FIRM = "dr mr mrs ms prof vs st e.g i.e eg ie fig figs"
_ABBREVIATED_WORDS, _FIRM_WORDS = frozenset(_ABBREVIATED.split()), frozenset(_FIRM.split())
_SHORT_LINE = 45
_BEFORE = re.compile(r"[^\s,;:(\[\"']{0,12}\Z")
_LAST_WORD = 14


def sentences(text: str, breaks: Iterable[int] = ()) -> list[Span]:
    """The sentences of a text; one begins at each of `breaks`.

    >>> note = "Pt. c/o SOB x 2 days. No fever.\\n1. Start lasix 20 mg p.o. daily\\n2. CXR"
    >>> [note[a:b] for a, b in sentences(note)]
    ['Pt. c/o SOB x 2 days.', 'No fever.', '1. Start lasix 20 mg p.o. daily', '2. CXR']
    """
    ends = {0, len(text), *breaks}
    for match in _MARK.finditer(text):
        at = match.start()
        if _line_ends(text, at) if text[at] == "\n" else _stops(text, at):
            ends.add(match.end())
    places = sorted(ends)
    found = (_trimmed(text, start, end) for start, end in pairwise(places))
    return [span for span in found if span[0] < span[1]]


def within(spans: list[Span], starts: list[int], at: int) -> int:
    """Index of the sentence that holds a place; `starts` are the sentences' starts. The last one before it when it lies between two."""
    return max(bisect_right(starts, at) - 1, 0)


def _stops(text: str, at: int) -> bool:
    """Whether the mark at `at` ends a sentence."""
    after = text[at + 1 : at + 2]
    if text[at] != ".":
        return after not in ",;"
    if after in ",;":  # notes whose line ends were turned into commas: ".,HEENT:"
        return after == "," and text[at + 2 : at + 3].isalnum() and not text[at + 2].islower()
    word = _BEFORE.search(text, max(at - _LAST_WORD, 0), at)
    last = word[0].lower() if word else ""
    if last in _FIRM_WORDS or (len(last) == 1 and last.isalpha() and last != "i" and text[at - 1].isupper()):
        return False
    following = _next(text, at + 1)
    if last.isdigit() and len(last) <= 2 and _begins_line(text, at - len(last)):
        return False
    return not (following.islower() or ((last in _ABBREVIATED_WORDS or not last) and following != "" and not following.isupper()))


def _begins_line(text: str, at: int) -> bool:
    """Whether only blanks or a mark stand before a place in its line or sentence: a number there counts items."""
    before = text[max(at - 4, 0) : at].rstrip(" \t")
    return before == "" or before[-1] in "\n,:.;("


def _next(text: str, at: int) -> str:
    """The next character that is not blank or a closing mark, within reach; empty at the end of the text."""
    for char in text[at : at + 40]:
        if not char.isspace() and char not in "\"')]":
            return char
    return ""


def _line_ends(text: str, at: int) -> bool:
    """Whether the line end at `at` ends a sentence."""
    following = text[at + 1 : at + 81]
    bare = following.lstrip(" \t\r")
    if not bare or bare[0] == "\n":
        return True
    start = text.rfind("\n", max(at - 200, 0), at) + 1
    line = text[max(start, at - 200) : at].rstrip()
    if not line or line[-1] in ".:;?!" or _ITEM.match(following):
        return True
    if bare[0].islower():
        return False
    return len(line) < _SHORT_LINE and line[-1] != ","


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return start + left, start + max(len(piece.rstrip()), left)
