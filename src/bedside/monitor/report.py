"""What monitoring found, as a record and as text. Schema "bedside.monitor/1"."""

from __future__ import annotations

import msgspec

from bedside.core.time import utc_text
from bedside.evaluate.records import Estimate
from bedside.monitor.drift import Drift

SCHEMA_NAME = "bedside.monitor/1"
_SHOWN = 12


class Promises(msgspec.Struct, frozen=True):
    """Calibration of the predictions whose outcome is known; null while none is."""

    labelled: int
    events: int
    observed_to_expected: Estimate
    slope: Estimate
    auroc: Estimate


class Burden(msgspec.Struct, frozen=True):
    """How often the service spoke up. A patient-day is 24 hours of stays between first and last prediction."""

    predictions: int
    encounters: int
    patient_days: float
    alerts: int
    alerted_encounters: int
    alerts_per_100_patient_days: float


class Window(msgspec.Struct, frozen=True):
    """One stretch of time, from `start` to before `end` (UTC). `judged` is false with too few encounters."""

    start: str
    end: str
    burden: Burden
    score: Drift
    features: list[Drift]
    promises: Promises | None
    judged: bool


class Finding(msgspec.Struct, frozen=True):
    """One thing that somebody should look at."""

    window: str
    what: str


class MonitorReport(msgspec.Struct, frozen=True):
    """Everything served, then window by window."""

    schema: str
    bundle: str
    made: bool
    whole: Window
    windows: list[Window]
    left_out: dict[str, int]
    unlabelled: int | None
    findings: list[Finding]

    @property
    def alarm(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.findings)

    def to_text(self) -> str:
        """The report in plain lines."""
        lines = [f"bundle {self.bundle[:12]}{' (made data)' if self.made else ''}", *_window_lines(self.whole, "whole log")]
        lines += [f"left out: {reason}: {count}" for reason, count in sorted(self.left_out.items())]
        if len(self.windows) > 1:
            lines += ["", "window from   encounters  alerts/100 days  risk PSI  drifted", *map(_row, self.windows)]
        seen = [f"look at: {one.window}: {one.what}" for one in self.findings]
        lines += ["", *(seen or ["nothing drifted"])]
        return "\n".join(lines) + "\n"


def _window_lines(window: Window, title: str) -> list[str]:
    told, drifted = window.burden, [one for one in window.features if one.drifted]
    lines = [
        f"{title}: {window.start} to {window.end}",
        f"  {told.predictions} predictions in {told.encounters} encounters, {told.patient_days:.1f} patient-days",
        f"  {told.alerts} alerts ({told.alerts_per_100_patient_days:.1f} per 100 patient-days), "
        f"in {told.alerted_encounters} of {told.encounters} encounters",
        f"  risk: {_moved(window.score)}",
        f"  inputs: {len(drifted)} of {len(window.features)} drifted",
        *(f"    {one.name}: {_moved(one)} ({one.why})" for one in drifted[:_SHOWN]),
        *([f"    and {len(drifted) - _SHOWN} more"] if len(drifted) > _SHOWN else []),
    ]
    return [*lines, *_promise_lines(window.promises)]


def _promise_lines(promises: Promises | None) -> list[str]:
    if promises is None:
        return ["  outcomes: none known yet"]
    return [
        f"  outcomes: {promises.events} events in {promises.labelled} labelled predictions",
        f"  observed/expected {_estimate(promises.observed_to_expected)}",
        f"  calibration slope {_estimate(promises.slope)}",
        f"  AUROC {_estimate(promises.auroc)}",
    ]


def _row(window: Window) -> str:
    told, index = window.burden, "-" if window.score.psi is None else f"{window.score.psi:.2f}"
    drifted = sum(one.drifted for one in window.features) if window.judged else "too few to judge"
    return f"{window.start[:10]}    {told.encounters:>10}  {told.alerts_per_100_patient_days:>15.1f}  {index:>8}  {drifted}"


def _moved(one: Drift) -> str:
    index = "-" if one.psi is None else f"{one.psi:.3f}"
    return f"PSI {index} (by chance {_chance(one.chance)}), missing {one.missing_then:.0%} then, {one.missing_now:.0%} now"


def _chance(share: float) -> str:
    return "less than 1 in 1,000" if share < 0.001 else f"{share:.1%}"


def _estimate(one: Estimate) -> str:
    if one.value is None:
        return one.method
    interval = f"{one.low:.2f} to {one.high:.2f}" if one.low is not None and one.high is not None else "no interval"
    return f"{one.value:.2f} ({interval}; n {one.n})"


def day(us: int) -> str:
    """An instant in UTC, to the second."""
    return utc_text(us - us % 1_000_000)
