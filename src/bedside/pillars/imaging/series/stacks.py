"""Frames of one series to stacks: divided by what divides a 4-D series, without duplicates, in their order in space.

In        the frames of one series, of one size and orientation; their pixels, to tell a duplicate from another slice
Out       `Stack`s: frames in the direction of the slice normal; how many duplicates were dropped
Rule      As long as a position occurs twice, the next thing that differs between frames of one position divides the series:
          component, type, echo time, inversion time, b value and direction, temporal position, trigger time, acquisition.
          What is then still at one position is a duplicate when its pixels are the same, and the n-th telling of every
          position is the n-th volume when all positions are told equally often; else the series cannot be put together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Unusable
from bedside.pillars.imaging.series.frames import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_MM = 1e-2
"""Slices nearer than this lie at one position."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Frames of one volume in their order in space, and what sets it apart from the others of its series."""

    frames: list[Frame]
    told: dict[str, str]

    @property
    def origins(self) -> NDArray[np.float64]:
        return np.array([frame.origin for frame in self.frames])

    @property
    def normal(self) -> NDArray[np.float64]:
        return normal(self.frames[0])

    @property
    def along(self) -> NDArray[np.float64]:
        """(slices,) mm along the normal."""
        return self.origins @ self.normal


def normal(frame: Frame) -> NDArray[np.float64]:
    """Unit vector: row direction x column direction."""
    across = np.cross(frame.across, frame.down)
    return np.asarray(across / np.linalg.norm(across))


def stacks(frames: list[Frame], pixels: Callable[[Frame], NDArray[Any]]) -> tuple[list[Stack], int]:
    """The stacks of a series, in the order of acquisition, and how many duplicate frames were left out.

    Raises `Unusable` when frames at one position cannot be told apart.
    """
    kept, duplicates = _unique(frames, pixels)
    divided = _divide(kept, list(dict.fromkeys(name for frame in kept for name in frame.told)))
    whole = [stack for told, part in divided for stack in _repeated(part, told)]
    return sorted(whole, key=lambda stack: min(frame.order for frame in stack.frames)), duplicates


def _position(frame: Frame) -> tuple[int, ...]:
    return tuple(np.round(frame.origin / SAME_MM).astype(int).tolist())


def _unique(frames: list[Frame], pixels: Callable[[Frame], NDArray[Any]]) -> tuple[list[Frame], int]:
    """Frames without copies: the same position, the same things told, the same pixels."""
    met: dict[tuple[Any, ...], list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=lambda one: (one.order, one.instance_uid)):
        alike = met[_position(frame), tuple(sorted(frame.told.items()))]
        if not any(np.array_equal(pixels(frame), pixels(other)) for other in alike):
            alike.append(frame)
    kept = [frame for alike in met.values() for frame in alike]
    return kept, len(frames) - len(kept)


def _divide(frames: list[Frame], names: list[str], told: dict[str, str] | None = None) -> list[tuple[dict[str, str], list[Frame]]]:
    """Parts in which no position repeats, or that nothing divides any more."""
    said = dict(told or {})
    by_position = defaultdict(list)
    for frame in frames:
        by_position[_position(frame)].append(frame)
    if all(len(alike) == 1 for alike in by_position.values()) or not names:
        return [(said, frames)]
    name, *rest = names
    if not any(len({frame.told.get(name) for frame in alike}) > 1 for alike in by_position.values()):
        return _divide(frames, rest, said)
    parts: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[frame.told.get(name, "")].append(frame)
    return [found for value, part in parts.items() for found in _divide(part, rest, {**said, name: value})]


def _repeated(frames: list[Frame], told: dict[str, str]) -> list[Stack]:
    """One stack, or as many as each position is told."""
    by_position = defaultdict(list)
    for frame in sorted(frames, key=lambda one: (one.order, one.instance_uid)):
        by_position[_position(frame)].append(frame)
    times = Counter(len(alike) for alike in by_position.values())
    if len(times) > 1:
        raise Unusable("slices at one position that nothing in their headers tells apart", where="series", do="leave the series out, or export its parts apart")
    repeats = next(iter(times))
    ordered = [[alike[nth] for alike in by_position.values()] for nth in range(repeats)]
    return [Stack(_sorted(part), {**told, **({"repeat": str(nth + 1)} if repeats > 1 else {})}) for nth, part in enumerate(ordered)]


def _sorted(frames: list[Frame]) -> list[Frame]:
    """In the direction of the slice normal."""
    across = normal(frames[0])
    return sorted(frames, key=lambda frame: (float(frame.origin @ across), frame.order))
