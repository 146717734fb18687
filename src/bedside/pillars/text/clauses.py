"""Where the clause of a cue ends, and whether a cue is an answer that acts on nothing behind it.

In        the words of a text, and the words [first, last) of a sentence
Rules     a semicolon ends a clause, and so does a comma before a predicate ("no DVT, has PE"). Semicolons between bare items end no list
          that a verb heads ("denies fever; chills; cough"), nor one behind a colon, nor one that goes on with "or".
Time      linear: a sentence's marks are looked at once, and every pattern has a bounded reach.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

from bedside.pillars.text.tokens import Found, Words

_PREDICATES = r"has|have|had|is|are|was|were|shows|continues|remains|takes|feels|describes"
_OR_LIST = rf"(?!\s*(?:or|nor|and/or)\b)(?!\s*(?:(?!(?:{_PREDICATES}|noted|seen|new|mild|moderate|severe|small|large|possible|probable|likely)\b)[a-z/-]{{2,20}} ){{1,4}}or [a-z -]{{2,40}}(?:[.,;]|\Z))"
_CLAUSE = re.compile(rf";{_OR_LIST}|,(?=\s+(?:{_PREDICATES})\b)")
_BARE = re.compile(rf"(?!.*\b(?:{_PREDICATES}|noted|seen|new|mild|moderate|severe|small(?!-)|large|there|patient|he|she)\b).{{1,60}}", re.DOTALL)
_HEADS = (
    "deny denies denied denying negative neg risk risks complications side return returns call watch monitor monitored observe come seek report notify symptoms "
    "differential ddx family history past medical educated counseled instructed"
)
LISTS = frozenset(_HEADS.split())
"""Words with which a cue begins that heads a list; "no" and "without" belong to the noun behind them."""
_ANSWER_BEFORE, _ANSWER_AFTER = re.compile(r"[:?=(–-]\s?\Z"), re.compile(r"\s?(?:[.,;)\n]|\Z)")
_SIGN = "-ve"
_LONGEST_ITEM = 200


def clauses(text: Words, first: int, last: int) -> tuple[list[int], list[int], list[int]]:
    """The words before which a clause ends among words [first, last); those less the semicolons between bare items of a list (two or more);
    and those that stand after a semicolon."""
    marks = list(_CLAUSE.finditer(text.folded, text.starts[first], text.ends[last - 1])) if last > first else []
    ends = [bisect_left(text.starts, mark.start(), first, last) for mark in marks]
    upto = [mark.start() for mark in marks[1:]] + [text.ends[last - 1]]
    bare = [mark[0] == ";" and _BARE.fullmatch(text.folded, mark.end(), end) is not None for mark, end in zip(marks, upto, strict=False)]
    listed = [end for i, end in enumerate(ends) if not (bare[i] and (any(bare[i + 1 : i + 2]) or (i > 0 and bare[i - 1])))]
    return ends, listed, [end for mark, end in zip(marks, ends, strict=True) if mark[0] == ";"]


def clause(text: Words, cue: Found[Any], last: int, ends: list[int]) -> int:
    """The word before which the clause of a cue ends; a cue with a colon behind it heads a list, which its semicolons do not end."""
    at = bisect_left(ends, cue.last)
    return last if at == len(ends) or text.folded.startswith(":", text.ends[cue.last - 1]) else ends[at]


def answers(text: Words, cue: Found[Any], ended: set[int]) -> bool:
    """Whether a cue is the answer or the sign of what stands before it ("Edema: no, ...", "fever -ve cough"), and acts on nothing behind it."""
    start, end = text.starts[cue.first], text.ends[cue.last - 1]
    if text.words[cue.first] == _SIGN and cue.last - cue.first == 1 and (start in ended or (start - 1 in ended and text.folded[start - 1].isspace())):
        return True
    return _ANSWER_AFTER.match(text.folded, end) is not None and _ANSWER_BEFORE.search(text.folded, max(start - 2, 0), start) is not None


def item_begins(text: Words, first: int, last: int) -> int:
    """The word with which the item of a list begins that goes on to word `last`."""
    end = text.starts[last]
    begin = max(text.starts[first], end - _LONGEST_ITEM)
    mark = max(text.folded.rfind(char, begin, end) for char in ",;\n")
    return bisect_left(text.starts, mark, first, last) if mark >= 0 else first
