"""A plotting area with two linear axes, and what can be drawn on it. Words stand beside the lines they name.

In        ranges, points in data units
Out       SVG with <title> and <desc>, coloured by classes of `style.py`, so that light, dark and paper need one picture
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import atan2, degrees, floor, log10

from bedside.report.markup import Markup, element, join

WIDTH, HEIGHT = 440, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 34, 46
_KNOWN = frozenset({"risk", "logistic", "news2", "qsofa", "clock", "physiology", "workup"})
_STYLES = 4
Say = Callable[[float], str]


class Chart:
    """Layers of marks over a grid; `svg` makes the picture."""

    def __init__(
        self,
        key: str,
        title: str,
        describe: str,
        *,
        x: tuple[float, float],
        y: tuple[float, float],
        x_label: str,
        y_label: str,
        x_say: Say,
        y_say: Say,
        width: int = WIDTH,
        height: int = HEIGHT,
        foot: int = 0,
        x_ticks: Sequence[float] | None = None,
    ) -> None:
        self.key, self._title, self._describe, self._x, self._y = key, title, describe, x, y
        self._width, self._height, self._foot, self._x_ticks = width, height, foot, x_ticks
        self._layers: list[Markup] = [self._grid(x_label, y_label, x_say, y_say)]

    @property
    def bottom(self) -> float:
        return self._height - _BOTTOM - self._foot

    @property
    def highest(self) -> float:
        """Highest value of the y axis."""
        return self._y[1]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Place of a point, in units of the picture."""
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = (y - self._y[0]) / (self._y[1] - self._y[0])
        return _LEFT + across * (self._width - _LEFT - _RIGHT), self.bottom - up * (self.bottom - _TOP)

    def curve(self, x: Sequence[float], y: Sequence[float], kind: str) -> None:
        """A line through the points, cut at the edge of the area."""
        self._layers.append(self._cut(element("path", d=self._path(x, y), class_=f"curve {kind}")))

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> None:
        outline = self._path(x, high) + self._path(list(x)[::-1], list(low)[::-1]).replace("M", "L", 1) + "Z"
        self._layers.append(self._cut(element("path", d=outline, class_="band fill")))

    def rule(self, x: tuple[float, float], y: tuple[float, float], kind: str = "ref") -> None:
        (x1, y1), (x2, y2) = self.at(x[0], y[0]), self.at(x[1], y[1])
        self._layers.append(self._cut(element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)))

    def point(self, x: float, y: float, low: float | None, high: float | None) -> None:
        """A dot with its interval standing through it."""
        across, up = self.at(x, y)
        if low is not None and high is not None:
            ends = (self.at(x, low)[1], self.at(x, high)[1])
            self._layers.append(self._cut(element("line", x1=across, x2=across, y1=ends[0], y2=ends[1], class_="whisker")))
        self._layers.append(self._cut(element("circle", cx=across, cy=up, r=4, class_="mark")))

    def dots(self, x: Sequence[float], y: Sequence[float]) -> None:
        """Many small dots, one a unit."""
        places = (self.at(a, b) for a, b in zip(x, y, strict=True))
        self._layers.append(self._cut(element("g", [element("circle", cx=across, cy=up, r=2.4) for across, up in places], class_="dots")))

    def text(self, x: float, y: float, said: str, *, anchor: str = "start", shift: tuple[float, float] = (0, 0)) -> None:
        across, up = self.at(x, y)
        self._layers.append(element("text", said, x=across + shift[0], y=up + shift[1], text_anchor=anchor, class_="soft"))

    def along_the_diagonal(self, share: float, said: str) -> None:
        """Words just above the line from the lower left to the upper right corner, at this share of its length."""
        (left, bottom), (right, top) = self.at(self._x[0], self._y[0]), self.at(self._x[1], self._y[1])
        x, y = left + share * (right - left), bottom + share * (top - bottom)
        turned = f"rotate({degrees(atan2(top - bottom, right - left)):.1f} {x:.1f} {y:.1f})"
        self._layers.append(element("text", said, x=x, y=y - 5, text_anchor="middle", class_="soft", transform=turned))

    def bars(self, edges: Sequence[float], counts: Sequence[int], caption: str) -> None:
        """A histogram hung below the area, in the room kept by `foot`."""
        highest, floor_y = max([*counts, 1]), self._height - 2
        tallest = self._foot - 16
        for (left, right), many in zip(pairwise(edges), counts, strict=True):
            x1, x2, tall = self.at(left, 0)[0], self.at(right, 0)[0], tallest * many / highest
            self._layers.append(
                element("rect", x=x1 + 0.4, width=max(0.5, x2 - x1 - 0.8), y=floor_y - tall, height=tall, class_="bar")
            )
        self._layers.append(
            element("text", caption, x=self._width - _RIGHT, y=floor_y - tallest - 2, text_anchor="end", class_="soft")
        )

    def key_in_a_free_corner(self, entries: Sequence[tuple[str, str]], corners: dict[str, int]) -> None:
        """Names beside short lines, in the corner that the curves use least."""
        corner = min(corners, key=lambda name: corners[name])
        tall, broad = 17 * len(entries) + 8, 34 + max(len(said) for _, said in entries) * 6.1
        left = self._width - _RIGHT - broad - 4 if "right" in corner else _LEFT + 6
        top = self.bottom - tall - 5 if "lower" in corner else _TOP + 4
        drawn = [element("rect", x=left, y=top, width=broad, height=tall, class_="back")]
        for place, (kind, said) in enumerate(entries):
            y = top + 17 * place + 14
            drawn += [
                element("line", x1=left + 4, x2=left + 26, y1=y - 4, y2=y - 4, class_=f"curve {kind}"),
                element("text", said, x=left + 32, y=y),
            ]
        self._layers += drawn

    def svg(self) -> Markup:
        """The picture, with its text alternative."""
        inside = element("rect", x=_LEFT, y=_TOP - 1, width=self._width - _LEFT - _RIGHT, height=self.bottom - _TOP + 2)
        cut = element("clipPath", inside, id=f"cut-{self.key}")
        named = f"title-{self.key} desc-{self.key}"
        return element(
            "svg",
            element("title", self._title, id=f"title-{self.key}"),
            element("desc", self._describe, id=f"desc-{self.key}"),
            element("defs", cut),
            join(self._layers),
            viewBox=f"0 0 {self._width} {self._height}",
            role="img",
            aria_labelledby=named,
            xmlns="http://www.w3.org/2000/svg",
        )

    def _cut(self, mark: Markup) -> Markup:
        return element("g", mark, clip_path=f"url(#cut-{self.key})")

    def _path(self, x: Sequence[float], y: Sequence[float]) -> str:
        return "M" + "L".join("{:.1f} {:.1f}".format(*self.at(a, b)) for a, b in zip(x, y, strict=True))

    def _grid(self, x_label: str, y_label: str, x_say: Say, y_say: Say) -> Markup:
        drawn: list[Markup] = []
        for tick in ticks(*self._x) if self._x_ticks is None else self._x_ticks:
            x = self.at(tick, self._y[0])[0]
            drawn += [
                element("line", x1=x, x2=x, y1=_TOP, y2=self.bottom, class_="grid"),
                element("text", x_say(tick), x=x, y=self.bottom + 16, text_anchor="middle", class_="soft"),
            ]
        for tick in ticks(*self._y):
            y = self.at(self._x[0], tick)[1]
            drawn += [
                element("line", x1=_LEFT, x2=self._width - _RIGHT, y1=y, y2=y, class_="grid"),
                element("text", y_say(tick), x=_LEFT - 6, y=y + 4, text_anchor="end", class_="soft"),
            ]
        middle = (_LEFT + self._width - _RIGHT) / 2
        drawn += [
            element("text", y_label, x=2, y=14, class_="head"),
            element("text", x_label, x=middle, y=self.bottom + 36, text_anchor="middle", class_="head"),
        ]
        return join(drawn)


def ticks(low: float, high: float, *, wanted: int = 5) -> list[float]:
    """Round numbers from low to high.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / wanted
    power = 10.0 ** floor(log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * 0.999)
    first = -floor(-low / step + 1e-9)
    return [round(first * step + i * step, 10) for i in range(int((high - first * step) / step + 1e-6) + 1)]


def ceiling(number: float) -> float:
    """The next round number above.

    >>> ceiling(0.137), ceiling(0.9), ceiling(0.0)
    (0.15, 1.0, 0.01)
    """
    if number <= 0.01:
        return 0.01
    power = 10.0 ** floor(log10(number))
    return float(round(next(size * power for size in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if size * power >= number * 0.999), 10))


def kind_of(output: str, among: Iterable[str] = ()) -> str:
    """Style classes of an output's line; those without a style of their own take turns, in the order of `among`.

    >>> kind_of("model"), kind_of("news2"), kind_of("atlas", ["model", "mean", "atlas"])
    ('risk', 'news2', 'other other-1')
    """
    if output == "model" or output in _KNOWN:
        return "risk" if output == "model" else output
    turn = [name for name in among if name != "model" and name not in _KNOWN]
    place = turn.index(output) % _STYLES if output in turn else 0
    return f"other other-{place}" if place else "other"
