"""LightGBM text models, averaged: many rows by `Booster.predict`, one row by the library's single-row call.

In        member-00.txt, member-01.txt, ...: LightGBM text models (v4); the margin is the mean of theirs
Speed     one row through the C API's SingleRowFast takes a quarter of `Booster.predict`'s time. It is used only after it has
          answered like `predict` on a probe row when the model is opened; otherwise `predict` serves one row as well.
Threads   every call asks for one. LightGBM keeps the number of threads for the whole process: a call with another number, while
          a model trains beside it, makes the training write outside its buffers (seen as a crash).
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.bundle.runners.shap import Explainer
from bedside.core.errors import Malformed
from bedside.core.lazy import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RAW, _FLOAT32 = 1, 0
_ONE_THREAD = "num_threads=1"


class LightGBM:
    """Runner "lightgbm"."""

    def __init__(self, weights: Mapping[str, bytes], *, where: str) -> None:
        library: Any = need("lightgbm", extra="risk")
        self.version = str(library.__version__)
        try:
            self._texts = [weights[name].decode() for name in sorted(weights)]
            self._members = [library.Booster(model_str=text) for text in self._texts]
        except (library.basic.LightGBMError, UnicodeDecodeError) as error:
            raise Malformed("not a LightGBM text model", where=where, do="seal the bundle again") from error
        if not self._members:
            raise Malformed("a LightGBM bundle without a model", where=where, do="seal the bundle again")
        self.columns = int(self._members[0].num_feature())
        self._fast = _fast_or_slow(library, self._members, self.columns)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self._texts, self.columns)

    def margins(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        whole = np.zeros(len(matrix))
        for member in self._members:
            whole += member.predict(matrix, raw_score=True, num_threads=1)
        return whole / len(self._members)

    def margin(self, row: Sequence[float]) -> float:
        return self._fast(row)

    def contributions(self, row: Sequence[float]) -> list[float]:
        """TreeSHAP values, averaged over the members; they and the average margin add up to this row's margin."""
        if self._explainer.fits:
            own: list[float] = (self._explainer(row) / len(self._members)).tolist()
            return own
        one = np.array([row], dtype=np.float32)
        whole = np.zeros(self.columns + 1)
        for member in self._members:
            whole += member.predict(one, pred_contrib=True, num_threads=1)[0]
        mean: list[float] = (whole[:-1] / len(self._members)).tolist()
        return mean


def _fast_or_slow(library: Any, members: list[Any], columns: int) -> Callable[[Sequence[float]], float]:
    """The single-row call when this LightGBM has it and it agrees with `predict`; else `predict`."""
    slow = _Slow(members)
    try:
        fast = _Fast(library, members, columns)
        probes = [[float(np.float32(np.sin(p + 31.0 * k) * 10.0**k)) for p in range(columns)] for k in range(4)]
        return fast if all(fast(probe) == slow(probe) for probe in [*probes, [float("nan")] * columns]) else slow
    except (AttributeError, OSError, TypeError, library.basic.LightGBMError):
        return slow


class _Slow:
    """One row by `Booster.predict`."""

    def __init__(self, members: list[Any]) -> None:
        self._members = members

    def __call__(self, row: Sequence[float]) -> float:
        one = np.array([row], dtype=np.float32)
        whole = 0.0
        for member in self._members:
            whole += float(member.predict(one, raw_score=True, num_threads=1)[0])
        return whole / len(self._members)


class _Fast:
    """One row by LGBM_BoosterPredictForMatSingleRowFast, with the buffers kept between calls."""

    def __init__(self, library: Any, members: list[Any], columns: int) -> None:
        self._library, self._members, self._columns = library.basic._LIB, members, columns
        self._row = (ctypes.c_float * columns)()
        self._told, self._length = ctypes.c_double(), ctypes.c_int64()
        self._arguments = (ctypes.byref(self._row), ctypes.byref(self._length), ctypes.byref(self._told))
        self._call = self._library.LGBM_BoosterPredictForMatSingleRowFast
        self._lock = threading.Lock()
        self._configurations = [self._configured(library, member) for member in members]

    def _configured(self, library: Any, member: Any) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        handle = getattr(member, "_handle", None) or member.handle
        library.basic._safe_call(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                handle, ctypes.c_int(_RAW), ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(_FLOAT32),
                ctypes.c_int32(self._columns), ctypes.c_char_p(_ONE_THREAD.encode()), ctypes.byref(made),
            )
        )  # fmt: skip
        return made

    def __call__(self, row: Sequence[float]) -> float:
        whole = 0.0
        with self._lock:
            self._row[:] = list(row)
            for configuration in self._configurations:
                if self._call(configuration, *self._arguments):
                    raise Malformed("LightGBM could not read the row", where=f"{len(row)} values", do="report this: it is a defect")
                whole += self._told.value
        return whole / len(self._configurations)

    def __del__(self) -> None:
        for configuration in getattr(self, "_configurations", ()):
            self._library.LGBM_FastConfigFree(configuration)
