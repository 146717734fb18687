"""Dates as a note says them: absolute ones in one spelling, relative ones kept as said.

In        a note
Out       drafts; the attribute `value` has `normal`: YYYY, YYYY-MM or YYYY-MM-DD of an absolute date, "relative" of one that needs the note's
Order     of day and month in 3/4/2019: month first, as in the United States, unless the first number is above 12
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator

from bedside.pillars.text.rules.note import Draft, Note

_MONTHS = {name: number for number, names in enumerate(
    ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug", "september sep sept",
     "october oct", "november nov", "december dec"), 1) for name in names.split()}  # fmt: skip
_MONTH = "(?P<{0}>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|several|few|a few|couple of|a couple of)"
_UNIT = r"(?:minutes?|hours?|hrs?|days?|weeks?|wks?|months?|mos?|years?|yrs?|decades?)"
_DATE = re.compile(
    r"(?<![^\W_]|[/.-])(?:(?P<y1>(?:19|20)\d\d)-(?P<m1>\d\d)-(?P<d1>\d\d)|(?P<a>\d{1,2})(?P<mark>[/-])(?P<b>\d{1,2})(?P=mark)(?P<y2>(?:19|20)\d\d|\d\d)|"
    + _MONTH.format("w1") + r" (?P<d3>\d{1,2})(?:st|nd|rd|th)?(?:,? (?P<y3>(?:19|20)\d\d))?|(?P<d4>\d{1,2})(?:st|nd|rd|th)? " + _MONTH.format("w2")
    + r"(?:,? (?P<y4>(?:19|20)\d\d))?|" + _MONTH.format("w3") + r",? (?:of )?(?P<y5>(?:19|20)\d\d)|(?<=in )(?P<y6>(?:19|20)\d\d)|"
    rf"(?P<relative>{_COUNT} {_UNIT} (?:ago|earlier|prior|previously|later)|(?:last|next|this past) (?:week|month|year|night|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december)|"
    r"yesterday|tomorrow|(?:post-?op(?:erative)? |hospital )?day #?\d{1,3}|pod ?#?\d{1,2}|since yesterday))(?![^\W_]|[/-]\d)"
)  # fmt: skip
_CENTURY, _LEAP = 50, 2000


_ON = re.compile(r"\s?(?:(?:was |were )?(?:done|performed|obtained|repeated|taken|placed|resected|removed) )?(?:\(|on |dated |of |from |in |\(on )?(?:in )?\Z")
_DATED = frozenset(("procedure", "lab", "vital", "problem"))
_GAP = 24


def dated(note: Note, drafts: list[Draft]) -> list[Draft]:
    """Drafts in order, those with a date right behind them having it as their part `date`; nothing else links a date to a fact."""
    found = list(drafts)
    for at, draft in enumerate(found):
        if draft.kind != "date" or at == 0:
            continue
        before = found[at - 1]
        end = max([before.end, *(part.end for part in before.attributes.values())])
        if before.kind in _DATED and 0 <= draft.start - end <= _GAP and _ON.match(note.low, end, draft.start):
            found[at - 1] = before._replace(attributes={**before.attributes, "date": draft.attributes["value"]})
    return found


def drafts(note: Note) -> Iterator[Draft]:
    """The dates of a note."""
    for found in _DATE.finditer(note.low):
        normal = "relative" if found["relative"] else _spelled(found)
        if normal is not None:
            yield Draft("date", found.start(), found.end(), "date", None, {"value": note.attribute(*found.span(), normal=normal)})


def _spelled(found: re.Match[str]) -> str | None:
    """YYYY, YYYY-MM or YYYY-MM-DD, --MM-DD without a year; None for what is no date."""
    if found["y6"]:
        return found["y6"]
    if found["y5"]:
        return f"{found['y5']}-{_MONTHS[found['w3']]:02}"
    if found["y1"]:
        return _checked(found["y1"], int(found["m1"]), int(found["d1"]))
    if found["a"]:
        first, second = int(found["a"]), int(found["b"])
        month, day = (second, first) if first > 12 else (first, second)
        return _checked(_year(found["y2"]), month, day)
    word, told, year = (found["w1"], found["d3"], found["y3"]) if found["w1"] else (found["w2"], found["d4"], found["y4"])
    return _checked(year or "-", _MONTHS[word], int(told))


def _checked(year: str, month: int, day: int) -> str | None:
    days = monthrange(int(year) if year.isdigit() else _LEAP, month)[1] if 1 <= month <= 12 else 0
    return f"{year}-{month:02}-{day:02}" if 1 <= day <= days else None


def _year(text: str) -> str:
    return text if len(text) == 4 else ("19" if int(text) > _CENTURY else "20") + text
