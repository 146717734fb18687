"""Alert lines on calibrated probabilities of molecules, chosen on development rows out of fold.

In        a rule; probability (n,), outcome (n,) bool
Out       the threshold: a molecule is flagged at or above it
Rules     youden            sensitivity + specificity at its highest (Youden, Cancer 1950;3:32)
          probability=0.5   that probability
          sensitivity=0.8   the highest threshold that still finds this share
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.core.errors import Misconfigured
from bedside.core.pillar import Lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

_NAMES = ("youden", "probability", "sensitivity")


class Rule(NamedTuple):
    """A rule's name and its number, 0 where it has none."""

    name: str
    value: float = 0.0


def rule(text: str) -> Rule:
    """The rule in words.

    >>> rule("sensitivity=0.8")
    Rule(name='sensitivity', value=0.8)
    """
    name, _, said = text.replace(" ", "").partition("=")
    try:
        value = float(said) if said else 0.0
    except ValueError:
        value = -1.0
    if name not in _NAMES or (name == "youden") == bool(said) or not 0 <= value <= 1:
        raise Misconfigured(f"no threshold rule {text!r}", where="study.toml, model.thresholds", do='"youden", "probability=0.5" or "sensitivity=0.8"')
    return Rule(name, value)


def threshold(asked: Rule, probability: Floats, outcome: Bools) -> float:
    """The threshold of a rule on these rows.

    >>> threshold(Rule("youden"), np.array([.1, .2, .3, .4]), np.array([False, False, True, True]))
    0.3
    """
    if asked.name == "probability":
        return asked.value
    levels = np.unique(probability)
    if asked.name == "sensitivity":
        found = np.sort(probability[outcome])[::-1]
        return float(found[max(int(np.ceil(asked.value * len(found) - 1e-9)) - 1, 0)])
    hits = len(probability[outcome]) - np.searchsorted(np.sort(probability[outcome]), levels)
    alarms = len(probability[~outcome]) - np.searchsorted(np.sort(probability[~outcome]), levels)
    return float(levels[np.argmax(hits / max(outcome.sum(), 1) - alarms / max((~outcome).sum(), 1))])


def lines(rules: Mapping[str, str], probability: Floats, outcome: Bools, folds: Mapping[str, Bools]) -> Lines:
    """The lines for serving from all rows; of each of the study's folds from the others.

    folds   name to the rows of it; empty where the study has a test split of its own
    """
    asked = {name: rule(text) for name, text in rules.items()}
    serving = {name: threshold(one, probability, outcome) for name, one in asked.items()}
    by_fold = {name: {fold: threshold(one, probability[~own], outcome[~own]) for fold, own in folds.items()} for name, one in asked.items()}
    return Lines(serving, by_fold if folds else {})
