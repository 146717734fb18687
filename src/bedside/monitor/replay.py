"""Replay a served log against the bundle that answered: drift, calibration, burden, over all and window by window.

In        the log, the bundle's folder, and labels once they are known (a frame with unit_id and label)
Out       `MonitorReport`
Elsewhere reading the log: `served.py`; drift of one column: `drift.py`; words: `report.py`
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.store import Bundle
from bedside.core.errors import Unusable
from bedside.core.time import DAY_US, HOUR_US
from bedside.evaluate.calibration import slope
from bedside.evaluate.cluster import Bootstrap, codes_of
from bedside.evaluate.proportions import nothing
from bedside.evaluate.records import Estimate
from bedside.evaluate.subgroups import measure
from bedside.evaluate.subgroups import promises as kept
from bedside.monitor.drift import Limits, Size, drift
from bedside.monitor.report import SCHEMA_NAME, Burden, Finding, MonitorReport, Promises, Window, day
from bedside.monitor.served import Served, served

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from bedside.bundle.reference import Reference

    Labels = NDArray[np.float64]

_LONGEST_GAP_US = DAY_US
_LIMITS = Limits()
_WEEK = 7.0


def monitor(
    log_path: Path | str, bundle_folder: Path | str, labels: pl.DataFrame | None = None, *, window_days: float | None = None,
    limits: Limits = _LIMITS, seed: int = 1,
) -> MonitorReport:  # fmt: skip
    """Served predictions against what the model was trained on.

    labels        unit_id (text) and label (true, false or null) of any part of the log
    window_days   length of a window, counted from the first prediction; None: a week, doubled until half of the windows hold enough
                  encounters to be judged
    Raises `Unusable` when the log holds no prediction of this bundle, or labels lack a column.
    """
    bundle = Bundle.open(bundle_folder)
    log = served(Path(log_path), bundle=bundle.digest, names=list(bundle.reference.sketches))
    known = _labels(log, labels)
    judge = _Judge(bundle.reference, limits, seed)
    rows = np.ones(len(log), dtype=bool)
    whole = judge.window(log, known, rows, int(log.times[0]), int(log.times[-1]) + 1)
    days = window_days if window_days is not None else fitting(log, limits.least_encounters)
    windows = [judge.window(log, known, rows, start, end) for rows, start, end in _windows(log, days)]
    return MonitorReport(
        SCHEMA_NAME, bundle.digest, bundle.manifest.made, whole, windows, log.left_out,
        None if known is None else int(np.isnan(known).sum()), _findings(whole, windows),
    )  # fmt: skip


class _Judge:
    """One reference, one set of limits, many windows."""

    def __init__(self, reference: Reference, limits: Limits, seed: int) -> None:
        self.reference, self.limits, self.bootstrap = reference, limits, Bootstrap(seed=seed)
        self._sketches = list(reference.sketches.items())

    def window(self, log: Served, known: Labels | None, rows: NDArray[np.bool_], start: int, end: int) -> Window:
        part = log.part(rows)
        told = burden(part)
        size = Size(told.encounters, len(part), self.reference.stays)
        moved = [drift(name, then, part.features[:, i], size, self.limits) for i, (name, then) in enumerate(self._sketches)]
        score = drift("risk", self.reference.score, part.values, size, self.limits)
        enough = told.encounters >= self.limits.least_encounters
        return Window(day(start), day(end), told, score, moved, self._promises(part, known, rows), enough)

    def _promises(self, part: Served, known: Labels | None, rows: NDArray[np.bool_]) -> Promises | None:
        if known is None or np.isnan(known[rows]).all():
            return None
        there = ~np.isnan(known[rows])
        return promises(known[rows][there] > 0, part.values[there], part.encounters[there], self.bootstrap)


def promises(
    outcome: NDArray[np.bool_], risk: NDArray[np.float64], encounters: NDArray[np.int64], bootstrap: Bootstrap
) -> Promises:
    """Calibration and ranking of labelled predictions; intervals come from encounters, whose hours hang together."""
    codes, count = codes_of(encounters)
    ratio, _ = kept(outcome, risk, codes, count, bootstrap)
    both = 0 < outcome.sum() < len(outcome)
    return Promises(
        len(outcome), int(outcome.sum()), ratio,
        slope(outcome, risk, codes, level=bootstrap.level) if both else _unknown(len(outcome)),
        measure(outcome, risk, codes, count, bootstrap).auroc if both else _unknown(len(outcome)),
    )  # fmt: skip


def _unknown(n: int) -> Estimate:
    return nothing("events and non-events are both needed", n=n)


def burden(log: Served) -> Burden:
    """Predictions, alerts and the patient-time that they were made in.

    A stay's time is its gaps between predictions (none counted beyond a day) and, for the last prediction,
    one more gap of the usual length in this log.
    """
    order = np.lexsort((log.times, log.encounters))
    times, stays = log.times[order], log.encounters[order]
    gaps = np.diff(times)[np.diff(stays) == 0]
    usual = float(np.median(gaps)) if len(gaps) else float(HOUR_US)
    encounters = len(np.unique(stays))
    days = float(np.minimum(gaps, _LONGEST_GAP_US).sum() + encounters * min(usual, _LONGEST_GAP_US)) / DAY_US
    alerts = int(log.alerts.sum())
    alerted = len(np.unique(log.encounters[log.alerts]))
    return Burden(len(log), encounters, round(days, 6), alerts, alerted, round(100 * alerts / days, 6) if days else 0.0)


def fitting(log: Served, least: int) -> float:
    """Days of the shortest window, a week or its doubles, under which half of the windows hold `least` encounters."""
    days = _WEEK
    while days * DAY_US < int(log.times[-1]) - int(log.times[0]):
        held = [len(np.unique(log.encounters[rows])) for rows, _, _ in _windows(log, days)]
        if 2 * sum(many >= least for many in held) >= len(held):
            return days
        days *= 2
    return days


def _windows(log: Served, window_days: float) -> Iterator[tuple[NDArray[np.bool_], int, int]]:
    """Rows of each window that holds any, with its start and end."""
    if not window_days > 0:
        raise Unusable("a window must be longer than nothing", where="window_days", do="give a number of days above 0")
    first, length = int(log.times[0]), round(window_days * DAY_US)
    number = (log.times - first) // length
    for n in np.unique(number).tolist():
        yield number == n, first + n * length, first + (n + 1) * length


def _labels(log: Served, labels: pl.DataFrame | None) -> Labels | None:
    """1, 0 or nan a row of the log."""
    import polars as pl

    if labels is None:
        return None
    if not {"unit_id", "label"} <= set(labels.columns):
        raise Unusable("labels need the columns unit_id and label", where="labels", do="write a CSV or Parquet file with both")
    text = labels.select(pl.col("unit_id").cast(pl.String), pl.col("label").cast(pl.String).str.to_lowercase()).drop_nulls()
    strange = text.filter(~pl.col("label").is_in([*_TRUE, *_FALSE])).height
    if strange:
        raise Unusable(f"{strange} labels are neither true nor false", where="labels, column label",
                       do="write true, false or nothing")  # fmt: skip
    told = dict(text.iter_rows())
    return np.array([_worth(told.get(unit)) for unit in log.units], dtype=np.float64)


_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")


def _worth(label: str | None) -> float:
    return np.nan if label is None else float(label in _TRUE)


def _findings(whole: Window, windows: list[Window]) -> list[Finding]:
    """What the whole log and the newest judged window show; older windows stay in the table."""
    looked = [("whole log", whole)]
    judged = [window for window in windows if window.judged]
    if len(windows) > 1 and judged:
        looked.append((f"window from {judged[-1].start[:10]}", judged[-1]))
    return [Finding(name, what) for name, window in looked for what in _seen(window)]


def _seen(window: Window) -> Iterator[str]:
    if window.score.drifted:
        yield f"the risk has moved ({window.score.why})"
    for one in window.features:
        if one.drifted:
            yield f"{one.name} has moved ({one.why})"
    ratio = window.promises.observed_to_expected if window.promises else None
    if ratio is not None and ratio.low is not None and ratio.high is not None and not ratio.low <= 1 <= ratio.high:
        yield f"{'more' if ratio.low > 1 else 'fewer'} events than promised: observed/expected {ratio.value:.2f}"
