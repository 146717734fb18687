"""Stretches of text that tell who somebody is, and how overlapping ones become one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

# Where stretches overlap, the earlier kind names the whole.
KINDS = ("EMAIL", "URL", "SSN", "PHONE", "ZIP", "ID", "ADDRESS", "NAME", "HOSPITAL", "CITY", "IP", "AGE", "DATE")
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


_DIGITS = re.compile(r"\d[\d.,:/-]*")
_SPACE = re.compile(r"\s")
_BEFORE, _AFTER = 64, 48


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
    for span in sorted(spans):
        if whole and span.start < whole[-1].end:
            last = whole[-1]
            kind = min(last.kind, span.kind, key=lambda one: _RANK.get(one, len(KINDS)))
            whole[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            whole.append(span)
    return whole


def around_digits(text: str) -> list[tuple[int, int]]:
    """Stretches of a text within reach of a digit, cut at white space: most of a note is none, and numbers need no more.

    >>> around_digits("x" * 200 + " on 7 May " + "y" * 200), around_digits("no digit")
    ([(200, 410)], [])
    """
    found: list[tuple[int, int]] = []
    for digits in _DIGITS.finditer(text):
        if found and digits.end() + _AFTER <= found[-1][1]:
            continue
        start, end = max(0, digits.start() - _BEFORE), min(len(text), digits.end() + _AFTER)
        stop = _SPACE.search(text, end)
        end = stop.start() if stop else len(text)
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            gap = _SPACE.search(text, start, digits.start()) if start else None
            found.append((gap.start() if gap else start, end))
    return found
