"""Names of numbers: one name each, the same in the ledger, in the report's data-figure and in the dossier's references.

test/predictions  test/subjects  test/events
test/risk/auroc   test/risk/at/<threshold>/ppv   test/risk/by/sex/female/auroc   test/risk/split/fold-0/auroc
test/risk-news2/auroc (the difference)    test/risk-clock/utility           test/risk/beyond-clock/within-hour
With several targets each name begins with its target: test/<target>/risk/auroc.
"""

from __future__ import annotations

from collections.abc import Iterator

from bedside.core.receipt import Figure
from bedside.evaluate.figures_of_kinds import of_kind
from bedside.evaluate.judged import Result, Test, Unjudged
from bedside.evaluate.records import Calibration, Estimate, Evaluation, OperatingPoint, OutputRow, slug
from bedside.evaluate.records import figure_name as name

SHARES = (
    "sensitivity", "specificity", "ppv", "npv", "subject_sensitivity", "alert_share", "alerts_per_100_patient_days", "net_benefit",
)  # fmt: skip
PROMISES = ("in_the_large", "slope", "observed_to_expected", "brier", "scaled_brier", "mean_error")
__all__ = ["difference_name", "figures", "name"]
RANKS = ("auroc", "auroc_delong", "auprc", "base_rate")


def difference_name(main: str, other: str, measure: str) -> str:
    return name(f"{slug(main)}-{slug(other)}", measure)


def figures(test: Test | Result) -> list[Figure]:
    """Every number of a test, or of one target of it, that a report may print, by name."""
    if isinstance(test, Test):
        return [figure for section in test.sections for figure in figures(section.result)]
    if isinstance(test, Unjudged):
        return []
    return [*_counts(test), *_estimates(test)] if isinstance(test, Evaluation) else list(of_kind(test))


def _counts(evaluation: Evaluation) -> list[Figure]:
    held = evaluation.counts
    found = [Figure(evaluation.named(key), getattr(held, key), n=held.predictions, method="count") for key in held.__struct_fields__]
    found += [Figure(evaluation.named("leakage", check.name), check.breaches, method=check.said) for check in evaluation.leakage]
    return found


def _estimates(evaluation: Evaluation) -> Iterator[Figure]:
    for row in evaluation.outputs:
        yield from _of_output(evaluation, row)
    for gap in evaluation.differences:
        for key in ("auroc", "auprc", "auroc_delong"):
            yield _figure(evaluation.named_gap(gap.main, gap.other, key), getattr(gap, key))
    if (worth := evaluation.worth) is not None:
        yield _figure(evaluation.named(evaluation.main, "beyond clock", "within hour"), worth.within_hour)
    for gained in evaluation.utility:
        yield Figure(evaluation.named(gained.output, "utility alarms"), gained.alarms, n=evaluation.counts.predictions, method="count")
        yield _figure(evaluation.named(gained.output, "utility"), gained.utility)
        if gained.gap is not None:
            yield _figure(evaluation.named_gap(evaluation.main, gained.output, "utility"), gained.gap)
    for part in evaluation.subgroups:
        here = (evaluation.main, "by", part.column, part.level)
        yield Figure(evaluation.named(*here, "subjects"), part.counts.subjects, n=part.counts.predictions, method="count")
        for key in ("auroc", "auprc", "base_rate", "observed_to_expected", "brier"):
            yield _figure(evaluation.named(*here, key), getattr(part, key))
        yield from (figure for point in part.operating for figure in _of_point(evaluation, point, *here))
    for fold in evaluation.splits:
        for key in ("auroc", "auprc"):
            yield _figure(evaluation.named(evaluation.main, "split", fold.split, key), getattr(fold, key))


def _of_output(evaluation: Evaluation, row: OutputRow) -> Iterator[Figure]:
    yield from (_figure(evaluation.named(row.output, key), getattr(row, key)) for key in RANKS)
    if row.calibration is not None:
        yield from _of_calibration(evaluation, row.output, row.calibration)
    yield from (figure for point in row.operating for figure in _of_point(evaluation, point, row.output))


def _of_calibration(evaluation: Evaluation, output: str, calibration: Calibration) -> Iterator[Figure]:
    yield from (_figure(evaluation.named(output, key), getattr(calibration, key)) for key in PROMISES)


def _of_point(evaluation: Evaluation, point: OperatingPoint, *where: str) -> Iterator[Figure]:
    here = (*where, "at", point.name)
    if point.threshold is not None:
        yield Figure(evaluation.named(*here, "threshold"), point.threshold, method="fixed before the test")
    yield Figure(evaluation.named(*here, "alerts"), point.alerts, n=point.counts.predictions, method="count")
    for key in SHARES:
        if (estimate := getattr(point, key)) is not None:
            yield _figure(evaluation.named(*here, key), estimate)


def _figure(called: str, estimate: Estimate) -> Figure:
    return Figure(called, estimate.value, estimate.low, estimate.high, estimate.n, estimate.method)

