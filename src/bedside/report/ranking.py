"""Two pictures of ranking: ROC and precision-recall curves of every output, with their floors.

In        an `Evaluation`
Out       figures: SVG, a caption with n, the numbers behind
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bedside.evaluate.records import Curve, Evaluation, OutputRow
from bedside.report import words
from bedside.report.chart import Chart, ceiling, kind_of
from bedside.report.document import drawn, numbers_behind
from bedside.report.markup import Markup

_CLEAR_RECALL, _UNSTEADY_RECALL = 0.05, 0.01
_SHOWN_POINTS = 11
CurveOf = Callable[[OutputRow], Curve]
AreaOf = Callable[[OutputRow], float | None]


def roc(evaluation: Evaluation) -> Markup:
    """Sensitivity against false alarms for every output, chance as the diagonal."""
    main, said = evaluation.row(evaluation.main), words.Vocabulary.of(evaluation)
    described = f"The model's area is {words.with_interval(main.auroc)}; chance is 0.5. Areas of all outputs stand in the table."
    chart = Chart(
        evaluation.key("roc"),
        "ROC curves",
        described,
        x=(0, 1),
        y=(0, 1),
        x_label="1 − specificity (false alarms)",
        y_label=f"Sensitivity ({said.event}s found)",
        x_say=_tenth,
        y_say=_tenth,
    )
    chart.rule((0, 1), (0, 1))
    chart.along_the_diagonal(0.12, "chance")
    _lines(chart, evaluation, lambda row: row.roc, lambda row: row.auroc.value)
    held = main.counts
    told = f"ROC curves and their areas; {words.count(held.predictions)} {said.rows}, {words.count(held.events)} {said.with_it}."
    behind = numbers_behind(["Output", "1 − specificity", "Sensitivity"], _points(evaluation, lambda row: row.roc))
    return drawn(chart.key, chart.svg(), evaluation.named(evaluation.main, "auroc"), told, behind)


def precision_recall(evaluation: Evaluation) -> Markup:
    """Precision against recall for every output, the base rate as the floor."""
    main, said = evaluation.row(evaluation.main), words.Vocabulary.of(evaluation)
    base, top = main.base_rate.value or 0.0, _top(evaluation)
    described = f"The model's average precision is {words.with_interval(main.auprc)}; by chance it is {words.percent(base)}."
    chart = Chart(
        evaluation.key("pr"),
        "Precision-recall curves",
        described,
        x=(0, 1),
        y=(0, top),
        x_label=f"Recall ({said.event}s found)",
        y_label="Precision (alerts that are true)",
        x_say=_tenth,
        y_say=lambda share: words.percent(share, 0),
    )
    chart.rule((0, 1), (base, base))
    chart.text(1, base, f"base rate {words.percent(base)}", anchor="end", shift=(-4, 14))
    _lines(chart, evaluation, lambda row: row.precision_recall, lambda row: row.auprc.value, start=_UNSTEADY_RECALL)
    told = f"Precision-recall curves and average precision: what an alert is worth when the {said.event} is rare."
    behind = numbers_behind(["Output", "Recall", "Precision"], _points(evaluation, lambda row: row.precision_recall))
    return drawn(chart.key, chart.svg(), evaluation.named(evaluation.main, "auprc"), told, behind)


def weight(row: OutputRow, evaluation: Evaluation) -> str:
    """Style classes of an output's line: the main one is heavier."""
    return ("main " if row.output == evaluation.main else "") + kind_of(row.output, (one.output for one in evaluation.outputs))


def sparse(length: int) -> list[int]:
    """Places of at most eleven points spread over so many."""
    return sorted({round(i * (length - 1) / (_SHOWN_POINTS - 1)) for i in range(_SHOWN_POINTS)}) if length else []


def _lines(
    chart: Chart, evaluation: Evaluation, curve_of: CurveOf, area_of: Callable[[OutputRow], float | None], start: float = 0.0
) -> None:
    """All curves, the main one last and on top; the key names them from best to worst."""
    for row in sorted(evaluation.outputs, key=lambda row: row.output == evaluation.main):
        chart.curve(*_from(curve_of(row), start), weight(row, evaluation))
    ranked = sorted(evaluation.outputs, key=lambda row: -(area_of(row) or 0))
    entries = [(weight(row, evaluation), f"{words.short(row.output)}  {words.decimal(area_of(row))}") for row in ranked]
    chart.key_in_a_free_corner(entries, _busy(chart, [curve_of(row) for row in evaluation.outputs]))


def _from(curve: Curve, start: float) -> tuple[list[float], list[float]]:
    """The curve without its first, unsteady stretch; all of it when nothing else is left."""
    kept = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if x >= start] or list(zip(curve.x, curve.y, strict=True))
    return [x for x, _ in kept], [y for _, y in kept]


def _busy(chart: Chart, curves: Sequence[Curve]) -> dict[str, int]:
    """How many points of the curves lie in each corner that a key may use."""
    (left, bottom), (right, top) = chart.at(0, 0), chart.at(1, chart.highest)
    corners = {"upper right": 0, "lower right": 0, "lower left": 0}
    for x, y in (chart.at(*point) for curve in curves for point in zip(curve.x, curve.y, strict=True)):
        corner = f"{'upper' if y < (top + bottom) / 2 else 'lower'} {'right' if x > (left + right) / 2 else 'left'}"
        if corner in corners:
            corners[corner] += 1
    return corners


def _top(evaluation: Evaluation) -> float:
    """Highest precision worth showing: what stands at a recall too small to be steady is cut."""
    curves = [row.precision_recall for row in evaluation.outputs]
    steady = [y for curve in curves for x, y in zip(curve.x, curve.y, strict=True) if x >= _CLEAR_RECALL]
    return min(1.0, ceiling(1.1 * max(steady, default=1.0)))


def _points(evaluation: Evaluation, curve_of: CurveOf) -> list[list[str]]:
    return [
        [words.output(row.output), words.decimal(curve_of(row).x[place]), words.decimal(curve_of(row).y[place])]
        for row in evaluation.outputs
        for place in sparse(len(curve_of(row).x))
    ]


def _tenth(share: float) -> str:
    return f"{share:.1f}"
