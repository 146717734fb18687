"""Trees between LightGBM's text and arrays: what of a tree is a model, and nothing that is a value of a row.

In        LightGBM text (v4) of trees grown on numbered steps; or arrays of several sites' trees
Out       `Grown` arrays; or LightGBM text on the columns' own scale
Left out  feature_infos (each column's least and largest value), weights, gains and counts of rows: shares of rows are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SPLITS, LEAVES = 6, 2
_MISSING_NAN, _DEFAULT_LEFT, _MISSING = 8, 2, 12
_MILLION = 1_000_000


class Grown(NamedTuple):
    """t trees of at most l leaves, padded with zeros.

    splits   (t, 6, l - 1): column, step, goes left when missing, left and right child (below 0: leaf ~child), share of rows
    leaves   (t, 2, l): value, share of rows;  sizes (t,): leaves of each tree, 0 where there is none
    """

    splits: Floats
    leaves: Floats
    sizes: Floats


def grown(model: str, trees: int, leaves: int) -> Grown:
    """The trees of a text model as arrays; a tree that never split is left out."""
    splits, values, sizes = np.zeros((trees, SPLITS, leaves - 1)), np.zeros((trees, LEAVES, leaves)), np.zeros(trees)
    for place, block in enumerate(model.split("\nTree=")[1 : trees + 1]):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        many = int(told["num_leaves"])
        if many < 2:
            continue
        inner, outer = _numbers(told["internal_count"]), _numbers(told["leaf_count"])
        left, right = _numbers(told["left_child"]), _numbers(told["right_child"])
        missing = _numbers(told["decision_type"]).astype(np.int64)
        sides = [_shares(inner, outer, child) for child in (left, right)]
        seen = (missing & _MISSING) == _MISSING_NAN
        default = np.where(seen, (missing & _DEFAULT_LEFT) > 0, sides[0] >= sides[1])  # none was missing here: with the many
        step = np.floor(_numbers(told["threshold"]))
        splits[place, :, : many - 1] = [_numbers(told["split_feature"]), step, default, left, right, inner / inner[0]]
        values[place, :, :many], sizes[place] = [_numbers(told["leaf_value"]), outer / inner[0]], many
    return Grown(splits, values, sizes)


def text(trees: Grown, columns: Sequence[str], edges: Floats, *, base: float) -> str:
    """LightGBM text. `edges` (p, steps): the largest value of each step; the base is a tree of its own that never splits."""
    blocks = [_constant(base), *(_block(number, trees, edges) for number in np.flatnonzero(trees.sizes).tolist())]
    numbered = [f"Tree={place}\n{block}\n\n" for place, block in enumerate(blocks)]
    head = ["tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0", f"max_feature_idx={len(columns) - 1}",
            "objective=binary sigmoid:1", f"feature_names={' '.join(columns)}", f"feature_infos={' '.join(['[-inf:inf]'] * len(columns))}",
            f"tree_sizes={' '.join(str(len(block.encode())) for block in numbered)}", "", ""]  # fmt: skip
    return "\n".join(head) + "".join(numbered) + "end of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:null\n"


def _constant(value: float) -> str:
    return f"num_leaves=1\nnum_cat=0\nsplit_feature=\nsplit_gain=\nthreshold=\ndecision_type=\nleft_child=\nright_child=\nleaf_value={value!r}\nleaf_weight=\nleaf_count=\ninternal_value=\ninternal_weight=\ninternal_count=\nis_linear=0\nshrinkage=1\n"


def _block(number: int, trees: Grown, edges: Floats) -> str:
    many = int(trees.sizes[number])
    column, step, default, left, right, share = trees.splits[number, :, : many - 1]
    value, weight = trees.leaves[number, :, :many]
    threshold = edges[column.astype(np.int64), step.astype(np.int64)]
    lines: dict[str, Iterable[object]] = {
        "num_leaves": [many], "num_cat": [0], "split_feature": _whole(column), "split_gain": [0] * (many - 1),
        "threshold": [repr(float(one)) for one in threshold], "decision_type": _whole(_MISSING_NAN + _DEFAULT_LEFT * default),
        "left_child": _whole(left), "right_child": _whole(right), "leaf_value": [repr(float(one)) for one in value],
        "leaf_weight": [0] * many, "leaf_count": _counts(weight), "internal_value": [0] * (many - 1), "internal_weight": [0] * (many - 1),
        "internal_count": _counts(share), "is_linear": [0], "shrinkage": [1],
    }  # fmt: skip
    return "\n".join(f"{name}={' '.join(map(str, listed))}" for name, listed in lines.items()) + "\n"


def _shares(inner: Floats, outer: Floats, child: Floats) -> Floats:
    index = child.astype(np.int64)
    return np.where(index >= 0, inner[np.maximum(index, 0)], outer[np.maximum(~index, 0)])


def _counts(shares: Floats) -> Iterator[int]:
    """Shares as whole numbers of a million, since the format wants counts."""
    return (max(1, round(float(share) * _MILLION)) for share in shares)


def _whole(numbers: Floats) -> list[int]:
    return [int(number) for number in numbers]


def _numbers(told: str) -> Floats:
    return np.array(told.split(), dtype=np.float64)
