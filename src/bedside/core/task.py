"""Contract 2, the task: who, when, what, and how the subjects are split.

Declared in study.toml under [task], decoded into one of these structs by `kind`; a task without one is of kind "risk".
Hours are hours; a window is half open. Every kind has a name, a split and its targets: what is asked of each unit of decision.

risk       events of an encounter, asked by the hour or at admission         (`Task`)
image      images: a series, a study, one image, a slide                     (`core/task_image.py`)
note       the text of notes                                                 (`core/task_note.py`)
molecule   molecules and their measured properties                           (`core/task_molecule.py`)
trial      registered clinical trials                                        (`core/task_trial.py`)
target     target-disease pairs                                              (`core/task_target.py`)
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target
from bedside.core.task_image import ImageTask
from bedside.core.task_molecule import MoleculeTask
from bedside.core.task_note import NoteTask
from bedside.core.task_target import PairTask
from bedside.core.task_trial import TrialTask

Summary = Literal["last", "age", "count", "mean", "min", "max", "range", "delta"]
Transform = Literal["identity", "cap_age"]


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clinical quantity: which event codes carry it, in which unit, and what is plausible.

    values     text_value (or the code itself, for facts that only happen) to number, e.g. {"A" = 0, "V" = 1}
    low, high  plausible range in `unit`, ends included; a value outside is not used and is counted
    kind       physiology (measured on the body) or workup (ordered because somebody suspected)
    """

    name: str
    codes: list[str]
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    values: dict[str, float] = msgspec.field(default_factory=dict)
    kind: Literal["physiology", "workup"] = "physiology"
    label: str | None = None
    windows_hours: list[int] | None = None
    summaries: list[Summary] | None = None


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The feature definition: signals by windows by summaries, static facts and the clock.

    last, age (hours since the last value) look back `lookback_hours`; count, mean, min, max, range (max - min) and delta
    (last - first in the window) are taken over each of `windows_hours`. All use facts with known_at < prediction time.
    static     of age_years, sex_male, and of codes given in `static_codes` {feature name: code with a numeric_value}
    """

    signals: list[Signal]
    windows_hours: list[int] = msgspec.field(default_factory=lambda: [6, 24])
    summaries: list[Summary] = msgspec.field(default_factory=lambda: ["last", "age", "count", "mean", "min", "max", "delta"])
    lookback_hours: int = 72
    static: list[Literal["age_years", "sex_male"]] = msgspec.field(default_factory=lambda: ["age_years", "sex_male"])
    static_codes: dict[str, str] = msgspec.field(default_factory=dict)
    clock: bool = True
    age_cap_years: int | None = 89


class Prediction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a prediction is made: every `every_hours` from `first_hours` after the encounter starts, until it ends."""

    unit: Literal["encounter-hour", "admission"] = "encounter-hour"
    start_codes: list[str] = msgspec.field(default_factory=lambda: ["ENCOUNTER_START//IMP"])
    end_codes: list[str] = msgspec.field(default_factory=lambda: ["ENCOUNTER_END//IMP"])
    first_hours: float = 1.0
    every_hours: float = 1.0
    last_hours: float | None = None


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is predicted: an event of `codes` with time in [prediction time + from_hours, + to_hours).

    at_least    only events with numeric_value >= at_least count
    stop_at_first   no prediction is made at or after the subject's first outcome event of the encounter
    """

    name: str
    codes: list[str]
    from_hours: float = 0.0
    to_hours: float = 24.0
    at_least: float | None = None
    stop_at_first: bool = True


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="risk"):
    """Contract 2 for clinical events."""

    name: str
    outcome: Outcome
    features: Features
    prediction: Prediction = msgspec.field(default_factory=Prediction)
    split: Split = msgspec.field(default_factory=Split)
    exclude_ages_below: float | None = 18

    @property
    def targets(self) -> list[Target]:
        """The one question of a risk task: does the outcome happen?"""
        return [Target(self.outcome.name, "yes-no")]

    @property
    def unit(self) -> str:
        """What one decision is about, in words."""
        return self.prediction.unit


AnyTask = Task | ImageTask | NoteTask | MoleculeTask | TrialTask | PairTask
