"""A region that somebody drew on a slide: its corners, whether it can be one, and which points lie inside.

In        text of an event: "x,y,width,height" (a box), or "x,y x,y x,y ..." (a polygon); x to the right, y down, from the top left corner of level 0
Out       corners (k, 2); why it is no region; inside or not, even-odd, so that a polygon may have a hole that is joined to its rim
Refuses   a polygon that crosses itself, has no area or lies outside the slide: which side is meant cannot be known
Source    even-odd rule: Shimrat, Commun ACM 1962;5:434
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MOST = 20_000
"""Corners of a polygon: the search for crossings grows with their square."""
_BEYOND = 1.0
"""Pixels of level 0 that a corner may lie outside: tools round, and count a pixel's centre or its corner."""
_APART = re.compile(r"[,;\s]+")


def corners(text: str) -> Floats | None:
    """Corners of a box or polygon, none of them twice in a row; None for what is neither.

    >>> corners("10,20,30,40").tolist()
    [[10.0, 20.0], [40.0, 20.0], [40.0, 60.0], [10.0, 60.0]]
    >>> corners("0,0 8,0 8,8 0,0").tolist(), corners("left lobe"), corners("1,2")
    ([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0]], None, None)
    """
    try:
        numbers = np.array([float(part) for part in _APART.split(text.strip()) if part])
    except ValueError:
        return None
    if len(numbers) % 2 or len(numbers) < 4 or not np.isfinite(numbers).all():
        return None
    if len(numbers) == 4:
        left, top, width, height = numbers.tolist()
        return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]]) if min(width, height) > 0 else None
    told = numbers.reshape(-1, 2)
    return np.asarray(told[(told != np.roll(told, -1, axis=0)).any(axis=1)])


def fault(drawn: Floats, columns: float, rows: float) -> str | None:
    """Why these corners are no region of a slide of that size in pixels, None where they are one.

    >>> bow = np.array([[0.0, 0], [8, 8], [8, 0], [0, 8]])
    >>> fault(bow, 10, 10), fault(bow * 2, 10, 10), fault(bow[:2], 10, 10), fault(bow[:3], 10, 10)
    ('crosses itself', 'lies outside the slide', 'has no area', None)
    """
    if (drawn < -_BEYOND).any() or (drawn > np.array([columns, rows]) + _BEYOND).any():
        return "lies outside the slide"
    if len(drawn) > MOST:
        return f"has more than {MOST} corners"
    if len(drawn) < 3:
        return "has no area"
    if _crossed(drawn):
        return "crosses itself"
    x, y = (drawn - drawn.mean(axis=0)).T
    return None if abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) > 0 else "has no area"


def inside(drawn: Floats, x: Floats, y: Floats) -> Bools:
    """(len(y), len(x)) whether the points of a lattice lie inside a region without fault; x must rise.

    >>> inside(np.array([[0.0, 0], [4, 0], [4, 4]]), np.array([1.0, 3]), np.array([2.0])).tolist()
    [[False, True]]
    """
    found = np.zeros((len(y), len(x)), np.bool_)
    if drawn[:, 0].max() < x[0] or drawn[:, 0].min() > x[-1]:
        return found
    (x0, y0), (x1, y1) = drawn.T, np.roll(drawn, -1, axis=0).T
    for row in np.flatnonzero((y >= drawn[:, 1].min()) & (y <= drawn[:, 1].max())):
        met = (y0 <= y[row]) != (y1 <= y[row])
        where = np.sort(x0[met] + (y[row] - y0[met]) * (x1[met] - x0[met]) / (y1[met] - y0[met]))
        found[row] = np.searchsorted(where, x, side="right") % 2 == 1
    return found


def _crossed(drawn: Floats) -> bool:
    """Whether two sides run across each other; sides that only touch do not."""
    first, second = drawn, np.roll(drawn, -1, axis=0)
    for place in range(len(drawn) - 2):
        a, b, c, d = first[place], second[place], first[place + 2 :], second[place + 2 :]
        if ((_turn(a, b, c) * _turn(a, b, d) < 0) & (_turn(c, d, a) * _turn(c, d, b) < 0)).any():
            return True
    return False


def _turn(a: Floats, b: Floats, c: Floats) -> Floats:
    """The side of the line from a to b on which c lies."""
    return np.asarray(np.sign((b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])))
