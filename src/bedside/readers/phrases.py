"""The small languages inside a mapping's strings: templates, time phrases, conditions. Parsed here, computed in `columns.py`.

Template      LOINC//{loinc}   a column's text, through filters: {drug|slug}, {sex|sex}, {icd_code|icd9cm}
Time phrase   charttime        a column that holds a time
              base + ICULOS hours - 1 hours     from the table's `base`, or a column, plus numbers or columns of a unit
              year(anchor_year - anchor_age)    the first of January of a year
              A column whose name is no plain word stands in backticks.
Condition     eventtype <> 'discharge' AND careunit IS NOT NULL     SQL over the row's columns, all of them text
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from bedside.core.errors import BedsideError, Misconfigured
from bedside.core.time import Instant, iso_instant
from bedside.readers import words

_NAME = r"(?:[A-Za-z_@][\w]*|`[^`]+`)"
_START = re.compile(rf"\s*(?:year\(\s*({_NAME})(?:\s*-\s*({_NAME}))?\s*\)|({_NAME}))\s*")
_STEP = re.compile(rf"([+-])\s*(\d+(?:\.\d+)?|{_NAME})\s+(second|minute|hour|day|week)s?\s*")
_UNIT_US = {"second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000, "day": 86_400_000_000, "week": 604_800_000_000}
_HOLE = re.compile(r"\{([^{}|]+)((?:\|[^{}|]+)*)\}")


def _icd(after: int, code: str) -> str:
    bare = code.strip().upper().replace(".", "")
    return bare if len(bare) <= after else f"{bare[:after]}.{bare[after:]}"


FILTERS: dict[str, Callable[[str], str]] = {
    "slug": words.slug,
    "upper": str.upper,
    "lower": str.lower,
    "sex": lambda text: words.sex_code(text).removeprefix("SEX//"),
    "race": lambda text: words.race_code(None, text).removeprefix("RACE//"),
    "location": lambda text: (words.location_code(text) or "").removeprefix("LOCATION//"),
    "icd10cm": lambda code: _icd(3, code),
    # ICD-9-CM, official guidelines: external causes (E) carry their point after the fourth character, others after the third.
    "icd9cm": lambda code: _icd(4 if code.strip().upper().startswith("E") else 3, code),
    "icd9procedure": lambda code: _icd(2, code),
}


class Hole(NamedTuple):
    """One {column|filter|filter} of a template."""

    column: str
    filters: tuple[str, ...]


class Template(NamedTuple):
    """Literal texts and holes in turn."""

    parts: tuple[str | Hole, ...]

    @property
    def columns(self) -> list[str]:
        return [part.column for part in self.parts if isinstance(part, Hole)]


class TimePhrase(NamedTuple):
    """Where a time starts ("column", "base" or "year"), its columns, and what is added: (sign, amount or column, microseconds)."""

    start: str
    starts: tuple[str, ...]
    steps: tuple[tuple[int, float | str, int], ...]

    @property
    def columns(self) -> list[str]:
        return [*self.starts, *(amount for _, amount, _ in self.steps if isinstance(amount, str))]


@lru_cache(maxsize=1024)
def template(text: str) -> Template:
    """
    >>> template("ICD9CM//{icd_code|icd9cm}//diagnosis").columns
    ['icd_code']
    """
    parts: list[str | Hole] = []
    at = 0
    for hole in _HOLE.finditer(text):
        parts += [text[at : hole.start()]] if hole.start() > at else []
        parts.append(_hole(hole, text))
        at = hole.end()
    rest = text[at:]
    if "{" in rest or "}" in rest or any(isinstance(part, str) and set("{}") & set(part) for part in parts):
        raise Misconfigured(f"the braces of {text!r} do not close", where="template", do="write {column} or {column|filter}")
    return Template((*parts, rest) if rest else tuple(parts))


def _hole(found: re.Match[str], text: str) -> Hole:
    filters = tuple(name.strip() for name in found[2].split("|") if name)
    unknown = [name for name in filters if name not in FILTERS]
    if unknown:
        raise Misconfigured(
            f"no filter called {unknown[0]!r} in {text!r}", where="template", do=f"choose from {', '.join(FILTERS)}"
        )
    return Hole(found[1].strip(), filters)


@lru_cache(maxsize=1024)
def time(text: str) -> TimePhrase:
    """
    >>> time("base + ICULOS hours - 1 hours")
    TimePhrase(start='base', starts=(), steps=((1, 'ICULOS', 3600000000), (-1, 1.0, 3600000000)))
    """
    found = _START.match(text)
    steps, at = list[tuple[int, float | str, int]](), found.end() if found else 0
    while found and at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            found = None
            break
        steps.append((-1 if step[1] == "-" else 1, _amount(step[2]), _UNIT_US[step[3]]))
        at = step.end()
    if found is None:
        raise Misconfigured(
            f"{text!r} is no time phrase", where="time", do='write a column, "base + column hours", or "year(column)"'
        )
    if found[3] == "base":
        return TimePhrase("base", (), tuple(steps))
    starts = tuple(_bare(name) for name in found.groups() if name)
    return TimePhrase("column" if found[3] else "year", starts, tuple(steps))


def _amount(text: str) -> float | str:
    return float(text) if text[0].isdigit() else _bare(text)


def _bare(name: str) -> str:
    return name.strip("`")


@lru_cache(maxsize=256)
def condition(text: str) -> tuple[str, ...]:
    """The columns of an SQL condition; `Misconfigured` when it is none, or reaches beyond the row."""
    import polars as pl

    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise Misconfigured(
            f"{text!r} is no SQL condition", where="when", do="write a condition such as \"status <> 'draft'\""
        ) from error
    columns = tuple(dict.fromkeys(expression.meta.root_names()))
    if re.search(r"\bselect\b", text, re.IGNORECASE) or not columns:
        raise Misconfigured(
            f"{text!r} is no condition over the row's columns", where="when", do="name at least one column, and no other table"
        )
    return columns


def instant(text: str, zone: str | None) -> Instant:
    """The instant that a mapping's `base` says; it carries its zone."""
    try:
        return iso_instant(text, where="base", timezone=zone)
    except BedsideError as error:
        raise Misconfigured("base is no instant", where="base", do='write "2000-01-01T00:00:00Z"') from error
