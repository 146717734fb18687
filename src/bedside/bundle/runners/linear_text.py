"""A linear model of numbers, categories and words, from its coefficients: every term can be read.

In        linear.json: centre, scale and coefficient of each number; coefficient of each level; weight and coefficient of each term
Out       the probability of each row of a frame with columns n:<name> (float), c:<name>, t:<name> (text)
Method    a number that is not there counts as the centre; a level that was never seen counts 0; terms are words and pairs of neighbouring
          words, weighted by their frequency times idf and brought to length 1 over each text (Salton and Buckley 1988), as scikit-learn's TfidfVectorizer has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Malformed, Unusable

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

FILE, NAME, VERSION = "linear.json", "linear_text", "1"
_WORD = re.compile(r"[a-z0-9][a-z0-9+-]*")


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One numeric column."""

    centre: float
    scale: float
    coefficient: float


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One word or pair of words: its inverse document frequency in the development texts, and its coefficient."""

    idf: float
    coefficient: float


class Linear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole model: log odds are the intercept and the sum of its parts."""

    intercept: float
    numbers: dict[str, Number]
    categories: dict[str, dict[str, float]]
    texts: dict[str, dict[str, Term]]

    def probabilities(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """Of each row, in their order."""
        columns = [*(f"n:{name}" for name in self.numbers), *(f"c:{name}" for name in self.categories), *(f"t:{name}" for name in self.texts)]
        if absent := [name for name in columns if name not in rows.columns]:
            raise Unusable(f"{len(absent)} columns of the model are absent, the first is {absent[0]}", where="features", do="build them from the same task")
        odds = np.full(rows.height, self.intercept)
        for name, number in self.numbers.items():
            values = rows[f"n:{name}"].cast(float).fill_null(float("nan")).to_numpy()
            away = (values - number.centre) / number.scale
            odds += number.coefficient * np.where(np.isnan(away), 0.0, np.clip(away, -5.0, 5.0))
        for name, levels in self.categories.items():
            odds += np.array([levels.get(value, 0.0) for value in rows[f"c:{name}"].to_list()])
        for name, terms in self.texts.items():
            odds += np.array([_weight(text or "", terms) for text in rows[f"t:{name}"].to_list()])
        told: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-odds))
        return told


def load(files: Mapping[str, bytes], *, where: str, prefix: str = "") -> Linear:
    """The model in a bundle's files."""
    try:
        return msgspec.json.decode(files[f"{prefix}{FILE}"], type=Linear)
    except (KeyError, msgspec.DecodeError) as error:
        raise Malformed("not the coefficients of a linear model", where=where, do="seal the bundle again") from error


def terms(text: str) -> list[str]:
    """Words in lower case and pairs of neighbours, in the order of the text.

    >>> terms("Stage II breast-cancer")
    ['stage', 'ii', 'breast-cancer', 'stage ii', 'ii breast-cancer']
    """
    words = _WORD.findall(text.lower())
    return words + [f"{one} {other}" for one, other in pairwise(words)]


def _weight(text: str, known: Mapping[str, Term]) -> float:
    counts: dict[str, int] = {}
    for term in terms(text):
        if term in known:
            counts[term] = counts.get(term, 0) + 1
    length = sum((count * known[term].idf) ** 2 for term, count in counts.items()) ** 0.5
    return sum(count * known[term].idf * known[term].coefficient for term, count in counts.items()) / length if length else 0.0
