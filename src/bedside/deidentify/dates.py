"""Dates in running text, in the many ways that clinicians write them, and the same way of writing for the moved date.

Read      2026-01-13, 1/13/26, 13.01.26, 60-05-05, 13-Jan-26, January 13th, 2026, 13 January 2026, Jan 2026, 1/2026, January 13, Mon 1/13, DOB 5/60
Kept      bare years, weekdays and times of day (a shift by whole weeks does not touch them), fractions such as 3/6
Order     month first unless the first number cannot be one; a two-digit year is the last one that is not after the document's
Elsewhere what a date looks like: `date_forms.py`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from bedside.deidentify.date_forms import (
    AFTER_DAY_DOT,
    BARE,
    BIRTH,
    BY_SIGN,
    COMPACT,
    CONTEXT_ENDS,
    DAY_ALONE,
    DAY_DOT,
    DAY_FIRST,
    DAY_MONTH,
    FOREIGN,
    FOREIGN_STARTS,
    IN_CONTEXT,
    MONTH_AFTER,
    MONTH_BEFORE,
    MONTH_DAY,
    MONTH_FIRST,
    MONTH_ONLY,
    NEXT,
    OF_BIRTH,
    ON_THE,
    RANGE_END,
    RANGED,
    SCORED,
    SHAPED,
    SURE_OF_DAY_DOT,
    TIME_AFTER,
    WORD_BEFORE,
    YEAR_FIRST,
)
from bedside.deidentify.lexicon import MONTHS
from bedside.deidentify.spans import Span, runs_of_digits

_MIDDLE_OF_MONTH = 15
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(r"\b((?:mon|tue|wednes|thurs|fri|satur|sun)day|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\b\.?,?\s+\Z", re.IGNORECASE)
_ANY_YEAR, _REACH, _NEAR = 2000, 48, 36
_NUMBER_OF = {name[:3]: number for number, name in enumerate(MONTHS, 1)}
_MONTHS_OF_YEAR, _EVERY_MONTH_HAS = 12, 28
_MONTHS, _BETWEEN = frozenset(month[:size] for month in MONTHS for size in (2, 3)), frozenset(["of", "the"])
_MONTH_BEGINS = frozenset(month[0] for month in MONTHS) | {"o", " "}
_BEFORE_MONTH, _AFTER_MONTH = frozenset(" -/.,snrtoJFMASONDRTjfmasond\n"), frozenset(" -/.,'\n")
Move = Callable[[date], date]


def find(text: str) -> Iterator[Span]:
    """Every date that says more than a year, in a text in ASCII."""
    lower, size = text.lower(), len(text)
    for start, end, said in runs_of_digits(text):
        yield from date_spans(text, lower, start, end, said, text[start - 1] if start else "\n", text[end] if end < size else "\n")


def date_spans(text: str, lower: str, start: int, end: int, said: str, before: str, after: str) -> list[Span]:
    """The dates that a run of digits is part of.

    said            the run, `text[start:end]`: digits with hyphens, slashes or points between them
    before, after   the letters on both sides of it
    """
    found: list[Span] = []
    size = end - start
    if not said.isdigit():
        sign = "/" if "/" in said else "-" if "-" in said else "."
        if size > 4 or (size == 4 and sign != "."):
            _matches(BY_SIGN[sign], text, start, found)
            if sign == "/" and "-" in said:
                _ranged(text, start, said, found)
        if sign == "/" and not found and said[1:3].find("/") >= 0:
            _in_context(text, start, end, found)
        if sign == "." and after == "." and not found and size <= 5:
            _day_dot(text, lower, start, found)
    elif size == 8:
        _matches((COMPACT,), text, start, found)
    if size <= 2 or not said.isdigit():
        if after in _BEFORE_MONTH and (after != " " or lower[end + 1 : end + 2] in _MONTH_BEGINS) and MONTH_AFTER.match(text, end):
            _matches(DAY_FIRST, text, start, found)
            if not found:
                _any_case(DAY_MONTH, text, lower, start, found)
        if size <= 2 and after in " /" and text[end : end + 3] == " / ":
            _matches(BY_SIGN[" "], text, start, found)
        if size <= 2 and not found and after in " .eo" and (after != " " or lower[end + 1 : end + 4] in FOREIGN_STARTS) and (foreign := FOREIGN.match(text, end)):
            found.append(Span(start, foreign.end(), "DATE"))
        if size <= 2 and not found and after in "snrt" and DAY_ALONE.match(text, end) and ON_THE.search(text, max(0, start - 14), start):
            found.append(Span(start, end + 2, "DATE"))
    if before in _AFTER_MONTH and (before != " " or _may_be_month(lower, start)) and (month := MONTH_BEFORE.search(text, max(0, start - 20), start)):
        count = len(found)
        _matches(MONTH_FIRST, text, month.start(), found)
        if len(found) == count:
            _any_case(MONTH_DAY, text, lower, month.start(), found)
    if size <= 6 and not found and _may_be_birth(lower[max(0, start - 26) : start]) and BIRTH.search(text, max(0, start - 26), start):
        for pattern in OF_BIRTH:
            for one in pattern.finditer(text, max(0, start - 32), min(len(text), end + 16)):
                found += _with_next(text, one)
    return found


def _any_case(form: re.Pattern[str], text: str, lower: str, at: int, found: list[Span]) -> None:
    """A month in capitals or in small letters with its day, where no other word is meant by it."""
    one = form.match(text, at)
    if one is None or not _is_date(one.groupdict()):
        return
    if one["ordinal"] or one["month"].lower().rstrip(".") in MONTH_ONLY or _word_before(lower, at) in CONTEXT_ENDS:
        found.append(Span(*one.span(), "DATE"))


def _word_before(lower: str, at: int) -> str:
    before = WORD_BEFORE.search(lower, max(0, at - 24), at)
    return before[1] if before else ""


def _day_dot(text: str, lower: str, start: int, found: list[Span]) -> None:
    """5.11. as day and month, where the word before it says a day, or the sentence goes on behind its point."""
    one = DAY_DOT.match(text, start)
    if one is None or not _is_date(one.groupdict()):
        return
    before, field = _word_before(lower, start), text[start - 1 : start] == "|" and text[one.end() : one.end() + 1] == "|"
    if field or before in SURE_OF_DAY_DOT or (before in CONTEXT_ENDS | _BEFORE_DAY_DOT and (AFTER_DAY_DOT.match(text, one.end()) or before in _DONE)):
        found.append(Span(*one.span(), "DATE"))


_BEFORE_DAY_DOT, _DONE = frozenset(["to", "from", "next"]), frozenset(["colonoscopy", "egd", "endoscopy", "mammogram", "bronchoscopy", "angiogram"])


def _may_be_birth(near: str) -> bool:
    return "b" in near and ("bir" in near or "bor" in near or "ob" in near or "o.b" in near)


def _may_be_month(lower: str, start: int) -> bool:
    """Whether the word before a blank begins like a month, or is one that stands between a month and its number."""
    at = lower.rfind(" ", 0, start - 1) + 1
    return (
        lower[at : at + 3] in _MONTHS
        or lower[start - 2 : start - 1] in ",.-/'"
        or lower[at : start - 1] in _BETWEEN
        or (lower[(line := lower.rfind("\n", at, start) + 1) : line + 3] in _MONTHS)
        or (lower[at] in "('\"[" and lower[at + 1 : at + 4] in _MONTHS)
        or (not lower[at : start - 1].isalpha() and _BEHIND_SIGN.search(lower, at, start) is not None)
    )


def _matches(patterns: tuple[re.Pattern[str], ...], text: str, at: int, found: list[Span]) -> None:
    for pattern in patterns:
        one = pattern.match(text, at)
        if one is not None and _is_date(one.groupdict()):
            found.append(Span(*one.span(), "DATE"))
            if patterns is not MONTH_FIRST:
                return


_BEHIND_SIGN = re.compile(r"[^a-z\d](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s\Z")
_FIELD = re.compile(r"[(>|]")


def _likely(text: str, start: int, end: int) -> Iterator[re.Pattern[str]]:
    """Of IN_CONTEXT, those whose words may stand before or after."""
    before = _FIELD.sub(" ", text[max(0, start - 24) : start].lower()).split()
    if before and (before[-1].strip(":,.;") in CONTEXT_ENDS or before[-1].startswith(("pod", "#"))):
        yield IN_CONTEXT[0]
        yield IN_CONTEXT[3]
    if TIME_AFTER.match(text, end):
        yield IN_CONTEXT[1]
    if text[end : end + 1] in (":", " ") and text[text.rfind("\n", 0, start) + 1 : start].strip(" \t-*") == "":
        yield IN_CONTEXT[2]


def _is_date(parts: dict[str, str | None]) -> bool:
    """Whether there is such a day; the calendar is asked only for days that not all months have."""
    if parts.get("first"):
        month, day = _ordered(int(parts["first"] or 0), int(parts["second"] or 0))
    else:
        said = parts["month"] or ""
        month, day = int(said) if said.isdigit() else 1, int(parts.get("day") or 1)
    return (0 < month <= _MONTHS_OF_YEAR and 0 < day <= _EVERY_MONTH_HAS) or _read(parts, _ANY_YEAR) is not None


def _ranged(text: str, start: int, said: str, found: list[Span]) -> None:
    """Both dates of 01/13/2026-01/20/2026."""
    _matches((RANGED,), text, start, found)
    if found:
        second = RANGE_END.match(text, start + said.index("-") + 1)
        if second is not None and _read(second.groupdict(), _ANY_YEAR) is not None:
            found.append(Span(*second.span(), "DATE"))


def _in_context(text: str, start: int, end: int, found: list[Span]) -> None:
    """3/10 where the words beside it make it a date."""
    for pattern in _likely(text, start, end):
        for one in pattern.finditer(text, max(0, start - _NEAR), min(len(text), end + _NEAR)):
            if one.start("whole") <= end and not SCORED.search(text, max(0, one.start() - _REACH), one.end("whole")):
                found += _with_next(text, one)


def _with_next(text: str, found: re.Match[str] | None) -> Iterator[Span]:
    """A short date, and those that a range or a list puts after it: 3/10-3/14, 3/10 and 3/12."""
    while found is not None and _read(found.groupdict(), _ANY_YEAR) is not None:
        yield Span(*found.span("whole"), "DATE")
        found = NEXT.match(text, found.end("whole"))


def moved(text: str, move: Move, *, year: int, latest: int | None = None) -> str | None:
    """A date's text with the moved date, written the same way; None when it cannot be read after all.

    year     the year of a date that says none
    latest   the year after whose end a date of two digits is of the century before; `year` when None

    >>> from datetime import timedelta
    >>> [moved(d, lambda true: true + timedelta(days=7), year=2026) for d in ("Jan 13th, 2026", "01/13/26", "13-Jan-26", "1/27")]
    ['Jan 20th, 2026', '01/20/26', '20-Jan-26', '2/3']
    """
    read = parsed(text, year, latest)
    return None if read is None else _written(read[0], move(read[1]))


def parsed(text: str, year: int, latest: int | None = None) -> tuple[re.Match[str], date] | None:
    """How a date's text is read, and the true date."""
    first, latest = YEAR_FIRST.fullmatch(text), year if latest is None else latest
    forms = (YEAR_FIRST,) if first is not None and year % 100 <= int(first["year"]) <= latest % 100 else ()
    for pattern in (*forms, *SHAPED, *BARE):
        found = pattern.fullmatch(text)
        true = _read(found.groupdict(), year, latest) if found else None
        if found is not None and true is not None:
            return found, true
    return None


def weekday_moved(before: str, days: int) -> str:
    """The text before a date with the weekday at its end moved too, for clocks that do not move by whole weeks.

    >>> weekday_moved("Seen Mon, ", 2), weekday_moved("on SUNDAY ", 8), weekday_moved("on ", 2)
    ('Seen Wed, ', 'on MONDAY ', 'on ')
    """
    found = _WEEKDAY.search(before)
    if found is None or days % 7 == 0:
        return before
    new = WEEKDAYS[([day[:3] for day in WEEKDAYS].index(found[1][:3].lower()) + days) % 7].capitalize()
    written = new if found[1].lower().endswith("day") else new[:3]
    return before[: found.start(1)] + (written.upper() if found[1].isupper() else written) + before[found.end(1) :]


def _read(parts: dict[str, str | None], year: int, latest: int = _ANY_YEAR) -> date | None:
    """The true date of a match."""
    try:
        if parts.get("first"):
            month, day = _ordered(int(parts["first"] or 0), int(parts["second"] or 0))
        else:
            said = parts["month"] or ""
            month = int(said) if said.isdigit() else _month_number(said)
            day = int(parts["day"]) if parts.get("day") else _MIDDLE_OF_MONTH  # type: ignore[arg-type]
        return date(_full_year(parts.get("year"), year, latest), month, day)
    except ValueError:
        return None


def _ordered(first: int, second: int) -> tuple[int, int]:
    return (second, first) if first > 12 else (first, second)


def _month_number(said: str) -> int:
    return _NUMBER_OF[said[:3].lower()]


def _full_year(said: str | None, otherwise: int, latest: int) -> int:
    if not said:
        return otherwise
    digits = said.lstrip("'’")
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (2000 if int(digits) + 2000 <= latest + 1 else 1900)


def _written(found: re.Match[str], new: date) -> str:
    """The new date in the writing of the match: every part is written over, from the last to the first."""
    text, parts = found.string, found.groupdict()
    swap = parts.get("first") is not None and int(parts["first"] or 0) > 12
    between = f"{parts.get('gap') or ''}{parts.get('comma') or ''}"
    cut = not between or any(sign in between for sign in "-/.")
    padded = _is_padded(parts) or (cut and len(parts.get("day") or "") == 2)
    new_parts = {
        "year": _like_year(parts.get("year"), new),
        "month": _like_month(parts.get("month"), new, padded, cut=cut),
        "day": _like(padded, new.day),
        "first": _like(padded, new.day if swap else new.month),
        "second": _like(padded, new.month if swap else new.day),
        "ordinal": _ordinal(new.day).upper() if (parts.get("ordinal") or "").isupper() else _ordinal(new.day),
    }
    for name, value in sorted(new_parts.items(), key=lambda pair: -(found.start(pair[0]) if parts.get(pair[0]) else -1)):
        if parts.get(name):
            text = text[: found.start(name)] + value + text[found.end(name) :]
    return text


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


def _like_month(said: str | None, new: date, padded: bool, *, cut: bool) -> str:
    """The month's number or name: in full where it was, its first three letters where it was cut short.

    cut   months between hyphens or without blanks are cut short (05-May-60, 05MAY60), which May does not show
    """
    if not said or said.isdigit():
        return _like(padded, new.month)
    bare, name = said.rstrip("."), MONTHS[new.month - 1].capitalize()
    in_full = len(bare) > 4 or bare.lower() in ("june", "july") or (bare.lower() == "may" and len(name) <= 4 and not cut)
    written = name if in_full else name[:3]
    return (written.upper() if bare.isupper() else written.lower() if bare.islower() else written) + ("." if said.endswith(".") and written != "May" else "")


def _ordinal(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
