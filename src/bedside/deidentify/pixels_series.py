"""The texts of an instance of many frames, without reading each.

In        frames as brightness, one at a time, as often as wanted
Out       `Standing`: a text, and the frames that show it
How       The brightest, the darkest and the mean of all frames, and the first, are read: a text that stands on most of them stands
          there. Then, by groups of frames, those strokes of a group's brightest and darkest that are not in what was read: a text
          that one frame shows is in the group's. Where there are new strokes the place is read. A text counts for each frame that
          has its strokes; in doubt it does.
Memory    a few frames, however many there are
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bedside.deidentify.pixels_find import FIRST, PART, QUICK, Reader, Text, mask_of
from bedside.deidentify.pixels_ocr import vision
from bedside.deidentify.pixels_views import strokes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Lights = Callable[[], Iterator[Floats]]

_GROUP = 8
_STROKE, _FEWEST, _AROUND = 0.1, 24, 40
"""Strokes stand out by this share of the range; fewer new pixels are no text; what is read around them."""
_INK, _SHOWN = 0.4, 0.25
"""Strokes of a text: from this share of its strongest; a frame shows it when its own are this strong on average, of the text's."""


class Standing(NamedTuple):
    """A text, the pixels it takes, and whether each frame shows it."""

    text: Text
    mask: Mask
    frames: NDArray[np.bool_]


class Ink(NamedTuple):
    """The strokes of a text: bright (0) or dark (1), where, and how strong."""

    sign: int
    place: tuple[NDArray[np.int64], ...]
    strength: float


class _Group(NamedTuple):
    brightest: Floats
    darkest: Floats
    mean: Floats
    first: Floats


def texts_of(lights: Lights, number: int, reader: Reader) -> list[Standing]:
    """The texts of all frames."""
    whole = _laid(lights())
    shape, span = whole.mean.shape[:2], max(float(whole.brightest.max() - whole.darkest.min()), 1e-6)
    found = [(text, _ink(text, layer)) for layer, look in ((whole.brightest, FIRST), (whole.darkest, QUICK), (whole.mean, FIRST), (whole.first, QUICK))
             for text in reader.texts(layer, look=look)]  # fmt: skip
    seen, known = (strokes(whole.brightest)[0], strokes(whole.darkest)[1]), np.zeros(shape, bool)
    for text, _ in found:
        known |= mask_of(text.quads, shape)
    for group in _groups(lights):
        for text, layer in _news(group, seen, known, span, reader):
            found.append((text, _ink(text, layer)))
            known |= mask_of(text.quads, shape)
    return _assigned(found, lights, number, shape)


def _laid(lights: Iterator[Floats]) -> _Group:
    brightest = darkest = first = next(lights)
    total, number = first.astype(np.float64), 1
    for light in lights:
        brightest, darkest, total, number = np.maximum(brightest, light), np.minimum(darkest, light), total + light, number + 1
    return _Group(brightest, darkest, (total / number).astype(np.float32), first)


def _groups(lights: Lights) -> Iterator[_Group]:
    some: list[Floats] = []
    for light in lights():
        some.append(light)
        if len(some) == _GROUP:
            yield _laid(iter(some))
            some = []
    if some:
        yield _laid(iter(some))


def _news(group: _Group, seen: tuple[Floats, Floats], known: Mask, span: float, reader: Reader) -> Iterator[tuple[Text, Floats]]:
    """Texts among the strokes of a group that nothing read so far holds."""
    for layer, own, read in ((group.brightest, strokes(group.brightest)[0], seen[0]), (group.darkest, strokes(group.darkest)[1], seen[1])):
        new = (own > _STROKE * span) & (read < own / 2) & ~known
        for top, bottom, left, right in _places(new):
            for text in reader.texts(layer[top:bottom, left:right], look=PART._replace(pixels=known.size)):
                yield text.moved(left, top), layer


def _places(new: Mask) -> Iterator[tuple[int, int, int, int]]:
    """Rectangles around new strokes that lie close to each other."""
    cv = vision()
    near = cv.dilate(new.astype(np.uint8), np.ones((15, 15), np.uint8))
    number, _, told, _ = cv.connectedComponentsWithStats(near)
    rows, columns = new.shape
    for left, top, width, height, _ in told[1:number]:
        if int(new[top : top + height, left : left + width].sum()) >= _FEWEST:
            yield max(0, top - _AROUND), min(rows, top + height + _AROUND), max(0, left - _AROUND), min(columns, left + width + _AROUND)


def _assigned(found: list[tuple[Text, Ink]], lights: Lights, number: int, shape: tuple[int, int]) -> list[Standing]:
    """Which frames show each text."""
    shown = np.zeros((len(found), number), bool)
    for index, light in enumerate(lights() if found else ()):
        own = strokes(light)
        for at, (_, ink) in enumerate(found):
            shown[at, index] = not ink.strength or float(own[ink.sign][ink.place].mean()) >= _SHOWN * ink.strength
    return [Standing(text, mask_of(text.quads, shape), shown[at]) for at, (text, _) in enumerate(found)]


def _ink(text: Text, layer: Floats) -> Ink:
    """The strokes of a text in the picture that it was found in."""
    inside = mask_of(text.quads, layer.shape[:2])
    both = strokes(layer)
    sign = int(float((both[1] * inside).sum()) > float((both[0] * inside).sum()))
    own = both[sign] * inside
    place = np.nonzero(own > _INK * float(own.max()))
    return Ink(sign, place, float(own[place].mean()) if place[0].size else 0.0)
