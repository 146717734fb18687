"""Stretches of text that tell who somebody is, and how overlapping ones become one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

# Where stretches overlap, the earlier kind names the whole.
KINDS = ("EMAIL", "URL", "SSN", "PHONE", "ADDRESS", "ZIP", "ID", "NAME", "HOSPITAL", "CITY", "IP", "AGE", "DATE")
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


_RUN = re.compile(r"[0-9][0-9]*(?:[-/.][0-9]+)*")  # one digit first: the search skips to the next of them
Runs = list[tuple[int, int, str]]


class Span(NamedTuple):
    """Characters `start` to `end` of a text, and what they are: one of `KINDS`."""

    start: int
    end: int
    kind: str


class Detector(Protocol):
    """Anything that finds identifiers in text: a statistical model, a site's own list. Handed in, never imported."""

    def find(self, text: str, found: Sequence[Span] = ()) -> Iterable[Span]:
        """Every further identifier, after `found`: those that the rules have, in order and without overlaps.

        A slow detector need not read a sentence in which nothing is left that could be a name.
        """
        ...


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order without overlaps: what overlaps becomes one, of the strongest kind.

    >>> joined([Span(0, 5, "DATE"), Span(3, 9, "NAME"), Span(12, 14, "AGE")])
    [Span(start=0, end=9, kind='NAME'), Span(start=12, end=14, kind='AGE')]
    """
    whole: list[Span] = []
    reached = 0
    for span in sorted(spans):
        start, end, kind = span
        if start >= reached:
            whole.append(span)
            reached = end
            continue
        last = whole[-1]
        if end > reached or kind != last.kind:
            reached = max(reached, end)
            whole[-1] = Span(last.start, reached, min(last.kind, kind, key=_rank))
    return whole


def _rank(kind: str) -> int:
    return _RANK.get(kind, len(KINDS))


def runs_of_digits(text: str) -> Runs:
    """Start, end and letters of every run of digits of a text, with what hyphens, slashes and points join.

    >>> runs_of_digits("on 3/10 gave 5 mg")
    [(3, 7, '3/10'), (13, 14, '5')]
    """
    return [(found.start(), found.end(), found[0]) for found in _RUN.finditer(text)]
