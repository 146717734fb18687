"""Whoever else the map knows, found in a text: what the residue proof would stop the run for is taken out before it asks.

In        a text of one subject, or of nobody; `Needles` of everybody
Out       spans of strong identifiers of any subject: full names, long numbers, phones, addresses, e-mail
Method    asks the proof's own search what is there, then looks up where: the proof and this never disagree about what a name is
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bedside.deidentify.folding import folded
from bedside.deidentify.residue_needles import Needles, without_zeros
from bedside.deidentify.residue_search import sightings
from bedside.deidentify.spans import Span

_WORD = re.compile(r"[^\W_]+")
_KINDS = {"name": "NAME", "phone": "PHONE", "ssn": "SSN", "address": "ADDRESS", "email": "EMAIL"}


class Strangers:
    """Finds anybody of a map by what is strong. One object a map."""

    def __init__(self, needles: Needles) -> None:
        self.needles = needles

    def find(self, text: str, found: Sequence[Span] = ()) -> Iterator[Span]:
        """Every strong identifier of anybody, whatever else was found."""
        seen = {(one.form, one.kind) for one in sightings(text, self.needles) if one.strong}
        if not seen:
            return
        plain = folded(text)
        places = [one.span() for one in _WORD.finditer(plain.text)]
        said = [self._read(plain.text[start:end].casefold()) for start, end in places]
        for form, kind in sorted(seen):
            for first, last in _runs(said, "".join(form)):
                yield Span(*plain.span(places[first][0], places[last][1]), _KINDS.get(kind, "ID"))

    def _read(self, word: str) -> str:
        known = word in self.needles.words or word in self.needles.digits
        return word if known else (self.needles.repaired(word) or word)


def _runs(said: list[str], whole: str) -> Iterator[tuple[int, int]]:
    """First and last word of every run that, joined, is the whole; zeros before a number do not count.

    >>> list(_runs(["call", "617", "555", "0142"], "6175550142")), list(_runs(["mrn", "00778899"], "778899")), list(_runs(["1"], "0000000001"))
    ([(1, 3)], [(1, 1)], [])
    """
    bare = without_zeros(whole) if whole.isdigit() else whole
    stripped = bare.isdigit() and not bare.startswith("0")
    for first, word in enumerate(said):
        joined = word.lstrip("0") if stripped else word
        if not joined or not bare.startswith(joined):
            continue
        last = first
        while joined != bare and last + 1 < len(said) and bare.startswith(joined + said[last + 1]):
            last += 1
            joined += said[last]
        if joined == bare:
            yield first, last
