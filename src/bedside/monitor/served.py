"""The served log as arrays: what was predicted, from what, for whom, and every line that could not be used.

In        JSON lines as `serve` writes them; the bundle's digest and feature names
Out       `Served`, in order of time: one row a decision, the last answer when it was asked twice
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bedside.core.errors import Malformed, Misconfigured, Unusable
from bedside.core.time import iso_instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

BROKEN, OTHER_BUNDLE, ASKED_AGAIN = "line is not a served prediction", "another bundle answered", "asked again, last answer kept"


class Line(msgspec.Struct, frozen=True):
    """One served prediction. `features` are what the model saw; null is missing."""

    time: str
    unit_id: str
    bundle: str
    features: dict[str, float | None]
    value: float
    alert: bool
    encounter: str
    missing: list[str] = []


@dataclass(frozen=True)
class Served:
    """Rows in order of time. `times` are microseconds of UTC; `features` (n, p) with nan for missing."""

    times: NDArray[np.int64]
    units: list[str]
    encounters: NDArray[np.int64]
    features: NDArray[np.float64]
    values: NDArray[np.float64]
    alerts: NDArray[np.bool_]
    left_out: dict[str, int]

    def __len__(self) -> int:
        return len(self.units)

    def part(self, rows: NDArray[np.bool_]) -> Served:
        """Some of the rows, with nothing left out."""
        units = [unit for unit, kept in zip(self.units, rows.tolist(), strict=True) if kept]
        return Served(self.times[rows], units, self.encounters[rows], self.features[rows], self.values[rows], self.alerts[rows], {})


def served(path: Path, *, bundle: str, names: Sequence[str]) -> Served:
    """The log's predictions by one bundle. Raises `Unusable` when it holds none."""
    left_out, last = Counter[str](), dict[str, tuple[int, Line]]()
    for found in _lines(path):
        if found is None:
            left_out[BROKEN] += 1
        elif found[1].bundle != bundle:
            left_out[OTHER_BUNDLE] += 1
        else:
            left_out[ASKED_AGAIN] += found[1].unit_id in last
            last[found[1].unit_id] = found
    if not last:
        raise Unusable(f"no prediction of this bundle in the log ({sum(left_out.values())} lines left out)", where=path.name,
                       do="point at the log of the service that runs this bundle")  # fmt: skip
    rows = sorted(last.values(), key=lambda pair: (pair[0], pair[1].unit_id))
    return _arrays(rows, names, {reason: count for reason, count in left_out.items() if count})


def _lines(path: Path) -> Iterator[tuple[int, Line] | None]:
    decoder = msgspec.json.Decoder(Line)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise Misconfigured(f"cannot read the log: {error.strerror}", where=path.name,
                            do="give the file that serve writes") from None  # fmt: skip
    with stream:
        for raw in stream:
            if raw.strip():
                yield _line(decoder, raw)


def _line(decoder: msgspec.json.Decoder[Line], raw: bytes) -> tuple[int, Line] | None:
    try:
        line = decoder.decode(raw)
        when = iso_instant(line.time, where="served log").us
    except (msgspec.DecodeError, UnicodeDecodeError, Malformed):
        return None
    return (when, line) if np.isfinite(line.value) else None


def _arrays(rows: list[tuple[int, Line]], names: Sequence[str], left_out: dict[str, int]) -> Served:
    lines = [line for _, line in rows]
    known: dict[str, int] = {}
    features = np.array([[_number(line.features.get(name)) for name in names] for line in lines], dtype=np.float64)
    return Served(
        np.array([when for when, _ in rows], dtype=np.int64), [line.unit_id for line in lines],
        np.array([known.setdefault(line.encounter, len(known)) for line in lines], dtype=np.int64),
        features.reshape(len(lines), len(names)), np.array([line.value for line in lines]),
        np.array([line.alert for line in lines], dtype=bool), left_out,
    )  # fmt: skip


def _number(value: float | None) -> float:
    return np.nan if value is None else value
