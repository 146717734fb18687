"""Every unit as a dot, output by output: how a measure spreads, beside its mean and interval.

In        values of each output's units, and the estimate of their mean
Out       SVG, one row an output; dots are pushed apart upwards by a fixed rule, so that the same values give the same picture
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bedside.evaluate.records import Estimate
from bedside.report import words
from bedside.report.chart import ticks
from bedside.report.markup import Markup, element

_WIDTH, _LEFT, _RIGHT, _ROW, _FOOT = 620, 150, 14, 58, 34
_GOLDEN, _MOST = 0.6180339887, 400


class Line(NamedTuple):
    """One output: its name, the values of its units, the estimate of their mean."""

    called: str
    values: Sequence[float]
    mean: Estimate


def strip(key: str, title: str, lines: Sequence[Line], *, limit: float | None = None) -> Markup:
    """The picture, with its text alternative."""
    every = [value for line in lines for value in line.values] + ([limit] if limit is not None else [])
    low, high = min(every), max(every)
    room = 0.04 * ((high - low) or 1)
    low, high = low - room, high + room
    tall = _ROW * len(lines) + _FOOT
    drawn = [_tick(tick, _at(tick, low, high), tall) for tick in ticks(low, high)]
    if limit is not None:
        across = _at(limit, low, high)
        drawn.append(element("line", x1=across, x2=across, y1=0, y2=tall - _FOOT, class_="ref"))
    for place, line in enumerate(lines):
        drawn.append(_line(line, place * _ROW, low, high))
    said = "; ".join(f"{line.called}: mean {words.with_interval(line.mean)}, {len(line.values)} units" for line in lines)
    return element(
        "svg", element("title", title, id=f"title-{key}"), element("desc", said, id=f"desc-{key}"), drawn,
        viewBox=f"0 0 {_WIDTH} {tall}", role="img", aria_labelledby=f"title-{key} desc-{key}", xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


def _line(line: Line, top: int, low: float, high: float) -> Markup:
    step = max(1, -(-len(line.values) // _MOST))
    dots = [element("circle", cx=_at(value, low, high), cy=top + 10 + 24 * ((i * _GOLDEN) % 1), r=2.6)
            for i, value in enumerate(line.values[::step])]  # fmt: skip
    drawn = [element("text", line.called, x=0, y=top + 26), element("g", dots, class_="dots")]
    if line.mean.low is not None and line.mean.high is not None:
        ends = {"x1": _at(line.mean.low, low, high), "x2": _at(line.mean.high, low, high)}
        drawn.append(element("line", y1=top + 44, y2=top + 44, class_="whisker", **ends))
    if line.mean.value is not None:
        drawn.append(element("rect", x=_at(line.mean.value, low, high) - 4, y=top + 40, width=8, height=8, class_="mark"))
    return element("g", drawn)


def _at(value: float, low: float, high: float) -> float:
    return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)


def _tick(tick: float, across: float, tall: int) -> Markup:
    line = element("line", x1=across, x2=across, y1=0, y2=tall - _FOOT, class_="grid")
    return element("g", line, element("text", f"{tick:g}".replace("-", "−"), x=across, y=tall - _FOOT + 16, text_anchor="middle", class_="soft"))
