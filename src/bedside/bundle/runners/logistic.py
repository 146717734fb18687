"""Logistic regression from its coefficients: a sum that a person can check by hand.

In        member-00.json, member-01.json, ...: centre, scale and coefficient of each column, intercept; the margin is the mean
          of theirs. A missing value counts as the centre; a value beyond `limit` scales counts as `limit`.
Method    columns are added one after the other, in their order, so that one row and many rows give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Malformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 5.0


class Coefficients(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One member."""

    centre: list[float]
    scale: list[float]
    coefficient: list[float]
    intercept: float
    limit: float = LIMIT

    @property
    def columns(self) -> list[tuple[float, float, float]]:
        return list(zip(self.centre, self.scale, self.coefficient, strict=True))


class Logistic:
    """Runner "logistic"."""

    version = "1"

    def __init__(self, weights: Mapping[str, bytes], *, where: str) -> None:
        try:
            self._members = [msgspec.json.decode(weights[name], type=Coefficients) for name in sorted(weights)]
            self._columns = [member.columns for member in self._members]
        except (ValueError, msgspec.DecodeError) as error:
            raise Malformed("not the coefficients of a logistic regression", where=where, do="seal the bundle again") from error
        if not self._members:
            raise Malformed("a logistic bundle without coefficients", where=where, do="seal the bundle again")

    def margins(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        whole = np.zeros(len(matrix))
        for member, columns in zip(self._members, self._columns, strict=True):
            own = np.full(len(matrix), member.intercept)
            for place, (centre, scale, coefficient) in enumerate(columns):
                away = np.clip((matrix[:, place].astype(np.float64) - centre) / scale, -member.limit, member.limit)
                own += coefficient * np.where(np.isnan(away), 0.0, away)
            whole += own
        return whole / len(self._members)

    def margin(self, row: Sequence[float]) -> float:
        whole = 0.0
        for member, columns in zip(self._members, self._columns, strict=True):
            own = member.intercept
            for term in _terms(row, columns, member.limit):
                own += term
            whole += own
        return whole / len(self._members)

    def contributions(self, row: Sequence[float]) -> list[float]:
        terms = [_terms(row, columns, member.limit) for member, columns in zip(self._members, self._columns, strict=True)]
        return [sum(column) / len(terms) for column in zip(*terms, strict=True)]


def _terms(row: Sequence[float], columns: list[tuple[float, float, float]], limit: float) -> list[float]:
    return [coefficient * (0.0 if value != value else min(max((value - centre) / scale, -limit), limit))
            for value, (centre, scale, coefficient) in zip(row, columns, strict=True)]  # fmt: skip
