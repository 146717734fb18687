"""Words of a text with their places, and phrases found among them in one pass.

In        the text of a note; phrases, each with what it stands for
Out       words folded to lower case, one folded character for each of the text, so that places never move; longest matches
Time      linear: each word is looked up once, and a phrase is followed no further than its longest form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar, cast

T = TypeVar("T")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]{1,2}(?![^\W_]))?|[-+]ve(?![^\W_])")
_GAP = re.compile(r"[^\S\n]*\n?[^\S\n]*|[-‐‑/.'’]|[^\S\n]?-[^\S\n]?")
_LONGEST_GAP = 12
_END = ""
_APOSTROPHE = str.maketrans({"’": "'"})


class Words(NamedTuple):
    """Words in order: `folded[starts[i]:ends[i]] == words[i]` (but for apostrophes)."""

    folded: str
    words: list[str]
    starts: list[int]
    ends: list[int]


def fold(text: str) -> str:
    """The text in lower case, character for character.

    >>> fold("ADMIT İstanbul"), len(fold("İ"))
    ('admit İstanbul', 1)
    """
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lower.translate(_APOSTROPHE) if "’" in lower else lower


def words_of(text: str) -> Words:
    """The words of a text; hyphens, slashes and full stops divide them, an apostrophe before one or two letters does not.

    >>> words_of("Pt. doesn't c/o N/V").words
    ['pt', "doesn't", 'c', 'o', 'n', 'v']
    """
    folded = fold(text)
    found = list(_WORD.finditer(folded))
    return Words(folded, [match[0] for match in found], [match.start() for match in found], [match.end() for match in found])


class Found(NamedTuple, Generic[T]):
    """A phrase found: words [first, last) of the text, and what it stands for."""

    first: int
    last: int
    meaning: T


class Phrases(Generic[T]):
    """Phrases to look for, word by word. Of two phrases at one place the longer is found; a later one with the same words wins nothing."""

    def __init__(self, phrases: Iterable[tuple[str, T]], *, plurals: bool = False) -> None:
        self._first: dict[str, dict[str, Any]] = {}
        for phrase, meaning in phrases:
            words = words_of(phrase).words
            self._add(words, meaning)
            if plurals and words:
                self._add([*words[:-1], plural(words[-1])], meaning)

    def _add(self, words: list[str], meaning: T) -> None:
        if not words:
            return
        node: dict[str, Any] = self._first
        for word in words:
            node = node.setdefault(word, {})
        node.setdefault(_END, meaning)

    def first_words(self) -> list[str]:
        """The words that a phrase can begin with."""
        return list(self._first)

    def at(self, text: Words, at: int, stop: int) -> Found[T] | None:
        """The longest phrase that begins at word `at` and ends before word `stop`."""
        node = self._first.get(text.words[at])
        end, meaning = self._longest(text, node, at, stop) if node is not None else (0, None)
        return Found(at, end, cast(T, meaning)) if end else None

    def find(self, text: Words, first: int = 0, last: int | None = None) -> Iterator[Found[T]]:
        """The phrases among words [first, last), from left to right, none overlapping another."""
        words, begin = text.words, self._first
        stop, at = len(words) if last is None else last, first
        while at < stop:
            node = begin.get(words[at])
            if node is None:
                at += 1
                continue
            end, meaning = self._longest(text, node, at, stop)
            if end:
                yield Found(at, end, meaning)
                at = end
            else:
                at += 1

    def _longest(self, text: Words, node: dict[str, Any], at: int, stop: int) -> tuple[int, Any]:
        folded, words, starts, ends = text
        best, meaning, here = 0, None, at + 1
        while True:
            if _END in node:
                best, meaning = here, node[_END]
            if here >= stop:
                break
            follow = node.get(words[here])
            if follow is None or not joined(folded, ends[here - 1], starts[here]):
                break
            node, here = follow, here + 1
        return best, meaning


def joined(folded: str, end: int, start: int) -> bool:
    """Whether what lies between two words lets them be of one phrase: blanks, one line end, a hyphen, slash, or full stop without blank."""
    width = start - end
    return (width == 1 and folded[end] in " -/.\n'") or (width <= _LONGEST_GAP and _GAP.fullmatch(folded, end, start) is not None)


def plural(word: str) -> str:
    """
    >>> plural("mass"), plural("biopsy"), plural("fever"), plural("day")
    ('masses', 'biopsies', 'fevers', 'days')
    """
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"
