"""What a test says of each target, as records: schema "bedside.evaluation/2".

Test      one section a target; what a section says depends on the kind of the target (core.target), never on the pillar
yes-no    `records.Evaluation`, as it always was
number, grade, found, region   `Judged` and what the kind adds. Estimates stand under the name of their measure (`measures.py`).
A target that cannot be judged is there too, and says why (`Unjudged`).
"""

from __future__ import annotations

import msgspec

from bedside.core.errors import Unusable
from bedside.core.target import Target
from bedside.evaluate.records import Check, Curve, Estimate, Evaluation, Named

TEST_SCHEMA = "bedside.evaluation/2"


class Sizes(msgspec.Struct, frozen=True):
    """How much an estimate rests on: units of decision, and what is resampled (subjects, else groups, else the units)."""

    units: int
    clusters: int


class Row(msgspec.Struct, frozen=True):
    """One output over all held-out units on which it spoke."""

    output: str
    counts: Sizes
    measures: dict[str, Estimate]


class Gap(msgspec.Struct, frozen=True):
    """The main output minus another, measure by measure, on the units where both spoke."""

    main: str
    other: str
    counts: Sizes
    measures: dict[str, Estimate]


class Group(msgspec.Struct, frozen=True):
    """One level of one subgroup column for the main output. `note` says why there are no estimates."""

    column: str
    level: str
    counts: Sizes
    measures: dict[str, Estimate]
    note: str | None = None


class Part(msgspec.Struct, frozen=True):
    """One held-out split or fold by itself."""

    split: str
    counts: Sizes
    measures: dict[str, Estimate]


class Judged(Named, frozen=True, kw_only=True):
    """What all kinds but yes-no say alike.

    outcome    what is asked, in words; unit: what one decision is about
    clusters   what intervals resample: "subjects", "groups" or "units"
    headline   names of the measures that a subgroup table shows, the first one above all
    unrecorded of persons, the demographic columns that no unit has
    """

    scope: str = ""
    main: str
    outcome: str
    unit: str
    level: float
    seed: int
    resamples: int
    smallest_subgroup: int
    clusters: str
    note: str
    counts: Sizes
    headline: list[str]
    outputs: list[Row]
    differences: list[Gap]
    subgroups: list[Group]
    splits: list[Part]
    leakage: list[Check]
    left_out: dict[str, int]
    unrecorded: list[str]

    def row(self, output: str) -> Row:
        """The row of one output; `Unusable` when it has none."""
        for row in self.outputs:
            if row.output == output:
                return row
        raise Unusable(f"the evaluation has no output called {output!r}", where="evaluation",
                       do=f"choose from {', '.join(row.output for row in self.outputs) or 'none: it is empty'}")  # fmt: skip


class Points(msgspec.Struct, frozen=True):
    """What was true and what was said, for drawing: at most some hundred units, evenly over the true values."""

    truth: list[float]
    value: list[float]
    of: int


class NumberEvaluation(Judged, frozen=True, kw_only=True, tag="number"):
    """A number: error, correlation, agreement, and whether [low, high] holds what it promises.

    measured_in   UCUM unit; promised: coverage that the main output's [low, high] promises, where it is known
    """

    measured_in: str | None = None
    promised: float | None = None
    points: Points


class Confusion(msgspec.Struct, frozen=True):
    """Units by true grade (rows) and given grade (columns)."""

    output: str
    counts: list[list[int]]


class GradeEvaluation(Judged, frozen=True, kw_only=True, tag="grade"):
    """A grade: `grades` are the ones that occur, in order."""

    grades: list[int]
    confusion: list[Confusion]


class FoundCounts(msgspec.Struct, frozen=True):
    """Things: rightly found, wrongly found, missed; and how many units they were looked for in."""

    true_positives: int
    false_positives: int
    missed: int
    looked_at: int


class FoundPoint(msgspec.Struct, frozen=True):
    """Things found at or above a threshold fixed beforehand. `threshold` is null when every fold has its own."""

    name: str
    threshold: float | None
    by_split: dict[str, float]
    counts: FoundCounts
    measures: dict[str, Estimate]


class Froc(msgspec.Struct, frozen=True):
    """Sensitivity against false positives per unit looked at, over all thresholds; `at` the seven rates of the FROC score."""

    output: str
    curve: Curve
    at: dict[str, Estimate]


class FoundEvaluation(Judged, frozen=True, kw_only=True, tag="found"):
    """Things found: `found` counts by output, `froc` where values are scores, `operating` the main output at its thresholds."""

    found: dict[str, FoundCounts]
    operating: list[FoundPoint]
    froc: list[Froc]


class Unit(msgspec.Struct, frozen=True):
    """One unit by name with its value."""

    unit_id: str
    value: float


class Spread(msgspec.Struct, frozen=True):
    """One measure of one output, unit by unit.

    values      of the units where it is defined, from worst to best; worst the first of them by name
    undefined   units where it has no value (the distance to an empty mask); missing: units without a row
    limit       the value that `<measure>/below` counts against; null where there is none
    """

    output: str
    measure: str
    measured_in: str | None
    values: list[float]
    worst: list[Unit]
    undefined: int
    missing: int
    limit: float | None


class RegionEvaluation(Judged, frozen=True, kw_only=True, tag="region"):
    """Where something lies: each unit's Dice, distances, ... and how they spread."""

    spreads: list[Spread]

    def spread(self, output: str, measure: str) -> Spread | None:
        """The units of one measure of one output."""
        return next((one for one in self.spreads if (one.output, one.measure) == (output, measure)), None)


class Unjudged(Named, frozen=True, tag="unjudged"):
    """A target that could not be judged, and why."""

    why: str
    scope: str = ""


Result = Evaluation | NumberEvaluation | GradeEvaluation | FoundEvaluation | RegionEvaluation | Unjudged


class Section(msgspec.Struct, frozen=True):
    """One target and what the test says of it."""

    target: Target
    result: Result

    @property
    def called(self) -> str:
        """The target in words."""
        return self.target.label or self.target.name.replace("_", " ").replace("-", " ")


class Test(msgspec.Struct, frozen=True):
    """All that a test said, target by target, in the order of the task."""

    __test__ = False  # not a test of ours: pytest shall not collect it

    schema: str
    unit: str
    sections: list[Section]

    @property
    def only(self) -> Section | None:
        """The section of a study with a single target."""
        return self.sections[0] if len(self.sections) == 1 else None

    def section(self, target: str) -> Section:
        """The section of one target; `Unusable` when it has none."""
        for section in self.sections:
            if section.target.name == target:
                return section
        raise Unusable(f"the test has no target called {target!r}", where="evaluation",
                       do=f"choose from {', '.join(section.target.name for section in self.sections)}")  # fmt: skip
