"""Rare words in a column that stays by its shape: a column of codes may hold a name in one row of a thousand.

In        a column of texts that a proposal lets stay, as it was changed
Out       the same, with [NAME] for words that no list of ordinary or clinical words has, unless most of the column are such words
          and the value is frequent; common names and towns go wherever they stand. A column whose role somebody declared is not looked at.
Elsewhere which columns stay: `profile.py`; what an odd word is: `profile_shapes.strange`
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bedside.deidentify.folding import fold
from bedside.deidentify.lexicon import Word, meanings
from bedside.deidentify.profile_shapes import strange

if TYPE_CHECKING:
    import polars as pl

    from bedside.deidentify.desk import Desk

_WORD = re.compile(r"[^\W\d_]{2,}")
_OFTEN = 5  # a value that stands in so many rows of a part is one of a vocabulary, where the column is of one
_COMMON = Word.GIVEN | Word.FAMILY | Word.CITY
_TAG = re.compile(r"(\[[A-Z]+\])")


def without_odd_words(column: pl.Series, desk: Desk) -> pl.Series:
    """A column without words that may be somebody's.

    >>> from types import SimpleNamespace; from collections import Counter; import polars as pl
    >>> without_odd_words(pl.Series(["final"] * 9 + ["Harkonnen called"]), SimpleNamespace(actions=Counter()))[-1]
    '[NAME] called'
    """
    import polars as pl

    counts = dict(column.filter(column.str.contains(r"\p{L}{2}")).value_counts().iter_rows())
    odd = {value for value in counts if _plain(value, often=False) != value}
    trade = 2 * len(odd) > len(counts)  # most of its words are of no list: of a trade, or of another language
    new = {value: done for value in odd if (done := _plain(value, often=trade and counts[value] >= _OFTEN)) != value}
    if not new:
        return column
    desk.actions["value that stays: rare word that may be a name"] += int(column.is_in(list(new)).sum())
    return column.replace(list(new), list(new.values())).cast(pl.String)


def _plain(value: str, *, often: bool) -> str:
    parts = _TAG.split(value)
    return "".join(part if at % 2 else _WORD.sub(lambda found: "[NAME]" if _odd(found[0], often=often) else found[0], part) for at, part in enumerate(parts))


def _odd(word: str, *, often: bool) -> bool:
    plain = fold(word)
    return strange(plain) and not (often and not meanings().get(plain.lower(), 0) & _COMMON)
