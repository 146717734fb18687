"""One feature definition, two ways to compute it: over a whole lake, and for one patient now. Bit for bit the same.

In        events (core.events), decisions (subject_id, prediction_time, encounter_start) or one instant
Out       float32 columns named heart_rate.last, heart_rate.mean_6h, age_years, sex_male, clock.hours; missing is null (live: nan)

A fact takes part in a prediction at T when known_at < T (a fact without known_at is known at its time) and
T - window <= time <= T. All encounters of the subject count, not only the present one. What was corrected or retracted
by a statement known before T, about the same subject, code and time, does not take part; a later statement stands
above an earlier one, and of one instant retracted stands above corrected above final. Facts are ordered by
(time, known_at, value). Equal facts are all kept: merging feeds is the lake's work.
    last            the last value within lookback_hours
    age             hours from that value's time to T
    count           number of values in the window; 0, not missing, when there is none
    mean min max    of the values in the window
    range, delta    max - min; last - first; 0 for one value
    age_years       whole years (365.2425 days) from MEDS_BIRTH, else from static_codes["age_years"]; at most age_cap_years
    sex_male        1 for SEX//male, 0 for SEX//female
    static_codes    the latest known numeric_value of a fact without time
    clock.hours     hours since the encounter's start
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bedside.cohort.live import Live
from bedside.cohort.plan import CLOCK, Kind, compile_plan
from bedside.core.events import Event
from bedside.core.task import Features

if TYPE_CHECKING:
    import polars as pl


class FeatureSet:
    """The features of a task, ready to be computed either way; `Misconfigured` when the definition is faulty."""

    def __init__(self, features: Features) -> None:
        self.features, self.plan = features, compile_plan(features)
        self._live = Live(self.plan)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in the order of both back ends."""
        return self.plan.names

    @property
    def codes(self) -> frozenset[str]:
        """Every event code that can reach a feature."""
        return self.plan.codes

    @property
    def kinds(self) -> dict[str, Kind]:
        """Of each column: from a signal of physiology or of workup, static, or the clock."""
        told: dict[str, Kind] = {name: block.signal.kind for block in self.plan.blocks for name in block.names}
        told.update(dict.fromkeys(self.plan.statics, "static"))
        return {**told, CLOCK: "clock"} if self.plan.clock else told

    def columnar(self, events: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
        """unit_id and every feature of every decision, in the order of the decisions.

        decisions  unit_id, subject_id, prediction_time, encounter_start
        Raises `Unusable` when the sum of a window would not fit 64 bits.
        """
        from bedside.cohort.columnar import compute

        return compute(self.plan, events, decisions)

    def live(self, events: Sequence[Event], *, prediction_time: int, encounter_start: int | None) -> list[float]:
        """The features of one patient at one time (microseconds of UTC), nan where missing; `events` are that patient's only."""
        return self._live.compute(events, prediction_time, encounter_start)

    def latest(self, events: Sequence[Event], *, prediction_time: int) -> dict[str, tuple[int, float]]:
        """Per signal the time and value behind `last`, for a card that shows its inputs; a signal without one is not listed."""
        return self._live.latest(events, prediction_time)

    def left_out(self, events: pl.DataFrame) -> pl.DataFrame:
        """Events of each signal that are used, and those that are not for which reason: signal, unit, reason, events."""
        from bedside.cohort.facts import usage

        return usage(self.plan, events)
