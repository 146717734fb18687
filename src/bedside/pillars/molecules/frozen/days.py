"""Days of a declaration as moments of UTC."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bedside.core.errors import Misconfigured

_YEAR_DAYS = 365.25


def day(text: str, key: str, *, task: str) -> datetime:
    """The beginning of a day that is written YYYY-MM-DD; `Misconfigured` for anything else."""
    try:
        told = date.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"{key} is not a day: {text!r}", where=f"task {task!r}", do='write it as "2015-01-01"') from None
    return datetime(told.year, told.month, told.day)


def years(number: float, *, task: str) -> timedelta:
    """A span of years; `Misconfigured` unless it lies between a day and a century."""
    if not 1 / _YEAR_DAYS <= number <= 100:
        raise Misconfigured("years must lie between a day and 100", where=f"task {task!r}", do="correct [task] years")
    return timedelta(days=number * _YEAR_DAYS)
