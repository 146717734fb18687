"""[model] of study.toml: how the risk model is fitted. Every default is meant to be safe on a few hundred patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from bedside.bundle.calibration import Method
from bedside.core.errors import Misconfigured
from bedside.core.federable import Federated

Kind = Literal["lightgbm", "logistic"]
Variant = Literal["logistic", "physiology", "workup", "clock"]


class ModelOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to fit.

    trees, learning_rate, leaves, rows_in_leaf, feature_share, row_share, l2, bins    of each LightGBM member
    penalty      logistic regression: strength of the ridge, per standard deviation
    folds        inner folds when the study has none of its own; each pair of folds left out is one member
    repeats      members for each pair of folds, each on another draw of `negatives`
    negatives    share of the rows of subjects without the event that each member learns from; the rest keep their weight
    weights      "none": the outcome, all rows alike; "utility": what an alarm is worth on the row (challenge 2019)
    calibration  fitted on rows out of fold
    thresholds   name to rule: "youden", "utility", "risk=0.2", "sensitivity=0.8", "alerts_per_100_patient_days=50"
    variants     what is fitted beside the model and always shown
    federated    how the fit goes over sites (`bedside federate`; core.federable); nothing else reads it
    """

    kind: Kind = "lightgbm"
    trees: int = 80
    learning_rate: float = 0.05
    leaves: int = 7
    rows_in_leaf: int = 50
    feature_share: float = 0.3
    row_share: float = 0.7
    l2: float = 10.0
    bins: int = 63
    penalty: float = 100.0
    folds: int = 5
    repeats: int = 1
    negatives: float = 1.0
    weights: Literal["none", "utility"] = "none"
    calibration: Method = "platt"
    thresholds: dict[str, str] = msgspec.field(default_factory=lambda: {"alert": "sensitivity=0.8"})
    variants: list[Variant] = msgspec.field(default_factory=lambda: ["logistic", "physiology", "workup", "clock"])
    federated: Federated = msgspec.field(default_factory=Federated)


_AT_LEAST: dict[str, float] = {
    "trees": 1,
    "leaves": 2,
    "rows_in_leaf": 1,
    "bins": 2,
    "folds": 3,
    "repeats": 1,
    "l2": 0,
    "penalty": 1e-9,
}
_SHARES = ("learning_rate", "feature_share", "row_share", "negatives")


def options(model: Mapping[str, object]) -> ModelOptions:
    """[model] as options; `Misconfigured` names every fault.

    >>> options({"kind": "logistic"}).folds
    5
    """
    from bedside.pillars.risk.thresholds import rule

    try:
        told = msgspec.convert(dict(model), ModelOptions)
    except msgspec.ValidationError as error:
        raise Misconfigured(str(error), where="study.toml, [model]", do="see docs/study.md") from error
    faults = [f"{name} must be at least {least:g}" for name, least in _AT_LEAST.items() if getattr(told, name) < least]
    faults += [f"{name} must be above 0 and at most 1" for name in _SHARES if not 0 < getattr(told, name) <= 1]
    faults += ["thresholds names no threshold"] * (not told.thresholds)
    faults += ["variants holds one twice"] * (len(set(told.variants)) < len(told.variants))
    if faults:
        raise Misconfigured("; ".join(faults), where="study.toml, [model]", do="correct the values above")
    for text in told.thresholds.values():
        rule(text)
    return told
