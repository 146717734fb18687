"""What makes the risk pillar federable: logistic regression and boosted trees over sites, sealed as the pillar seals its own.

In        [task], [model] and [model.federated]; a site's cohort frames
Out       a `Federable` for each output; development rows; the sealed bundle, the same contract as `fit.develop` makes
Outputs   "risk", and of the variants those that the columns allow: logistic, physiology, workup, clock (a line in the hours here). With
          privacy "risk" alone, since every further output would cost as much again.
Refuses   what needs rows together: weights or thresholds by utility, folds of the study, draws of negatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.federable import Arrays, Federable, Federated, Rows, Sealing
from bedside.core.task import Task
from bedside.pillars.risk.federable_logistic import FederatedLogistic, standard
from bedside.pillars.risk.federable_trees import FederatedTrees
from bedside.pillars.risk.options import ModelOptions, options
from bedside.pillars.risk.thresholds import UTILITY, rule

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray


    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MAIN = "risk"
_DECILES = (-1.2816, -0.8416, -0.5244, -0.2533, 0.0, 0.2533, 0.5244, 0.8416, 1.2816)  # of the normal distribution
_MOST_HOURS = 240.0
_WEIGHTS, _TREES = ("fedavg", "fedprox"), ("bagging", "cyclic")


class RiskFederable:
    """A `FederablePillar`."""

    extra = "risk"

    def options(self, model: Mapping[str, object]) -> Federated:
        """[model.federated], with the method that the model takes when none is named."""
        told = options(model)
        own = told.federated
        fitting = _TREES if told.kind == "lightgbm" else _WEIGHTS
        if own.method is not None and own.method not in fitting:
            raise Misconfigured(f"{told.kind} goes over sites by {' or '.join(fitting)}, not by {own.method}", where="study.toml, [model.federated]",
                                do=f'set method = "{fitting[0]}", or another [model] kind')  # fmt: skip
        method = own.method or fitting[0]
        if (method == "fedprox") != (own.proximal > 0):
            raise Misconfigured("fedprox is fedavg with proximal above 0, and the one without the other says two things", do="set both or neither",
                                where="study.toml, [model.federated]")  # fmt: skip
        return msgspec.structs.replace(own, method=method)

    def fits(self, task: Task, model: Mapping[str, object], seed: int) -> dict[str, Federable]:
        """The model, and what stands beside it."""
        from bedside.cohort.features import FeatureSet
        from bedside.pillars.risk.columns import chosen

        told, own = options(model), self.options(model)
        _refuse(task, told, own)
        names = tuple(FeatureSet(task.features).names)
        made = {MAIN: self._fit(told.kind, names, task, told, own, seed)}
        for variant in told.variants if own.privacy is None else []:
            columns = chosen(variant, task)
            if columns and variant != told.kind:
                kind = "logistic" if variant in ("logistic", "clock") else told.kind
                made[variant] = self._fit(kind, columns, task, told, own, seed)
        return made

    def rows(self, task: Task, model: Mapping[str, object], decisions: pl.DataFrame, features: pl.DataFrame, seed: int) -> Rows:
        """Development rows with a known outcome, in the order of the risk pillar; folds dealt inside the site."""
        import polars as pl

        from bedside.cohort.features import FeatureSet
        from bedside.pillars.risk.crossfit import deal
        from bedside.pillars.risk.fit import matrix_of

        own, names = self.options(model), tuple(FeatureSet(task.features).names)
        rows = decisions.filter(pl.col("split") != "test", pl.col("label").is_not_null()).sort("subject_id", "prediction_time", "unit_id")
        if rows.is_empty():
            raise Unusable("there is no development row", where="decisions", do="see task.split and the cohort's counts")
        table = rows.select("unit_id").join(features, on="unit_id", how="left", maintain_order="left").drop("unit_id")
        outcome = rows["label"].to_numpy().astype(np.bool_)
        subject = (rows["subject_id"].rank("dense").cast(pl.Int64) - 1).to_numpy()
        fold = deal(subject, outcome, own.folds, seed) if own.folds else np.zeros(len(outcome), dtype=np.int64)
        return Rows(matrix_of(table, names), names, outcome, subject, fold)

    def histograms(self, summaries: Mapping[str, Arrays]) -> Floats:
        """Deciles of a normal column with the shared mean and spread: what is told of rows must not place the edges."""
        centre, scale = standard(summaries)
        edges: Floats = centre[:, None] + scale[:, None] * np.array(_DECILES)
        return edges

    def seal(self, task: Task, model: Mapping[str, object], sealing: Sealing, *, out: Path) -> str:
        """Calibrate and choose thresholds on the groups of rows out of fold, and seal: `federable_seal.py`."""
        from bedside.pillars.risk.federable_seal import sealed

        columns = {output: fit.columns for output, fit in self.fits(task, model, 0).items()}
        return sealed(task, options(model), sealing, columns, out=out)

    def _fit(self, kind: str, columns: tuple[str, ...], task: Task, told: ModelOptions, own: Federated, seed: int) -> Federable:
        if kind == "lightgbm":
            return FederatedTrees(columns, own, told, seed=seed)
        ranges = declared_ranges(task, columns) if own.privacy is not None else None
        return FederatedLogistic(columns, own, penalty=told.penalty, seed=seed, ranges=ranges)


def _refuse(task: Task, told: ModelOptions, own: Federated) -> None:
    """What cannot be done without rows together is refused, never done otherwise in silence."""
    rules = {name: rule(text) for name, text in told.thresholds.items()}
    wrong = [
        ("thresholds or weights by utility need the hours of each encounter", told.weights != "none" or any(r.name == UTILITY for r in rules.values())),
        ("task.split.folds tests every row out of fold, which needs a fit for each fold", task.split.folds > 0),
        ("negatives and repeats draw rows for one machine", told.negatives < 1 or told.repeats > 1),
        ("isotonic calibration needs each row's margin", told.calibration != "platt"),
        ("without folds only a rule such as risk=0.2 can set a threshold", own.folds == 0 and any(r.name != "risk" for r in rules.values())),
    ]
    found = [text for text, fault in wrong if fault]
    if found:
        raise Refused("; ".join(found), where="study.toml, [model] for federated training", do="choose other settings for the federated fit")


def declared_ranges(task: Task, columns: tuple[str, ...]) -> Floats:
    """(p, 2) lowest and highest plausible value of each column, from the task alone; `Misconfigured` names signals without a range."""
    known = {"age_years": (0.0, float(task.features.age_cap_years or 100)), "sex_male": (0.0, 1.0),
             "clock.hours": (0.0, task.prediction.last_hours or _MOST_HOURS)}  # fmt: skip
    signals, lacking, told = {signal.name: signal for signal in task.features.signals}, list[str](), list[tuple[float, float]]()
    for column in columns:
        name, _, summary = column.rpartition(".")
        signal = signals.get(name)
        if column in known:
            told.append(known[column])
        elif signal is None:
            lacking.append(column)
        elif summary == "age":
            told.append((0.0, float(task.features.lookback_hours)))
        elif summary.startswith("count_"):
            told.append((0.0, float(summary.removeprefix("count_").removesuffix("h"))))
        elif signal.values:
            told.append((min(signal.values.values()), max(signal.values.values())))
        elif signal.low is None or signal.high is None:
            lacking.append(name)
        else:
            width = signal.high - signal.low
            told.append({"delta": (-width, width), "range": (0.0, width)}.get(summary.split("_")[0], (signal.low, signal.high)))
    if lacking:
        raise Misconfigured(f"with privacy, columns are scaled by declared ranges, and {', '.join(sorted(set(lacking)))} have none", do="add low and high",
                            where="[[task.features.signals]]")  # fmt: skip
    return np.array(told, dtype=np.float64).reshape(-1, 2)


FEDERABLE = RiskFederable()
