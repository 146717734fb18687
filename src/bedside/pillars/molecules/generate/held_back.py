"""Three scorers that were never taught the same rows: what a search climbs, and what shows when it only fooled its scorer.

In        development compounds (standard SMILES), their answers, groups that stay together (scaffolds, say)
Out       `Scorers`: the objective, which is searched; its twin, the same rows and another seed; the held-back one, the other rows
Why       a search finds the weaknesses of its scorer as readily as better molecules. What is gained under the objective and not under
          the other two was never there: the first is luck of a seed, the second knowledge of those rows.
Source    Renz, Van Rompaey, Wegner, Hochreiter, Klambauer, Drug Discov Today Technol 2019;32-33:55 (optimisation, model control and
          data control scores)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bedside.bundle.calibration import logistic
from bedside.bundle.runners.molecules_features import Batch, FeatureSpec, spec
from bedside.bundle.runners.molecules_members import Members, members
from bedside.bundle.runners.molecules_standard import standardise
from bedside.core.errors import Unusable
from bedside.core.task_molecule import Standard
from bedside.pillars.molecules.learners import Lesson, trees
from bedside.pillars.molecules.options import ModelOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 40
_TWIN = 1_000_003


class Scorers:
    """The three on one reading of each molecule, each higher for what is wanted; what has no standard form scores nan."""

    def __init__(self, models: Sequence[Members], features: FeatureSpec, standard: Standard, *, labels: bool, higher: bool, rows: tuple[int, int]) -> None:
        self._models, self._features, self._standard, self._labels, self._higher = models, features, standard, labels, higher
        self.own_rows, self.other_rows = rows
        self._known: dict[str, Floats] = {}

    def objective(self, smiles: Sequence[str]) -> Floats:
        """What the search climbs."""
        return self.every(smiles)[:, 0]

    def every(self, smiles: Sequence[str]) -> Floats:
        """By the objective, its twin and the held-back scorer, (n, 3)."""
        new = [one for one in dict.fromkeys(smiles) if one not in self._known]
        for one, row in zip(new, self._read(new), strict=True):
            self._known[one] = row
        return np.array([self._known[one] for one in smiles]).reshape(len(smiles), len(self._models))

    def _read(self, smiles: Sequence[str]) -> Floats:
        compounds = [standardise(one, self._standard) for one in smiles]
        sound = np.array([one.reason is None for one in compounds], dtype=np.bool_)
        told = np.full((len(compounds), len(self._models)), np.nan)
        if sound.any():
            batch = Batch([one.smiles for one in compounds if one.reason is None], self._features)
            margins = np.column_stack([model.margins(batch).mean(axis=1) for model in self._models])
            value = logistic(margins) if self._labels else margins
            told[sound] = value if self._higher else (1 - value if self._labels else -value)
        return told


def scorers(
    smiles: Sequence[str], answer: Floats, groups: Sequence[str], *, labels: bool, higher: bool, seed: int, standard: Standard, options: ModelOptions
) -> Scorers:
    """Fit the three on two halves that share no group; `Unusable` where there are too few rows, or a half knows one answer only."""
    half = _halves(groups, seed)
    if min(half.sum(), (~half).sum()) < FEWEST:
        raise Unusable(f"{len(answer)} compounds are too few to hold half of them back", where="development compounds", do=f"{2 * FEWEST} are the least")
    if any(len(set(answer[rows].tolist())) < 2 for rows in (half, ~half)):
        raise Unusable("a half of the compounds has one answer only", where="development compounds", do="measure more compounds, or try another seed")
    features = spec(["morgan", "descriptors"])
    batch = Batch(smiles, features)

    def fitted(rows: NDArray[np.bool_], number: int) -> Members:
        fit = trees(Lesson(batch, np.flatnonzero(rows), answer[rows], labels, number), options)
        return members("trees", {"member-00.txt": fit.data}, where="a scorer of the search")

    three = [fitted(half, seed), fitted(half, seed + _TWIN), fitted(~half, seed)]
    return Scorers(three, features, standard, labels=labels, higher=higher, rows=(int(half.sum()), int((~half).sum())))


def _halves(groups: Sequence[str], seed: int) -> NDArray[np.bool_]:
    """Whole groups, the largest first, each to the half that has fewer rows; chance decides among equals."""
    order = np.random.default_rng(seed)
    names, counts = np.unique(np.asarray(groups, dtype=str), return_counts=True)
    shuffled = order.permutation(len(names))
    taken, filled = set[str](), [0, 0]
    for place in sorted(shuffled, key=lambda one: -counts[one]):
        side = int(filled[1] < filled[0])
        filled[side] += int(counts[place])
        if not side:
            taken.add(str(names[place]))
    return np.array([group in taken for group in groups], dtype=np.bool_)
