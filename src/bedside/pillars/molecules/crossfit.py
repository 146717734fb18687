"""Each fold left out once: predictions of development molecules that the member speaking has not seen, and what is sealed of them.

In        batch, folds, answers of one target; a learner
Out       `Fitted`: the members' files, the output's record, and out-of-fold values with their intervals
Honest    the calibration of a fold's probabilities is fitted on the other folds; so are its intervals (`molecules_interval.py`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration, fit
from bedside.bundle.runners import molecules_interval as intervals
from bedside.bundle.runners.molecules import MAIN, Output
from bedside.bundle.runners.molecules_features import Batch
from bedside.bundle.runners.molecules_members import NETWORK, NetworkFile, Scale, member_name, members
from bedside.bundle.runners.molecules_weights import dumps
from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.progress import track
from bedside.core.target import Target
from bedside.pillars.molecules.learners import LEARNERS, Lesson
from bedside.pillars.molecules.options import ModelOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

FEWEST = 20


class Asked(NamedTuple):
    """Development molecules and one question: `answer` of `rows` of the batch; fold and similarity band of every molecule."""

    target: Target
    place: int
    batch: Batch
    rows: Ints
    answer: Floats
    fold: Ints
    band: Ints

    @property
    def labels(self) -> bool:
        return self.target.kind == "yes-no"


class Fitted(NamedTuple):
    """One output: its record and files; of the asked rows the value out of fold, and low and high (nan of probabilities)."""

    output: Output
    files: dict[str, bytes]
    value: Floats
    low: Floats
    high: Floats


def crossfit(asked: Asked, learner: str, name: str, options: ModelOptions, *, seed: int) -> Fitted:
    """Fit one output of one target.

    Raises `Unusable` when there is too little to learn from.
    """
    _check(asked)
    how, folder = LEARNERS[learner], f"t{asked.place}/{name}/"
    own = asked.fold[asked.rows]
    files, scales, margin = dict[str, bytes](), dict[str, Scale](), np.zeros(len(asked.rows))
    for fold in track(np.unique(own).tolist(), f"{asked.target.name} {name}"):
        left = np.flatnonzero(own != fold)
        made = dict[str, bytes]()
        for repeat in range(options.repeats if name == MAIN else 1):
            fitted = how.fit(Lesson(asked.batch, asked.rows[left], asked.answer[left], asked.labels, _seed(seed, fold, repeat)), options)
            made[member_name(fold, repeat, how.suffix)] = fitted.data
            if fitted.scale is not None:
                scales[member_name(fold, repeat, "x").split(".")[0]] = fitted.scale
        margin[own == fold] = _margins(asked, own == fold, how.members, made, scales, options)
        files |= made
    if scales:
        files[NETWORK] = canonical.dumps(NetworkFile(options.depth, scales))
    return _judged(asked, Output(asked.target.name, name, how.members, folder, options.coverage), files, margin, options)


def _margins(asked: Asked, here: Bools, kind: str, made: dict[str, bytes], scales: dict[str, Scale], options: ModelOptions) -> Floats:
    """What these members say of the rows that they have not seen."""
    extra = {NETWORK: canonical.dumps(NetworkFile(options.depth, scales))} if scales else {}
    part = subset(asked.batch, asked.rows[here])
    said: Floats = members(kind, made | extra, where="member").margins(part)[:, 0]
    return said


def subset(batch: Batch, rows: Ints) -> Batch:
    """Some rows of a batch, with whatever was already made of them."""
    part = Batch([batch.smiles[i] for i in rows], batch.features, {name: [values[i] for i in rows] for name, values in batch.covariates.items()})
    for made in ("matrix", "fingerprints", "size_and_fat"):
        if made in batch.__dict__:
            part.__dict__[made] = batch.__dict__[made][rows]
    if "molecules" in batch.__dict__:
        part.__dict__["molecules"] = [batch.molecules[i] for i in rows]
    if "graphs" in batch.__dict__:
        part.__dict__["graphs"] = batch.graphs.part(rows.tolist())
    return part


def _judged(asked: Asked, output: Output, files: dict[str, bytes], margin: Floats, options: ModelOptions) -> Fitted:
    """Calibration or residuals, for serving and for the out-of-fold rows themselves."""
    own, empty = asked.fold[asked.rows], np.full(len(margin), np.nan)
    inside = {f"{output.folder}{name}": data for name, data in files.items()}
    if asked.labels:
        outcome = asked.answer > 0
        value = np.zeros(len(margin))
        for fold in np.unique(own):
            value[own == fold] = _calibration(margin[own != fold], outcome[own != fold], options)(margin[own == fold])
        return Fitted(msgspec.structs.replace(output, calibration=_calibration(margin, outcome, options)), inside, value, empty, empty)
    residuals = intervals.Residuals(_ranks(own), np.abs(asked.answer - margin), asked.band[asked.rows])
    low, high = intervals.out_of_fold(margin, residuals.band, residuals, coverage=options.coverage)
    inside[f"{output.folder}residuals.safetensors"] = dumps(residuals._asdict())
    return Fitted(output, inside, margin, low, high)


def _calibration(margin: Floats, outcome: Bools, options: ModelOptions) -> Calibration:
    return fit(margin, outcome, method=options.calibration)


def _ranks(fold: Ints) -> Ints:
    """Folds as columns of the members: those without a row of this target have no member."""
    return np.unique(fold, return_inverse=True)[1].astype(np.int64)


def _seed(seed: int, fold: int, repeat: int) -> int:
    return int(np.random.default_rng([seed, fold, repeat]).integers(1, 2**31 - 1))


def _check(asked: Asked) -> None:
    n, where = len(asked.rows), f"target {asked.target.name!r}, {len(asked.rows)} development molecules"
    if n < FEWEST:
        raise Unusable(f"a model needs at least {FEWEST} development molecules", where=where, do="add compounds: on so few nothing can be learned or judged")
    own = asked.fold[asked.rows]
    if len(np.unique(own)) < 2:
        raise Unusable("all development molecules are of one family", where=where, do="choose another task.split.by, or fewer folds")
    if asked.labels and any(len(np.unique(asked.answer[own != fold])) < 2 for fold in np.unique(own)):
        raise Unusable("without one fold all labels are alike", where=where, do="add compounds of the rarer label, or use fewer folds")
