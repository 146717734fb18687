"""What stands in the place of an identifier in a text: its kind in brackets, a moved date, a capped age, or a surrogate.

In        a text, spans in order without overlaps, and how to replace
Out       the text, and how many of each kind there were, never which
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from bedside.deidentify import dates
from bedside.deidentify.clock import Clock
from bedside.deidentify.policy import zip_code
from bedside.deidentify.spans import Span

_ZIP = re.compile(r"\s*\d{5}(?:-?\d{4})?\s*")


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


class ByKind(NamedTuple):
    """What a policy says of some kinds in particular ([text] kinds), and who gives surrogates.

    kinds       kind to keep (as it stands), remove (the tag), generalise (a date to its year, a zip code to its three digits; else the tag), surrogate
    surrogates  gives them, to the kinds that the policy says, and to all the others where `everywhere`
    """

    kinds: Mapping[str, str]
    surrogates: Instead | None = None
    everywhere: bool = False

    def of(self, said: str, kind: str) -> str | None:
        """The surrogate of a kind that the policy gives one; None: a tag stands."""
        rule = self.kinds.get(kind, "surrogate" if self.everywhere else "remove")
        return self.surrogates.of(said, kind) if rule == "surrogate" and self.surrogates is not None else None


class Replacing(NamedTuple):
    """How the identifiers of one text are replaced."""

    clock: Clock | None
    age_cap: int | None
    year: int
    instead: Instead | None = None


def replaced(text: str, spans: Sequence[Span], how: Replacing) -> Scrubbed:
    """The text with every span replaced."""
    parts, marks, at, length, counts = list[str](), list[Span](), 0, 0, dict[str, int]()
    for start, end, kind in spans:
        before = text[at:start]
        if kind == "DATE" and how.clock is not None and how.clock.anchored and not _stays(how):
            before = dates.weekday_moved(before, how.clock.days)
        new = _new(text[start:end], kind, how)
        parts += (before, new)
        start = length + len(before)
        length = start + len(new)
        marks.append(Span(start, length, kind))
        counts[kind] = counts.get(kind, 0) + 1
        at = end
    return Scrubbed("".join([*parts, text[at:]]), dict(sorted(counts.items())), tuple(spans), tuple(marks))


def _stays(how: Replacing) -> bool:
    """Whether dates stay, and with them the weekdays before them."""
    return isinstance(how.instead, ByKind) and how.instead.kinds.get("DATE") == "keep"


def _new(said: str, kind: str, how: Replacing) -> str:
    if how.instead is None and kind != "DATE" and kind != "AGE":
        return f"[{kind}]"
    rule = how.instead.kinds.get(kind) if isinstance(how.instead, ByKind) else None
    if rule == "keep":
        return said
    if rule == "remove":
        return f"[{kind}]"
    if rule == "generalise":
        return _generalised(said, kind, how) or f"[{kind}]"
    if kind == "DATE" and how.clock is not None:
        return (_moved(said, how.clock, how.year) if how.clock.anchored else None) or "[DATE]"
    if kind == "AGE" and how.age_cap is not None:
        return str(how.age_cap + 1)
    return (how.instead.of(said, kind) if how.instead is not None else None) or f"[{kind}]"


def _moved(said: str, clock: Clock, year: int) -> str | None:
    """A date as the clock moves it; of a birth date that the policy hides, the year."""
    latest = clock.last_year(year)
    read = dates.parsed(said, year, latest)
    if read is not None and clock.hides(read[1]):
        return str(clock.told(read[1]).year)
    return dates.moved(said, clock.told, year=year, latest=latest)


def _generalised(said: str, kind: str, how: Replacing) -> str | None:
    """Of a date the year that the clock tells (of nobody known, the year that it says), of a zip code three digits, of an age the cap."""
    if kind == "DATE":
        latest = how.clock.last_year(how.year) if how.clock is not None else how.year
        read = dates.parsed(said, how.year, latest)
        if read is None or (how.clock is None and not read[0].groupdict().get("year")):
            return None
        return str((how.clock.told(read[1]) if how.clock is not None else read[1]).year)
    if kind == "ZIP":
        return zip_code(said, 3) if _ZIP.fullmatch(said) else None
    return str(how.age_cap + 1) if kind == "AGE" and how.age_cap is not None else None
