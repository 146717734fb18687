"""A search for molecules with a wanted property, and the account of what of it would survive another scorer.

In        development compounds of a study and their answers, what is wanted, a budget
Out       `Generated`: every molecule scored, the course of the search, what became of the proposals, quality of what was made
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bedside.core.task_molecule import Standard
from bedside.evaluate.generated import SCHEMA_NAME, Generated, Share, Step
from bedside.pillars.molecules.generate.held_back import scorers
from bedside.pillars.molecules.generate.quality import quality
from bedside.pillars.molecules.generate.search import Search, SearchOptions, search
from bedside.pillars.molecules.options import ModelOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TOP, _BEST, _POINTS, _RESAMPLES = 10, 100, 40, 1000


def generate(
    smiles: Sequence[str], answer: Floats, groups: Sequence[str], *, target: str, labels: bool, higher: bool, seed: int,
    search_options: SearchOptions, standard: Standard, options: ModelOptions, start: Sequence[str] | None = None,
) -> Generated:  # fmt: skip
    """Search with a scorer of one half of the compounds, from `start` or from that half's own, and judge by the other half's."""
    three = scorers(smiles, answer, groups, labels=labels, higher=higher, seed=seed, standard=standard, options=options)
    found = search(start or smiles, three.objective, search_options, seed=seed)
    best = sorted(found.scored, key=lambda one: (-one.score, one.call))
    told = three.every([one.smiles for one in best])
    place = {one.call: row for row, one in enumerate(best)}
    course = [_step(found, told, place, calls) for calls in _milestones(len(found.scored))]
    first = _start(found, told, place)
    made = [one.smiles for one in found.scored if one.born]
    return Generated(
        SCHEMA_NAME, target, "high" if higher else "low", seed, search_options.calls, three.own_rows, three.other_rows, found.proposals, course, first,
        {name: _kept(told[[one.born > 0 for one in best]][:_BEST], column, first) for name, column in (("twin", 1), ("held_back", 2))},
        found.area(_TOP, calls=search_options.calls), quality(made, [*smiles, *(start or [])]),
        [(one.smiles, one.call, one.born, float(a), float(b), float(c)) for one, (a, b, c) in zip(best, told, strict=True)],
    )  # fmt: skip


def _milestones(calls: int) -> list[int]:
    return sorted({max(_TOP, round(calls * part / _POINTS)) for part in range(1, _POINTS + 1)} - set(range(calls + 1, calls + _TOP + 1)))


def _step(found: Search, told: Floats, place: dict[int, int], calls: int) -> Step:
    best = sorted(found.scored[:calls], key=lambda one: (-one.score, one.call))[:_TOP]
    return Step(calls, *map(float, np.nanmean(told[[place[one.call] for one in best]], axis=0)))


def _start(found: Search, told: Floats, place: dict[int, int]) -> Step:
    """The mean of all molecules that the search started from: its best ones are partly what the objective learned by heart."""
    first = [one for one in found.scored if not one.born]
    return Step(len(first), *map(float, np.nanmean(told[[place[one.call] for one in first]], axis=0)))


def _kept(best: Floats, column: int, start: Step) -> Share:
    """Gain of the best made molecules over the start, by another scorer, as a share of the gain by the objective."""
    before = np.array([start.objective, start.twin, start.held_back])
    method = f"best {len(best)} made against the mean of the start; percentile interval over {_RESAMPLES} draws of the best with replacement"
    gain = float(np.nanmean(best[:, 0]) - before[0]) if len(best) else 0.0
    if gain <= 0:
        return Share(None, None, None, len(best), "not defined: the search gained nothing over its start")
    drawn = best[np.random.default_rng(0).integers(0, len(best), (_RESAMPLES, len(best)))]
    gains = np.nanmean(drawn, axis=1) - before
    shares = gains[:, column] / np.where(gains[:, 0] > 0, gains[:, 0], np.nan)
    low, high = np.nanpercentile(shares, [2.5, 97.5])
    return Share(float(np.nanmean(best[:, column]) - before[column]) / gain, float(low), float(high), len(best), method)
