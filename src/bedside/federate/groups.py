"""What may be told of rows without telling a row: groups of many, and histograms without small cells.

In        margins and outcomes out of fold; values and edges
Out       arrays of a fixed size, padded with zeros, each number resting on at least `least` rows
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


def groups(margin: Floats, outcome: Bools, *, least: int, most: int) -> Floats:
    """(most, 3) of rows in the order of their margin: how many, how many with the outcome, mean margin.

    >>> groups(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]), least=2, most=3).tolist()
    [[2.0, 0.0, 1.5], [2.0, 2.0, 3.5], [0.0, 0.0, 0.0]]
    """
    order, many = np.argsort(margin, kind="stable"), min(most, len(margin) // least)
    told = np.zeros((most, 3))
    for place, own in enumerate(np.array_split(order, many) if many else []):
        told[place] = len(own), outcome[own].sum(), margin[own].mean()
    return told


def histogram(values: Floats, edges: Floats, *, least: int) -> Floats:
    """Counts between edges of the values that are there; a cell below `least` is counted with its neighbour.

    >>> histogram(np.array([0.0, 0.1, 1.0, 2.0, 2.1]), np.array([0.5, 1.5]), least=2).tolist()
    [2.0, 0.0, 3.0]
    """
    there = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, there, side="right"), minlength=len(edges) + 1)
    told, waiting, last = np.zeros(len(counts)), 0, -1
    for place, count in enumerate(counts.tolist()):
        waiting += count
        if waiting >= least:
            told[place], waiting, last = waiting, 0, place
    if last >= 0:
        told[last] += waiting
    return told
