"""What drove one risk: exact TreeSHAP of LightGBM text models, all trees at once, fast enough for a bedside card.

In        LightGBM text models (v4, numeric splits), one row
Out       one value a column; with the average margin they add up to the row's margin. The same numbers as LightGBM's own
          `pred_contrib`, which takes ten times longer for a row on ensembles of small trees
Method    A leaf of value v whose path asks about columns 1..d pays column i the amount
              v (o_i - z_i) * integral over t in 0..1 of the product over j other than i of (o_j t + z_j (1 - t)),
          where o is 1 when the row meets what the path asks of the column and z is the share of training rows that do.
          The integrand is a polynomial of degree d - 1: Gauss-Legendre quadrature with ceil(d / 2) nodes is exact.
Source    Lundberg et al., Nat Mach Intell 2020;2:56 (TreeSHAP, path dependent); the integral is Shapley's weight
          k! (d - 1 - k)! / d! written as a beta function.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_CATEGORICAL, _DEFAULT_LEFT, _MISSING_NAN = 1, 2, 2


class Entry(NamedTuple):
    """One column on the path to one leaf: what is asked of it (node, side), and the share of rows that meet it."""

    column: int
    asked: list[tuple[int, bool]]
    share: float


class Group(NamedTuple):
    """All leaves whose paths ask about as many columns: (d, leaves) arrays, so that numpy runs along the leaves."""

    value: Floats
    share: Floats
    node: Floats
    weight: Floats


class Explainer:
    """TreeSHAP of the mean of several models. `fits` says whether every split is one that this can explain."""

    def __init__(self, texts: Iterable[str], columns: int) -> None:
        trees = [tree for text in texts for tree in _trees(text)]
        self.columns, self.fits = columns, all(not (tree.kind & _CATEGORICAL).any() for tree in trees)
        self._column = np.concatenate([tree.column for tree in trees] or [np.zeros(0, np.int64)])
        self._threshold = np.concatenate([tree.threshold for tree in trees] or [np.zeros(0)])
        kind = np.concatenate([tree.kind for tree in trees] or [np.zeros(0, np.int64)])
        self._asks_nan = (kind >> 2) & 3 == _MISSING_NAN
        self._nan_left = (kind & _DEFAULT_LEFT) > 0
        self._lay_out(trees)

    def _lay_out(self, trees: list[_Tree]) -> None:
        """Leaves in groups of equal length, their questions in one flat list."""
        starts = np.cumsum([0] + [len(tree.column) for tree in trees])
        leaves = [leaf for tree, start in zip(trees, starts, strict=False) for leaf in _leaves(tree, int(start))]
        lengths = sorted({len(path) for _, path in leaves} - {0})
        alike = {d: [leaf for leaf in leaves if len(leaf[1]) == d] for d in lengths}
        entries = [path[place] for d, own in alike.items() for place in range(d) for _, path in own]
        asked = [ask for entry in entries for ask in entry.asked]
        self._asked_node = np.array([node for node, _ in asked], dtype=np.int64)
        self._asked_left = np.array([left for _, left in asked], dtype=np.bool_)
        many = np.array([len(entry.asked) for entry in entries], dtype=np.int64)
        self._first = np.cumsum(many) - many
        self._more = np.setdiff1d(np.arange(len(asked)), self._first)  # questions after the first about one column: few
        self._more_entry = np.repeat(np.arange(len(entries)), many)[self._more]
        self._groups = [_group(d, own) for d, own in alike.items()]
        self._entry_column = np.array([entry.column for entry in entries], dtype=np.int64)

    def __call__(self, row: Sequence[float]) -> Floats:
        """Sum over all trees of what each column contributed."""
        if not len(self._asked_node):
            return np.zeros(self.columns)
        right = self._left(row)[self._asked_node] == self._asked_left
        met = right[self._first]
        met[self._more_entry[~right[self._more]]] = False
        paid, at = [], 0
        for group in self._groups:
            size = group.share.size
            paid.append(_paid(group, met[at : at + size].reshape(group.share.shape)))
            at += size
        return np.bincount(self._entry_column, np.concatenate(paid), minlength=self.columns).astype(np.float64)

    def _left(self, row: Sequence[float]) -> Bools:
        """Of every split: does the row go left? As LightGBM: nan is 0 where training saw none."""
        values = np.asarray(row, dtype=np.float32).astype(np.float64)[self._column]
        missing = np.isnan(values)
        below: Bools = np.where(missing, 0.0, values) <= self._threshold
        return np.where(missing & self._asks_nan, self._nan_left, below)


def _paid(group: Group, met: Bools) -> Floats:
    """What each column of each leaf is paid, flat: place on the path by place, leaf by leaf."""
    away = met - group.share
    others = np.zeros_like(group.share)
    for node, weight in zip(group.node, group.weight, strict=True):
        factor = away * node
        factor += group.share
        whole = factor[0].copy()
        for place in factor[1:]:
            whole *= place
        whole *= weight
        others += np.divide(whole, factor, out=factor)
    away *= group.value
    away *= others
    return away.ravel()


def _group(d: int, own: list[tuple[float, list[Entry]]]) -> Group:
    share = np.array([[path[place].share for _, path in own] for place in range(d)])
    nodes, weights = np.polynomial.legendre.leggauss((d + 1) // 2)
    return Group(np.array([value for value, _ in own]), share, (nodes + 1) / 2, weights / 2)


class _Tree(NamedTuple):
    column: Ints
    threshold: Floats
    kind: Ints
    left: list[int]
    right: list[int]
    leaf_value: Floats
    leaf_count: list[float]
    node_count: list[float]


def _trees(text: str) -> Iterator[_Tree]:
    """Trees of a text model. A tree that never splits says nothing of any column and is left out."""
    for block in text.split("\nTree=")[1:]:
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if int(told["num_leaves"]) > 1:
            yield _Tree(
                _ints(told["split_feature"]),
                _floats(told["threshold"]),
                _ints(told["decision_type"]),
                _ints(told["left_child"]).tolist(),
                _ints(told["right_child"]).tolist(),
                _floats(told["leaf_value"]),
                _floats(told["leaf_count"]).tolist(),
                _floats(told["internal_count"]).tolist(),
            )


def _ints(text: str) -> Ints:
    return np.array(text.split(), dtype=np.int64)


def _floats(text: str) -> Floats:
    return np.array(text.split(), dtype=np.float64)


def _leaves(tree: _Tree, start: int) -> Iterator[tuple[float, list[Entry]]]:
    """Every leaf's value and path; questions about one column are one entry."""
    waiting: list[tuple[int, dict[int, Entry]]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        if node < 0:
            yield float(tree.leaf_value[~node]), list(path.values())
            continue
        for child, left in ((tree.left[node], True), (tree.right[node], False)):
            waiting.append((child, path | {int(tree.column[node]): _asked(tree, path, node, child, left, start)}))


def _asked(tree: _Tree, path: dict[int, Entry], node: int, child: int, left: bool, start: int) -> Entry:
    column = int(tree.column[node])
    before = path.get(column, Entry(column, [], 1.0))
    inside = tree.leaf_count[~child] if child < 0 else tree.node_count[child]
    return Entry(column, [*before.asked, (start + node, left)], before.share * inside / tree.node_count[node])
