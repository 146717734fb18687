"""What stands in the place of an identifier in a text: its kind in brackets, a moved date, a capped age, or a surrogate.

In        a text, spans in order without overlaps, and how to replace
Out       the text, and how many of each kind there were, never which
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from bedside.deidentify import dates
from bedside.deidentify.clock import Clock
from bedside.deidentify.spans import Span


class Scrubbed(msgspec.Struct, frozen=True):
    """A text without identifiers, and how many of each kind it held.

    spans   where they stood in the text as it came
    marks   where what stands for them is in the text as it is now, in the same order
    """

    text: str
    counts: dict[str, int]
    spans: tuple[Span, ...] = ()
    marks: tuple[Span, ...] = ()


class Instead(Protocol):
    """Gives surrogates of one subject: the same one for the same identifier, in the form of what was said."""

    def of(self, said: str, kind: str) -> str | None:
        """The surrogate; None where this kind has none, and a tag stands."""
        ...


class Replacing(NamedTuple):
    """How the identifiers of one text are replaced."""

    clock: Clock | None
    age_cap: int | None
    year: int
    instead: Instead | None = None


def replaced(text: str, spans: Sequence[Span], how: Replacing) -> Scrubbed:
    """The text with every span replaced."""
    parts, marks, at, length, counts = list[str](), list[Span](), 0, 0, Counter[str]()
    for span in spans:
        before = text[at : span.start]
        if span.kind == "DATE" and how.clock is not None:
            before = dates.weekday_moved(before, how.clock.days)
        new = _new(text[span.start : span.end], span.kind, how)
        parts += [before, new]
        marks.append(Span(length + len(before), length + len(before) + len(new), span.kind))
        length += len(before) + len(new)
        counts[span.kind] += 1
        at = span.end
    return Scrubbed("".join([*parts, text[at:]]), dict(sorted(counts.items())), tuple(spans), tuple(marks))


def _new(said: str, kind: str, how: Replacing) -> str:
    if kind == "DATE" and how.clock is not None:
        latest = how.clock.last_year(how.year)
        read = dates.parsed(said, how.year, latest)
        if read is not None and how.clock.hides(read[1]):
            return str(how.clock.told(read[1]).year)
        return dates.moved(said, how.clock.told, year=how.year, latest=latest) or "[DATE]"
    if kind == "AGE" and how.age_cap is not None:
        return str(how.age_cap + 1)
    return (how.instead.of(said, kind) if how.instead is not None else None) or f"[{kind}]"
