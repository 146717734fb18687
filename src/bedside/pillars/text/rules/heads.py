"""A problem's name before another noun can name something else: a pneumonia vaccine is no pneumonia, a heart failure clinic no heart failure.

In        a note, and the place of a problem's name
Out       whether the words name a thing that is called after the problem
"""

from __future__ import annotations

import re

from bedside.pillars.text.rules.note import Note

_GIVEN = r"vaccin\w{1,8}|immuni[sz]ations?|shots?|jabs?|boosters?"
_HEAD = re.compile(
    rf"(?:[^\S\n]?(?:/|&|[^\S\n]and\b|[^\S\n]or\b)[^\S\n]?[^\W\d_]{{2,20}})?[^\S\n]+(?:{_GIVEN}|clinics?|wards?|units?|cent(?:er|re)s?|services?|teams?|nurses?|"
    r"specialists?|educators?|education|foundation|association|society|support group|questionnaire|protocol|pathway|order set|hotline|registry|awareness)(?![^\W_])"
)
_AGAINST = re.compile(rf"(?:{_GIVEN}|immuni[sz]ed|vaccinated) (?:for|against) (?:[^\W\d_]{{2,20}}(?:,? and |, | or |/))?\Z")


def names_something_else(note: Note, start: int, end: int) -> bool:
    """Whether the problem's name at [start, end) stands before such a noun, or is what a vaccine is against."""
    return _HEAD.match(note.low, end) is not None or _AGAINST.search(note.low, max(start - 60, 0), start) is not None
