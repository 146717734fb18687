"""Where to raise an alert: a rule said beforehand, applied to rows of the tune split, which no weight was fitted on.

In        a rule as text; values and outcomes
Out       one threshold; an alert is raised at or above it
Source    Youden, Cancer 1950;3:32 (sensitivity + specificity - 1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.core.errors import Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERED = ("sensitivity", "risk")


class Rule(NamedTuple):
    """A rule and its number, if it has one."""

    name: str
    number: float = 0.0


def rule(text: str) -> Rule:
    """The rule that a text says.

    >>> rule("sensitivity=0.8")
    Rule(name='sensitivity', number=0.8)
    """
    name, equals, number = (part.strip() for part in text.partition("="))
    if name == "youden" and not equals:
        return Rule(name)
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if name not in _NUMBERED or not 0 < value < 1:
        raise Misconfigured(f"not a threshold rule: {text!r}", where="study.toml, [model.thresholds]",
                            do='write "youden", "sensitivity=0.8" or "risk=0.5"')  # fmt: skip
    return Rule(name, value)


def threshold(said: Rule, value: NDArray[np.float64], outcome: NDArray[np.bool_]) -> float | None:
    """The threshold that a rule gives on these rows; None where no row has the outcome, or all have and the rule needs both.

    >>> threshold(rule("sensitivity=0.5"), np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False]))
    0.9
    """
    if said.name == "risk":
        return said.number
    if not outcome.any() or (said.name == "youden" and outcome.all()):
        return None
    if said.name == "sensitivity":
        true = np.sort(value[outcome])[::-1]
        return float(true[int(np.ceil(said.number * len(true) - 1e-9)) - 1])
    levels = np.unique(value)
    gained = [(value[outcome] >= level).mean() - (value[~outcome] >= level).mean() for level in levels]
    return float(levels[int(np.argmax(gained))])
