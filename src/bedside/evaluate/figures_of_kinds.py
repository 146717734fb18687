"""Names of numbers of targets of kind number, grade, found and region; those of a yes-no target: `figures.py`.

test/units  test/clusters  test/<output>/<measure>  test/<output>/dice/median  test/<output>/by/sex/female/mae  test/<output>/split/fold-0/f1
test/<output>-<other>/mae (the difference)  test/<output>/froc/at/0.5  test/<output>/at/<threshold>/ppv  test/<output>/hd95/undefined
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from bedside.core.receipt import Figure
from bedside.evaluate.judged import FoundCounts, FoundEvaluation, GradeEvaluation, Judged, NumberEvaluation, RegionEvaluation
from bedside.evaluate.records import Estimate

Kinds = NumberEvaluation | GradeEvaluation | FoundEvaluation | RegionEvaluation


def of_kind(judged: Kinds) -> Iterator[Figure]:
    """Every number that a report may print."""
    yield from _counts(judged)
    for row in judged.outputs:
        yield Figure(judged.named(row.output, "units"), row.counts.units, method="count")
        yield from _all(judged, (row.output,), row.measures)
    for gap in judged.differences:
        yield from (_figure(judged.named_gap(gap.main, gap.other, *key.split("/")), one) for key, one in gap.measures.items())
    for group in judged.subgroups:
        here = (judged.main, "by", group.column, group.level)
        yield Figure(judged.named(*here, "units"), group.counts.units, method="count")
        yield Figure(judged.named(*here, "clusters"), group.counts.clusters, method="count")
        yield from _all(judged, here, group.measures)
    for part in judged.splits:
        yield from _all(judged, (judged.main, "split", part.split), part.measures)
    if isinstance(judged, FoundEvaluation):
        yield from _found(judged)
    if isinstance(judged, RegionEvaluation):
        yield from _spreads(judged)
    if isinstance(judged, GradeEvaluation):
        yield from _confusion(judged)


def _counts(judged: Judged) -> Iterator[Figure]:
    yield Figure(judged.named("units"), judged.counts.units, method="count")
    yield Figure(judged.named("clusters"), judged.counts.clusters, method="count")
    yield from (Figure(judged.named("left out", reason), many, method="count") for reason, many in judged.left_out.items())
    yield from (Figure(judged.named("leakage", check.name), check.breaches, method=check.said) for check in judged.leakage)


def _found(judged: FoundEvaluation) -> Iterator[Figure]:
    for output, counts in judged.found.items():
        yield from _things(judged, (output,), counts)
    for point in judged.operating:
        here = (judged.main, "at", point.name)
        if point.threshold is not None:
            yield Figure(judged.named(*here, "threshold"), point.threshold, method="fixed before the test")
        yield from _things(judged, here, point.counts)
        yield from _all(judged, here, point.measures)
    for froc in judged.froc:
        yield from (_figure(judged.named(froc.output, "froc", "at", rate), one) for rate, one in froc.at.items())


def _things(judged: Judged, here: tuple[str, ...], counts: FoundCounts) -> Iterator[Figure]:
    told = msgspec.to_builtins(counts)
    yield from (Figure(judged.named(*here, key), many, method="count") for key, many in told.items() if key != "looked_at")


def _spreads(judged: RegionEvaluation) -> Iterator[Figure]:
    for one in judged.spreads:
        yield Figure(judged.named(one.output, one.measure, "undefined"), one.undefined, method="count")
        yield Figure(judged.named(one.output, one.measure, "missing"), one.missing, method="count")
        if one.limit is not None:
            yield Figure(judged.named(one.output, one.measure, "limit"), one.limit, method="given beforehand")
        for place, unit in enumerate(one.worst, 1):
            yield Figure(judged.named(one.output, one.measure, "worst", str(place)), unit.value, n=1, method=f"unit {unit.unit_id}")


def _confusion(judged: GradeEvaluation) -> Iterator[Figure]:
    for one in judged.confusion:
        for true, counts in zip(judged.grades, one.counts, strict=True):
            for given, many in zip(judged.grades, counts, strict=True):
                yield Figure(judged.named(one.output, "confusion", str(true), str(given)), many, method="count")


def _all(judged: Judged, here: tuple[str, ...], measures: Mapping[str, Estimate]) -> Iterator[Figure]:
    yield from (_figure(judged.named(*here, *key.split("/")), one) for key, one in measures.items())


def _figure(called: str, estimate: Estimate) -> Figure:
    return Figure(called, estimate.value, estimate.low, estimate.high, estimate.n, estimate.method)
