"""The clock: the share of events at each time since admission, and nothing else of the patient.

In        member-00.json, ...: rising upper ends of the bins in hours, and the log odds in each; the margin is the mean of
          theirs. One column, hours since admission; where it is missing, the average.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Malformed

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Bins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One member: bin i holds hours from ends[i - 1] up to, not including, ends[i]; the last bin has no end."""

    ends: list[float]
    log_odds: list[float]
    average: float

    def margin(self, hours: float) -> float:
        return self.average if hours != hours else self.log_odds[bisect_right(self.ends, hours)]

    def margins(self, hours: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.array(self.log_odds)[np.searchsorted(self.ends, hours, side="right").clip(max=len(self.ends))]
        return np.where(np.isnan(hours), self.average, found)


class Hours:
    """Runner "hours"."""

    version = "1"

    def __init__(self, weights: Mapping[str, bytes], *, where: str) -> None:
        try:
            self._members = [msgspec.json.decode(weights[name], type=Bins) for name in sorted(weights)]
        except msgspec.DecodeError as error:
            raise Malformed("not a table of hours", where=where, do="seal the bundle again") from error
        if not self._members or any(len(member.log_odds) != len(member.ends) + 1 for member in self._members):
            raise Malformed("a table of hours has one more share than ends", where=where, do="seal the bundle again")

    def margins(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        hours, whole = matrix[:, 0].astype(np.float64), np.zeros(len(matrix))
        for member in self._members:
            whole += member.margins(hours)
        return whole / len(self._members)

    def margin(self, row: Sequence[float]) -> float:
        whole = 0.0
        for member in self._members:
            whole += member.margin(row[0])
        return whole / len(self._members)

    def contributions(self, row: Sequence[float]) -> list[float]:
        average = sum(member.average for member in self._members) / len(self._members)
        return [self.margin(row) - average]
