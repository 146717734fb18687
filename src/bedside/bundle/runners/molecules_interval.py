"""How far a number may be off, from what the model got wrong on molecules that it had not seen; and how near a molecule lies.

In        what each fold's member says of new molecules (n, k); residuals of development rows, each from the member that left it out
Out       low and high (n,), which hold the truth at least 1 - 2a of the time, and 1 - a in practice, if new molecules are exchangeable
          with development's; nearest similarity (n,) 0..1
Source    CV+: Barber, Candes, Ramdas & Tibshirani, Ann Stat 2021;49:486, section 3; by bands of similarity (Mondrian): Vovk et al.,
          Algorithmic Learning in a Random World (2005), section 4.5. Similarity: Tanimoto on 2048-bit Morgan fingerprints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]

BANDS = ("far", "between", "near")
EDGES = (0.3, 0.5)  # Tanimoto below which a neighbour is chance, and from which it is an analogue, on Morgan fingerprints of radius 2
FEWEST = 50  # residuals that a band needs to speak for itself
_CHUNK = 256


class Residuals(NamedTuple):
    """Of development rows: the fold whose member left the row out, |truth - prediction|, and the band of the row's similarity."""

    fold: Ints
    size: Floats
    band: Ints


def band(similarity: Floats) -> Ints:
    """0 far, 1 between, 2 near (`BANDS`).

    >>> band(np.array([0.1, 0.3, 0.9])).tolist()
    [0, 1, 2]
    """
    return np.searchsorted(np.array(EDGES), similarity, side="right").astype(np.int64)


def interval(members: Floats, bands: Ints, residuals: Residuals, *, coverage: float) -> tuple[Floats, Floats]:
    """Low and high of each row; infinite where there are too few residuals for the coverage asked.

    members   (n, k) what the member without fold k says
    """
    low, high = np.empty(len(members)), np.empty(len(members))
    for number in np.unique(bands):
        here = np.flatnonzero(bands == number)
        own = residuals.band == number
        used = own if own.sum() >= FEWEST else np.ones(len(own), dtype=np.bool_)
        for rows in np.array_split(here, -(-len(here) // _CHUNK)):
            low[rows], high[rows] = _plus(members[rows], residuals.fold[used], residuals.size[used], coverage)
    return low, high


def _plus(members: Floats, fold: Ints, size: Floats, coverage: float) -> tuple[Floats, Floats]:
    """CV+ of some rows: the order statistics of prediction minus and plus each residual."""
    n, missed = len(size), 1 - coverage
    lowest, highest = int(np.floor(missed * (n + 1) + 1e-9)), int(np.ceil((1 - missed) * (n + 1) - 1e-9))
    if lowest < 1 or highest > n:
        return np.full(len(members), -np.inf), np.full(len(members), np.inf)
    said = members[:, fold]
    return np.partition(said - size, lowest - 1, axis=1)[:, lowest - 1], np.partition(said + size, highest - 1, axis=1)[:, highest - 1]


def out_of_fold(said: Floats, bands: Ints, residuals: Residuals, *, coverage: float) -> tuple[Floats, Floats]:
    """Intervals of the development rows themselves: each from the residuals of the other folds."""
    low, high = np.empty(len(said)), np.empty(len(said))
    for number in np.unique(residuals.fold):
        here, rest = residuals.fold == number, residuals.fold != number
        others = Residuals(np.zeros(int(rest.sum()), dtype=np.int64), residuals.size[rest], residuals.band[rest])
        low[here], high[here] = interval(said[here, None], bands[here], others, coverage=coverage)
    return low, high


def nearest(asked: Bytes, known: Bytes) -> Floats:
    """Highest Tanimoto similarity of each packed fingerprint to any of the known; 0 where none is known.

    >>> nearest(np.array([[3, 0, 0, 0, 0, 0, 0, 0]], np.uint8), np.array([[1, 0, 0, 0, 0, 0, 0, 0]], np.uint8)).tolist()
    [0.5]
    """
    if not len(known):
        return np.zeros(len(asked))
    ours, theirs = np.ascontiguousarray(asked).view(np.uint64), np.ascontiguousarray(known).view(np.uint64)
    sizes, own = np.bitwise_count(theirs).sum(axis=1, dtype=np.int64), np.bitwise_count(ours).sum(axis=1, dtype=np.int64)
    return np.array([tanimoto(row, size, theirs, sizes).max() for row, size in zip(ours, own, strict=True)]).reshape(len(ours))


def tanimoto(one: NDArray[np.uint64], size: int, others: NDArray[np.uint64], sizes: Ints) -> Floats:
    """Similarity of one fingerprint, as 64-bit words, to others; 1 for two empty ones."""
    shared = np.bitwise_count(others & one).sum(axis=1, dtype=np.int64)
    together = sizes + size - shared
    return np.where(together > 0, shared / np.maximum(together, 1), 1.0)
