"""The steps in their order: what each owns in the folder, what it needs, and which settings it depends on."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bedside.core import canonical
from bedside.study import folder
from bedside.study.plan import Context, Step
from bedside.study.steps.check import check
from bedside.study.steps.cohort import cohort
from bedside.study.steps.deidentify import deidentify
from bedside.study.steps.dossier import dossier
from bedside.study.steps.read import read, terminology_items
from bedside.study.steps.sources import mappings, raw_items
from bedside.study.steps.test import test
from bedside.study.steps.train import train


def _told(*names: str, mapped: bool = False, ruled: bool = False) -> Callable[[Context], object]:
    """The parts of study.toml, of the table mappings and of the de-identification policy, that a step's outputs depend on."""

    def told(context: Context) -> object:
        parts = {name: msgspec.to_builtins(getattr(context.study, name)) for name in names}
        rules = {"policy": folder.rules(context.root, context.study.deidentify.policy).digest} if ruled else {}
        return parts | rules | ({"mappings": canonical.digest(mappings(context))} if mapped else {})

    return told


STEPS: tuple[Step, ...] = (
    Step("deidentify", ("safe",), (), _told("source", "deidentify", "timezone", mapped=True, ruled=True), deidentify, raw_items),
    Step("read", ("lake",), ("deidentify",), _told("source", "name", "timezone", "made", "text", mapped=True), read, terminology_items),
    Step("check", ("reports/quality.html", "reports/quality.json"), ("read",), _told("made"), check),
    Step("cohort", ("cohort",), ("read",), _told("task", "model", "claims", "seed"), cohort),
    Step("train", ("bundles", "predictions/development.parquet", "predictions/development-measures.parquet", "predictions/thresholds.json"), ("cohort",),
         _told("task", "model", "seed", "made", "site"), train),
    Step("test", ("predictions/test.parquet", "predictions/test-measures.parquet", "predictions/artifacts", "reports/evaluation.json", "reports/test.html"),
         ("read", "cohort", "train"), _told("name", "task", "seed", "made", "site", "claims"), test),
    Step("dossier", ("dossier",), ("deidentify", "read", "cohort", "train", "test"), _told("name", "claims", "made"), dossier),
)  # fmt: skip
