"""Spans of text that were found against those that are there: exact, or any overlap.

In        (start, end) character offsets, end not included; entities of one kind in one note
Out       `matching.Thing`s: `matching.rows` makes prediction rows of them
Source    exact and overlap ("relaxed") matching as in the i2b2 challenges: Uzuner et al., JAMIA 2011;18:552
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from bedside.core.errors import Unusable
from bedside.evaluate.matching import Thing, one_to_one

Span = tuple[int, int]
How = Literal["exact", "overlap"]


def match(found: Sequence[Span], truth: Sequence[Span], *, how: How = "exact", score: Sequence[float] | None = None) -> list[Thing]:
    """Spans found and spans that are there, matched one to one; without scores the longest overlap is matched first.

    >>> [thing.label for thing in match([(0, 7), (9, 12)], [(0, 7), (9, 15)])]
    [True, True, False]
    >>> [thing.value for thing in match([(0, 7), (9, 12)], [(0, 7), (9, 15)], how="overlap")]
    [1.0, 1.0]
    """
    if any(start >= end or start < 0 for start, end in (*found, *truth)):
        raise Unusable("a span is empty or begins before the text", where="spans", do="give start and end with start before end")
    said, there = (np.array(spans, dtype=np.int64).reshape(-1, 2) for spans in (found, truth))
    if how == "exact":
        weight = (said[:, None, :] == there[None, :, :]).all(axis=2).astype(np.float64)
    else:
        high, low = np.minimum(said[:, None, 1], there[None, :, 1]), np.maximum(said[:, None, 0], there[None, :, 0])
        weight = np.clip(high - low, 0, None).astype(np.float64)
    return one_to_one(weight, [1.0] * len(said) if score is None else score)
