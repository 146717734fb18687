"""Which pillar does which kind of task: the one place that knows them all.

In        a task's kind
Out       the pillar (core.pillar); the bedside scores that stand beside a model, made here since the pillars are strangers
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core.pillar import Material, Pillar
from bedside.core.registry import Registry
from bedside.study import folder

if TYPE_CHECKING:
    import polars as pl

    from bedside.study.plan import Context

DEFAULT = "risk"
PILLARS: Registry[Pillar] = Registry("kind of task", {
    "risk": "bedside.pillars.risk.pillar:PILLAR",
    "molecule": "bedside.pillars.molecules.pillar:PILLAR",
    "trial": "bedside.pillars.molecules.trials.pillar:PILLAR",
    "target": "bedside.pillars.molecules.targets.pillar:PILLAR",
    "image": "bedside.pillars.imaging.pillar:PILLAR",
    "note": "bedside.pillars.text.pillar:PILLAR",
})  # fmt: skip


def kind_of(task: object) -> str:
    """The kind that a task is of.

    >>> from bedside.core.task import NoteTask
    >>> kind_of(NoteTask("findings", []))
    'note'
    """
    return str(msgspec.to_builtins(task)["kind"])


def pillar_of(task: object) -> Pillar:
    """The pillar of a task."""
    return PILLARS.get(kind_of(task))


def material(context: Context) -> Material:
    """What the study hands to its pillar."""
    study = context.study
    ground = folder.rules(context.root, study.deidentify.policy).ground
    return Material(study.task, study.model, context.root, ground, study.seed, study.made, study.site, bedside_scores(study.task))


def bedside_scores(task: object) -> Mapping[str, Callable[[pl.DataFrame], Any]]:
    """Scores that clinicians use today, by output; they read the features of a risk task."""
    from bedside.pillars.guidance.features import SCORES

    return dict(SCORES) if kind_of(task) == DEFAULT else {}
