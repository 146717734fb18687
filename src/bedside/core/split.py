"""How the units of a task are divided between development and test: a part of contract 2."""

from __future__ import annotations

from typing import Literal

import msgspec


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One development/test split, or `folds` for out-of-fold testing.

    by         what stays together: a subject; a site; a group that the pillar makes (scaffold or cluster of molecules); or
               "declared": the data say of every unit which split it is in, by an event SPLIT//train, SPLIT//tune or SPLIT//test
    """

    by: Literal["subject", "site", "scaffold", "cluster", "time", "random", "declared"] = "subject"
    folds: int = 0
    test_fraction: float = 0.3
    tune_fraction: float = 0.2
    seed: int = 1
