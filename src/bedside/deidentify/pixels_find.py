"""The texts of one picture: where they stand, what they read, which may stay.

In        brightness of a frame or of several laid over each other, the person, the desk
Out       `Text`s to be painted, each a rotated box and its kind
Passes    the same picture at several sizes and contrasts (`pixels_views.py`), in tiles where it is large; a box that any pass finds counts.
          What the reader cannot read is painted all the same: it may be another script.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bedside.deidentify.pixels_ocr import networks, vision
from bedside.deidentify.pixels_text import ANY, kind_of
from bedside.deidentify.pixels_views import View, strokes, views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bedside.deidentify.desk import Desk, Person

    Floats = NDArray[np.float32]
    Quad = NDArray[np.float32]
    Mask = NDArray[np.bool_]

LEAST = 0.3
_TILE, _OVERLAP = 1344, 128
"""Of what the network is given at once, in its pixels; a text on an edge stands whole in the next tile, or its halves in both."""
_SAME, _TOUCH, _READS = 0.6, 0.2, 3
_FLAT = 2
"""Tiles whose brightness differs by no more are empty, and are not searched."""
_MARGIN, _LEAST_MARGIN = 0.15, 2.0
_CLEAR = 0.2
"""Thin strokes stand out by this share of the range. They fill 0.2 to 0.9 of a box of text, of anatomy and speckle 0.17 at most."""
_FOLLOWS, _STEPS = 0.35, 8
"""Strokes as strong as this share of a text's own go on with it; by half heights, and not for ever."""
_LARGE, _LARGEST_UNREAD = 0.12, 0.04
"""Shares of an image that few lines of text fill: a box this large must read well; one that is not read is smaller."""
_READS_WELL, _READS_LIKE_ONE, _MOST_PASSES = 0.6, 0.9, 3
"""How sure the reader is of what fills much of an image, and of a single letter; and how many pictures show a box that it cannot read."""


class Look(NamedTuple):
    """How a picture is searched, and what a box must show to count as text.

    quick     fewer passes
    full      share of a box that clear thin strokes fill, where it cannot be read
    sure      how sure the reader is of what it reads, and how many letters those are at least
    pixels    of the whole frame, where only a part is looked at
    """

    quick: bool = False
    full: float = 0.2
    sure: float = 0.45
    letters: int = 1
    pixels: int = 0


FIRST, QUICK = Look(), Look(quick=True)
PART = Look(quick=True, full=0.5, letters=2)
"""A part of a moving image, chosen because it has strokes: those alone say little."""
AGAIN = Look(quick=True, sure=0.8, letters=3)
"""What is left where texts were painted: black boxes on anatomy look like letters."""


class Text(NamedTuple):
    """Boxes (4, 2) of (x, y) of one text as several passes drew them, and its kind; never its words."""

    quads: tuple[Quad, ...]
    kind: str

    def moved(self, left: int, top: int) -> Text:
        return Text(tuple(quad + np.array([left, top], np.float32) for quad in self.quads), self.kind)


class Reader:
    """Finds the texts of pictures of one person."""

    def __init__(self, person: Person, desk: Desk) -> None:
        self.person, self.desk, self.net = person, desk, networks()

    def texts(self, light: Floats, windows: Sequence[tuple[float, float]] = (), *, look: Look = FIRST) -> list[Text]:
        """All texts that must not stay."""
        groups: list[list[tuple[Quad, View]]] = []
        for view in views(light, windows, quick=look.quick):
            for quad in self._boxes(view):
                group = next((one for one in groups if _overlap(one[0][0], quad) > _SAME), None)
                if group is None:
                    groups.append([(quad, view)])
                else:
                    group.append((quad, view))
        drawn = strokes(light)
        marked = _marked(light, drawn)
        read = [(group, *self._read(group)) for group in groups]
        texts = [(group, said, sure) for group, said, sure in read if _is_text(group, said, sure, marked, look)]
        kinds = [kind_of(said, sure, self.person, self.desk) if said else ANY for _, said, sure in texts]
        painted = [group[0][0] for (group, _, _), kind in zip(texts, kinds, strict=True) if kind is not None]
        return [
            Text((*(quad for quad, _ in group), *([_drawn_out(group[0][0], drawn)] if sure >= _READS_WELL else [])), kind or ANY)
            for (group, _, sure), kind in zip(texts, kinds, strict=True)
            if kind is not None or not _alone(group[0][0], painted)
        ]

    def _boxes(self, view: View) -> Iterator[Quad]:
        for top, left, part in _tiles(view):
            for found in self.net.find(part, scale=view.scale, least=LEAST):
                yield found.quad + np.array([left, top], np.float32)

    def _read(self, group: list[tuple[Quad, View]]) -> tuple[str, float]:
        """The surest reading of a box over the views that found it; the first that is sure enough ends it."""
        best = ("", 0.0)
        for quad, view in group[:_READS]:
            best = max(best, self.net.read(view.picture, [quad])[0], key=lambda one: one[1])
            if best[1] >= 0.9:
                break
        return best


def _drawn_out(quad: Quad, drawn: tuple[Floats, Floats]) -> Quad:
    """The box with its ends moved on as long as strokes like its own follow: a line whose end is faint is cut short by the network."""
    width, height = (float(np.linalg.norm(quad[0] - quad[other])) for other in (1, 3))
    if height > width:
        quad, height = np.roll(quad, 1, axis=0), width
    own = max(_ink(drawn[sign], quad) for sign in (0, 1))
    sign = 0 if _ink(drawn[0], quad) == own else 1
    along = _unit(quad[1] - quad[0]) * (height / 2)
    left = right = 0
    while right < _STEPS and _ink(drawn[sign], np.array([quad[1], quad[1] + along, quad[2] + along, quad[2]]) + right * along) >= _FOLLOWS * own:
        right += 1
    while left < _STEPS and _ink(drawn[sign], np.array([quad[0] - along, quad[0], quad[3], quad[3] - along]) - left * along) >= _FOLLOWS * own:
        left += 1
    return np.array([quad[0] - left * along, quad[1] + right * along, quad[2] + right * along, quad[3] - left * along], np.float32)


def _ink(drawn: Floats, quad: NDArray[Any]) -> float:
    """Mean strength of strokes in a box; none outside the image."""
    across, down = np.meshgrid(np.linspace(0.02, 0.98, 24), np.linspace(0.02, 0.98, 12))
    points = np.rint(quad[0] + across[..., None] * (quad[1] - quad[0]) + down[..., None] * (quad[3] - quad[0])).astype(np.int64)
    x, y = points[..., 0], points[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < drawn.shape[1]) & (y < drawn.shape[0])
    return float(drawn[y[inside], x[inside]].mean()) if inside.any() else 0.0


def _marked(light: Floats, drawn: tuple[Floats, Floats]) -> Mask:
    """Where something as thin as writing stands out clearly."""
    return np.asarray(np.maximum(*drawn) > _CLEAR * max(float(light.max() - light.min()), 1e-6))


def _is_text(group: list[tuple[Quad, View]], said: str, sure: float, marked: Mask, look: Look) -> bool:
    """Whether a box holds text: it reads like some, most passes draw it, or it is full of thin clear strokes, whatever the script.

    Where an image has no text at all the network draws boxes around anatomy; those read like nothing.
    """
    inside, letters = mask_of([group[0][0]], marked.shape), sum(map(str.isalnum, said))
    share = float(inside.sum()) / (look.pixels or inside.size)
    if share > _LARGE:
        return letters >= 4 and sure >= _READS_WELL
    reads = sure >= (_READS_LIKE_ONE if letters == 1 else look.sure) and letters >= look.letters
    full = share < _LARGEST_UNREAD and float(marked[inside].mean()) >= look.full
    return reads or full or len({id(view.picture) for _, view in group}) >= _MOST_PASSES


def _tiles(view: View) -> Iterator[tuple[int, int, Any]]:
    """Parts of a picture that are not empty, with their place."""
    rows, columns = view.picture.shape[:2]
    side, overlap = max(32, int(_TILE / view.scale)), int(_OVERLAP / view.scale)
    for top in _starts(rows, side, overlap):
        for left in _starts(columns, side, overlap):
            part = view.picture[top : top + side, left : left + side]
            if int(part.max()) - int(part.min()) > _FLAT:
                yield top, left, np.ascontiguousarray(part)


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Where tiles begin, evenly spread so that the last one ends at the end.

    >>> _starts(500, 672, 64), _starts(1000, 672, 64)
    ([0], [0, 328])
    """
    if length <= side:
        return [0]
    parts = -(-(length - overlap) // (side - overlap))
    return [round(at * (length - side) / (parts - 1)) for at in range(parts)]


def _overlap(one: Quad, other: Quad) -> float:
    """Shared area over joint area of two boxes."""
    if (one.min(0) > other.max(0)).any() or (other.min(0) > one.max(0)).any():
        return 0.0
    cv = vision()
    shared = float(cv.intersectConvexConvex(one, other)[0])
    return shared / max(1e-6, float(cv.contourArea(one)) + float(cv.contourArea(other)) - shared)


def _alone(quad: Quad, others: Sequence[Quad]) -> bool:
    """Whether no text that is painted stands within two heights of a mark: an initial beside a name is no side of the body."""
    height = min(float(np.linalg.norm(quad[0] - quad[1])), float(np.linalg.norm(quad[0] - quad[3])))
    low, high = quad.min(0) - 2 * height, quad.max(0) + 2 * height
    return not any((other.min(0) < high).all() and (other.max(0) > low).all() for other in others)


def distinct(texts: Sequence[Text]) -> list[Text]:
    """One of those that stand on each other."""
    kept: list[Text] = []
    for text in texts:
        if not any(_overlap(text.quads[0], other.quads[0]) > _TOUCH for other in kept):
            kept.append(text)
    return kept


def mask_of(quads: Sequence[Quad], shape: tuple[int, int]) -> Mask:
    """The pixels of boxes and a little around them."""
    cv, mask = vision(), np.zeros(shape, np.uint8)
    for quad in quads:
        width, height = (float(np.linalg.norm(quad[0] - quad[other])) for other in (1, 3))
        margin = max(_LEAST_MARGIN, _MARGIN * min(width, height))
        along, down = (_unit(quad[other] - quad[0]) * margin for other in (1, 3))
        grown = quad + np.array([-along - down, along - down, along + down, -along + down], np.float32)
        cv.fillPoly(mask, [np.round(grown).astype(np.int32)], 1)
    return mask.astype(bool)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
