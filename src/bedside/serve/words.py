"""Features in clinical words: what a column of the model means, its value with its unit, and when it was last seen.

In        the feature definition (`core.task.Features`) and the patient's events
Out       phrases for a card; numbers only, no text of the patient's record
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from bedside.core.events import Event
from bedside.core.task import Features, Signal
from bedside.core.time import HOUR_US, MINUTE_US, wall_time

_SPANS = {"mean": "mean", "min": "lowest", "max": "highest", "range": "range", "delta": "change", "count": "number of values"}
_STATIC = {"age_years": ("age", "years"), "sex_male": ("male sex (1 yes, 0 no)", ""), "clock.hours": ("time since admission", "h")}
_IN_HOURS, _UNITLESS = ("age",), ("count",)


class Meaning(msgspec.Struct, frozen=True):
    """One feature: its words, its unit, and the signal that it comes from (None for static facts and the clock)."""

    words: str
    unit: str
    signal: Signal | None


def meanings(features: Features, names: Iterable[str]) -> dict[str, Meaning]:
    """What each column means.

    >>> features = Features(signals=[Signal("heart_rate", ["LOINC//8867-4"], unit="/min")])
    >>> told = meanings(features, ["heart_rate.mean_6h", "clock.hours"])
    >>> told["heart_rate.mean_6h"].words, told["clock.hours"].words
    ('heart rate, mean over 6 h', 'time since admission')
    """
    signals = {signal.name: signal for signal in features.signals}
    return {name: _meaning(name, signals) for name in names}


def label(signal: Signal) -> str:
    return signal.label or signal.name.replace("_", " ")


def number(value: float, unit: str = "") -> str:
    """A value as a clinician writes it: four significant digits, with its unit.

    >>> number(37.59999847, "Cel"), number(112.0), number(1234567.0)
    ('37.6 Cel', '112', '1.235e+06')
    """
    return f"{value:.4g} {unit}".rstrip()


def last_seen(events: Iterable[Event], at: int) -> dict[str, Event]:
    """Of each code the latest event that was known before `at`."""
    latest: dict[str, Event] = {}
    for event in events:
        time = event.time
        if time is None or event.status == "retracted" or (time if event.known_at is None else event.known_at) >= at:
            continue
        before = latest.get(event.code)
        if before is None or (before.time or 0) <= time:
            latest[event.code] = event
    return latest


def seen(signal: Signal, latest: dict[str, Event]) -> Event | None:
    """The latest event of a signal's codes."""
    found = [latest[code] for code in signal.codes if code in latest]
    return max(found, key=lambda event: event.time or 0) if found else None


def ago(event: Event, at: int) -> str:
    """The wall time of an event and how long before `at` it was."""
    time = event.time or 0
    wall = wall_time(time + (event.utc_offset_min or 0) * MINUTE_US)
    return f"{wall:%Y-%m-%d %H:%M}, {(at - time) / HOUR_US:.1f} h before"


def columns(signals: Iterable[Signal], names: Sequence[str]) -> list[tuple[Signal, list[int], list[int]]]:
    """Of each signal the places of its values and of its counts among the columns.

    >>> columns([Signal("hr", ["x"])], ["hr.last", "hr.count_6h", "age_years"])[0][1:]
    ([0], [1])
    """
    parts = [name.rpartition(".") for name in names]
    return [
        (signal, [at for at, (stem, _, what) in enumerate(parts) if stem == signal.name and not what.startswith("count_")],
         [at for at, (stem, _, what) in enumerate(parts) if stem == signal.name and what.startswith("count_")])
        for signal in signals
    ]  # fmt: skip


def is_absent(row: Sequence[float], values: Iterable[int], counts: Iterable[int]) -> bool:
    """Whether a signal has no value in any window: every value missing, every count 0."""
    return not any(row[at] == row[at] for at in values) and not any(row[at] > 0 for at in counts)


def _meaning(name: str, signals: dict[str, Signal]) -> Meaning:
    if name in _STATIC:
        return Meaning(*_STATIC[name], None)
    stem, _, summary = name.rpartition(".")
    signal = signals.get(stem)
    if signal is None:
        return Meaning(name.replace("_", " "), "", None)
    kind, _, window = summary.partition("_")
    unit = "h" if kind in _IN_HOURS else "" if kind in _UNITLESS else signal.unit or ""
    if not window:
        return Meaning(f"{label(signal)}, {'last value' if kind == 'last' else 'time since the last value'}", unit, signal)
    return Meaning(f"{label(signal)}, {_SPANS.get(kind, kind)} over {window.removesuffix('h')} h", unit, signal)
