"""Boosted trees over sites: in each round sites grow trees from the shared model, and all trees join it (bagging), or one site
after the other adds its own (cyclic).

Shared    column sums as for `federable_logistic.py`; trees as arrays: column, step of the column, default side, children, leaf values,
          shares of rows. A leaf rests on at least least_cell rows.
Steps     a site bins every column in 64 steps of an eighth of the shared standard deviation about the shared mean, and grows on the
          number of the step: no split tells a value that a patient had, and no column's extremes are known to anybody.
Bagging   leaf values weigh as much as their site has rows, so that the trees of one round make one boosting step together
Source    LightGBM text model v4 (`tree_text.py`); XGBoost's federated bagging and cyclic training, as NVIDIA FLARE has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.federable import Arrays, Federated, Fitted, Rows, Shape, Shapes, Turn, too_large
from bedside.core.lazy import need
from bedside.pillars.risk.federable_logistic import standard, sums_of
from bedside.pillars.risk.options import ModelOptions
from bedside.pillars.risk.tree_text import LEAVES, SPLITS, Grown, grown, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS, IN_A_SPREAD = 64, 8.0
_MOST_ROUNDS = 10_000


class FederatedTrees:
    """A `Federable` of LightGBM. No guarantee of differential privacy is claimed."""

    covers: frozenset[str] = frozenset()

    def __init__(self, columns: tuple[str, ...], options: Federated, model: ModelOptions, *, seed: int) -> None:
        self.columns, self._options, self._model, self._seed = columns, options, model, seed
        self._each = max(1, round(model.trees / options.rounds))

    def shapes(self, sites: int) -> Shapes:
        p, members, leaves = len(self.columns), self._options.folds + 1, self._model.leaves
        own = {"splits": Shape((self._each, members, SPLITS, leaves - 1)), "leaves": Shape((self._each, members, LEAVES, leaves)),
               "sizes": Shape((self._each, members))}  # fmt: skip
        most = _MOST_ROUNDS * self._each * sites
        grown = {name: Shape((most, *shape.dims[1:]), most=True) for name, shape in own.items()}
        return Shapes({name: Shape((p,)) for name in ("known", "total", "squares")}, own,
                      grown | {"base": Shape((members,)), "centre": Shape((p,)), "scale": Shape((p,))})  # fmt: skip

    def summarise(self, rows: Rows) -> Arrays:
        return sums_of(rows, self._options.least_cell)

    def initial(self, summaries: Mapping[str, Arrays]) -> Arrays:
        """No tree yet; the base is the log odds at the sites that told their outcome counts."""
        members, leaves = self._options.folds + 1, self._model.leaves
        centre, scale = standard(summaries)
        told = np.array([one["size"] for one in summaries.values()])
        rows, ill = (told[:, place] @ told[:, -1] for place in (0, 2))
        base = float(np.log(ill / (rows - ill))) if 0 < ill < rows else 0.0
        return {"splits": np.zeros((0, members, SPLITS, leaves - 1)), "leaves": np.zeros((0, members, LEAVES, leaves)),
                "sizes": np.zeros((0, members)), "base": np.full(members, base), "centre": centre, "scale": scale}  # fmt: skip

    def invited(self, number: int, sites: Sequence[str]) -> list[str]:
        return [sites[number % len(sites)]] if self._options.method == "cyclic" else list(sites)

    def update(self, state: Arrays, rows: Rows, turn: Turn) -> Arrays:
        """New trees of each member, grown from where the shared model stands."""
        stepped = steps(rows.matrix, state)
        own = [self._grow(place, state, stepped, rows, turn) for place in range(len(state["base"]))]
        return {"splits": np.stack([one.splits for one in own], axis=1), "leaves": np.stack([one.leaves for one in own], axis=1),
                "sizes": np.stack([one.sizes for one in own], axis=1)}  # fmt: skip

    def faults(self, update: Arrays) -> str:
        """A tree must be one: columns, steps and children that there are."""
        sizes, splits = update["sizes"], update["splits"]
        whole = all((one == np.round(one)).all() for one in (sizes, splits[:, :, :5]))
        if not whole or sizes.min(initial=0) < 0 or sizes.max(initial=0) > self._model.leaves:
            return "not trees: sizes or children are no whole numbers in range"
        column, step, children = splits[:, :, 0], splits[:, :, 1], splits[:, :, 3:5]
        inside = (column >= 0).all() and (column < len(self.columns)).all() and (step >= 0).all() and (step < STEPS).all()
        reach = np.abs(children).max(initial=0) <= self._model.leaves
        if inside and reach and _sound(splits, sizes):
            return too_large(update["leaves"], self._options)
        return "not trees: a column, a step or a child is out of range"

    def aggregate(self, state: Arrays, updates: Mapping[str, Arrays], sizes: Mapping[str, Floats]) -> Arrays:
        whole = np.sum([sizes[site] for site in updates], axis=0)
        told = {name: [state[name]] for name in ("splits", "leaves", "sizes")}
        for site in sorted(updates):
            leaves = updates[site]["leaves"].copy()
            leaves[:, :, 0] *= (sizes[site] / whole)[None, :, None]
            for name, array in {**updates[site], "leaves": leaves}.items():
                told[name].append(array)
        return {**state, **{name: np.concatenate(parts) for name, parts in told.items()}}

    def margins(self, state: Arrays, rows: Rows) -> Floats:
        if not self._options.folds:
            return self._told(0, state, rows.matrix)
        margin = np.zeros(len(rows.fold))
        for fold in range(self._options.folds):
            own = rows.fold == fold
            margin[own] = self._told(fold + 1, state, rows.matrix[own])
        return margin

    def finish(self, state: Arrays) -> Fitted:
        return Fitted("lightgbm", {"member-00.txt": self._text(0, state).encode()})

    # --- trees -----------------------------------------------------------------------------------------

    def _text(self, place: int, state: Arrays) -> str:
        trees = Grown(state["splits"][:, place], state["leaves"][:, place], state["sizes"][:, place])
        edges = state["centre"][:, None] + (np.arange(1, STEPS + 1) - STEPS / 2) / IN_A_SPREAD * state["scale"][:, None]
        return text(trees, self.columns, np.nextafter(edges, -np.inf), base=float(state["base"][place]))

    def _told(self, place: int, state: Arrays, matrix: NDArray[np.float32]) -> Floats:
        """Margins of the shared model."""
        if not len(matrix):
            return np.zeros(0)
        library: Any = need("lightgbm", extra="risk")
        told: Floats = library.Booster(model_str=self._text(place, state)).predict(matrix, raw_score=True, num_threads=1)
        return told

    def _grow(self, place: int, state: Arrays, stepped: NDArray[np.float32], rows: Rows, turn: Turn) -> Grown:
        library: Any = need("lightgbm", extra="risk")
        kept, model = np.flatnonzero(rows.fold != place - 1), self._model
        seed = int(np.random.default_rng([self._seed, turn.number, place, *turn.site.encode()]).integers(1, 2**31 - 1))
        least = max(model.rows_in_leaf, self._options.least_cell)
        settings = {
            "objective": "binary", "learning_rate": model.learning_rate, "num_leaves": model.leaves, "min_data_in_leaf": least,
            "feature_fraction": model.feature_share, "bagging_fraction": model.row_share, "bagging_freq": 1, "lambda_l2": model.l2,
            "max_bin": STEPS + 1, "min_data_in_bin": 1, "feature_pre_filter": False, "seed": seed, "deterministic": True,
            "force_row_wise": True, "num_threads": 1, "verbosity": -1,
        }  # fmt: skip
        outcome = rows.outcome[kept].astype(np.float32)
        if len(kept) < 2 * least or outcome.min() == outcome.max():
            return grown("", self._each, model.leaves)
        data = library.Dataset(stepped[kept], outcome, init_score=self._told(place, state, rows.matrix[kept]), params=settings)
        return grown(library.train(settings, data, self._each).model_to_string(), self._each, model.leaves)


def steps(matrix: NDArray[np.float32], state: Arrays) -> NDArray[np.float32]:
    """The number of each value's step, 0..63; nan stays."""
    away = np.floor((matrix.astype(np.float64) - state["centre"]) / state["scale"] * IN_A_SPREAD + STEPS / 2)
    return np.clip(away, 0, STEPS - 1).astype(np.float32)


def _sound(splits: Floats, sizes: Floats) -> bool:
    """Whether in each tree every child is named once, and leads down."""
    for tree, many in zip(splits.reshape(-1, *splits.shape[2:]), sizes.ravel().astype(np.int64), strict=True):
        inner = tree[3:5, : max(many - 1, 0)].astype(np.int64)
        if many and sorted(inner.ravel().tolist()) != [*range(-many, 0), *range(1, many - 1)]:
            return False
        if ((inner > 0) & (inner <= np.arange(inner.shape[1]))).any():
            return False
    return True
