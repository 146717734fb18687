"""Events of compounds to standard structures and what was measured of them; whatever is left out is counted with its reason.

In        the lake's events; a `MoleculeTask`
Out       `Gathered`: one row a compound (and replicate): unit_id, subject_id, smiles, key, skeleton, time, salt, covariates;
          one row a unit and target: unit_id, target, value
Order     that of the source's files and lines, so that a split that counts rows is that of the file
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from bedside.bundle.runners.molecules_standard import EMPTY, standardise
from bedside.core.progress import track
from bedside.core.target import Target
from bedside.core.task_molecule import MoleculeTask

SEVERAL, UNMEASURED, NO_NUMBER, CENSORED = "several structures", "no measurement", "value is no number", "value with a comparator"
OTHER_UNIT, NO_LABEL = "another unit than the target's", "value is neither 0 nor 1"


@dataclass
class Gathered:
    """Compounds and measurements. `left_out`: (source of the event, reason); `steps`: what standardising changed, in compounds."""

    compounds: pl.DataFrame
    measured: pl.DataFrame
    records: int
    left_out: list[tuple[str, str]] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)


def gather(events: pl.DataFrame, task: MoleculeTask) -> Gathered:
    """The compounds of a task. Never raises for what the events hold."""
    known = events.filter(pl.col("status") != "retracted")
    drawn = _in_order(known.filter(pl.col("code") == task.structure))
    made = Gathered(pl.DataFrame(), pl.DataFrame(), drawn["subject_id"].n_unique())
    structures = _standard(drawn, task, made)
    values = _measured(known, task, made)
    nameless = values.join(drawn, on="subject_id", how="anti").unique("subject_id", keep="first", maintain_order=True)
    made.left_out += [(source, EMPTY) for source in nameless["source"]]
    mute = structures.join(values, on="subject_id", how="anti")
    made.left_out += [(source, UNMEASURED) for source in mute["source"]]
    units = values.select("subject_id", "replicate").unique(maintain_order=True)
    rows = structures.join(units, on="subject_id", how="inner", maintain_order="left").with_columns(_unit_id())
    when = values.group_by("subject_id", "replicate").agg(pl.col("time").max())
    rows = rows.join(when, on=["subject_id", "replicate"], how="left", maintain_order="left").join(
        _covariates(known, task), on="subject_id", how="left", maintain_order="left")  # fmt: skip
    made.compounds = rows.drop("source", "replicate")
    made.measured = values.join(rows.select("subject_id", "replicate", "unit_id"), on=["subject_id", "replicate"]).select("unit_id", "target", "value")
    return made


def _in_order(events: pl.DataFrame) -> pl.DataFrame:
    """By file, then line."""
    parts = pl.col("source").str.split_exact("#", 1)
    line = parts.struct.field("field_1").cast(pl.Int64, strict=False)
    return events.sort(parts.struct.field("field_0"), line, "subject_id", maintain_order=True)


def _unit_id() -> pl.Expr:
    """The compound's number; of a second measurement of it, that and which one it is."""
    name = pl.col("subject_id").cast(pl.String)
    return pl.when(pl.col("replicate") == 0).then(name).otherwise(name + "/" + pl.col("replicate").cast(pl.String)).alias("unit_id")


def _standard(drawn: pl.DataFrame, task: MoleculeTask, made: Gathered) -> pl.DataFrame:
    """One row a compound that has one structure in standard form."""
    kinds = drawn.group_by("subject_id", maintain_order=True).agg(pl.col("text_value").n_unique().alias("kinds"), pl.col("text_value").first(), pl.col("source").first())
    rows = list[tuple[int, str, str, str, str, bool]]()
    for subject, count, text, source in track(kinds.iter_rows(), "structures", total=kinds.height):
        found = standardise(text, task.standard) if count == 1 else None
        if found is None or found.reason is not None:
            made.left_out.append((source, SEVERAL if found is None or found.reason is None else found.reason))
            continue
        made.steps.update(found.steps)
        rows.append((subject, source, found.smiles, found.key, found.skeleton, "." in (text or "")))
    kind = {"subject_id": pl.Int64, "source": pl.String, "smiles": pl.String, "key": pl.String, "skeleton": pl.String, "salt": pl.Boolean}
    return pl.DataFrame(rows, schema=kind, orient="row")


def _measured(events: pl.DataFrame, task: MoleculeTask, made: Gathered) -> pl.DataFrame:
    """subject_id, target, value, time, source, replicate: what can be learned from, in the order of the files."""
    parts = [_of_target(events.filter(pl.col("code") == task.codes[target.name]), target, made) for target in task.targets]
    return pl.concat(parts)


def _of_target(events: pl.DataFrame, target: Target, made: Gathered) -> pl.DataFrame:
    value, text = pl.col("numeric_value"), pl.col("text_value")
    unit = pl.lit(target.unit, dtype=pl.String)
    fault = (pl.when(value.is_null()).then(pl.lit(NO_NUMBER)).when(text.is_not_null()).then(pl.lit(CENSORED))
             .when(unit.is_not_null() & (pl.col("unit") != unit)).then(pl.lit(OTHER_UNIT))
             .when(pl.lit(target.kind == "yes-no") & ~value.is_in([0.0, 1.0])).then(pl.lit(NO_LABEL)))  # fmt: skip
    told = _in_order(events).with_columns(fault.alias("fault"))
    made.left_out += told.filter(pl.col("fault").is_not_null()).select("source", "fault").rows()
    sound = told.filter(pl.col("fault").is_null())
    return sound.select("subject_id", pl.lit(target.name).alias("target"), value.cast(pl.Float64).alias("value"), "time", "source",
                        pl.int_range(pl.len()).over("subject_id").alias("replicate"))  # fmt: skip


def _covariates(events: pl.DataFrame, task: MoleculeTask) -> pl.DataFrame:
    """The mean of each covariate's numbers, compound by compound."""
    whole = events.select("subject_id").unique()
    for name, code in task.covariates.items():
        own = events.filter(pl.col("code") == code).group_by("subject_id").agg(pl.col("numeric_value").mean().cast(pl.Float64).alias(name))
        whole = whole.join(own, on="subject_id", how="left")
    return whole
