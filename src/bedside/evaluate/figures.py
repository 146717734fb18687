"""Names of numbers: one name each, the same in the ledger, in the report's data-figure and in the dossier's references.

test/predictions  test/subjects  test/events
test/risk/auroc   test/risk/at/<threshold>/ppv   test/risk/by/sex/female/auroc   test/risk/split/fold-0/auroc
test/risk-news2/auroc (the difference)    test/risk-clock/utility           test/risk/beyond-clock/within-hour
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.core.receipt import Figure
from bedside.evaluate.records import Calibration, Estimate, Evaluation, OperatingPoint, OutputRow

SHARES = (
    "sensitivity", "specificity", "ppv", "npv", "subject_sensitivity", "alert_share", "alerts_per_100_patient_days", "net_benefit",
)  # fmt: skip
PROMISES = ("in_the_large", "slope", "observed_to_expected", "brier", "scaled_brier", "mean_error")
RANKS = ("auroc", "auroc_delong", "auprc", "base_rate")


def name(*parts: str) -> str:
    """A figure's name: every part in lower case, words joined by hyphens.

    >>> name("risk", "by", "age_band", "45-64", "auroc"), name("news2", "at", "5 or more", "ppv")
    ('test/risk/by/age-band/45-64/auroc', 'test/news2/at/5-or-more/ppv')
    """
    return "/".join(["test", *(_slug(part) for part in parts)])


def difference_name(main: str, other: str, measure: str) -> str:
    return "/".join(["test", f"{_slug(main)}-{_slug(other)}", _slug(measure)])


def figures(evaluation: Evaluation) -> list[Figure]:
    """Every number of an evaluation that a report may print, by name."""
    return [*_counts(evaluation), *_estimates(evaluation)]


def _counts(evaluation: Evaluation) -> list[Figure]:
    held = evaluation.counts
    found = [Figure(name(key), getattr(held, key), n=held.predictions, method="count") for key in held.__struct_fields__]
    found += [Figure(name("leakage", check.name), check.breaches, method=check.said) for check in evaluation.leakage]
    return found


def _estimates(evaluation: Evaluation) -> Iterator[Figure]:
    for row in evaluation.outputs:
        yield from _of_output(row)
    for gap in evaluation.differences:
        for key in ("auroc", "auprc", "auroc_delong"):
            yield _figure(difference_name(gap.main, gap.other, key), getattr(gap, key))
    if (worth := evaluation.worth) is not None:
        yield _figure(name(evaluation.main, "beyond clock", "within hour"), worth.within_hour)
    for gained in evaluation.utility:
        yield Figure(name(gained.output, "utility alarms"), gained.alarms, n=evaluation.counts.predictions, method="count")
        yield _figure(name(gained.output, "utility"), gained.utility)
        if gained.gap is not None:
            yield _figure(difference_name(evaluation.main, gained.output, "utility"), gained.gap)
    for part in evaluation.subgroups:
        here = (evaluation.main, "by", part.column, part.level)
        yield Figure(name(*here, "subjects"), part.counts.subjects, n=part.counts.predictions, method="count")
        for key in ("auroc", "auprc", "base_rate", "observed_to_expected", "brier"):
            yield _figure(name(*here, key), getattr(part, key))
        yield from (figure for point in part.operating for figure in _of_point(point, *here))
    for fold in evaluation.splits:
        for key in ("auroc", "auprc"):
            yield _figure(name(evaluation.main, "split", fold.split, key), getattr(fold, key))


def _of_output(row: OutputRow) -> Iterator[Figure]:
    yield from (_figure(name(row.output, key), getattr(row, key)) for key in RANKS)
    if row.calibration is not None:
        yield from _of_calibration(row.output, row.calibration)
    yield from (figure for point in row.operating for figure in _of_point(point, row.output))


def _of_calibration(output: str, calibration: Calibration) -> Iterator[Figure]:
    yield from (_figure(name(output, key), getattr(calibration, key)) for key in PROMISES)


def _of_point(point: OperatingPoint, *where: str) -> Iterator[Figure]:
    here = (*where, "at", point.name)
    if point.threshold is not None:
        yield Figure(name(*here, "threshold"), point.threshold, method="fixed before the test")
    yield Figure(name(*here, "alerts"), point.alerts, n=point.counts.predictions, method="count")
    for key in SHARES:
        if (estimate := getattr(point, key)) is not None:
            yield _figure(name(*here, key), estimate)


def _figure(called: str, estimate: Estimate) -> Figure:
    return Figure(called, estimate.value, estimate.low, estimate.high, estimate.n, estimate.method)


def _slug(part: str) -> str:
    return re.sub(r"[^a-z0-9.+<>=]+", "-", part.lower().replace("_", "-")).strip("-") or "none"
