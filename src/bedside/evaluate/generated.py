"""What a search for molecules came to, as records: schema "bedside.generated/1".

Elsewhere who searches and measures: `pillars/molecules/generate`; who draws: `report/generation.py`.
"""

from __future__ import annotations

import msgspec

SCHEMA_NAME = "bedside.generated/1"


class Quality(msgspec.Struct, frozen=True):
    """Shares are of the set before: valid of all, unique of the valid, novel of the unique. The rest are of the unique ones.

    diversity      1 - mean Tanimoto similarity over pairs of different molecules (of the first 500)
    accessibility  median synthetic accessibility score, 1 easy to 10 hard
    drug_likeness  median QED
    alerts         share with a PAINS substructure
    """

    made: int
    valid: float
    unique: float
    novel: float
    diversity: float | None
    accessibility: float | None
    drug_likeness: float | None
    alerts: float | None


class Step(msgspec.Struct, frozen=True):
    """The best ten after so many calls: their mean score by the objective, by its twin, by the held-back scorer."""

    calls: int
    objective: float
    twin: float
    held_back: float


class Share(msgspec.Struct, frozen=True):
    """How much of the gain under the objective another scorer sees: 1 all, 0 none; interval over the best made molecules drawn again."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str


class Generated(msgspec.Struct, frozen=True):
    """What a search came to.

    start      mean scores of the molecules that the search started from
    molecules  smiles, call, generation (0: the start), scores by the objective, its twin and the held-back scorer; the best first
    kept       share of the gain that the twin and the held-back scorer see
    area       mean over the budget of the best ten's mean score by the objective (PMO's area under the top-10 curve, in score units)
    """

    schema: str
    target: str
    wanted: str
    seed: int
    calls: int
    own_rows: int
    other_rows: int
    proposals: dict[str, int]
    course: list[Step]
    start: Step
    kept: dict[str, Share]
    area: float
    quality: Quality
    molecules: list[tuple[str, int, int, float, float, float]]
