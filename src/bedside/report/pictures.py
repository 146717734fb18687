"""One picture a kind of target: given against true, things found against false positives, unit by unit, grade by grade.

In        a `NumberEvaluation`, `FoundEvaluation`, `RegionEvaluation` or `GradeEvaluation`
Out       figures: SVG or a shaded table, a caption with n, the numbers behind; None where there is nothing to draw
"""

from __future__ import annotations

from math import log2

from bedside.evaluate.froc import RATES
from bedside.evaluate.judged import Confusion, FoundEvaluation, GradeEvaluation, NumberEvaluation, RegionEvaluation
from bedside.report import measures, words
from bedside.report.chart import Chart, kind_of
from bedside.report.document import behind, counted, drawn, numbers_behind, table, table_row
from bedside.report.markup import Child, Markup, element
from bedside.report.strip import Line, strip

_SHOWN, _DRAWN = 12, 2


def scatter(found: NumberEvaluation) -> Markup:
    """Given against true, with the line of equality and the limits within which 95 in 100 errors lie."""
    row, points = found.row(found.main), found.points
    low, high = min(*points.truth, *points.value), max(*points.truth, *points.value)
    room = 0.05 * ((high - low) or 1)
    ends = (low - room, high + room)
    unit = f" ({said})" if (said := words.measured_in(found.measured_in)) else ""
    chart = Chart(
        found.key("scatter"), "Given against true", f"Bias {words.with_interval(row.measures['bias'], 'signed size')}; limits of agreement "
        f"{words.size(row.measures['limit_low'].value, '+')} to {words.size(row.measures['limit_high'].value, '+')}.",
        x=ends, y=ends, x_label=f"True{unit}", y_label=f"Given by the model{unit}", x_say=_plain, y_say=_plain,
    )  # fmt: skip
    chart.rule(ends, ends)
    for key, kind in (("bias", "axis"), ("limit_low", "grid"), ("limit_high", "grid")):
        if (by := row.measures[key].value) is not None:
            chart.rule(ends, (ends[0] + by, ends[1] + by), kind)
    chart.dots(points.truth, points.value)
    shown = f"{words.count(len(points.truth))} of {words.count(points.of)}" if len(points.truth) < points.of else words.count(points.of)
    said = f"{shown} {words.plural(words.unit(found.unit))}. Dashed: equality; full line: bias; faint lines: limits of agreement (bias −/+ 1.96 sd)."
    step = max(1, len(points.truth) // _SHOWN)
    rows = [[words.size(a), words.size(b)] for a, b in list(zip(points.truth, points.value, strict=True))[::step]]
    return drawn(chart.key, chart.svg(), found.named(found.main, "bias"), said, numbers_behind(["True", "Given"], rows))


def froc(found: FoundEvaluation) -> Markup | None:
    """Share of things found against false positives per unit, output by output."""
    shown = [one for one in found.froc if one.at]
    if not any(one.output == found.main and one.curve.x[-1] >= RATES[0] for one in shown):
        return None  # a curve that ends before its axis begins shows nothing
    chart = Chart(
        found.key("froc"), "FROC curves", "; ".join(f"{words.output(one.output)}: score {words.with_interval(score)}"
        for one in shown if (score := found.row(one.output).measures.get("froc"))),
        x=(-3.15, 3.15), y=(0, 1), x_ticks=range(-3, 4), x_label=f"False positives per {words.unit(found.unit)}", y_label="Sensitivity (things found)",
        x_say=_power, y_say=lambda share: f"{share:.1f}",
    )  # fmt: skip
    for one in sorted(shown, key=lambda one: one.output == found.main):
        x, y = _steps(one.curve.x, one.curve.y)
        chart.curve(x, y, ("main " if one.output == found.main else "") + kind_of(one.output, (row.output for row in found.outputs)))
        for rate in RATES if one.output == found.main else ():
            at = one.at[f"{rate:g}"]
            chart.point(log2(rate), at.value or 0, at.low, at.high)
    if len(shown) > 1:
        named = [("main risk" if one.output == found.main else kind_of(one.output, (row.output for row in found.outputs)), words.short(one.output)) for one in shown]
        chart.key_in_a_free_corner(named, {"lower right": 0})
    rows = [[words.output(one.output), f"{rate:g}", words.with_interval(one.at[f"{rate:g}"], "percent")] for one in shown for rate in RATES]
    most = max((one.curve.x[-1] for one in shown if one.output == found.main), default=0.0)
    flat = f" The model makes at most {words.size(most)} a {words.unit(found.unit)}; beyond that its line is flat." if most < max(RATES) else ""
    said = f"FROC curves. Dots: sensitivity with its interval at the seven rates of false positives whose mean is the FROC score.{flat}"
    more = numbers_behind(["Output", f"False positives per {words.unit(found.unit)}", "Sensitivity"], rows)
    return drawn(chart.key, chart.svg(), found.named(found.main, "froc"), said, more)


def strips(found: RegionEvaluation) -> list[Markup]:
    """One picture a measure: every unit of every output."""
    pictures = []
    for measure in dict.fromkeys(one.measure for one in found.spreads):
        own = [one for one in found.spreads if one.measure == measure and one.values]
        if not any(one.output == found.main for one in own):
            continue
        lines = [Line(words.short(words.output(one.output)), one.values, found.row(one.output).measures[f"{measure}/mean"]) for one in own]
        key, label = found.key("strip-" + measure.replace("_", "-").replace(".", "-")), measures.called(measure)
        limit = own[0].limit
        said = f"{label}, one dot per {words.unit(found.unit)}; square: mean with its interval"
        said += f"; dashed: {limit:g}." if limit is not None else "."
        lost = [f"{words.output(one.output)}: {words.many(one.undefined, words.unit(found.unit))} without a value" for one in own if one.undefined]
        picture = strip(key, f"{label} of every {words.unit(found.unit)}", lines, limit=limit)
        rows = [[line.called, words.with_interval(line.mean, measures.said(f"{measure}/mean").form), words.count(len(line.values))] for line in lines]
        pictures.append(drawn(key, picture, found.named(found.main, measure, "mean"), " ".join([said, *(f"{one}." for one in lost)]),
                              numbers_behind(["Output", "Mean", "n"], rows)))  # fmt: skip
    whole = [Markup(picture.replace("<figure", '<figure class="whole"', 1)) for picture in pictures]
    return [*whole[:_DRAWN], behind("More measures, drawn", whole[_DRAWN:])] if len(whole) > _DRAWN else whole


def confusion(found: GradeEvaluation) -> Markup | None:
    """True grade down, given grade across; the shade is the share of the row."""
    own = next((one for one in found.confusion if one.output == found.main), None)
    if own is None:
        return None
    head: list[Child] = ["True grade", *(f"given {grade}" for grade in found.grades)]
    made = table(head, [_graded(found, own, place) for place in range(len(found.grades))], slim="confusion", numbers=frozenset(range(1, len(head))),
                 caption=f"{words.many(found.row(found.main).counts.units, words.unit(found.unit))}: true grade down, grade given by the model across.")  # fmt: skip
    others = [behind(f"{words.output(one.output)}", table(head, [_plain_row(found, one, place) for place in range(len(found.grades))],
              numbers=frozenset(range(1, len(head))))) for one in found.confusion if one.output != found.main]  # fmt: skip
    return element("div", made, others)


def _graded(found: GradeEvaluation, own: Confusion, place: int) -> Markup:
    counts, grade = own.counts[place], found.grades[place]
    total = sum(counts) or 1
    cells = [element("td", counted(found.named(own.output, "confusion", str(grade), str(given)), many), class_="n", style=f"--share:{many / total:.2f}")
             for given, many in zip(found.grades, counts, strict=True)]  # fmt: skip
    return element("tr", element("th", str(grade), scope="row"), cells)


def _plain_row(found: GradeEvaluation, own: Confusion, place: int) -> Markup:
    grade = found.grades[place]
    told = [counted(found.named(own.output, "confusion", str(grade), str(given)), many)
            for given, many in zip(found.grades, own.counts[place], strict=True)]  # fmt: skip
    return table_row([str(grade), *told], numbers=frozenset(range(1, len(told) + 1)))


def _steps(rate: list[float], share: list[float]) -> tuple[list[float], list[float]]:
    """The curve on an axis of powers of two, straight between points, flat after the last one."""
    x, y = [], []
    grid = [2 ** (step / 16) for step in range(-48, 49)]
    for at in grid:
        right = next((i for i, one in enumerate(rate) if one > at), None)
        if right is None:
            found = share[-1]
        else:
            left = right - 1
            part = (at - rate[left]) / (rate[right] - rate[left])
            found = share[left] + part * (share[right] - share[left])
        x.append(log2(at))
        y.append(found)
    return x, y


def _power(tick: float) -> str:
    return "" if tick != round(tick) else f"1/{2 ** -int(tick)}" if tick < 0 else str(2 ** int(tick))


def _plain(tick: float) -> str:
    return f"{tick:g}".replace("-", "−")
