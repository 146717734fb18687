"""The bundle's folder: written whole or not at all, opened only when every byte is what it was.

In        `seal`: scorers (the main one and what stands beside it), features, thresholds, reference sketch, card
Out       `Bundle`: features, calibrated risk of a matrix or of one row, explanation, thresholds, reference, card
Refuses   a file changed, missing, added or renamed since it was sealed; columns that the feature definition does not give.
Elsewhere the manifest: `core/bundle.py`; runners: `runners/`; the sketch: `reference.py`; who fits: `pillars/`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bedside.bundle.scorer import Scorer, ScorerFile
from bedside.core import canonical
from bedside.core.bundle import SCHEMA_NAME, Manifest
from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.ids import sha256
from bedside.core.task import Features, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bedside.bundle.reference import Reference
    from bedside.cohort.features import FeatureSet

MANIFEST, FEATURES, REFERENCE, CARD = "manifest.json", "features.json", "reference.json", "card.json"
MAIN, BESIDE = "model/", "beside/"


class FeatureFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """features.json: the definition, and the columns that it compiled to when the model was fitted."""

    schema: str
    features: Features
    names: list[str]


class Bundle:
    """A sealed model, checked and ready. Use `Bundle.open`."""

    def __init__(self, manifest: Manifest, digest: str, files: Mapping[str, bytes], *, where: str) -> None:
        from bedside.cohort.features import FeatureSet

        self.manifest, self.digest, self._files, self._where = manifest, digest, files, where
        told = self._record(FEATURES, FeatureFile)
        self.features: FeatureSet = FeatureSet(told.features)
        if list(self.features.names) != told.names:
            raise Refused("the feature definition no longer gives the columns that the model was fitted on", where=where,
                          do="serve it with the version of bedside that sealed it, or fit it again")  # fmt: skip
        self.names: tuple[str, ...] = tuple(told.names)
        self.scorer = self._scorer(MAIN)
        if self.scorer.runner_name != manifest.runner:
            raise Refused("manifest and model name different runners", where=where, do="seal the bundle again")

    @classmethod
    def open(cls, folder: Path | str) -> Bundle:
        """The bundle in a folder, after every digest was compared.

        Raises `Malformed` when there is no manifest to compare with, `Refused` when a file is not what it was.
        """
        top = Path(folder)
        raw, manifest = _manifest(top)
        return cls(manifest, sha256(raw), _checked(top, manifest), where=top.name)

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

        told: Reference = self._record(REFERENCE, Reference)
        return told

    @cached_property
    def card(self) -> dict[str, Any]:
        told: dict[str, Any] = self._record(CARD, dict[str, Any])
        return told

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

    def _record(self, name: str, kind: Any) -> Any:
        try:
            return msgspec.json.decode(self._files[name], type=kind)
        except (KeyError, msgspec.DecodeError) as error:
            raise Malformed(f"{name} is not readable", where=self._where, do="seal the bundle again") from error


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
             REFERENCE: canonical.dumps(reference), CARD: canonical.dumps(dict(card)), **main.files(MAIN)}  # fmt: skip
    for output, scorer in beside.items():
        files |= scorer.files(f"{BESIDE}{output}/")
    plain = msgspec.to_builtins(task)
    manifest = Manifest(SCHEMA_NAME, name, main.runner_name, main.runner_version, plain, dict(thresholds), dict(training),
                        {path: sha256(data) for path, data in files.items()}, made)  # fmt: skip
    raw = canonical.dumps(manifest)
    _write(folder, files | {MANIFEST: raw})
    return sha256(raw)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files in a folder beside, synced, then renamed into place."""
    if folder.exists():
        raise Misconfigured("there is a bundle already", where=folder.name, do="choose another: a sealed model is not written over")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, data in files.items():
            place = beside / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        beside.chmod(0o755)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _manifest(top: Path) -> tuple[bytes, Manifest]:
    try:
        raw = (top / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise Malformed("not a bundle: its manifest is absent or not readable", where=f"{top.name}/{MANIFEST}",
                        do="point at a folder that `bedside train` wrote") from error  # fmt: skip
    if manifest.schema != SCHEMA_NAME:
        raise Malformed(f"this bedside reads {SCHEMA_NAME}, and the bundle is another schema", where=f"{top.name}/{MANIFEST}",
                        do="open it with the version of bedside that sealed it")  # fmt: skip
    return raw, manifest


def _checked(top: Path, manifest: Manifest) -> dict[str, bytes]:
    """Every file's bytes; `Refused` names all that are changed, missing or not in the manifest."""
    there = {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file() or path.is_symlink()} - {MANIFEST}
    files = {name: (top / name).read_bytes() for name in sorted(there & manifest.files.keys()) if not (top / name).is_symlink()}
    faults = [f"{name} has changed" for name, data in files.items() if sha256(data) != manifest.files[name]]
    faults += [f"{name} is missing" for name in sorted(manifest.files.keys() - files.keys())]
    faults += [f"{name} was added" for name in sorted(there - manifest.files.keys())]
    if faults:
        raise Refused("; ".join(faults), where=top.name, do="restore the bundle as it was sealed, or fit it again")
    return files


__all__ = ["Bundle", "Scorer", "ScorerFile", "seal"]
