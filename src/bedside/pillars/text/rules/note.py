"""A note as the rules see it: words, sections and sentences, found once.

In        the text
Out       `Note`, and `Draft`: a fact before its axes are known
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from bedside.pillars.text.fact import Attribute, Kind
from bedside.pillars.text.rules.answers import boxes
from bedside.pillars.text.sections import Section, outline
from bedside.pillars.text.sentences import Span, sentences
from bedside.pillars.text.tokens import Words, words_of

_PATHOLOGY = frozenset(("specimens", "gross-description", "microscopic-description", "synoptic", "biomarkers", "pathology"))
_WORDS = ("patholog", "biopsy", "gross:", "specimen", "immuno", "carcinoma", "histolog", "margin")


class Draft(NamedTuple):
    """A fact that was found, before it is known whether it is so."""

    kind: Kind
    start: int
    end: int
    name: str | None = None
    code: str | None = None
    attributes: dict[str, Attribute] = {}  # noqa: RUF012 (a NamedTuple's default is never written to)


class Note:
    """A text with its outline. `low` is the text in small letters, character for character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: Words = words_of(text)
        self.low = self.words.folded
        told = outline(text)
        self.sections: list[Section] = told.sections
        self.sentences: list[Span] = sentences(text, told.breaks)
        self.boxes = boxes(self.low)
        self.box_starts = [box.start for box in self.boxes]
        self._section_starts = [section.start for section in self.sections]
        self._sentence_starts = [start for start, _ in self.sentences]

    def section_at(self, at: int) -> Section | None:
        """The section that holds a place; None before the first heading."""
        index = bisect_right(self._section_starts, at) - 1
        return self.sections[index] if index >= 0 else None

    def sentence_at(self, at: int) -> Span:
        """The sentence that holds a place that is not blank."""
        index = bisect_right(self._sentence_starts, at) - 1
        return self.sentences[max(index, 0)] if self.sentences else (0, len(self.text))

    def attribute(self, start: int, end: int, *, number: float | None = None, unit: str | None = None, normal: str | None = None) -> Attribute:
        """A part of a fact, with its text."""
        return Attribute(start, end, self.text[start:end], number, unit, normal)

    @property
    def is_pathology(self) -> bool:
        """Whether this reads like a report of a tissue."""
        if any(section.name in _PATHOLOGY for section in self.sections):
            return True
        return sum(word in self.low for word in _WORDS) >= 2
