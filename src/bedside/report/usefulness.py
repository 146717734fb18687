"""Two pictures beyond ranking: are promises kept, and is acting on them worth more than acting on all or none?

In        an `Evaluation`
Out       figures: SVG, a caption, the numbers behind; None where the output promises no probability
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.evaluate.records import Calibration, Evaluation, NetBenefit, OutputRow
from bedside.report import words
from bedside.report.chart import Chart, ceiling, kind_of
from bedside.report.document import drawn, numbers_behind
from bedside.report.markup import Markup
from bedside.report.ranking import sparse, weight

_BELOW = -0.25
_BARS = 25


def calibration(output: OutputRow, evaluation: Evaluation) -> Markup | None:
    """What happened against what was promised, with the promises' histogram."""
    if (found := output.calibration) is None:
        return None
    top = ceiling(min(1.0, 1.05 * max(max(one.expected, one.observed.high or one.observed.value or 0) for one in found.bins)))
    described = (
        f"Slope {words.with_interval(found.slope)}; observed over expected {words.with_interval(found.observed_to_expected)}. "
        "Dots on the diagonal are promises kept; above it too little was promised."
    )
    chart = Chart(
        evaluation.key("calibration"),
        "Calibration",
        described,
        x=(0, top),
        y=(0, top),
        x_label="Promised risk",
        y_label="Observed share",
        x_say=lambda share: _share(share, top),
        y_say=lambda share: _share(share, top),
        height=470,
        foot=64,
    )
    chart.rule((0, top), (0, top))
    chart.along_the_diagonal(0.8, "promises kept")
    chart.band(found.smooth.x, found.smooth.low, found.smooth.high)
    chart.curve(found.smooth.x, found.smooth.y, f"main {kind_of(output.output)}")
    for one in found.bins:
        chart.point(one.expected, one.observed.value or 0, one.observed.low, one.observed.high)
    chart.bars(*_histogram(found.histogram, top), "how often each risk was promised")
    said = (
        f"Calibration of the {words.output(output.output).lower()}. Dots: tenths of the predictions; line and band: smooth curve."
    )
    behind = numbers_behind(["Risk promised", "Mean", "Observed", "n"], _bins(found))
    return drawn(chart.key, chart.svg(), evaluation.named(output.output, "slope"), said, behind)


def decision(evaluation: Evaluation) -> Markup | None:
    """Net benefit against the threshold, beside acting on all and on none."""
    main = evaluation.row(evaluation.main)
    if not (points := main.decision_curve):
        return None
    at, top = [point.threshold for point in points], _highest(points)
    described = (
        "Net benefit is true alerts less false ones, weighed by the threshold's odds, per prediction. "
        "An output is useful at a threshold where its line lies above both acting on all and acting on none."
    )
    chart = Chart(
        evaluation.key("decision"),
        "Decision curve",
        described,
        x=(at[0], at[-1]),
        y=(_BELOW * top, top),
        x_label="Risk at which one would act",
        y_label="Net benefit",
        x_say=lambda share: _share(share, at[-1]),
        y_say=lambda net: words.decimal(net, 3 if top < 0.05 else 2),
        height=470,
    )
    _references(chart, points, main, top)
    shown = [row for row in evaluation.outputs if row.decision_curve]
    for row in sorted(shown, key=lambda row: row.output == evaluation.main):
        chart.curve(
            [p.threshold for p in row.decision_curve],
            [p.net_benefit.value or 0 for p in row.decision_curve],
            weight(row, evaluation),
        )
    named = [(weight(row, evaluation), words.short(row.output)) for row in shown]
    chart.key_in_a_free_corner([*named, ("ref", "act on all"), ("axis", "act on none")], {"upper right": 0})
    behind = numbers_behind(["Output", "Threshold", "Net benefit", "Acting on all"], [line for row in shown for line in _net(row)])
    said = "Decision curves; the band is the model's interval. Upright lines: thresholds fixed before the test."
    return drawn(chart.key, chart.svg(), _called(evaluation, main), said, behind)


def _references(chart: Chart, points: Sequence[NetBenefit], main: OutputRow, top: float) -> None:
    """The model's band, acting on all, acting on none, and the thresholds fixed beforehand."""
    at = [point.threshold for point in points]
    chart.band(at, [p.net_benefit.low or 0 for p in points], [p.net_benefit.high or 0 for p in points])
    chart.curve(at, [p.treat_all for p in points], "ref")
    chart.rule((at[0], at[-1]), (0, 0), "axis")
    for point in main.operating:
        if point.threshold is not None and at[0] <= point.threshold <= at[-1]:
            chart.rule((point.threshold, point.threshold), (_BELOW * top, top))
            chart.text(point.threshold, top, words.spoken(point.name), shift=(4, 12))


def _highest(points: Sequence[NetBenefit]) -> float:
    best = max(point.net_benefit.high or point.net_benefit.value or 0 for point in points)
    return ceiling(max(1.05 * best, points[0].treat_all, 1e-4))


def _called(evaluation: Evaluation, main: OutputRow) -> str:
    at = (evaluation.named(main.output, "at", point.name, "net_benefit") for point in main.operating if point.net_benefit is not None)
    return next(at, evaluation.named(main.output, "brier"))


def _histogram(fine: Sequence[int], top: float) -> tuple[list[float], list[int]]:
    """Steps of the stored histogram (100 over 0..1) that lie within the picture."""
    shown = max(1, min(len(fine), round(top * len(fine))))
    wide = max(1, shown // _BARS)
    starts = range(0, shown, wide)
    return [min(start, shown) / len(fine) for start in (*starts, shown)], [
        sum(fine[start : min(start + wide, shown)]) for start in starts
    ]


def _bins(found: Calibration) -> list[list[str]]:
    return [
        [
            f"{words.percent(one.low)} to {words.percent(one.high)}",
            words.percent(one.expected),
            words.with_interval(one.observed, "percent"),
            words.count(one.observed.n),
        ]
        for one in found.bins
    ]


def _net(row: OutputRow) -> list[list[str]]:
    points, said = row.decision_curve, words.short(row.output)
    shown = [points[place] for place in sparse(len(points))]
    return [[said, words.percent(p.threshold), words.with_interval(p.net_benefit), words.decimal(p.treat_all)] for p in shown]


def _share(share: float, top: float) -> str:
    return words.percent(share, 0 if top >= 0.1 else 1)
