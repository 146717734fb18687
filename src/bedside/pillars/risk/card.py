"""The card sealed into a bundle: what the fit itself knows. What only people know is left to the dossier."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from bedside.core.task import Task
from bedside.pillars.risk.crossfit import Fitted, Study
from bedside.pillars.risk.options import ModelOptions


def card(
    task: Task, study: Study, fitted: Mapping[str, Fitted], options: ModelOptions, *, made: bool, by_fold: Mapping[str, object]
) -> dict[str, object]:
    """Plain JSON values: outcome, cohort counts, learner, calibration, thresholds, what stands beside the model.

    by_fold   output, then threshold's name, then fold, to the threshold chosen without that fold; empty without folds
    """
    main = fitted["risk"]
    return {
        "schema": "bedside.card/1", "name": task.name, "made": made, "learner": options.kind,
        "outcome": msgspec.to_builtins(task.outcome), "prediction": msgspec.to_builtins(task.prediction),
        "development": _counts(study), "features": len(study.names), "signals": [s.label or s.name for s in task.features.signals],
        "options": msgspec.to_builtins(options), "calibration": options.calibration,
        "thresholds": {name: {"rule": options.thresholds[name], "value": value} for name, value in main.thresholds.items()},
        "beside": sorted(name for name in fitted if name != "risk"), "thresholds_by_fold": dict(by_fold),
        "fitting": "every pair of folds left out once; risks, calibration and thresholds are of rows that no member learned from",
    }  # fmt: skip


def _counts(study: Study) -> dict[str, object]:
    return {
        "rows": len(study.outcome), "subjects": int(study.subject.max()) + 1, "rows_with_outcome": int(study.outcome.sum()),
        "subjects_with_outcome": int((np.bincount(study.subject, study.outcome) > 0).sum()), "folds": int(study.fold.max()) + 1,
        "prevalence": float(study.outcome.mean()),
    }  # fmt: skip
