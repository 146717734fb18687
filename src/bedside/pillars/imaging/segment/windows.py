"""Windows for training: drawn from volumes, turned, scaled, shifted and made brighter or noisier at random, all by one seed.

In        cases on the model's grid; options
Out       batches (n, 1, window) float32 and (n, window) uint8
Method    one affine map a window, about a point that lies in a structure two times out of three: image by linear, labels by nearest
          interpolation; outside the volume the image is 0 (the mean) and the label background
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bedside.core.lazy import need
from bedside.pillars.imaging.segment.options import SegmentOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_INSIDE = 2 / 3


class _Case(Protocol):
    @property
    def image(self) -> NDArray[np.float32]: ...
    @property
    def labels(self) -> NDArray[np.uint8]: ...


class Windows:
    """An endless supply."""

    def __init__(self, cases: Sequence[_Case], options: SegmentOptions, *, seed: int) -> None:
        self.cases, self.options = cases, options
        self.random = np.random.Generator(np.random.PCG64([seed, 1]))
        self._queue: list[int] = []

    def batch(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        made = [self._window(self.cases[self._next()]) for _ in range(self.options.batch)]
        return np.stack([image for image, _ in made])[:, None], np.stack([labels for _, labels in made])

    def _next(self) -> int:
        """Every case once before any comes again."""
        if not self._queue:
            self._queue = self.random.permutation(len(self.cases)).tolist()
        return self._queue.pop()

    def _window(self, case: _Case) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        scipy = need("scipy.ndimage", extra="imaging")
        window, drawn = np.array(self.options.window), self.random
        matrix = self._turn() * (1 + drawn.uniform(-self.options.scale, self.options.scale))
        offset = self._centre(case) - matrix @ ((window - 1) / 2)
        image = scipy.affine_transform(case.image, matrix, offset, tuple(window), order=1, mode="constant", cval=0.0)
        labels = scipy.affine_transform(case.labels, matrix, offset, tuple(window), order=0, mode="constant", cval=0)
        bright = drawn.uniform(-1, 1, 2) * self.options.brighten
        image = image * (1 + bright[0]) + bright[1] + drawn.standard_normal(image.shape, np.float32) * np.float32(drawn.uniform(0, 1) * self.options.noise)
        return image.astype(np.float32), labels

    def _centre(self, case: _Case) -> Floats:
        """The point of the volume in the middle of the window: never so far out that the window shows less than it could."""
        size, window = np.array(case.image.shape), np.array(self.options.window)
        inside = np.argwhere(case.labels) if self.random.random() < _INSIDE and (size > window).any() else np.empty((0, 3))
        point = inside[self.random.integers(len(inside))] if len(inside) else self.random.uniform(0, 1, 3) * (size - 1)
        least, most = np.minimum((window - 1) / 2, (size - 1) / 2), np.maximum(size - 1 - (window - 1) / 2, (size - 1) / 2)
        return np.asarray(np.clip(point, least, most) + self.random.uniform(-1, 1, 3) * self.options.shift)

    def _turn(self) -> Floats:
        """A rotation about each axis in turn."""
        matrix = np.eye(3)
        for axis, angle in enumerate(np.radians(self.random.uniform(-1, 1, 3) * self.options.turn)):
            one, two = [other for other in range(3) if other != axis]
            turn = np.eye(3)
            turn[one, one] = turn[two, two] = np.cos(angle)
            turn[one, two], turn[two, one] = -np.sin(angle), np.sin(angle)
            matrix = matrix @ turn
        return matrix
