"""Copies of one image under two names: found by a perceptual hash, refused when they stand in two splits.

In        arrays, any number of dimensions; the split of each
Out       a hash of 64 bits a plane; how many pairs were alike, and `Refused` when a pair crosses a split
Method    difference hash: each central plane is averaged down to 8 x 9 cells, a bit says whether a cell is brighter than its
          left neighbour. Rescaling, windowing, small noise and lossy compression leave nearly all bits as they are.
Source    N. Krawetz, "Kind of Like That", 2013 (dHash).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CELLS = 8
ALIKE = 0.07
"""Share of bits that may differ in a copy. Of the 130 hippocampus volumes of MSD, two different ones differ in at least 14.6%; a copy with
noise of 3% of the range, or another brightness curve, in up to 6.3%; one cropped by a row in up to 9%, which may go unseen."""


def fingerprint(image: NDArray[Any]) -> bytes:
    """Hash of an image (rows, columns) or a volume (its three central planes).

    >>> fingerprint(np.arange(720.0).reshape(20, 36)).hex()
    'ffffffffffffffff'
    """
    planes = [image] if image.ndim == 2 else [image.take(size // 2, axis) for axis, size in enumerate(image.shape)]
    bits = np.concatenate([(np.diff(_cells(plane), axis=1) > 0).ravel() for plane in planes])
    return np.packbits(bits).tobytes()


def _cells(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Means of 8 x 9 cells that tile the plane; a plane smaller than that repeats its pixels."""
    rows, columns = (np.linspace(0, size, count + 1) for size, count in zip(plane.shape, (_CELLS, _CELLS + 1), strict=True))
    values = plane.astype(np.float64)
    return np.array([[values[_part(top, below), _part(left, right)].mean() for left, right in pairwise(columns)]
                     for top, below in pairwise(rows)])  # fmt: skip


def _part(start: float, end: float) -> slice:
    return slice(int(start), max(int(np.ceil(end)), int(start) + 1))


def refuse(prints: list[bytes], splits: list[str], *, alike: float = ALIKE) -> int:
    """Pairs of images that are copies of each other; `Refused` when any of them stands in two splits.

    prints, splits   one an image; all prints of one length
    """
    if not prints:
        return 0
    bits = np.unpackbits(np.array([np.frombuffer(one, np.uint8) for one in prints]), axis=1).astype(np.float32)
    differ = bits @ (1 - bits).T
    differ += differ.T
    first, second = np.nonzero(np.triu(differ <= alike * bits.shape[1], 1))
    torn = sum(splits[one] != splits[other] for one, other in zip(first, second, strict=True))
    if torn:
        raise Refused(f"{torn} pairs of images are copies of each other, or nearly, and stand in two splits", where="decisions",
                      do="take the copies out of the raw files, or give them one patient number")  # fmt: skip
    return len(first)
