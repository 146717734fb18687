"""The bundle of a risk model: one or more scorers over a feature definition, in a sealed folder.

In        `seal`: scorers (the main one and what stands beside it), features, thresholds, reference sketch, card
Out       `Bundle`: features, calibrated risk of a matrix or of one row, explanation, thresholds, reference, card
Refuses   columns that the feature definition does not give.
Elsewhere the folder and its seal: `sealed.py`; runners: `runners/`; the sketch: `reference.py`; who fits: `pillars/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.bundle.scorer import Scorer, ScorerFile
from bedside.bundle.sealed import Sealed, seal_files
from bedside.core import canonical
from bedside.core.errors import Misconfigured, Refused
from bedside.core.task import Features, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bedside.bundle.reference import Reference
    from bedside.cohort.features import FeatureSet

FEATURES, REFERENCE = "features.json", "reference.json"
MAIN, BESIDE = "model/", "beside/"


class FeatureFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """features.json: the definition, and the columns that it compiled to when the model was fitted."""

    schema: str
    features: Features
    names: list[str]


class Bundle:
    """A sealed model, checked and ready. Use `Bundle.open`."""

    def __init__(self, sealed: Sealed) -> None:
        from bedside.cohort.features import FeatureSet

        self.sealed, self.manifest, self.digest = sealed, sealed.manifest, sealed.digest
        self._files, self._where = sealed.files, sealed.where
        told = sealed.record(FEATURES, FeatureFile)
        self.features: FeatureSet = FeatureSet(told.features)
        if list(self.features.names) != told.names:
            raise Refused("the feature definition no longer gives the columns that the model was fitted on", where=self._where,
                          do="serve it with the version of bedside that sealed it, or fit it again")  # fmt: skip
        self.names: tuple[str, ...] = tuple(told.names)
        self.scorer = self._scorer(MAIN)
        if self.scorer.runner_name != self.manifest.runner:
            raise Refused("manifest and model name different runners", where=self._where, do="seal the bundle again")

    @classmethod
    def open(cls, folder: Path | str) -> Bundle:
        """The bundle in a folder; raises as `Sealed.open` does, and `Misconfigured` for a model of another kind of task."""
        sealed = Sealed.open(folder)
        if sealed.manifest.task.get("kind", "risk") != "risk":
            raise Misconfigured(f"this bundle holds a model of kind {sealed.manifest.task.get('kind')!r}, not a risk model", where=sealed.where,
                                do="open it with bedside.bundle.sealed.Sealed and its runner")  # fmt: skip
        return cls(sealed)

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def thresholds(self) -> dict[str, float]:
        """Alert thresholds on the calibrated risk, by name: an alert is raised at or above."""
        return dict(self.manifest.thresholds)

    @cached_property
    def task(self) -> Task:
        return msgspec.convert(self.manifest.task, Task)

    @cached_property
    def reference(self) -> Reference:
        """The sketch of inputs and risks that monitoring compares with."""
        from bedside.bundle.reference import Reference

        told: Reference = self.sealed.record(REFERENCE, Reference)
        return told

    @cached_property
    def card(self) -> dict[str, Any]:
        return self.sealed.card

    @cached_property
    def beside(self) -> dict[str, Scorer]:
        """What is always shown beside the main output, by the name of its output."""
        names = sorted({path.split("/")[1] for path in self._files if path.startswith(BESIDE)})
        return {name: self._scorer(f"{BESIDE}{name}/") for name in names}

    def predict(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated risk of each row of (n, p), columns as in `features.names`, missing as nan."""
        if matrix.ndim != 2 or matrix.shape[1] != len(self.names):
            raise Misconfigured(f"the model has {len(self.names)} columns, the matrix another number", where=self._where,
                                do="build it with bundle.features")  # fmt: skip
        return self.scorer.scores(np.ascontiguousarray(matrix, dtype=np.float32))

    def predict_one(self, row: Sequence[float]) -> float:
        """Calibrated risk of one row: the same bits as `predict`, without its overhead."""
        if len(row) != len(self.names):
            raise Misconfigured(f"the model has {len(self.names)} columns, the row {len(row)}", where=self._where,
                                do="build it with bundle.features.live")  # fmt: skip
        return self.scorer.score(row)

    def explain(self, row: Sequence[float]) -> list[tuple[str, float]]:
        """How much each feature moved this row's margin (log odds before calibration), the strongest first."""
        told = self.scorer.contributions(row)
        return sorted(told.items(), key=lambda pair: (-abs(pair[1]), pair[0]))

    def _scorer(self, prefix: str) -> Scorer:
        inside = {path.removeprefix(prefix): data for path, data in self._files.items() if path.startswith(prefix)}
        return Scorer.load(inside, self.names, where=f"{self._where}/{prefix}")


def seal(
    folder: Path, *, name: str, main: Scorer, beside: Mapping[str, Scorer], task: Task, thresholds: Mapping[str, float],
    training: Mapping[str, str], reference: object, card: Mapping[str, object], made: bool = False,
) -> str:  # fmt: skip
    """Write a bundle where there is none yet; returns its digest.

    training   name to digest of what it was fitted on
    card       what a reader must know; plain JSON values
    """
    from bedside.cohort.features import FeatureSet

    names = list(FeatureSet(task.features).names)
    files = {FEATURES: canonical.dumps(FeatureFile("bedside.features/1", task.features, names)),
             REFERENCE: canonical.dumps(reference), **main.files(MAIN)}  # fmt: skip
    for output, scorer in beside.items():
        files |= scorer.files(f"{BESIDE}{output}/")
    return seal_files(folder, name=name, runner=main.runner_name, runner_version=main.runner_version, task=task, thresholds=thresholds,
                      training=training, files=files, card=card, made=made)  # fmt: skip


__all__ = ["Bundle", "Scorer", "ScorerFile", "Sealed", "seal", "seal_files"]
