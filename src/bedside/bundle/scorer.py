"""One output of a bundle: a runner on some of the columns, and its calibration.

In        scorer.json and the runner's weights
Out       a score per row: the calibrated probability, or the bare margin where there is no calibration
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.bundle.calibration import Calibration
from bedside.bundle.runners.table import RUNNERS, Runner
from bedside.core import canonical
from bedside.core.errors import Malformed, Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "scorer.json"


class ScorerFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """scorer.json: the runner, the columns it takes in their order, and the calibration of its margin."""

    schema: str
    runner: str
    runner_version: str
    columns: list[str]
    calibration: Calibration | None


class Scorer:
    """A runner that knows which columns of the feature matrix it takes."""

    def __init__(self, runner_name: str, weights: Mapping[str, bytes], columns: Sequence[str], names: Sequence[str], *,
                 calibration: Calibration | None, where: str) -> None:  # fmt: skip
        place = {name: index for index, name in enumerate(names)}
        unknown = [column for column in columns if column not in place]
        if unknown or not columns:
            raise Refused(f"{len(unknown)} columns of {len(columns)} are not in the feature definition", where=where,
                          do="seal the bundle again")  # fmt: skip
        self.runner_name, self.columns, self.calibration, self._weights = runner_name, tuple(columns), calibration, dict(weights)
        self.runner: Runner = RUNNERS.get(runner_name)(weights, where=where)
        self._places = [place[column] for column in columns]
        self._all = self._places == list(range(len(names)))
        self._pick = itemgetter(*self._places) if len(columns) > 1 else None

    @classmethod
    def load(cls, files: Mapping[str, bytes], names: Sequence[str], *, where: str) -> Scorer:
        """The scorer in these files (scorer.json and weights)."""
        try:
            told = msgspec.json.decode(files[FILE], type=ScorerFile)
        except (KeyError, msgspec.DecodeError) as error:
            raise Malformed(f"{FILE} is not readable", where=where, do="seal the bundle again") from error
        weights = {name: data for name, data in files.items() if name != FILE}
        return cls(told.runner, weights, told.columns, names, calibration=told.calibration, where=where)

    @property
    def runner_version(self) -> str:
        return self.runner.version

    def files(self, prefix: str) -> dict[str, bytes]:
        """scorer.json and the weights, under a folder."""
        told = ScorerFile("bedside.scorer/1", self.runner_name, self.runner_version, list(self.columns), self.calibration)
        return {f"{prefix}{FILE}": canonical.dumps(told), **{f"{prefix}{name}": data for name, data in self._weights.items()}}

    def margins(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Margins before calibration, of a matrix with every column of the feature definition."""
        return self.runner.margins(matrix if self._all else np.ascontiguousarray(matrix[:, self._places]))

    def scores(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        margins = self.margins(matrix)
        return margins if self.calibration is None else self.calibration(margins)

    def score(self, row: Sequence[float]) -> float:
        margin = self.runner.margin(self._own(row))
        return margin if self.calibration is None else float(self.calibration(np.array([margin]))[0])

    def contributions(self, row: Sequence[float]) -> dict[str, float]:
        """Column to its share of this row's margin."""
        return dict(zip(self.columns, self.runner.contributions(self._own(row)), strict=True))

    def _own(self, row: Sequence[float]) -> Sequence[float]:
        if self._all:
            return row
        return self._pick(row) if self._pick else (row[self._places[0]],)
