"""Which columns of a feature definition speak of the body, and which of what the staff did.

physiology   values (last, mean, min, max, range, delta) of signals declared physiology, and age and sex
workup       counts and ages of measurements, of every signal
clock        hours since the encounter's start
A value still tells that somebody measured it; only a trial without it could take that away. The names say what is left out.
"""

from __future__ import annotations

from bedside.core.task import Task
from bedside.pillars.risk.options import Variant

_PERSON = ("age_years", "sex_male")


def chosen(variant: Variant, task: Task) -> tuple[str, ...]:
    """Columns of a variant, in the order of the feature definition; empty when the study has none."""
    from bedside.cohort.features import FeatureSet

    features = FeatureSet(task.features)
    kinds = features.kinds
    return tuple(name for name in features.names if _belongs(variant, name, kinds[name]))


def is_workup(name: str) -> bool:
    """Whether a column counts measurements or tells how long ago one was.

    >>> [is_workup(n) for n in ("lactate.count_24h", "lactate.age", "lactate.last", "age_years")]
    [True, True, False, False]
    """
    summary = name.rpartition(".")[2]
    return summary == "age" or summary.startswith("count_")


def _belongs(variant: Variant, name: str, kind: str) -> bool:
    if variant == "logistic":
        return True
    if variant == "clock":
        return kind == "clock"
    if variant == "workup":
        return kind in ("physiology", "workup") and is_workup(name)
    return name in _PERSON or (kind == "physiology" and not is_workup(name))
