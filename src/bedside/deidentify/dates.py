
"""Dates in running text, in the many ways that clinicians write them, and the same way of writing for the moved date.

Read      2026-01-13, 1/13/26, 13.01.2026, 13-Jan-2026, January 13th, 2026, 13 January 2026, Jan 2026, January 13, on 1/13
Kept      bare years, weekdays and times of day (a shift by whole weeks does not touch them), fractions such as 3/6
Order     month first unless the first number cannot be one; two-digit years up to 30 are of this century
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from bedside.deidentify.lexicon import MONTHS
from bedside.deidentify.spans import Span, around_digits

_MONTH = r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])(?P<ordinal>st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d|['’]\d\d)"
_PATTERNS = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (
            r"(?<![\w.-])(?P<year>(?:19|20)\d\d)(?P<sep>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=sep)(?P<day>[12]\d|3[01]|0?[1-9])(?![\d]|[-/]\d)",
            0,
        ),
        (r"(?<![\w./-])(?P<first>\d{1,2})(?P<sep>[/-])(?P<second>\d{1,2})(?P=sep)(?P<year>(?:19|20)\d\d|\d\d)(?![\w]|[-/]\d)", 0),
        (r"(?<![\w./-])(?P<first>\d{1,2})(?P<sep>\.)(?P<second>\d{1,2})\.(?P<year>(?:19|20)\d\d)(?!\w)", 0),
        (rf"(?<![\w-])(?i:{_MONTH})(?P<gap>[\s-]+){_DAY}(?P<comma>,?[\s-]*,?\s*){_YEAR}(?![\w])", 0),
        (rf"(?<![\w.])(?P<open>){_DAY}(?P<gap>(?:\s+of)?[\s-]*)(?i:{_MONTH})(?P<comma>,?[\s-]*){_YEAR}(?![\w])", 0),
        (rf"(?<![\w-])(?i:{_MONTH})(?P<comma>,?\s+(?:of\s+)?){_YEAR}(?![\w])", 0),
        (rf"(?<![\w-]){_MONTH}(?P<gap>\s+){_DAY}(?![\w%/]|[.-]\d|\s*(?:mg|mcg|ml|%))", 0),
        (rf"(?<![\w./]){_DAY}(?P<gap>(?:\s+of)?\s+){_MONTH}(?![\w-])", 0),
        (r"(?<![\w.-])(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?!\w|[.-]\d)", 0),
        (
            r"\b(?:on|since|from|until|through|thru|dated|seen|by|before|after)\s+(?P<whole>(?P<first>0?[1-9]|1[0-2])(?P<sep>/)(?P<second>[12]\d|3[01]|0?[1-9]))(?![\w%/]|[.-]\d|\s*(?:mg|strength|murmur))",
            re.IGNORECASE,
        ),
    )
)
_MIDDLE_OF_MONTH = 15
Move = Callable[[date], date]


def find(text: str) -> Iterator[Span]:
    """Every date that says more than a year."""
    for start, end in around_digits(text):
        for pattern in _PATTERNS:
            for found in pattern.finditer(text, start, end):
                if _read(found.groupdict(), 2000) is not None:
                    yield Span(*(found.span("whole") if "whole" in pattern.groupindex else found.span()), "DATE")


def moved(text: str, move: Move, *, year: int) -> str | None:
    """A date's text with the moved date, written the same way; None when it cannot be read after all.

    year   the year of a date that says none

    >>> from datetime import timedelta
    >>> [moved(d, lambda true: true + timedelta(days=7), year=2026) for d in ("Jan 13th, 2026", "01/13/26", "13 January 2026", "1/27")]
    ['Jan 20th, 2026', '01/20/26', '20 January 2026', '2/3']
    """
    for pattern in _PATTERNS:
        found = pattern.fullmatch(text if "whole" not in pattern.groupindex else f"on {text}")
        true = _read(found.groupdict(), year) if found else None
        if found is not None and true is not None:
            return _written(found, move(true))
    return None


def _read(parts: dict[str, str | None], year: int) -> date | None:
    """The true date of a match."""
    try:
        if parts.get("first"):
            month, day = _ordered(int(parts["first"] or 0), int(parts["second"] or 0))
        else:
            said = parts["month"] or ""
            month = int(said) if said.isdigit() else _month_number(said)
            day = int(parts["day"]) if parts.get("day") else _MIDDLE_OF_MONTH  # type: ignore[arg-type]
        return date(_full_year(parts.get("year"), year), month, day)
    except ValueError:
        return None


def _ordered(first: int, second: int) -> tuple[int, int]:
    return (second, first) if first > 12 else (first, second)


def _month_number(said: str) -> int:
    start = said.lower()[:3]
    return next(number for number, name in enumerate(MONTHS, 1) if name.startswith(start))


def _full_year(said: str | None, otherwise: int) -> int:
    if not said:
        return otherwise
    digits = said.lstrip("'’")
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (2000 if int(digits) <= 30 else 1900)


def _written(found: re.Match[str], new: date) -> str:
    """The new date in the writing of the match: every part is written over, from the last to the first."""
    text, parts = found.string, found.groupdict()
    whole = found.span("whole") if "whole" in parts else found.span()
    swap = parts.get("first") is not None and int(parts["first"] or 0) > 12
    padded = _is_padded(parts)
    new_parts = {
        "year": _like_year(parts.get("year"), new),
        "month": _like_month(parts.get("month"), new, padded),
        "day": _like(padded, new.day),
        "first": _like(padded, new.day if swap else new.month),
        "second": _like(padded, new.month if swap else new.day),
        "ordinal": _ordinal(new.day),
    }
    for name, value in sorted(new_parts.items(), key=lambda pair: -(found.start(pair[0]) if parts.get(pair[0]) else -1)):
        if parts.get(name):
            text = text[: found.start(name)] + value + text[found.end(name) :]
    return text[whole[0] : len(text) - (len(found.string) - whole[1])]


def _is_padded(parts: dict[str, str | None]) -> bool:
    """Whether days and months are written with two digits: one begins with 0, or all are digits and none is single."""
    said = [value for name in ("first", "second", "day", "month") if (value := parts.get(name))]
    return any(value.startswith("0") for value in said) or (
        all(len(value) == 2 and value.isdigit() for value in said) and len(said) > 1
    )


def _like(padded: bool, number: int) -> str:
    return f"{number:02d}" if padded else str(number)


def _like_year(said: str | None, new: date) -> str:
    if said and len(said.lstrip("'’")) == 2:
        return said[: len(said) - 2] + f"{new.year % 100:02d}"
    return f"{new.year:04d}"


def _like_month(said: str | None, new: date, padded: bool) -> str:
    """The month's number or name: in full where it was, its first three letters where it was cut short."""
    if not said or said.isdigit():
        return _like(padded, new.month)
    bare, name = said.rstrip("."), MONTHS[new.month - 1].capitalize()
    in_full = len(bare) > 4 or bare.lower() in ("june", "july") or (bare.lower() == "may" and len(name) <= 4)
    written = name if in_full else name[:3]
    return (written.upper() if bare.isupper() else written) + ("." if said.endswith(".") and written != "May" else "")


def _ordinal(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
