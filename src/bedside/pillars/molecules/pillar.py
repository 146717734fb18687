"""Molecules as a pillar (core.pillar): compounds and measurements in, properties with intervals out.

In        the lake's events; [task] of kind molecule; [model] (`options.py`)
Out       decisions without a subject (there a person); features are standard SMILES, since the bundle computes the rest itself
Elsewhere structures: `compounds.py`; refusal: `audit.py`; splits: `cohort/divide.py`; fitting: `fit.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from bedside.core import canonical
from bedside.core.errors import Misconfigured, Refused, Unusable
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.progress import say
from bedside.core.task_molecule import MoleculeTask

if TYPE_CHECKING:
    from bedside.pillars.molecules.compounds import Gathered
    from bedside.pillars.molecules.options import ModelOptions

_LEAKS = ("leak_full_key", "leak_first_block", "leak_fingerprint")


class MoleculePillar:
    """Contract 2 of kind molecule."""

    main = "model"
    extra = "molecules"

    def check(self, task: MoleculeTask, model: Mapping[str, object], *, policy: str | None) -> None:
        """Targets, codes, split and [model]; every fault of the task at once. `Refused` where a covariate is an answer."""
        from bedside.cohort import splits
        from bedside.pillars.molecules.faults import answers, faults
        from bedside.pillars.molecules.options import options

        splits.check(task.split)
        wrong = faults(task, options(model))
        if told := answers(task):
            raise Refused("; ".join([f"a covariate reads what the task asks for, or how it is split: {', '.join(told)}", *wrong]),
                          where="study.toml, [task.covariates]", do="name codes that are known before the answer is, or leave them out")  # fmt: skip
        if wrong:
            raise Misconfigured("; ".join(wrong), where="study.toml, [task]", do="see docs/molecules.md")

    def cohort(self, material: Material, out: Path) -> Cohort:
        """Structures to standard form, split, audit; `left-out.json` says of each compound left out where it stood, and why."""
        from bedside.lake.store import Lake
        from bedside.pillars.molecules.compounds import gather
        from bedside.pillars.molecules.options import options

        events = Lake(material.root / "lake").events()
        found = gather(events, material.task)
        (out / "left-out.json").write_bytes(canonical.dumps({"schema": "bedside.left-out/1", "left_out": sorted(found.left_out)}))
        if found.compounds.is_empty():
            reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(reason for _, reason in found.left_out).most_common())
            raise Unusable(f"no compound with structure and measurement is left ({reasons or 'no event has the codes of the task'})",
                           where="the lake", do="compare task.structure and task.codes with what `bedside check` found")  # fmt: skip
        if absent := [f"{name} ({code})" for name, code in material.task.covariates.items() if found.compounds[name].null_count() == found.compounds.height]:
            raise Unusable(f"no compound has a number of the covariate {', '.join(absent)}", where="the lake",
                           do="compare task.covariates with the codes that `bedside check` found, or leave it out")  # fmt: skip
        return _cohort(found, events, material, options(material.model))

    def develop(
        self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]
    ) -> Developed:
        """Fit and seal; the predictions are out of fold."""
        from bedside.pillars.molecules.fit import develop
        from bedside.pillars.molecules.options import options

        return develop(material, decisions, features, options(material.model), out=out, training=training)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        """Values, intervals and domain of each row."""
        from bedside.pillars.molecules.fit import predict

        return predict(decisions, features, bundle)

    def patient_days(self, task: MoleculeTask, predictions: pl.DataFrame) -> float | None:
        """Nobody is a patient here."""
        return None


def _cohort(found: Gathered, events: pl.DataFrame, material: Material, told: ModelOptions) -> Cohort:
    from bedside.pillars.molecules.audit import audit, counted, sentence

    task: MoleculeTask = material.task
    divided = _divided(found.compounds, events, task)
    if not task.split.folds and task.split.test_fraction and not (divided["split"] == "test").any():
        raise Unusable("the split leaves no compound to test", where=f"{divided.height} compounds", do="split otherwise: the groups are too large for it")
    audited = audit(divided, found.measured, events, task)
    say(f"  {sentence(audited.findings)}")
    rows = _decisions(audited.compounds, audited.measured, task, told)
    findings, left = counted(audited.findings), Counter(reason for _, reason in found.left_out)
    flow = {"compounds read": found.records, **{f"left out: {reason}": count for reason, count in sorted(left.items())},
            "compounds": found.compounds.height, "taken out by the audit": found.compounds.height - audited.compounds.height,
            "molecules": audited.compounds.height, "decisions": rows.height}  # fmt: skip
    stages = [(name, flow[name]) for name in ("compounds read", "compounds", "molecules", "decisions")]
    leakage = {name.replace("_", " "): findings[name] for name in (*_LEAKS, "dropped_for_leak")} | {"columns that give the label away": findings["revealing"]}
    features = audited.compounds.select("unit_id", "smiles", "skeleton", *task.covariates)
    counts: dict[str, object] = {"audit": findings, "revealing": audited.findings.revealing, "standardised": dict(sorted(found.steps.items())), "left_out": dict(sorted(left.items()))}
    return Cohort(rows, features, flow, stages, leakage, counts)


def _divided(compounds: pl.DataFrame, events: pl.DataFrame, task: MoleculeTask) -> pl.DataFrame:
    """The compounds with scaffold, group and split. What is one compound by its first block is never divided at random."""
    from bedside.bundle.runners.molecules_features import fingerprints
    from bedside.bundle.runners.molecules_standard import molecule
    from bedside.cohort.divide import divide
    from bedside.core.split import Split
    from bedside.pillars.molecules.groups import clusters, families, scaffold

    rings = [scaffold(one) for one in compounds["smiles"]]
    rows = compounds.with_columns(pl.Series("scaffold_group", rings, dtype=pl.String), pl.col("skeleton").alias("group_id"))
    if task.split.by == "scaffold" and task.split.folds:  # compounds without a ring are no family
        whole = families(rings, compounds["skeleton"].to_list())
        told = divide(rows.with_columns(pl.Series("scaffold_group", whole, dtype=pl.String)), task.split)
        return rows.with_columns(told["split"])
    if task.split.by == "cluster":
        prints = fingerprints([molecule(one) for one in compounds["smiles"]])
        rows = rows.with_columns(pl.Series("cluster_group", clusters(prints, task.similarity), dtype=pl.String))
    split = task.split
    if split.by == "subject":  # a compound under two numbers is one compound
        split = Split("random", split.folds, split.test_fraction, split.tune_fraction, split.seed)
    return divide(rows, split, events=events)


def _decisions(compounds: pl.DataFrame, measured: pl.DataFrame, task: MoleculeTask, told: ModelOptions) -> pl.DataFrame:
    """One row a unit and target: what was true stands in label or truth. Compounds of one scaffold are one group for intervals."""
    from bedside.pillars.molecules.groups import subgroups

    labels = [target.name for target in task.targets if target.kind == "yes-no"]
    named = subgroups(compounds["scaffold_group"].to_list(), named=told.named, rows=told.scaffold_rows)
    ring = pl.col("scaffold_group")
    units = compounds.select("unit_id", "split", pl.lit(None, dtype=pl.Int64).alias("subject_id"), pl.col("time").alias("prediction_time"),
                             pl.when(ring == "").then("skeleton").otherwise(ring).alias("group_id"), pl.Series("scaffold", named, dtype=pl.String))  # fmt: skip
    yes = pl.col("target").is_in(labels)
    rows = measured.join(units, on="unit_id", how="inner", maintain_order="left")
    return rows.with_columns(pl.when(yes).then(pl.col("value") > 0.5).alias("label"), pl.when(~yes).then("value").alias("truth")).drop("value")


PILLAR = MoleculePillar()
