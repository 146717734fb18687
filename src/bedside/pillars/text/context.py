"""Whether a fact is so: negated, uncertain, historical or hypothetical, somebody else's.

In        the words of a text, its sentences and sections, and spans in it
Out       `Axes` for each span
Rules     a cue acts on the spans after it ("denies fever, chills, or cough") or before it ("fever: none") in its sentence, up to a word
          that ends its reach ("but", "secondary to"), a semicolon (unless it is a list's, as in "denies fever; chills; cough", "denies: fever; chills" or "; nausea or chills"), or a
          comma with a new predicate ("no DVT, has PE"). A longer phrase around a cue can
          mean something else ("no increase", "gram negative"). A cue inside a span is part of the span's name, and no cue.
Source    NegEx: Chapman et al., J Biomed Inform 2001;34:301-10. ConText: Harkema et al., J Biomed Inform 2009;42:839-51.
          Cues: data/cues.csv, ours, with those that NegEx published (Apache-2.0) among them.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from bedside.pillars.text.clauses import LISTS, answers, clause, clauses, item_begins
from bedside.pillars.text.fact import Experiencer, Temporality
from bedside.pillars.text.tokens import Found, Phrases, Words

Span = tuple[int, int]


class Axes(NamedTuple):
    """The four axes of ConText."""

    negated: bool = False
    uncertain: bool = False
    temporality: Temporality = "current"
    experiencer: Experiencer = "patient"


class Cue(NamedTuple):
    """axis: negated, uncertain, historical, hypothetical, family, any; role: before or after what it acts on, near or item (before it, after it, in the
    same item of a list), stop, pseudo."""

    axis: str
    role: str


PLAIN = Axes()
_AXES = ("negated", "uncertain", "historical", "hypothetical", "family")
_ANY, _HISTORICAL = len(_AXES), _AXES.index("historical")
_LONGEST_BRACKET = 200
_MARK = re.compile(r"[,;\n]")
_REACH_BACK = 16
"""Words before a cue on which it can act, where nothing ends its reach."""


class _Table(NamedTuple):
    """Phrases of each axis and of what ends a reach, and which of them can begin with a word."""

    phrases: tuple[Phrases[tuple[Cue, ...]], ...]
    begins: dict[str, tuple[int, ...]]


@lru_cache(maxsize=1)
def _table() -> _Table:
    told = files("bedside.pillars.text").joinpath("data/cues.csv").read_text(encoding="utf-8")
    meanings: list[dict[str, list[Cue]]] = [{} for _ in (*_AXES, "any")]
    for axis, role, phrases in csv.reader(told.splitlines()):
        at = _AXES.index(axis) if axis in _AXES else len(_AXES)
        for phrase in phrases.split("|"):
            meanings[at].setdefault(phrase, []).append(Cue(axis, role))
    tables = tuple(Phrases((phrase, tuple(cues)) for phrase, cues in meaning.items()) for meaning in meanings)
    begins: dict[str, tuple[int, ...]] = {}
    for at, table in enumerate(tables):
        for word in table.first_words():
            begins[word] = (*begins.get(word, ()), at)
    return _Table(tables, begins)


def axes(text: Words, sentences: Sequence[Span], spans: Sequence[Span], *, parts: Sequence[Span] = ()) -> list[Axes]:
    """The axes of each span, in the order given; sections are not looked at here.

    sentences   (start, end) in order, as `sentences.sentences` gives them
    spans       (start, end), sorted by start
    parts       what belongs to a span already, such as the result of a marker: its words are part of no cue ("HER2 negative" says nothing
                about the carcinoma before it)

    >>> from bedside.pillars.text.tokens import words_of
    >>> note = "Denies fever, chills, or cough. Mother had asthma."
    >>> places = [(note.index(word), note.index(word) + len(word)) for word in ("fever", "cough", "asthma")]
    >>> found = axes(words_of(note), [(0, 31), (32, 50)], places)
    >>> [(one.negated, one.experiencer) for one in found]
    [(True, 'patient'), (True, 'patient'), (False, 'family')]
    """
    found, begins = [PLAIN] * len(spans), [start for start, _ in spans]
    taken = sorted(parts)
    starts = [start for start, _ in taken]
    at = 0
    for start, end in sentences:
        upto = bisect_left(begins, end, at)
        if upto > at:
            inside = spans[at:upto]
            own = taken[bisect_left(starts, start) : bisect_left(starts, end)]
            reaches = _reaches(text, bisect_left(text.starts, start), bisect_left(text.starts, end), inside, sorted([*inside, *own]) if own else inside)
            if reaches:
                found[at:upto] = [_of(text, span, reaches) for span in inside]
        at = upto
    return found


_Reaches = dict[int, tuple[list[int], list[int]]]
"""Of each axis: the words where the reaches of its cues begin, in order, and where they end; none overlaps the next."""


def _of(text: Words, span: Span, reaches: _Reaches) -> Axes:
    first, last = bisect_right(text.starts, span[0]) - 1, bisect_left(text.starts, span[1])
    hit = {axis for axis, (begins, ends) in reaches.items() if (at := bisect_right(begins, first) - 1) >= 0 and last <= ends[at]}
    if not hit:
        return PLAIN
    temporality: Temporality = "hypothetical" if 3 in hit else "historical" if 2 in hit else "current"
    return Axes(0 in hit, 1 in hit, temporality, "family" if 4 in hit else "patient")


def _reaches(text: Words, first: int, last: int, spans: Sequence[Span], taken: Sequence[Span]) -> _Reaches:
    """Where the cues of one sentence, words [first, last), act; words of `taken` spans are part of no cue."""
    cues = _cues(text, first, last, taken)
    stops: dict[int, list[Found[tuple[Cue, ...]]]] = {}
    for axis, found in cues:
        if found.meaning[0].role == "stop":
            stops.setdefault(axis, []).append(found)
    places = {axis: _ordered([*stops.get(axis, ()), *stops.get(_ANY, ())]) for axis in range(_ANY)}
    closed, listed, semicolons = clauses(text, first, last)
    ended = {end for _, end in spans}
    told: dict[int, list[tuple[int, int]]] = {}
    for axis, found in cues:
        for cue in found.meaning:
            if cue.role in ("before", "near") and not answers(text, found, ended):
                end = last if cue.role == "before" else _item(text, found.last, last)
                told.setdefault(axis, []).append((found.last, min(_forward(text, found, end, places[axis][0]), clause(text, found, last, listed if text.words[found.first] in LISTS else closed))))
            elif cue.role in ("after", "item"):
                begin = max(first, semicolons[at - 1] if (at := bisect_right(semicolons, found.first)) else first)
                begin = max(begin, item_begins(text, begin, found.first)) if cue.role == "item" else begin
                told.setdefault(axis, []).append((_back(found, begin, places[axis][1]), found.first))
    return {axis: _joined(spans) for axis, spans in told.items()}


def _ordered(stops: Sequence[Found[tuple[Cue, ...]]]) -> tuple[list[int], list[int]]:
    """Where stops begin, and where they end, each in order."""
    return sorted(stop.first for stop in stops), sorted(stop.last for stop in stops)


def _forward(text: Words, cue: Found[tuple[Cue, ...]], last: int, begins: list[int]) -> int:
    """The word before which a cue's reach ends."""
    at = bisect_left(begins, cue.last)
    return min(_closed(text, cue.last, last), begins[at] if at < len(begins) else last)


def _item(text: Words, first: int, last: int) -> int:
    """The word before which the item of a list ends that goes on at word `first`."""
    if first >= last:
        return last
    begin, end = text.ends[first - 1], min(text.ends[last - 1], text.ends[first - 1] + _LONGEST_BRACKET)
    mark = _MARK.search(text.folded, begin, end)
    return bisect_left(text.starts, mark.start(), first, last) if mark else last


def _back(cue: Found[tuple[Cue, ...]], first: int, ends: list[int]) -> int:
    """The word with which the reach of a cue that follows begins."""
    at = bisect_right(ends, cue.first) - 1
    return max(first, cue.first - _REACH_BACK, ends[at] if at >= 0 else first)


def _joined(reaches: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Reaches in order, those that overlap as one."""
    begins, ends = list[int](), list[int]()
    for begin, end in sorted(reaches):
        if ends and begin < ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    return begins, ends


def _closed(text: Words, first: int, last: int) -> int:
    """The word where a bracket closes that was open before word `first`, else `last`."""
    if first >= last:
        return last
    begin, end = text.ends[first - 1], min(text.ends[last - 1], text.ends[first - 1] + _LONGEST_BRACKET)
    closing = text.folded.find(")", begin, end)
    if closing < 0 or text.folded.find("(", begin, closing) >= 0:
        return last
    return bisect_left(text.starts, closing, first, last)


def _cues(text: Words, first: int, last: int, spans: Sequence[Span]) -> list[tuple[int, Found[tuple[Cue, ...]]]]:
    """The cues among words [first, last) by axis, without pseudo ones; words inside a span are part of no cue."""
    found, at = list[tuple[int, Found[tuple[Cue, ...]]]](), first
    for start, end in spans:
        before = bisect_left(text.starts, start, at, last)
        found += _between(text, at, before)
        at = max(at, bisect_left(text.starts, end, before, last))
    return found + _between(text, at, last)


def _between(text: Words, first: int, last: int) -> list[tuple[int, Found[tuple[Cue, ...]]]]:
    phrases, begins = _table()
    words, reached, found = text.words, [first] * len(phrases), list[tuple[int, Found[tuple[Cue, ...]]]]()
    for at in range(first, last):
        for axis in begins.get(words[at], ()):
            if at >= reached[axis] and (cue := phrases[axis].at(text, at, last)) is not None:
                reached[axis] = cue.last
                if cue.meaning[0].role != "pseudo" and not (axis == _HISTORICAL and text.folded.startswith(":", text.ends[cue.last - 1])):
                    found.append((axis, cue))
    return found
