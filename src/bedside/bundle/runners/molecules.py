"""A sealed model of molecules, opened without the pillar that made it: SMILES in, values with intervals out.

In        a bundle folder whose runner is "molecules"; SMILES as drawn; covariates where the model reads some
Out       `Answer`s by target and output; the nearest development molecule's similarity; why a structure is left out
Elsewhere standard form, features, members, intervals: `molecules_*.py`; who fits and seals: `pillars/molecules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration
from bedside.bundle.runners import molecules_interval as intervals
from bedside.bundle.runners.molecules_features import Batch, FeatureSpec
from bedside.bundle.runners.molecules_members import Members, members
from bedside.bundle.runners.molecules_standard import Compound, standardise
from bedside.bundle.runners.molecules_weights import loads
from bedside.bundle.sealed import Sealed
from bedside.core.errors import Malformed, Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RUNNER, VERSION, MAIN = "molecules", "1", "model"
FEATURES, OUTPUTS, DOMAIN = "features.json", "outputs.json", "domain.safetensors"


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One voice about one target.

    members      kind of its members (`molecules_members.py`); their files, and residuals.safetensors, lie under `folder`
    calibration  of a yes-no target: log odds to probability; None for a number, whose margin is the value
    """

    target: str
    output: str
    members: str
    folder: str
    coverage: float
    calibration: Calibration | None = None


class Answer(NamedTuple):
    """What an output says of n molecules: a probability, or a number with its interval (nan where there is none)."""

    target: str
    output: str
    value: Floats
    low: Floats
    high: Floats


class MoleculeModel:
    """A sealed model, checked and ready. Use `MoleculeModel.open`."""

    def __init__(self, sealed: Sealed) -> None:
        if sealed.manifest.runner != RUNNER:
            raise Misconfigured(f"this bundle is for the runner {sealed.manifest.runner!r}", where=sealed.where, do="open it with its own runner")
        self.sealed, self.digest, self.task = sealed, sealed.digest, sealed.task
        self.features: FeatureSpec = sealed.record(FEATURES, FeatureSpec)
        self.outputs: list[Output] = sealed.record(OUTPUTS, list[Output])
        self._loaded: dict[str, Members] = {}

    @classmethod
    def open(cls, folder: Path | str) -> MoleculeModel:
        """The model in a folder; raises as `Sealed.open` does."""
        return cls(Sealed.open(folder))

    def standardise(self, smiles: str | None) -> Compound:
        """The structure as the model knows it, or why it is left out."""
        return standardise(smiles, self.task.standard)

    def batch(self, standard_smiles: Sequence[str], covariates: Mapping[str, Sequence[float]] | None = None) -> Batch:
        """Molecules in standard form on their way into the model."""
        return Batch(standard_smiles, self.features, covariates)

    def nearest(self, batch: Batch) -> Floats:
        """Tanimoto similarity of each molecule to its nearest of development: low means that the model is guessing."""
        return intervals.nearest(batch.fingerprints, self._known)

    def answers(self, batch: Batch, *, targets: Sequence[str] | None = None, outputs: Sequence[str] | None = None) -> list[Answer]:
        """What every output (or those named) says of every target (or those named)."""
        wanted = [one for one in self.outputs if (targets is None or one.target in targets) and (outputs is None or one.output in outputs)]
        bands = intervals.band(self.nearest(batch)) if any(one.calibration is None for one in wanted) else np.zeros(len(batch), np.int64)
        return [self._answer(one, batch, bands) for one in wanted]

    def _answer(self, one: Output, batch: Batch, bands: NDArray[np.int64]) -> Answer:
        if one.folder not in self._loaded:
            files = {name: data for name, data in self._under(one.folder).items() if name != "residuals.safetensors"}
            self._loaded[one.folder] = members(one.members, files, where=f"{self.sealed.where}/{one.folder}")
        said = self._loaded[one.folder].margins(batch)
        empty = np.full(len(batch), np.nan)
        if one.calibration is not None:
            return Answer(one.target, one.output, one.calibration(said.mean(axis=1)), empty, empty)
        low, high = intervals.interval(said, bands, self._residuals(one.folder), coverage=one.coverage)
        return Answer(one.target, one.output, said.mean(axis=1), low, high)

    def _under(self, folder: str) -> dict[str, bytes]:
        return {name.removeprefix(folder): data for name, data in self.sealed.files.items() if name.startswith(folder)}

    def _residuals(self, folder: str) -> intervals.Residuals:
        told = self._arrays(f"{folder}residuals.safetensors", ("fold", "size", "band"))
        return intervals.Residuals(told["fold"], told["size"], told["band"])

    @cached_property
    def _known(self) -> NDArray[np.uint8]:
        known: NDArray[np.uint8] = self._arrays(DOMAIN, ("fingerprints",))["fingerprints"]
        return known

    def _arrays(self, name: str, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        told = loads(self.sealed.files.get(name, b""), where=f"{self.sealed.where}/{name}")
        if not set(wanted) <= told.keys():
            raise Malformed(f"{name} lacks an array", where=self.sealed.where, do="seal the bundle again")
        return told


Scorer = Callable[[Sequence[str | None]], "Floats"]


def scorer(bundle: Path | str, *, target: str | None = None, output: str = MAIN) -> Scorer:
    """A function from SMILES as drawn to scores of one target (the first by default): a probability, or the number.

    What cannot be brought to standard form scores nan: whoever generates molecules counts those.
    """
    model = MoleculeModel.open(bundle)
    asked = target or model.task.targets[0].name
    if not any(one.target == asked and one.output == output for one in model.outputs):
        raise Misconfigured(f"the bundle has no output {output!r} for {asked!r}", where=model.sealed.where, do="see its outputs.json")

    def score(smiles: Sequence[str | None]) -> Floats:
        compounds = [model.standardise(one) for one in smiles]
        sound = np.array([one.reason is None for one in compounds], dtype=np.bool_)
        scores = np.full(len(compounds), np.nan)
        if sound.any():
            batch = model.batch([one.smiles for one in compounds if one.reason is None])
            scores[sound] = model.answers(batch, targets=[asked], outputs=[output])[0].value
        return scores

    return score
