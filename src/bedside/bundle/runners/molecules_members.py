"""Members of a model of molecules: one a fold, each answering for molecules that it was not fitted on.

In        weights of one output, by file name: member-<fold>-<repeat>.<kind>
Out       margins (n, k): what each fold's member says (log odds, or the number itself), the mean of its repeats
Kinds     trees    LightGBM text on `Batch.matrix`
          network  D-MPNN in safetensors on `Batch.graphs`
          line     a line through logP and weight, or through nothing: the mean
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from bedside.bundle.runners.molecules_features import Batch
from bedside.bundle.runners.molecules_graph import forward
from bedside.bundle.runners.molecules_weights import loads
from bedside.core.errors import Malformed, Misconfigured
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Files = Mapping[str, bytes]
NETWORK = "network.json"


class Members(Protocol):
    """The members of one output."""

    def margins(self, batch: Batch) -> Floats:
        """(n, k), one column a fold."""


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network's numbers times `spread` plus `centre` are the target's."""

    centre: float = 0.0
    spread: float = 1.0


class NetworkFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """network.json: rounds of message passing, and each member's scale by its name without ending."""

    depth: int
    scales: dict[str, Scale]


class LineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line: intercept, and slopes by logP and molecular weight after centring and scaling."""

    intercept: float
    slopes: list[float]
    centre: list[float]
    spread: list[float]


class Trees:
    """LightGBM text models."""

    def __init__(self, files: Files, *, where: str) -> None:
        library: Any = need("lightgbm", extra="molecules")
        try:
            self._folds = _by_fold({name: library.Booster(model_str=data.decode()) for name, data in files.items()})
        except (library.basic.LightGBMError, UnicodeDecodeError) as error:
            raise Malformed("not a LightGBM text model", where=where, do="seal the bundle again") from error

    def margins(self, batch: Batch) -> Floats:
        return _mean_by_fold(self._folds, lambda one: one.predict(batch.matrix, raw_score=True, num_threads=1), len(batch))


class Network:
    """D-MPNN members."""

    def __init__(self, files: Files, *, where: str) -> None:
        try:
            told = msgspec.json.decode(files[NETWORK], type=NetworkFile)
        except (KeyError, msgspec.DecodeError) as error:
            raise Malformed(f"{NETWORK} is not readable", where=where, do="seal the bundle again") from error
        weights = {name: data for name, data in files.items() if name != NETWORK}
        self._depth = told.depth
        self._folds = _by_fold({name: (loads(data, where=where), told.scales[name.split(".")[0]]) for name, data in weights.items()})

    def margins(self, batch: Batch) -> Floats:
        def said(member: Any) -> Floats:
            weights, scale = member
            whole: Floats = forward(weights, self._depth, batch.graphs) * scale.spread + scale.centre
            return whole

        return _mean_by_fold(self._folds, said, len(batch))


class Lines:
    """Lines through logP and weight."""

    def __init__(self, files: Files, *, where: str) -> None:
        try:
            self._folds = _by_fold({name: msgspec.json.decode(data, type=LineFile) for name, data in files.items()})
        except msgspec.DecodeError as error:
            raise Malformed("not a line", where=where, do="seal the bundle again") from error

    def margins(self, batch: Batch) -> Floats:
        def said(line: LineFile) -> Floats:
            whole = np.full(len(batch), line.intercept)
            if line.slopes:
                whole += ((batch.size_and_fat - np.array(line.centre)) / np.array(line.spread)) @ np.array(line.slopes)
            return whole

        return _mean_by_fold(self._folds, said, len(batch))


MEMBERS: dict[str, Any] = {"trees": Trees, "network": Network, "line": Lines}


def members(kind: str, files: Files, *, where: str) -> Members:
    """The members in these files."""
    if kind not in MEMBERS:
        raise Misconfigured(f"no members of kind {kind!r}", where=where, do=f"choose one of {sorted(MEMBERS)}")
    made: Members = MEMBERS[kind](files, where=where)
    return made


def member_name(fold: int, repeat: int, suffix: str) -> str:
    """
    >>> member_name(2, 0, "txt")
    'member-02-00.txt'
    """
    return f"member-{fold:02d}-{repeat:02d}.{suffix}"


def _by_fold(loaded: Mapping[str, Any]) -> list[list[Any]]:
    folds: dict[str, list[Any]] = defaultdict(list)
    for name in sorted(loaded):
        folds[name.split("-")[1]].append(loaded[name])
    return [folds[fold] for fold in sorted(folds)]


def _mean_by_fold(folds: list[list[Any]], said: Any, height: int) -> Floats:
    whole = np.zeros((height, len(folds)))
    for column, repeats in enumerate(folds):
        for one in repeats:
            whole[:, column] += np.asarray(said(one), dtype=np.float64) / len(repeats)
    return whole
