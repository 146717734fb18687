"""Logistic regression over sites: FedAvg and FedProx on columns standardised by shared sums.

Shared    of each column how many values are known, their sum and sum of squares (none where fewer than least_cell are known);
          the weights after some gradient steps; in the first round the curvature, from which the length of a step follows
Same as   `learners.logistic_member` once the rounds have converged: the same columns, limits, ridge and handling of missing values
Source    McMahan et al., AISTATS 2017 (FedAvg); Li et al., MLSys 2020 (FedProx, equation 2); Abadi et al., CCS 2016 (DP-SGD).
          One local step a round with all rows is gradient descent on the pooled rows (FedSGD).
Privacy   unit "patient": the gradients of a patient's rows are averaged, clipped and noised, and patients drawn for each step by secret
          numbers; the columns are then standardised by the ranges that the task declares, since sums would tell of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.calibration import logistic as probability
from bedside.bundle.runners.logistic import LIMIT, Coefficients
from bedside.core import canonical
from bedside.core.federable import (
    Arrays,
    Federated,
    Fitted,
    Noise,
    Privacy,
    Rows,
    Shape,
    Shapes,
    Turn,
    averaged,
    shielded,
    too_large,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class FederatedLogistic:
    """A `Federable`. `ranges`: (p, 2) declared low and high of each column, with privacy; else None."""

    covers = frozenset({"patient", "site"})

    def __init__(self, columns: tuple[str, ...], options: Federated, *, penalty: float, seed: int, ranges: Floats | None = None) -> None:
        self.columns, self._options, self._penalty, self._seed, self._ranges = columns, options, penalty, seed, ranges

    def shapes(self, sites: int) -> Shapes:
        p, members = len(self.columns), self._options.folds + 1
        sums = {name: Shape((p,)) for name in ("known", "total", "squares")}
        weights = {"weights": Shape((members, p + 1))}
        state = {"centre": Shape((p,)), "scale": Shape((p,)), "rows": Shape((members,)), "step": Shape((1,))}
        return Shapes(sums, weights | {"curvature": Shape((1,))}, weights | state)

    def summarise(self, rows: Rows) -> Arrays:
        if self._options.privacy is not None:
            return {name: np.zeros(len(self.columns)) for name in ("known", "total", "squares")}
        return sums_of(rows, self._options.least_cell)

    def initial(self, summaries: Mapping[str, Arrays]) -> Arrays:
        p, members = len(self.columns), self._options.folds + 1
        centre, scale = standard(summaries) if self._ranges is None else (self._ranges.mean(axis=1), np.maximum(np.ptp(self._ranges, axis=1) / 4, 1e-9))
        rows = np.sum([one["members"] for one in summaries.values()], axis=0)
        step = self._options.learning_rate * (1.0 if self._options.privacy else 4 / (p + 1))
        return {"weights": np.zeros((members, p + 1)), "centre": centre, "scale": scale, "rows": rows, "step": np.array([step])}

    def invited(self, number: int, sites: Sequence[str]) -> list[str]:
        return list(sites)

    def update(self, state: Arrays, rows: Rows, turn: Turn) -> Arrays:
        design, privacy = _design(rows, state), self._options.privacy
        weights = np.array([self._member(place, state, design, rows, turn) for place in range(len(state["weights"]))])
        if privacy is not None and privacy.unit == "site" and turn.noise is not None:
            weights = state["weights"] + shielded(weights - state["weights"], privacy, turn.noise)
        first = turn.number == 0 and privacy is None
        return {"weights": weights, "curvature": np.array([_curvature(design) if first else 0.0])}

    def faults(self, update: Arrays) -> str:
        return too_large(update["weights"], self._options) if update["curvature"][0] >= 0 else "a curvature below 0"

    def aggregate(self, state: Arrays, updates: Mapping[str, Arrays], sizes: Mapping[str, Floats]) -> Arrays:
        weights = np.array([averaged({site: one["weights"][place] for site, one in updates.items()}, {site: float(sizes[site][place]) for site in updates})
                            for place in range(len(state["weights"]))])  # fmt: skip
        steepest = max(float(one["curvature"][0]) for one in updates.values())
        step = state["step"] if steepest == 0 else np.array([self._options.learning_rate / (steepest + self._penalty / float(state["rows"].min()))])
        return {**state, "weights": weights, "step": step}

    def margins(self, state: Arrays, rows: Rows) -> Floats:
        design = _design(rows, state)
        own = state["weights"][1 + rows.fold] if self._options.folds else state["weights"][:1]
        margin: Floats = (design * own).sum(axis=1)
        return margin

    def finish(self, state: Arrays) -> Fitted:
        served = state["weights"][0]
        told = Coefficients(state["centre"].tolist(), state["scale"].tolist(), served[:-1].tolist(), float(served[-1]))
        return Fitted("logistic", {"member-00.json": canonical.dumps(told)})

    # --- at the site -----------------------------------------------------------------------------------

    def _member(self, place: int, state: Arrays, design: Floats, rows: Rows, turn: Turn) -> Floats:
        """Some gradient steps on the rows of one member, from the shared weights."""
        kept = np.flatnonzero(rows.fold != place - 1)
        start, ridge = state["weights"][place], self._penalty / float(state["rows"][place])
        pull = self._options.proximal
        step = float(state["step"][0]) / (1 + pull * float(state["step"][0]))
        draw, weights = np.random.default_rng([self._seed, turn.number, place, *turn.site.encode()]), start.copy()
        for _ in range(self._options.local_steps):
            gradient = self._gradient(weights, design, rows, kept, draw, turn.noise)
            gradient[:-1] += ridge * weights[:-1]
            weights -= step * (gradient + pull * (weights - start))
        moved: Floats = weights
        return moved

    def _gradient(self, weights: Floats, design: Floats, rows: Rows, kept: Ints, draw: np.random.Generator, noise: Noise | None) -> Floats:
        privacy, batch = self._options.privacy, self._options.batch_rows
        if privacy is not None and privacy.unit == "patient" and noise is not None:
            return _private_gradient(weights, design[kept], rows.outcome[kept], rows.subject[kept], privacy, noise)
        own = draw.choice(kept, size=batch, replace=False) if 0 < batch < len(kept) else kept
        away = probability(design[own] @ weights) - rows.outcome[own]
        gradient: Floats = design[own].T @ away / max(len(own), 1)
        return gradient


def sums_of(rows: Rows, least: int) -> dict[str, Floats]:
    """Known values of each column, their sum and sum of squares; zeros where fewer than `least` are known."""
    there = np.isfinite(rows.matrix)
    values = np.where(there, rows.matrix, 0.0).astype(np.float64)
    known = there.sum(axis=0).astype(np.float64)
    told = known >= least
    return {"known": known * told, "total": values.sum(axis=0) * told, "squares": (values**2).sum(axis=0) * told}


def standard(summaries: Mapping[str, Arrays]) -> tuple[Floats, Floats]:
    """Centre and scale of each column over all sites; 0 and 1 where nothing is known or nothing varies."""
    known, total, squares = (np.sum([summaries[site][name] for site in sorted(summaries)], axis=0) for name in ("known", "total", "squares"))
    many = np.maximum(known, 1)
    centre = total / many
    spread = np.sqrt(np.maximum(squares / many - centre**2, 0.0))
    return centre, np.where(spread > 1e-9 * np.maximum(np.abs(centre), 1.0), spread, 1.0)


def _design(rows: Rows, state: Arrays) -> Floats:
    """(n, p + 1): standardised, limited, missing at the centre; the last column is the intercept's."""
    away = np.clip((rows.matrix.astype(np.float64) - state["centre"]) / state["scale"], -LIMIT, LIMIT)
    return np.hstack([np.where(np.isnan(away), 0.0, away), np.ones((len(away), 1))])


def _curvature(design: Floats) -> float:
    """The most that the loss can curve: a quarter of the design's largest second moment."""
    return float(np.linalg.eigvalsh(design.T @ design / len(design))[-1] / 4)


def _private_gradient(weights: Floats, design: Floats, outcome: NDArray[np.bool_], subject: Ints, privacy: Privacy, noise: Noise) -> Floats:
    """DP-SGD with a patient as the unit: the mean gradient of a patient's rows, clipped; patients drawn each with `share`."""
    names, own = np.unique(subject, return_inverse=True)
    drawn = noise((len(names),)) < NormalDist().inv_cdf(privacy.share) if privacy.share < 1 else np.ones(len(names), dtype=np.bool_)
    each = np.zeros((len(names), design.shape[1]))
    np.add.at(each, own, design * (probability(design @ weights) - outcome)[:, None])
    each /= np.bincount(own)[:, None]
    each *= np.minimum(1.0, privacy.clip / np.maximum(np.sqrt((each**2).sum(axis=1)), 1e-12))[:, None]
    told = each[drawn].sum(axis=0) + privacy.noise * privacy.clip * noise((design.shape[1],))
    private: Floats = told / (privacy.share * len(names))
    return private
