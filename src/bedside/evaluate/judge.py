"""Judge every target of a study by the kind of its answer: one record for all, whatever pillar spoke.

In        targets (core.target); held-out decisions with their truths, predictions, measures (core.pillar, core.predictions)
Out       `Test` (schema "bedside.evaluation/2"), a section a target; `figures(test)` for the ledger
Truth     comes from the decisions, once their seal was broken; a prediction that carries another truth is refused
Refuses   a study none of whose targets can be judged; one target of several that cannot be judged says why and the rest go on
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from bedside.core import predictions as contract
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.pillar import Lines
from bedside.core.target import Kind, Target
from bedside.evaluate import found, grades, numbers, regions
from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.evaluation import evaluate
from bedside.evaluate.judged import TEST_SCHEMA, Result, Section, Test, Unjudged
from bedside.evaluate.panel import filled, whole
from bedside.evaluate.question import Question
from bedside.evaluate.records import Evaluation, slug
from bedside.evaluate.sample import is_held_out

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Test", "judge"]


def judge(
    targets: Sequence[Target], decisions: pl.DataFrame, predictions: pl.DataFrame, measures: pl.DataFrame | None = None, *,
    main: str, lines: Mapping[str, Lines] | None = None, seed: int = 1, patient_days: float | None = None, unit: str = "prediction",
    level: float = 0.95, resamples: int = 500, smallest_subgroup: int = 10,
    limits: Mapping[str, float] | None = None,
) -> Test:  # fmt: skip
    """Judge the main output and all beside it, target by target, on the held-out decisions ("test" or "fold-...").

    decisions      one row a unit and target, with what was true (core.pillar); units in which nothing was found count too
    predictions    one row a unit, target and output (core.predictions.conform)
    measures       one row a unit, target, output and measure (core.predictions.conform_measures), for targets of kind region
    lines          alert thresholds by target, and what its intervals promise, fixed before the test
    patient_days   time that the held-out predictions cover, in days
    unit           what one decision is about, in words
    limits         measure to the value that a unit's measure is counted against, where it is not that of `regions.LIMITS`

    Raises `Unusable` for frames that break their contract or carry another truth, and when no target can be judged.
    """
    _check(targets, level, resamples)
    contract.check(predictions, where="predictions")
    if measures is not None:
        contract.check_measures(measures, where="measures")
    bootstrap = Bootstrap(resamples, seed, level)
    sections = []
    for target in targets:
        asked = Question(
            target=target, main=main, decisions=_of(decisions, target), predictions=_of(predictions, target),
            measures=None if measures is None else _of(measures, target), lines=(lines or {}).get(target.name, Lines()),
            bootstrap=bootstrap, smallest=smallest_subgroup, unit=unit, scope=target.name if len(targets) > 1 else "",
            patient_days=patient_days, limits=dict(limits or {}),
        )  # fmt: skip
        sections.append(Section(target, _judged(asked, alone=len(targets) == 1)))
    if all(isinstance(section.result, Unjudged) for section in sections):
        raise Unusable("no target can be judged: " + "; ".join(f"{s.target.name}: {s.result.why}" for s in sections if isinstance(s.result, Unjudged)),
                       where="predictions", do="see that the held-out decisions have predictions and a known truth")  # fmt: skip
    return Test(TEST_SCHEMA, unit, sections)


def _judged(asked: Question, *, alone: bool) -> Result:
    try:
        ready = _ready(asked)
        return _KINDS[asked.target.kind](ready)
    except Unusable as error:
        if alone:
            raise
        return Unjudged(error.what, asked.scope)


def _ready(asked: Question) -> Question:
    """The question with its held-out decisions whole and sorted, and every row knowing whose it is."""
    import polars as pl

    held_out = asked.decisions.filter(pl.col("split").is_in([split for split in asked.decisions["split"].unique() if is_held_out(split)]))
    if held_out.is_empty():
        raise Unusable("no decision is held out", where=f"decisions of target {asked.target.name!r}, column split",
                       do='name the held-out split "test", or the folds "fold-0", ...')  # fmt: skip
    if held_out["unit_id"].is_duplicated().any():
        raise Unusable("a unit is decided on twice", where=f"decisions of target {asked.target.name!r}", do="give one row a unit and target")
    on = "parent_unit" if asked.target.kind == "found" else "unit_id"
    rows = filled(asked.predictions, held_out, on)
    measures = None if asked.measures is None else filled(asked.measures, held_out)
    rows = rows if asked.target.kind == "found" else _with_truth(rows, held_out, asked)
    return msgspec.structs.replace(asked, decisions=whole(held_out, rows, asked.main), predictions=rows, measures=measures)


def _with_truth(rows: pl.DataFrame, decisions: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """Predictions with the truth that the decisions hold; `Unusable` where they carry another one."""
    import polars as pl

    column = "label" if asked.target.kind == "yes-no" else "truth"
    if column not in decisions.columns or asked.target.kind == "region":
        return rows
    known = decisions.select("unit_id", pl.col(column).cast(rows.schema[column]).alias("known"))
    joined = rows.join(known, on="unit_id", how="left", maintain_order="left")
    if joined.filter(pl.col(column).ne(pl.col("known"))).height:
        raise Unusable("predictions carry another truth than the decisions", where=f"target {asked.target.name!r}, column {column}",
                       do="leave that column null, or copy it from the decisions that predict was given")  # fmt: skip
    return joined.with_columns(pl.coalesce(column, "known").alias(column)).drop("known")


def _yes_no(asked: Question) -> Evaluation:
    import polars as pl

    spoke = asked.predictions.filter(pl.col("label").is_not_null(), pl.col("value").is_not_nan())["output"].unique()
    if asked.main not in spoke:
        raise Unusable(f"no held-out prediction of {asked.main!r} with a known outcome", where=f"predictions of target {asked.target.name!r}",
                       do=f"outputs present: {', '.join(sorted(asked.predictions['output'].unique())) or 'none'}")  # fmt: skip
    lines = asked.lines
    found = evaluate(
        contract.conform(asked.predictions.filter(pl.col("output").is_in(spoke.implode()))), main=asked.main, thresholds={} if lines.by_fold else lines.serving, seed=asked.bootstrap.seed,
        patient_days=asked.patient_days, level=asked.bootstrap.level, resamples=asked.bootstrap.resamples,
        fold_thresholds=lines.by_fold or None, utility_thresholds=lines.utility, outcome=asked.said, unit=asked.unit,
        smallest_subgroup=asked.smallest, scope=asked.scope,
    )  # fmt: skip
    silent = asked.decisions.join(asked.predictions.filter(pl.col("output") == asked.main), on="unit_id", how="anti").height
    mute = sorted(set(asked.predictions["output"].unique()) - set(spoke))
    lost = ({f"no {asked.main} prediction": silent} if silent else {}) | ({f"no score of {', '.join(mute)}": asked.decisions.height} if mute else {})
    return msgspec.structs.replace(found, left_out={**found.left_out, **lost})


_KINDS: dict[Kind, Callable[[Question], Result]] = {"yes-no": _yes_no, "number": numbers.judge, "grade": grades.judge, "found": found.judge, "region": regions.judge}  # fmt: skip


def _of(rows: pl.DataFrame, target: Target) -> pl.DataFrame:
    import polars as pl

    return rows.filter(pl.col("target") == target.name)


def _check(targets: Sequence[Target], level: float, resamples: int) -> None:
    names, wrong = [slug(target.name) for target in targets], []
    if not targets:
        wrong.append("no target is given")
    if len(set(names)) < len(names):
        wrong.append("two targets have names that differ only in signs or case")
    if not 0 < level < 1:
        wrong.append("level is not between 0 and 1")
    if resamples < 1:
        wrong.append("resamples is below 1")
    if wrong:
        raise Misconfigured("; ".join(wrong), where="judge", do="correct the arguments")
