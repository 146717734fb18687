"""Where to raise an alert: a rule said beforehand, applied to rows that the model has not learned from.

In        a rule as text, risks and outcomes out of fold
Out       one threshold; an alert is raised at or above it
Source    Youden, Cancer 1950;3:32 (sensitivity + specificity - 1). Utility: `evaluate/utility.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.core.errors import Misconfigured, Unusable
from bedside.evaluate import utility

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

UTILITY = "utility"
_PLAIN = ("youden", UTILITY)
_NUMBERED = {"sensitivity": (0.0, 1.0), "risk": (0.0, 1.0), "alerts_per_100_patient_days": (0.0, float("inf"))}


class Rule(NamedTuple):
    """A rule and its number, if it has one."""

    name: str
    number: float = 0.0


class Rows(NamedTuple):
    """Rows to choose a threshold on: in encounter and time order, each covering `hours`."""

    encounter: NDArray[np.int64]
    outcome: Bools
    hours: float


def rule(text: str) -> Rule:
    """The rule that a text says.

    >>> rule("sensitivity=0.8")
    Rule(name='sensitivity', number=0.8)
    """
    name, equals, number = (part.strip() for part in text.partition("="))
    if name in _PLAIN and not equals:
        return Rule(name)
    low, high = _NUMBERED.get(name, (1.0, 0.0))
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not low < value < high:
        raise Misconfigured(
            f"not a threshold rule: {text!r}",
            where="study.toml, [model.thresholds]",
            do='say "youden", "utility", "risk=0.2", "sensitivity=0.8" or "alerts_per_100_patient_days=50"',
        )
    return Rule(name, value)


def threshold(said: Rule, risk: Floats, rows: Rows) -> float:
    """The threshold that the rule picks on these rows.

    Raises `Unusable` when no row has the outcome.
    """
    if not rows.outcome.any() or rows.outcome.all():
        raise Unusable(
            "a threshold needs rows with and without the outcome", where=f"{len(risk)} rows", do="widen the development set"
        )
    if said.name == "risk":
        return said.number
    if said.name == UTILITY:
        return utility.best_threshold(utility.rows(rows.encounter, rows.outcome), risk)
    order = np.argsort(-risk, kind="stable")
    values, found = risk[order], np.cumsum(rows.outcome[order])
    last = np.append(values[1:] != values[:-1], True)
    if said.name == "sensitivity":
        return float(values[np.flatnonzero(last & (found >= said.number * found[-1] - 1e-9))[0]])
    if said.name == "youden":
        index = found / found[-1] - (np.arange(1, len(risk) + 1) - found) / (len(risk) - found[-1])
        return float(values[last][np.argmax(index[last])])
    allowed = said.number / 100 * len(risk) * rows.hours / 24
    fitting = np.flatnonzero(last & (np.arange(1, len(risk) + 1) <= allowed))
    return float(values[fitting[-1]]) if len(fitting) else float(np.nextafter(values[0], np.inf))
