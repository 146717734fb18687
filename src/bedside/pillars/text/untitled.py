"""Which section a piece of text without a heading is, by its words: a guess, and it says how sure it is.

In        a piece of text, such as one field of a message
Out       (section, probability), the likeliest
Learned   word weights in data/section_words.csv: a logistic regression over words, from the training part of MTS-Dialog
          (Ben Abacha et al., EACL 2023; CC BY 4.0), by `benchmarks/mts_sections.py --learn`
Measured  there: right about two times in three. It is for sorting pieces of text; no axis of a fact depends on it.
"""

from __future__ import annotations

import csv
import math
from functools import lru_cache
from importlib.resources import files

from bedside.pillars.text.tokens import words_of

_SCALE = 100.0
INTERCEPT = ""
_LONGEST = 6


@lru_cache(maxsize=1)
def _weights() -> dict[str, list[tuple[str, float]]]:
    """Of each word, its weight for the sections where it has one."""
    told = csv.reader(files("bedside.pillars.text").joinpath("data/section_words.csv").read_text(encoding="utf-8").splitlines())
    return {row[0]: [(name, int(weight) / _SCALE) for name, _, weight in (cell.partition(" ") for cell in row[1:])] for row in told}


def features(text: str) -> list[str]:
    """The words of a text, each once, numbers as one word, and how long it is.

    >>> features("2 of 3 days")
    ['0', 'of', 'days', '#0']
    """
    words = words_of(text).words
    return [*dict.fromkeys("0" if word.isdigit() else word for word in words), f"#{min(len(words) // 8, _LONGEST)}"]


def guess(text: str) -> tuple[str, float]:
    """The likeliest section of a text and its probability.

    >>> guess("No known drug allergies.")[0], guess("Her mother had breast cancer. She does not smoke.")[0]
    ('allergies', 'family-history')
    """
    weights = _weights()
    totals = dict(weights[INTERCEPT])
    for feature in features(text):
        for name, weight in weights.get(feature, ()):
            totals[name] += weight
    name = max(totals, key=lambda one: totals[one])
    return name, 1 / sum(math.exp(total - totals[name]) for total in totals.values())
