"""What is wrong with a data set before anything is learned from it, and whether to go on.

In        compounds with their split, measurements (`compounds.py`), events; the task's policies
Out       `Findings`, in counts; the rows that are left after policies that allow going on
Refuses   a test compound that development knows; measurements that contradict each other; a covariate that gives the label away:
          each where the task says "refuse", which is the default; all reasons at once
Known by  the desalted InChIKey: in full, or its first block (other stereo, isotopes); and equal Morgan fingerprints (Tanimoto 1.0), which
          sees what keys do not (tautomers), and at times what is not there (long chains)
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import polars as pl

from bedside.bundle.runners.molecules_features import fingerprints
from bedside.bundle.runners.molecules_standard import molecule
from bedside.core.errors import Refused
from bedside.core.task_molecule import SPLIT, MoleculeTask
from bedside.pillars.molecules.revealing import gives_away, reveals

TEST, _BY = "test", ("key", "skeleton", "print")
_MAJORITY = 0.5


class Findings(msgspec.Struct, frozen=True):
    """What the audit saw, in rows unless it says otherwise.

    duplicate_rows       rows beyond the first of each compound and target
    conflicting_groups   compounds (and target) whose measurements contradict each other; conflicting_test_rows: rows of them in the test
    leak_*               test rows that development knows (with folds, rows that another fold knows): by the full key; by its first block;
                         by the fingerprint
    salts                compounds drawn with more than one part
    revealing            event codes that give a target away
    dropped_*, merged    development rows taken out by policy, or merged into the median of their compound
    """

    rows: int = 0
    duplicate_rows: int = 0
    conflicting_groups: int = 0
    conflicting_test_rows: int = 0
    leak_full_key: int = 0
    leak_first_block: int = 0
    leak_fingerprint: int = 0
    salts: int = 0
    revealing: list[str] = []
    dropped_for_leak: int = 0
    dropped_for_conflict: int = 0
    merged: int = 0


class Audited(NamedTuple):
    """The compounds and measurements that are left, and what was found."""

    compounds: pl.DataFrame
    measured: pl.DataFrame
    findings: Findings


def audit(compounds: pl.DataFrame, measured: pl.DataFrame, events: pl.DataFrame, task: MoleculeTask) -> Audited:
    """Look, refuse what the task refuses, and take out what it lets go.

    Raises `Refused` with every reason; the message holds counts and codes, never a structure.
    """
    rows = measured.join(compounds.select("unit_id", "key", "skeleton", "smiles", "split", "salt", "subject_id", *task.covariates), on="unit_id", maintain_order="left")
    known = _known(compounds)
    clash = _conflicts(rows, task)
    told = _look(rows, compounds, known, clash, events, task)
    _refuse(told, task)
    rows = rows.join(clash, on=["target", "key"], how="left", maintain_order="left").with_columns(pl.col("conflict").fill_null(False))
    leaky = pl.col("unit_id").is_in(known.filter("goes")["unit_id"].to_list())
    kept = rows.filter(~leaky)
    dropped, kept = rows.height - kept.height, _resolved(kept, task)
    lost = rows.height - dropped - kept.height
    merged = lost if task.on_conflict == "median" else 0
    told = msgspec.structs.replace(told, dropped_for_leak=dropped, merged=merged, dropped_for_conflict=lost - merged)
    return Audited(compounds.join(kept.select("unit_id").unique(), on="unit_id", how="semi", maintain_order="left"), kept.select("unit_id", "target", "value"), told)


def _known(compounds: pl.DataFrame) -> pl.DataFrame:
    """Of each compound: whether another side of the split knows it, by key, first block and fingerprint.

    The sides are development and test, or the folds. `tests`: whether the row is judged; `goes`: whether it is in the way, being in
    development, or in a later fold than the first that knows the compound.
    """
    prints = fingerprints([molecule(one) for one in compounds["smiles"]])
    folds = not compounds["split"].is_in([TEST, "train", "tune"]).any()
    side = (pl.col("split") if folds else (pl.col("split") == TEST).cast(pl.String)).alias("side")
    rows = compounds.select("unit_id", "key", "skeleton", side, ((pl.col("split") == TEST) | folds).alias("tests"),
                            pl.Series("print", [row.tobytes() for row in prints], dtype=pl.Binary))  # fmt: skip
    rows = rows.with_columns((pl.col("side").n_unique().over(by) > 1).alias(f"by_{by}") for by in _BY)
    later = [pl.col(f"by_{by}") & (pl.col("side") != pl.col("side").first().over(by) if folds else ~pl.col("tests")) for by in _BY]
    return rows.with_columns(pl.any_horizontal(later).alias("goes"))


def _conflicts(rows: pl.DataFrame, task: MoleculeTask) -> pl.DataFrame:
    """Target and full key of compounds whose numbers lie too far apart, or whose labels differ."""
    spread = {target.name: 0.5 if target.kind == "yes-no" else task.spread for target in task.targets}
    limit = pl.col("target").replace_strict(spread, return_dtype=pl.Float64)
    wide = rows.group_by("target", "key").agg((pl.col("value").max() - pl.col("value").min()).alias("wide"))
    return wide.filter(pl.col("wide") > limit).select("target", "key", pl.lit(True).alias("conflict"))


def _look(rows: pl.DataFrame, compounds: pl.DataFrame, known: pl.DataFrame, clash: pl.DataFrame, events: pl.DataFrame, task: MoleculeTask) -> Findings:
    tests = known.filter("tests")
    return Findings(
        rows=rows.height, duplicate_rows=rows.height - rows.select("target", "key").n_unique(), conflicting_groups=clash.height,
        conflicting_test_rows=rows.filter(pl.col("split") == TEST).join(clash, on=["target", "key"], how="semi").height,
        leak_full_key=int(tests["by_key"].sum()), leak_first_block=int(tests["by_skeleton"].sum()), leak_fingerprint=int(tests["by_print"].sum()),
        salts=int(compounds["salt"].sum()), revealing=_revealing(rows, events, task),
    )  # fmt: skip


def _revealing(rows: pl.DataFrame, events: pl.DataFrame, task: MoleculeTask) -> list[str]:
    """Other codes of the same compounds that say as good as what is asked; and covariates, whatever their code, as the model reads them."""
    ours = {task.structure, *task.codes.values()}
    other = events.filter(~pl.col("code").is_in(list(ours)) & ~pl.col("code").str.starts_with(SPLIT))
    told = set[str]()
    for target in task.targets:
        own = rows.filter(target=target.name)
        told |= set(reveals(own, other, target))
        told |= {code for name, code in task.covariates.items() if name in own.columns and gives_away(own, name, target)}
    return sorted(told)


def _refuse(told: Findings, task: MoleculeTask) -> None:
    leaks = max(told.leak_full_key, told.leak_first_block, told.leak_fingerprint)
    read = sorted(set(told.revealing) & set(task.covariates.values()))
    reasons = []
    if leaks and task.on_leak == "refuse":
        reasons.append(f"development knows test compounds ({told.leak_full_key} by InChIKey, {told.leak_first_block} by its first block, "
                       f"{told.leak_fingerprint} by an equal fingerprint)")  # fmt: skip
    if told.conflicting_groups and task.on_conflict == "refuse":
        reasons.append(f"measurements of {told.conflicting_groups} compounds contradict each other")
    if read:
        reasons.append(f"the covariate {', '.join(read)} gives the label away")
    if reasons:
        raise Refused("; ".join(reasons), where=f"{told.rows} measurements", do='correct the data, or decide in [task]: on_leak = "drop-from-train", '
                      'on_conflict = "drop" or "median"; leave a covariate out that is known only with the answer')  # fmt: skip


def _resolved(rows: pl.DataFrame, task: MoleculeTask) -> pl.DataFrame:
    """Development rows without contradictions, as the task says; test rows stay as they are."""
    shaky = pl.col("conflict") & (pl.col("split") != TEST)
    if task.on_conflict == "median":
        kinds = {target.name: target.kind for target in task.targets}
        own = [_one_each(rows.filter(shaky & (pl.col("target") == name)), kind == "yes-no") for name, kind in kinds.items()]
        return pl.concat([rows.filter(~shaky), *own])
    return rows.filter(~shaky)


def _one_each(rows: pl.DataFrame, labels: bool) -> pl.DataFrame:
    """One row a compound, with the median number or the majority's label; none where a vote is tied."""
    voted = rows.with_columns(pl.col("value").median().over("key")).unique("key", keep="first", maintain_order=True)
    return voted.filter(pl.col("value") != _MAJORITY) if labels else voted


def counted(told: Findings) -> dict[str, int]:
    """The findings as a flat table of counts, for the ledger and the report."""
    plain = msgspec.structs.asdict(told)
    return {name: len(value) if isinstance(value, list) else int(value) for name, value in plain.items()}


def sentence(told: Findings) -> str:
    """The findings in one line.

    >>> sentence(Findings(rows=3, duplicate_rows=1))
    'audit of 3 measurements: 1 duplicate rows'
    """
    said = [f"{value} {name.replace('_', ' ')}" for name, value in counted(told).items() if value and name != "rows"]
    return f"audit of {told.rows} measurements: {', '.join(said) or 'nothing found'}"


