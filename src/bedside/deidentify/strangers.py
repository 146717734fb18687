"""Whoever else the map knows, found in a text: what the residue proof would stop the run for is taken out before it asks.

In        a text of one subject, or of nobody; `Needles` of everybody
Out       spans of strong identifiers of any subject: full names, long numbers, phones, addresses, e-mail
Method    asks the proof's own search what is there, then looks up where: the proof and this never disagree about what a name is.
          Where the place of something cannot be told its whole line goes, so that one odd writing does not stop a delivery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bedside.deidentify.folding import Folded, folded
from bedside.deidentify.residue_needles import Needles, without_zeros
from bedside.deidentify.residue_search import Sighting, sightings
from bedside.deidentify.spans import Span, joined

_WORD, _FIGURES = re.compile(r"[^\W_]+"), re.compile(r"[0-9OoIl]+")
_READ = str.maketrans("OoIl", "0011")
_KINDS = {"name": "NAME", "phone": "PHONE", "ssn": "SSN", "address": "ADDRESS", "email": "EMAIL"}
Forms = set[tuple[tuple[str, ...], str]]


class Strangers:
    """Finds anybody of a map by what is strong. One object a map."""

    def __init__(self, needles: Needles) -> None:
        self.needles = needles

    def find(self, text: str, found: Sequence[Span] = ()) -> Iterator[Span]:
        """Every strong identifier of anybody, whatever else was found."""
        seen = self._seen(text)
        if not seen:
            return
        placed = joined(self._placed(folded(text), {(one.form, one.kind) for one in seen}))
        yield from placed
        yield from _lines(text, self._seen(_without(text, placed)))

    def _seen(self, text: str) -> list[Sighting]:
        return [one for one in sightings(text, self.needles) if one.strong]

    def _placed(self, plain: Folded, forms: Forms) -> Iterator[Span]:
        words = [one.span() for one in _WORD.finditer(plain.text)]
        said = [self._read(plain.text[start:end].casefold()) for start, end in words]
        figures = [one.span() for one in _FIGURES.finditer(plain.text)]
        read = [plain.text[start:end].translate(_READ) for start, end in figures]
        for form, kind in sorted(forms):
            whole = "".join(form)
            for places, told in ((words, said), (figures, read)) if whole.isdigit() else ((words, said),):
                for first, last in _runs(told, whole):
                    yield Span(*plain.span(places[first][0], places[last][1]), _KINDS.get(kind, "ID"))

    def _read(self, word: str) -> str:
        known = word in self.needles.words or word in self.needles.digits
        return word if known else (self.needles.repaired(word) or word)


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text with signs that are no word in place of every span, as long as before and line by line."""
    parts, at = list[str](), 0
    for span in spans:
        parts += [text[at : span.start], re.sub(r"[^\n]", "*", text[span.start : span.end])]
        at = span.end
    return "".join([*parts, text[at:]])


def _lines(text: str, left: Sequence[Sighting]) -> Iterator[Span]:
    """The whole lines in which something stands that has no place of its own."""
    if not left:
        return
    starts = [0, *(one.end() for one in re.finditer("\n", text)), len(text) + 1]
    for line in sorted({min(one.line, len(starts) - 2) for one in left}):
        start, end = starts[line], starts[line + 1] - 1
        if end > start:
            yield Span(start, end, "ID")


def _runs(said: list[str], whole: str) -> Iterator[tuple[int, int]]:
    """First and last word of every run that, joined, is the whole; zeros before a number do not count.

    >>> list(_runs(["call", "617", "555", "0142"], "6175550142")), list(_runs(["mrn", "00778899"], "778899")), list(_runs(["1"], "0000000001"))
    ([(1, 3)], [(1, 1)], [])
    """
    bare = without_zeros(whole) if whole.isdigit() else whole
    stripped = bare.isdigit() and not bare.startswith("0")
    for first, word in enumerate(said):
        run = word.lstrip("0") if stripped else word
        if not run or not bare.startswith(run):
            continue
        last = first
        while run != bare and last + 1 < len(said) and bare.startswith(run + said[last + 1]):
            last += 1
            run += said[last]
        if run == bare:
            yield first, last
