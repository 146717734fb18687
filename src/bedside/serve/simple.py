"""The simple scores that stand beside the model: what a nurse would have counted from the same features.

In        features by name, missing ones absent
Out       scores with their words; none where the study has no signal that a score needs
Source    pillars/guidance, which cites each score's paper.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bedside.pillars.guidance.features import from_features
from bedside.pillars.guidance.score import Score

SHOWN = ("news2", "qsofa")


class Simple(msgspec.Struct, frozen=True):
    """One simple score: its total, what is not known of it, and a sentence."""

    name: str
    total: int
    unknown: list[str]
    words: str


def simple_scores(features: Mapping[str, float | None]) -> list[Simple]:
    """Every score of which at least one part is known."""
    told = ((name, from_features(name, features)) for name in SHOWN)
    return [Simple(name, score.total, [*score.missing, *score.implausible], _words(score)) for name, score in told if score.parts]


def _words(score: Score) -> str:
    """A total with gaps is the least that it can be, and says so."""
    if score.complete:
        return f"{score.name} {score.total} ({score.band})"
    unknown = ", ".join(name.replace("_", " ") for name in [*score.missing, *score.implausible])
    return f"{score.name} at least {score.total}; not known: {unknown}"
