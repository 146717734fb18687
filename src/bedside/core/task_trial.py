"""Contract 2 for clinical trials: what becomes of a trial, from what its registration said on the day it was made.

A trial is the subject of its events, which are the fields of the registry; the moment of prediction is when the registration is known.
"""

from __future__ import annotations

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target


class TrialTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="trial"):
    """One task on registered trials.

    asks        yes-no targets; `outcomes` gives the event codes that mean yes, by the target's name
    until       day up to which outcomes were looked for, YYYY-MM-DD (of a registry's download: that day)
    years       yes means an outcome within so many years of the registration; a trial registered later than that before `until` was not watched
                for as long as the others, and is left out and counted, however it has ended so far
    ended       event codes after which no outcome can come: with them the answer no is known before the years are over
    registered  event code whose time is the registration
    fields      numbers of the registration: name to event code
    categories  its texts of few values (phase, sponsor class): name to event code
    texts       its free texts (title, conditions, interventions, criteria): name to event code
    frozen_by   who says that the fields are as they stood at registration, and how: a registry shows today's version
    """

    name: str
    asks: list[Target]
    outcomes: dict[str, list[str]]
    frozen_by: str
    until: str
    years: float = 5.0
    ended: list[str] = []
    registered: str = "TRIAL//registered"
    fields: dict[str, str] = {}
    categories: dict[str, str] = {}
    texts: dict[str, str] = {}
    split: Split = msgspec.field(default_factory=lambda: Split(by="time"))

    @property
    def targets(self) -> list[Target]:
        return list(self.asks)

    @property
    def unit(self) -> str:
        return "trial"
