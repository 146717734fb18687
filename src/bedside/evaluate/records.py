"""What an evaluation says, as records: schema "bedside.evaluation/1", a section of "bedside.evaluation/2".

Every estimate carries its interval, its n and the method that made it; one that cannot be made is null and its
method says why. Outcome, score and subgroup are known here; models are not.
"""

from __future__ import annotations

import re

import msgspec

from bedside.core.errors import Unusable

SCHEMA_NAME = "bedside.evaluation/1"


class Estimate(msgspec.Struct, frozen=True):
    """One number with its interval. `n` counts what `of` names; null values carry the reason in `method`."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    of: str = "predictions"


class Counts(msgspec.Struct, frozen=True):
    """How much an estimate rests on."""

    predictions: int
    subjects: int
    events: int
    event_subjects: int


class Curve(msgspec.Struct, frozen=True):
    """Points of a curve, thinned for drawing. ROC: 1 - specificity, sensitivity. Precision-recall: recall, precision."""

    x: list[float]
    y: list[float]


class Band(msgspec.Struct, frozen=True):
    """A smooth curve with the two edges of its band."""

    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]


class Bin(msgspec.Struct, frozen=True):
    """One tenth of the predictions: mean promise, observed share with its interval, and how many."""

    low: float
    high: float
    expected: float
    observed: Estimate


class Calibration(msgspec.Struct, frozen=True):
    """Do as many events happen as promised, and where not. `histogram` counts risks in 100 equal steps of 0..1."""

    in_the_large: Estimate
    slope: Estimate
    observed_to_expected: Estimate
    brier: Estimate
    scaled_brier: Estimate
    mean_error: Estimate
    bins: list[Bin]
    smooth: Band
    histogram: list[int]


class NetBenefit(msgspec.Struct, frozen=True):
    """One threshold of a decision curve: the output, treating all, treating none (always 0)."""

    threshold: float
    net_benefit: Estimate
    treat_all: float


class OperatingPoint(msgspec.Struct, frozen=True):
    """What happens when an alert is raised at or above a threshold fixed beforehand.

    `threshold` is null when every fold has its own, then `by_split` holds them.
    """

    name: str
    threshold: float | None
    by_split: dict[str, float]
    counts: Counts
    alerts: int
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    subject_sensitivity: Estimate
    alert_share: Estimate
    alerts_per_100_patient_days: Estimate
    net_benefit: Estimate | None = None


class OutputRow(msgspec.Struct, frozen=True):
    """One output over all held-out predictions."""

    output: str
    probability: bool
    counts: Counts
    auroc: Estimate
    auroc_delong: Estimate
    auprc: Estimate
    base_rate: Estimate
    roc: Curve
    precision_recall: Curve
    operating: list[OperatingPoint]
    calibration: Calibration | None = None
    decision_curve: list[NetBenefit] = []


class Difference(msgspec.Struct, frozen=True):
    """The main output minus another, on the predictions that both made."""

    main: str
    other: str
    auroc: Estimate
    auprc: Estimate
    auroc_delong: Estimate
    delong_z: float | None
    delong_p: float | None


class Worth(msgspec.Struct, frozen=True):
    """What the main output is worth beyond the clock.

    within_hour   AUROC among predictions at the same whole hour of their encounter, where the clock knows nothing (0.5)
    utility       of its hourly alarms less the clock's; null where the study does not ask for utility
    """

    clock: str
    auroc: Estimate
    auprc: Estimate
    within_hour: Estimate
    utility: Estimate | None = None


class UtilityRow(msgspec.Struct, frozen=True):
    """What one output's hourly alarms are worth (`utility.py`): 1 the best policy, 0 silence. `gap` is the main output less it."""

    output: str
    alarms: int
    utility: Estimate
    gap: Estimate | None = None


class SubgroupRow(msgspec.Struct, frozen=True):
    """One level of one subgroup column for the main output. `note` says why the row has no estimates."""

    column: str
    level: str
    counts: Counts
    auroc: Estimate
    auprc: Estimate
    base_rate: Estimate
    observed_to_expected: Estimate
    brier: Estimate
    operating: list[OperatingPoint]
    note: str | None = None


class SplitRow(msgspec.Struct, frozen=True):
    """One split or fold: held out (counted in the headline) or development (shown, never counted)."""

    split: str
    held_out: bool
    counts: Counts
    auroc: Estimate
    auprc: Estimate


class Check(msgspec.Struct, frozen=True):
    """One leakage check: what was looked for, and how many breaches were found."""

    name: str
    said: str
    breaches: int


class Named(msgspec.Struct, frozen=True, tag_field="kind"):
    """What a test says of one target, under names of figures that begin with its scope.

    scope   the target, where a study has several; empty where it has one, so that test/risk/auroc stays what it is called
    """

    def named(self, *parts: str) -> str:
        """The figure's name: test/<output>/<measure>, or test/<target>/<output>/<measure>."""
        return figure_name(*_scope(self), *parts)

    def named_gap(self, main: str, other: str, *measure: str) -> str:
        """The name of a difference: test/<main>-<other>/<measure>."""
        return figure_name(*_scope(self), f"{slug(main)}-{slug(other)}", *measure)

    def key(self, picture: str) -> str:
        """An identifier of one picture of this target on a page."""
        return "-".join([picture, *(re.sub("[^a-z0-9]+", "-", slug(part)) for part in _scope(self))])


def _scope(named: Named) -> list[str]:
    scope = getattr(named, "scope", "")
    return [scope] if scope else []


def figure_name(*parts: str) -> str:
    """A figure's name: every part in lower case, words joined by hyphens.

    >>> figure_name("risk", "by", "age_band", "45-64", "auroc"), figure_name("news2", "at", "5 or more", "ppv")
    ('test/risk/by/age-band/45-64/auroc', 'test/news2/at/5-or-more/ppv')
    """
    return "/".join(["test", *(slug(part) for part in parts)])


def slug(part: str) -> str:
    """One part of a name."""
    return re.sub(r"[^a-z0-9.+<>=]+", "-", part.lower().replace("_", "-")).strip("-") or "none"


class Evaluation(Named, frozen=True, tag="yes-no"):
    """All that a test said of one yes-no target. `clustered`: some subjects have several predictions, so intervals resample subjects.

    clusters   what intervals resample: "subjects", "groups" (scaffolds, say) or "units"
    """

    schema: str
    main: str
    outcome: str
    unit: str
    level: float
    seed: int
    resamples: int
    smallest_subgroup: int
    clustered: bool
    note: str
    counts: Counts
    patient_days: float | None
    outputs: list[OutputRow]
    differences: list[Difference]
    worth: Worth | None
    subgroups: list[SubgroupRow]
    splits: list[SplitRow]
    leakage: list[Check]
    left_out: dict[str, int]
    utility: list[UtilityRow] = []
    scope: str = ""
    clusters: str = "subjects"

    def gained(self, output: str) -> UtilityRow | None:
        """What the alarms of one output are worth; None where the study does not ask for it."""
        return next((row for row in self.utility if row.output == output), None)

    def row(self, output: str) -> OutputRow:
        """The row of one output; `Unusable` when it has none."""
        for row in self.outputs:
            if row.output == output:
                return row
        raise Unusable(f"the evaluation has no output called {output!r}", where="evaluation",
                       do=f"choose from {', '.join(row.output for row in self.outputs) or 'none: it is empty'}")  # fmt: skip
