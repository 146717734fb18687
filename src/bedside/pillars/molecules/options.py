"""[model] of study.toml: how a model of molecules is fitted. Defaults are meant for a few hundred to a few tens of thousands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from bedside.bundle.calibration import Method
from bedside.bundle.runners.molecules_features import BLOCKS, Block
from bedside.core.errors import Misconfigured

Kind = Literal["lightgbm", "d-mpnn"]
Beside = Literal["mean", "logp_weight", "lightgbm", "d-mpnn"]


class ModelOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to fit.

    kind          LightGBM on fingerprints and descriptors; or a directed message passing network on the graph (extra [gnn])
    beside        what is fitted beside the model and always shown: the mean (or base rate), and a line through logP and weight
    blocks        what LightGBM reads (bundle/runners/molecules_features.py)
    trees, learning_rate, leaves, rows_in_leaf, feature_share, row_share, l2, bins    of each LightGBM member
    loss          of numbers: "squared", or "absolute" where a few wild measurements should not steer
    epochs, width, depth, dropout, batch    of each network member; learning rates are chemprop's (warm-up of two epochs)
    folds         inner folds, whole scaffolds each, when the study has none of its own; each fold left out is one member
    repeats       members for each fold, each with another seed
    calibration   of yes-no targets, on rows out of fold
    coverage      that [low, high] of a number promises
    thresholds    of yes-no targets, name to rule: "youden", "probability=0.5", "sensitivity=0.8"
    named         at most so many scaffolds are subgroups of their own; each must have `scaffold_rows` molecules
    """

    kind: Kind = "lightgbm"
    beside: list[Beside] = msgspec.field(default_factory=lambda: ["mean", "logp_weight"])
    blocks: list[Block] = msgspec.field(default_factory=lambda: list(BLOCKS))
    trees: int = 400
    learning_rate: float = 0.05
    leaves: int = 15
    rows_in_leaf: int = 10
    feature_share: float = 0.2
    row_share: float = 0.8
    l2: float = 1.0
    bins: int = 63
    loss: Literal["squared", "absolute"] = "squared"
    epochs: int = 30
    width: int = 300
    depth: int = 3
    dropout: float = 0.0
    batch: int = 64
    folds: int = 5
    repeats: int = 1
    calibration: Method = "platt"
    coverage: float = 0.9
    thresholds: dict[str, str] = msgspec.field(default_factory=lambda: {"flag": "youden"})
    named: int = 5
    scaffold_rows: int = 10


# Bounds far outside of sense, so that a slip is told here and not by a library, or after a week. LightGBM takes at most 131,072 leaves and 65,535 bins.
_BOUNDS: dict[str, tuple[float, float]] = {
    "trees": (1, 100_000), "leaves": (2, 131_072), "rows_in_leaf": (1, 1_000_000), "bins": (2, 65_535), "l2": (0, 1e6), "epochs": (3, 100_000),
    "width": (1, 16_384), "depth": (1, 100), "batch": (2, 1_000_000), "folds": (2, 1_000), "repeats": (1, 1_000), "named": (0, 1_000_000),
    "scaffold_rows": (1, 1_000_000_000), "coverage": (0.5, 0.99),
}  # fmt: skip
_SHARES = ("learning_rate", "feature_share", "row_share")


def options(model: Mapping[str, object]) -> ModelOptions:
    """[model] as options; `Misconfigured` names every fault.

    >>> options({"kind": "d-mpnn", "epochs": 5}).depth
    3
    """
    from bedside.pillars.molecules.lines import rule

    try:
        told = msgspec.convert(dict(model), ModelOptions)
    except msgspec.ValidationError as error:
        raise Misconfigured(str(error), where="study.toml, [model]", do="see docs/molecules.md") from error
    faults = [f"{name} must lie between {low:,g} and {high:,.10g}" for name, (low, high) in _BOUNDS.items() if not low <= getattr(told, name) <= high]
    faults += [f"{name} must be above 0 and at most 1" for name in _SHARES if not 0 < getattr(told, name) <= 1]
    faults += ["dropout must lie from 0 to below 1"] * (not 0 <= told.dropout < 1)
    faults += ["beside holds one twice, or the model itself"] * (len({*told.beside, told.kind}) < len(told.beside) + 1)
    faults += ["blocks is empty, or holds one twice"] * (not told.blocks or len(set(told.blocks)) < len(told.blocks))
    if faults:
        raise Misconfigured("; ".join(faults), where="study.toml, [model]", do="correct the values above")
    for text in told.thresholds.values():
        rule(text)
    return told
