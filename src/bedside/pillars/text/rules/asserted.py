"""A draft and the axes of its words become a fact: what a bare cue cannot know is added here.

In        a draft, and its axes as `context.axes` gives them
Out       a `Fact`
Added     a chronic disease in the history is still there; a problem with a year behind it is over; "-fever" among "+cough" is denied, "?PE" is
          doubted; what a form answers of it ("Edema: no", `answers.py`) goes before what a cue says; under the heading of the family, a fact is a relative's. Values of tests are not denied: "negative" is their value.
"""

from __future__ import annotations

import re

from bedside.pillars.text.context import Axes
from bedside.pillars.text.fact import Fact
from bedside.pillars.text.rules.answers import answered
from bedside.pillars.text.rules.note import Draft, Note

_ASSERTED: frozenset[str] = frozenset(("problem", "medication", "procedure", "histology", "tumour-site"))
"""Kinds of which "no" says that they are not there; of a test, "negative" is its value."""
_CHRONIC = tuple(f"ICD10CM//{code}" for code in (
    "I10", "I25.1", "I48", "I50", "I42", "I73", "I27", "E10", "E11", "E03", "E05", "E78", "E66", "J44", "J45", "J43", "J84", "N18", "K50", "K51", "K21",
    "K74", "K70.3", "M05", "M06", "M19", "M17", "M32", "M79.7", "M10", "M81", "G20", "G30", "G35", "G40", "G47.3", "F03", "F20", "F25", "F31", "B20", "Z21",
    "D57", "G43", "I34", "I35", "H40", "L40", "F32", "F33", "F41", "F90", "F43.1", "N40", "B18", "B19", "F10", "F11", "R73.03", "M48.0", "E28.2"))  # fmt: skip
"""What one who has a history of it still has."""
_YEAR = re.compile(r",? ?(?:once,? ?)?\(?(?:in |in early |in late )?(?:(?:19|20)\d\d)(?![\d/-])")
_OVER = re.compile(r"[^.;\n]{0,20}\b(?:resolved|in remission|as a child|in childhood|years ago)\b")
_NEAR = 200
_MINUS, _PLUS = re.compile(r"(?:\A|[\s,(])-\Z"), re.compile(r"(?<![^\s,(])\+[a-z]")
"""Triage shorthand: "+SOB, -fever". A hyphen alone begins an item of a list."""


def asserted(note: Note, draft: Draft, one: Axes) -> Fact:
    """The fact of a draft, with its section, its sentence and what the words around it say of it."""
    section = note.section_at(draft.start)
    name = section.name if section else None
    temporality = "historical" if one.temporality == "current" and draft.kind == "problem" and _YEAR.match(note.low, draft.end) else one.temporality
    if temporality == "historical" and draft.kind == "problem" and (draft.code or "").startswith(_CHRONIC) and not _OVER.match(note.low, draft.end):
        temporality = "current"
    asked = note.low[max(draft.start - 2, 0) : draft.start].strip() == "?"
    minus = _MINUS.search(note.low, max(draft.start - 2, 0), draft.start) is not None and _PLUS.search(note.low, max(draft.start - _NEAR, 0), draft.end + _NEAR) is not None
    told = answered(note, draft.start, draft.end) if draft.kind in _ASSERTED else None
    negated = one.negated or minus if told is None else not told
    family = one.experiencer == "family" or (name == "family-history" and draft.kind in _ASSERTED)
    return Fact(
        draft.kind, draft.start, draft.end, note.text[draft.start : draft.end], draft.attributes, draft.name, draft.code,
        negated=negated and draft.kind in _ASSERTED, uncertain=(one.uncertain or asked) and draft.kind in _ASSERTED,
        temporality=temporality if draft.kind != "date" else "current", experiencer="family" if family and draft.kind != "date" else "patient",
        section=name, sentence=note.sentence_at(draft.start),
    )  # fmt: skip
