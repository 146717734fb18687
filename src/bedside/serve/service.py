"""From one patient's FHIR resources to a risk, with what drove it and what was missing.

In        a `Call` (the opened prefetch)
Out       an `Answer`, or None when the stay is outside the population that the model was made for
Parity    the reader, the featuriser and the bundle are the ones of training; what the policy generalised there is
          generalised here in memory first. Nothing is written.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

from bedside.bundle.store import Bundle
from bedside.core.errors import Malformed, Misconfigured
from bedside.core.events import Event
from bedside.core.task import Signal
from bedside.core.time import HOUR_US
from bedside.deidentify.live import first_instant, generalise
from bedside.readers.fhir import resource_events
from bedside.serve.outcome import Declined, Issue
from bedside.serve.request import Call, Resource
from bedside.serve.simple import Simple, simple_scores
from bedside.serve.words import Meaning, columns, is_absent, last_seen, meanings, seen

SHOWN_DRIVERS = 5
DEATH = "MEDS_DEATH"
# LOINC: components of the blood pressure panel, which servers index by the panel's code.
_PANELS = {"8480-6": "85354-9", "8462-4": "85354-9", "8478-0": "85354-9"}


class Driver(msgspec.Struct, frozen=True):
    """One feature that moved the risk: its contribution on the log-odds scale, and the latest event behind it."""

    name: str
    meaning: Meaning
    value: float
    contribution: float
    event: Event | None


class Answer(msgspec.Struct, frozen=True):
    """What the service says of one patient at one time. Missing features are absent from `features`."""

    at: int
    encounter: str | None
    value: float
    threshold: float | None
    alert: bool
    features: dict[str, float]
    missing: list[str]
    drivers: list[Driver]
    unseen: list[Signal]
    stale: list[tuple[Signal, Event]]
    simple: list[Simple]
    unread: int
    cut: bool


class Service:
    """An opened bundle, ready to answer."""

    def __init__(self, folder: Path, *, policy: str, threshold: float | None = None) -> None:
        self.bundle, self.policy = Bundle.open(folder), policy
        self.task = self.bundle.task
        self.names = tuple(self.bundle.features.names)
        self.meanings = meanings(self.task.features, self.names)
        self._columns = columns(self.task.features.signals, self.names)
        self.threshold = threshold if threshold is not None else _usual(self.bundle.thresholds)
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise Misconfigured("a threshold is a risk between 0 and 1", where="threshold", do="give for example 0.1")
        windows = self.task.features.windows_hours or [self.task.features.lookback_hours]
        self._stale_us = min(windows) * HOUR_US
        self._starts = frozenset(self.task.prediction.start_codes)

    @property
    def loincs(self) -> list[str]:
        """LOINC codes that the model reads, and of the panels that hold them: the prefetch asks for no others."""
        parts = (code.split("//") for code in self.bundle.features.codes)
        codes = {part[1] for part in parts if part[0] == "LOINC" and len(part) == 2}
        return sorted(codes | {_PANELS[code] for code in codes if code in _PANELS})

    def answer(self, call: Call) -> Answer | None:
        """Predict. None outside the model's population: another kind of stay, too young, discharged, dead.

        Raises `Declined` (412) when the start of the stay or the age is not known, or no signal has a value.
        """
        at = call.at if call.at is not None else time.time_ns() // 1000
        started = self._encounter(call, at)
        if started is None:
            return None
        first = first_instant([call.patient, *call.encounters, *call.observations], self.policy)
        events = [*self._required(call.patient, "patient", at, first), *started[1]]
        unread = self._observations(call.observations, at, events)
        if _is_over(events, started[1], at):
            return None
        row = self.bundle.features.live(events, prediction_time=at, encounter_start=started[0])
        if self._is_too_young(row):
            return None
        return self._told(call, row, events, at, unread)

    def _told(self, call: Call, row: list[float], events: list[Event], at: int, unread: int) -> Answer:
        value, features = self.bundle.predict_one(row), dict(zip(self.names, row, strict=True))
        known = {name: number for name, number in features.items() if not math.isnan(number)}
        latest = last_seen(events, at)
        unseen = [signal for signal, values, counts in self._columns if is_absent(row, values, counts)]
        if self._columns and len(unseen) == len(self._columns):
            said = f"none of the model's {len(unseen)} signals has a value that it can use at this time"
            raise Declined(412, Issue("required", said, "prefetch.observations"))
        return Answer(
            at=at,
            encounter=call.encounter_id,
            value=value,
            threshold=self.threshold,
            alert=self.threshold is not None and value >= self.threshold,
            features=known,
            missing=[name for name, number in features.items() if math.isnan(number)],
            drivers=self._drivers(row, features, latest),
            unseen=unseen,
            stale=self._stale(unseen, latest, at),
            simple=simple_scores(known),
            unread=unread,
            cut=call.cut,
        )

    def _drivers(self, row: list[float], features: dict[str, float], latest: dict[str, Event]) -> list[Driver]:
        """The features that moved the risk most, of those that have a value."""
        told = ((name, moved) for name, moved in self.bundle.explain(row) if moved and not math.isnan(features[name]))
        top = islice(told, SHOWN_DRIVERS)
        return [Driver(name, self.meanings[name], features[name], moved, self._behind(name, latest)) for name, moved in top]

    def _behind(self, name: str, latest: dict[str, Event]) -> Event | None:
        signal = self.meanings[name].signal
        return seen(signal, latest) if signal is not None else None

    def _stale(self, unseen: list[Signal], latest: dict[str, Event], at: int) -> list[tuple[Signal, Event]]:
        """Signals that have a value, the last one older than the shortest window."""
        known = [(signal, seen(signal, latest)) for signal in self.task.features.signals if signal not in unseen]
        return [(signal, event) for signal, event in known if event is not None and at - (event.time or 0) > self._stale_us]

    def _encounter(self, call: Call, at: int) -> tuple[int, list[Event]] | None:
        """Start and events of the stay: the context's encounter, else the latest that has begun. None when not of the task."""
        wanted = [one for one in call.encounters if call.encounter_id in (None, one.get("id"))]
        events = [self._required(one, "encounter", at) for one in wanted]
        begun = [(event.time, told) for told in events for event in told if event.code.startswith("ENCOUNTER_START//")]
        if not begun:
            raise Declined(412, Issue("required", "no Encounter says when it started", "prefetch.encounter.period.start"))
        fitting = [(began, told) for began, told in begun if began is not None and any(e.code in self._starts for e in told)]
        before = [pair for pair in fitting if pair[0] <= at]
        if fitting and not before:
            raise Declined(
                412, Issue("conflict", "the Encounter starts after the prediction time", "prefetch.encounter.period.start")
            )
        return max(before, key=lambda pair: pair[0]) if before else None

    def _required(self, resource: Resource, key: str, at: int, first: int | None = None) -> list[Event]:
        try:
            return resource_events(generalise(resource, self.policy, at=at, first=first), source="prefetch")
        except Malformed as error:
            raise Declined(412, Issue("structure", error.what, f"prefetch.{key}")) from None

    def _observations(self, observations: Iterable[Resource], at: int, events: list[Event]) -> int:
        """Append the events of every observation; how many of them could not be read."""
        unread = 0
        for resource in observations:
            try:
                events += resource_events(generalise(resource, self.policy, at=at), source="prefetch")
            except Malformed:
                unread += 1
        return unread

    def _is_too_young(self, row: list[float]) -> bool:
        """Whether the patient is below the model's age; 412 when nobody knows."""
        least = self.task.exclude_ages_below
        if not least or "age_years" not in self.names:
            return False
        age = row[self.names.index("age_years")]
        if math.isnan(age):
            said = f"the age is not known, and the model is for patients of {least:g} years and over"
            raise Declined(412, Issue("required", said, "prefetch.patient.birthDate"))
        return age < least


def _is_over(events: list[Event], stay: list[Event], at: int) -> bool:
    """Whether the stay has ended, or the patient has died, before the prediction time: no decision was ever made there."""
    ended = any(event.code.startswith("ENCOUNTER_END//") and event.time is not None and event.time < at for event in stay)
    return ended or any(event.code == DEATH and event.time is not None and event.time < at for event in events)


def _usual(thresholds: dict[str, float]) -> float | None:
    """The threshold called "alert", else the first by name, else none: then the card informs and never alerts."""
    if "alert" in thresholds:
        return thresholds["alert"]
    return thresholds[min(thresholds)] if thresholds else None
