"""What is wrong with a [task] of molecules before anything is read.

In        a `MoleculeTask`, [model]
Out       every fault in words; the covariates that would put an answer among the columns
Names     a covariate is a column of cohort/features.parquet, beside columns of our own
"""

from __future__ import annotations

import re

from bedside.core.events import COLUMNS
from bedside.core.predictions import prediction_schema
from bedside.core.task_molecule import SPLIT, MoleculeTask
from bedside.pillars.molecules.options import ModelOptions

# Columns of events and compounds, and of the frames in which they are made; those of predictions come from their contract.
_OURS = frozenset({*COLUMNS, "asked", "cluster_group", "conflict", "fault", "fold", "goes", "key", "kinds", "other", "print", "replicate", "salt",
                   "scaffold_group", "side", "skeleton", "smiles", "tests", "wide"})  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


def taken() -> frozenset[str]:
    """Names that no covariate can have."""
    return _OURS | frozenset(prediction_schema())


def faults(task: MoleculeTask, told: ModelOptions) -> list[str]:
    """Every fault of the task; none where it makes sense."""
    names = [target.name for target in task.targets]
    found = ["asks is empty"] * (not names) + ["asks names a target twice"] * (len(set(names)) < len(names))
    found += [f"{target.name}: kind {target.kind} is not for molecules (yes-no or number)" for target in task.targets if target.kind not in ("yes-no", "number")]
    found += [f"codes says nothing of {name}" for name in names if name not in task.codes]
    found += [f"codes names {name}, and asks does not" for name in task.codes if name not in names]
    found += ["two targets have one code"] * (len(set(task.codes.values())) < len(task.codes))
    found += ["split.by site: a table of compounds names no site"] * (task.split.by == "site")
    found += ["split.folds: a declared split has none"] * (task.split.by in ("declared", "time") and task.split.folds > 0)
    found += ["spread must not be below 0"] * (not task.spread >= 0) + ["similarity must lie in 0..1"] * (not 0 < task.similarity <= 1)
    found += ["standard: fewest must be at least 1 and at most `most`"] * (not 1 <= task.standard.fewest <= task.standard.most)
    return found + _covariates(task, told)


def _covariates(task: MoleculeTask, told: ModelOptions) -> list[str]:
    found = [f"covariates: {name!r} is the name of a column of our own; call it otherwise" for name in task.covariates if name.lower() in taken() or name.startswith("by_")]
    found += [f"covariates: the name of {code!r} must begin with a letter and hold up to 63 letters, digits, - and _" for name, code in task.covariates.items()
              if not _NAME.fullmatch(name)]  # fmt: skip
    found += [f"covariates: {name!r} ends with what our own columns end with; call it otherwise" for name in task.covariates if name.endswith("_right")]
    if task.covariates and "d-mpnn" in (told.kind, *told.beside):
        found.append("covariates: the network reads the structure alone; use lightgbm")
    return found


def answers(task: MoleculeTask) -> list[str]:
    """The covariates that read a target's own code, one below or above it, the structure, or the split.

    >>> from bedside.core.target import Target
    >>> answers(MoleculeTask("t", [Target("y", "number")], {"y": "ASSAY//y"}, covariates={"hint": "ASSAY//y//raw", "ph": "ASSAY//ph"}))
    ['hint (ASSAY//y//raw)']
    """
    closed = [*task.codes.values(), task.structure, SPLIT.removesuffix("//")]
    return [f"{name} ({code})" for name, code in task.covariates.items() if any(_within(code, one) or _within(one, code) for one in closed)]


def _within(code: str, whole: str) -> bool:
    """Whether a code is another, or a part of it; however it is spaced and written.

    >>> _within("assay//Y//mean", "ASSAY//y"), _within("ASSAY//y2", "ASSAY//y")
    (True, False)
    """
    parts, other = ([part.strip().casefold() for part in one.strip().split("//")] for one in (code, whole))
    return parts[: len(other)] == other
