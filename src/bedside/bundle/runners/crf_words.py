"""A note's text to words with their places, sentence by sentence: what the CRF reads, at training and in a bundle alike.

In        text of any kind; offsets count code points
Out       sentences, each a list of `Word`: letters, digits (a decimal is one word, 25mg are two, BRCA1 is one), or a single sign
Rules     a sentence ends at . ! ? before a blank and a capital, at an empty line, and at a line's end unless the next line goes on in
          small letters; words never overlap and leave out nothing but white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_][^\W_]*|\d+(?:\.\d+)?|[^\w\s]|_|\w")
_GAP_ENDS = re.compile(r"\n\s*\n|\n(?!\s*[a-z])")
_FULL_STOPS = frozenset(".!?")


class Word(NamedTuple):
    """One word: text == note[start:end]."""

    start: int
    end: int
    text: str


def words(text: str) -> list[Word]:
    """All words.

    >>> [word.text for word in words("K+ 3.4, 25mg, BRCA1-related")]
    ['K', '+', '3.4', ',', '25', 'mg', ',', 'BRCA1', '-', 'related']
    """
    return [Word(found.start(), found.end(), found.group()) for found in _WORD.finditer(text)]


def sentences(text: str) -> Iterator[list[Word]]:
    """The words, cut into sentences.

    >>> [[word.text for word in sentence] for sentence in sentences("No fever. On\\nwarfarin.\\n\\nPlan: home")]
    [['No', 'fever', '.'], ['On', 'warfarin', '.'], ['Plan', ':', 'home']]
    """
    own: list[Word] = []
    for word in words(text):
        if own and _ends(text, own[-1], word):
            yield own
            own = []
        own.append(word)
    if own:
        yield own


def _ends(text: str, last: Word, word: Word) -> bool:
    """Whether a sentence ends between two neighbours."""
    if last.end == word.start:
        return False
    gap = text[last.end : word.start]
    if "\n" in gap and _GAP_ENDS.search(gap + word.text[0]):
        return True
    return last.text in _FULL_STOPS and word.text[0].isupper()
