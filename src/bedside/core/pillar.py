"""What a pillar is to a study: four functions in the order of the spine, over the five contracts.

cohort    the lake's events, images and notes -> decisions, and what the model reads of each
develop   the development rows               -> a sealed bundle, out-of-sample predictions of development rows, alert lines
predict   a bundle and opened test rows      -> predictions and measures
The study walks the steps, seals and opens labels, writes the frames and the ledger; `evaluate` judges. A pillar does neither.

Decisions frame   one row a unit and target. unit_id, target, split (text, never null); subject_id (null for a molecule);
                  prediction_time, group_id, parent_unit, site, modality and the subgroup columns of core.predictions where they are
                  known; and what was true, in the columns `core.predictions.TRUTHS` names: label (yes-no), truth (a number or
                  grade), event_time, answer (text: what is there, as the pillar writes it). Those columns of test rows leave the
                  frame under seal, and are there again in the rows that `predict` gets.
Features frame    one row a unit: unit_id, then what the model reads: numbers, or where the unit's de-identified bytes lie
                  (a path inside the study folder) and their digest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from bedside.core.receipt import Figure

if TYPE_CHECKING:
    import polars as pl


class Lines(msgspec.Struct, frozen=True):
    """Alert thresholds of the model for one target, by name, chosen on development data alone; and what else was fixed beforehand.

    serving   the ones that the bundle carries
    by_fold   name to {split: threshold}, where the study has folds
    utility   output to {split: threshold}, where a threshold's rule is utility
    promised  share of true numbers, 0..1, that the model's [low, high] promises to hold
    """

    serving: dict[str, float] = {}
    by_fold: dict[str, dict[str, float]] = {}
    utility: dict[str, dict[str, float]] = {}
    promised: float | None = None


@dataclass(frozen=True)
class Material:
    """What a study hands to a pillar.

    task    one of the kinds of contract 2; model: [model] of study.toml, for the pillar to decode
    root    the study folder: lake/ and safe/ lie in it, features may name paths inside it
    scores  what stands beside every model, by output: made of features alone (bedside scores)
    """

    task: Any
    model: Mapping[str, object]
    root: Path
    policy: str
    seed: int
    made: bool
    site: str
    scores: Mapping[str, Callable[[pl.DataFrame], Any]] = field(default_factory=dict)


class Cohort(NamedTuple):
    """Who is asked, and with what.

    flow      how it came about, in the order of a flow diagram: words to count
    stages    the (words, count) pairs between the records read and the test that a report draws
    leakage   what was checked for leaks: words to count; a leak itself is `Refused`
    counts    anything else for the ledger; plain values, no PHI
    """

    decisions: pl.DataFrame
    features: pl.DataFrame
    flow: dict[str, int]
    stages: list[tuple[str, int]]
    leakage: dict[str, int]
    counts: dict[str, object] = {}  # noqa: RUF012 (a NamedTuple's default is never written to)


class Developed(NamedTuple):
    """What development gives: predictions of development rows that the model speaking did not learn from, where there are such."""

    digest: str
    predictions: pl.DataFrame
    lines: dict[str, Lines]
    figures: list[Figure]
    measures: pl.DataFrame | None = None


class Predicted(NamedTuple):
    """What a bundle said of the test rows."""

    predictions: pl.DataFrame
    measures: pl.DataFrame | None = None


class Pillar(Protocol):
    """One kind of work on the spine. Stateless; `study/pillars.py` knows the pillar of each kind of task."""

    main: str
    """The output that is the model's own voice."""

    extra: str
    """The extra that brings what `develop` and `predict` need."""

    def check(self, task: Any, model: Mapping[str, object], *, policy: str | None) -> None:
        """`Misconfigured` or `Refused` for what makes no sense or must not be; reads nothing but the declaration."""

    def cohort(self, material: Material, out: Path) -> Cohort:
        """Decisions with their split, and features. Further files may be written under `out`, the step's cohort folder."""

    def develop(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
        """Fit on development rows (no test row is among `decisions`) and seal the bundle at `out`, where there is none yet."""

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        """Say what the bundle says of each test row; masks and the like are written under `out`."""

    def patient_days(self, task: Any, predictions: pl.DataFrame) -> float | None:
        """The time that these predictions cover, in days; None where that means nothing."""
