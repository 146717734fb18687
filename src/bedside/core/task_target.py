"""Contract 2 for drug targets: whether a target-disease pair succeeds in the clinic, from the evidence dated before a day.

A pair is the subject of its events: one for each piece of evidence, with its date and its score from 0 to 1 (the shape of Open Targets).
"""

from __future__ import annotations

import msgspec

from bedside.core.split import Split
from bedside.core.target import Target


class PairTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="target"):
    """One task on target-disease pairs.

    asks        one yes-no target; success: event codes that mean yes (a phase passed, an approval), dated
    as_of       the day of prediction, YYYY-MM-DD: evidence known later is withheld; pairs that succeeded before are left out
    until       day up to which successes were looked for: at least `years` after `as_of`, else pairs were not watched long enough
    years       horizon: success within so many years after `as_of`
    evidence    type of evidence to event code
    mined       types taken from the literature: never in the model, whose target they would follow; shown beside it
    gene        event code whose text_value names the target: all pairs of one target stay in one split
    """

    name: str
    asks: list[Target]
    success: list[str]
    as_of: str
    until: str
    evidence: dict[str, str]
    years: float = 5.0
    mined: list[str] = msgspec.field(default_factory=lambda: ["literature"])
    gene: str = "PAIR//target"
    split: Split = msgspec.field(default_factory=Split)

    @property
    def targets(self) -> list[Target]:
        return list(self.asks)

    @property
    def unit(self) -> str:
        return "target-disease pair"
