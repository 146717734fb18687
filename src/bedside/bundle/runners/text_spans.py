"""What every tagger of notes says: spans of the text, each with its kind and how sure it is.

Out       `Span`; `Tagger`, the interface of every runner that reads notes; `TAGGERS`, those that open from a bundle's files alone;
          `apart`, which keeps spans from overlapping
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from bedside.core.registry import Registry


class Span(NamedTuple):
    """Something found in a note: code points `start` to `end`, end not included. `score`, 0..1: how sure the tagger is."""

    start: int
    end: int
    kind: str
    score: float = 1.0


class Tagger(Protocol):
    """What finds spans in a note. Raises nothing for what a text holds, and logs none of it."""

    version: str

    def tag(self, text: str) -> list[Span]:
        """Spans sorted by start, then end; those of one kind do not overlap."""


class Opened(Tagger, Protocol):
    """A tagger of a bundle."""

    def __init__(self, files: Mapping[str, bytes], *, where: str) -> None: ...


TAGGERS: Registry[type[Opened]] = Registry("tagger", {
    "crf": "bedside.bundle.runners.crf:Crf",
    "dictionary": "bedside.bundle.runners.crf:Dictionary",
    "encoder": "bedside.bundle.runners.encoder:Encoder",
    "endpoint": "bedside.bundle.runners.endpoint:Endpoint",
})  # fmt: skip


def apart(spans: Iterable[Span]) -> list[Span]:
    """The spans of which none overlaps another, longer ones kept before shorter ones and, of a length, earlier ones.

    >>> apart([Span(0, 4, "drug"), Span(2, 9, "drug"), Span(9, 12, "dose")])
    [Span(start=2, end=9, kind='drug', score=1.0), Span(start=9, end=12, kind='dose', score=1.0)]
    """
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda one: (one.start - one.end, one.start, one.kind)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)
