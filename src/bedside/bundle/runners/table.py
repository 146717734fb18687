"""The table of runners, and what a runner must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bedside.core.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Runner(Protocol):
    """A model that answers for many rows and for one with the same bits. Missing values are nan."""

    version: str

    def __init__(self, weights: Mapping[str, bytes], *, where: str) -> None: ...

    def margins(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """One margin a row of (n, p)."""

    def margin(self, row: Sequence[float]) -> float:
        """The margin of one row of p values."""

    def contributions(self, row: Sequence[float]) -> list[float]:
        """How much each of the p columns moved this row's margin from the average."""


RUNNERS: Registry[type[Runner]] = Registry(
    "runner",
    {
        "lightgbm": "bedside.bundle.runners.lightgbm:LightGBM",
        "logistic": "bedside.bundle.runners.logistic:Logistic",
        "hours": "bedside.bundle.runners.hours:Hours",
    },
)
