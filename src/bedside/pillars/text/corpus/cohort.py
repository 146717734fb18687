"""The lake's notes to decisions: which notes are asked about, what is in them, and which of them test.

In        a lake with notes, ANNOTATION// and SPLIT// events; a note task
Out       a `Cohort`: one decision a note and target, with the gold spans as JSON ([[start, end], ...]) in `answer`; one feature row a note
          (where its text lies, and its digest); annotations-rejected.parquet and notes-left-out.parquet beside them
Refuses   a subject, or nearly the same text, on both sides of a declared split, and a target that no development note annotates. Where
          this room makes the split, a test note that is nearly a copy of a development note is left out, and counted; in folds, the later
          of two copies that fell into different ones. Notes of several texts under one id are left out (`doubles.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import Refused, Unusable
from bedside.core.ids import sha256
from bedside.core.pillar import Cohort, Material
from bedside.core.task_note import OVERLAP, SPLIT, NoteTask
from bedside.pillars.text.corpus.annotations import Gold, gold, reasons
from bedside.pillars.text.corpus.apart import apart
from bedside.pillars.text.corpus.doubles import doubles
from bedside.pillars.text.corpus.subgroups import COLUMNS, subgroups

if TYPE_CHECKING:
    import polars as pl

NOTES, REJECTED, LEFT_OUT = "lake/notes.parquet", "annotations-rejected.parquet", "notes-left-out.parquet"
_PLACES = {"train", "tune", "test"}
_COPIES = ("left out of the test: nearly the text of a development note", "left out: nearly the text of a note in another fold")


def cohort(material: Material, out: Path) -> Cohort:
    """Decisions and features of the annotated notes."""
    import polars as pl

    from bedside.lake.store import Lake

    task: NoteTask = material.task
    lake = Lake(material.root / "lake")
    every, events = lake.notes(), lake.events()
    own = doubles(every)
    own.left_out.write_parquet(out / LEFT_OUT)
    taken = own.notes.filter(pl.col("code").is_in(task.codes)) if task.codes else own.notes
    found = gold(dict(taken.select("note_id", "text").iter_rows()), events, task.target_of, several=set(own.left_out["note_id"]))
    pl.DataFrame(found.rejected, schema=dict.fromkeys(("note_id", "source", "reason"), pl.String), orient="row").write_parquet(out / REJECTED)
    notes = taken.filter(pl.col("note_id").is_in(list(found.spans))).sort("note_id")
    placed = _placed(notes, events, task)
    kept, leakage = apart(subgroups(events, placed), task)
    _learnable(kept, found, task)
    flow = {"notes": every.height, "said a second time": own.again, "left out: several texts under one Note-ID": own.left_out.height,
            "of codes not asked for": own.notes.height - taken.height, "not annotated": _bare(taken, found),
            "left out: an annotation does not fit its text": len(found.spoiled), "without a declared split": notes.height - placed.height,
            _COPIES[task.split.folds > 0]: placed.height - kept.height, "notes decided on": kept.height}  # fmt: skip
    decisions = pl.concat([_asked(kept, found, target.name) for target in task.targets])
    return Cohort(decisions, _features(kept), flow, [("notes", every.height), ("annotated notes", notes.height), ("notes decided on", kept.height)], leakage,
                  {"annotations": _annotations(found), "annotations_not_taken": reasons(found.rejected), "annotations_not_asked_for": found.others})  # fmt: skip


def _bare(taken: pl.DataFrame, found: Gold) -> int:
    return taken.height - len(found.spans) - len(found.spoiled)


def _annotations(found: Gold) -> dict[str, int]:
    kinds = [span.kind for spans in found.spans.values() for span in spans]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _placed(notes: pl.DataFrame, events: pl.DataFrame, task: NoteTask) -> pl.DataFrame:
    """The notes with their split; of a declared one, those that have one."""
    import polars as pl

    if task.split.by == "subject":
        from bedside.cohort.splits import assign

        return assign(notes, task.split, events=events.filter(~pl.col("code").str.starts_with(SPLIT)))
    told = events.filter(pl.col("code").str.starts_with(SPLIT)).select("subject_id", "text_value", pl.col("code").str.strip_prefix(SPLIT).alias("split"))
    if strange := sorted(set(told["split"].unique()) - _PLACES):
        raise Unusable(f"{len(strange)} declared splits are none of train, tune, test", where="events SPLIT//...", do="declare train, tune or test")
    own = told.drop_nulls("text_value").select(pl.col("text_value").alias("note_id"), pl.col("split").alias("own")).unique()
    whole = told.filter(pl.col("text_value").is_null()).select("subject_id", pl.col("split").alias("whole")).unique()
    if own["note_id"].is_duplicated().any() or whole["subject_id"].is_duplicated().any():
        raise Unusable("a note or subject is declared to be in two splits", where="events SPLIT//...", do="declare one split of each")
    joined = notes.join(own, on="note_id", how="left", maintain_order="left").join(whole, on="subject_id", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("own", "whole").alias("split")).drop("own", "whole").drop_nulls("split")


def _learnable(notes: pl.DataFrame, found: Gold, task: NoteTask) -> None:
    """`Unusable` when a target stands in no development note: nothing could be learned or judged of it."""
    development = notes.filter(notes["split"] != "test")["note_id"].to_list()
    there = {span.kind for name in development for span in found.spans[name]}
    if silent := [target.name for target in task.asks if target.name not in there]:
        raise Unusable(f"no development note annotates {', '.join(map(repr, silent))}", where=f"{len(development)} development notes",
                       do="annotate it, map annotation types to it ([task.types]), or ask for another target")  # fmt: skip


def _asked(notes: pl.DataFrame, found: Gold, target: str) -> pl.DataFrame:
    import polars as pl

    answers = [encode([(span.start, span.end) for span in found.spans[name] if span.kind == target.removesuffix(OVERLAP)]) for name in notes["note_id"]]
    return notes.select(
        pl.col("note_id").alias("unit_id"), pl.lit(target).alias("target"), "split", "subject_id", pl.col("known_at").alias("prediction_time"),
        pl.col("code").alias("modality"), *COLUMNS, pl.Series("answer", answers, dtype=pl.String),
    )  # fmt: skip


def _features(notes: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return notes.select(pl.col("note_id").alias("unit_id"), pl.lit(NOTES).alias("path"),
                        pl.col("text").map_elements(lambda text: sha256(text.encode()), return_dtype=pl.String).alias("digest"))  # fmt: skip


def encode(spans: list[tuple[int, int]]) -> str:
    """Gold spans as a decision's answer.

    >>> decode(encode([(0, 4)]))
    [(0, 4)]
    """
    return msgspec.json.encode(spans).decode()


def decode(answer: str) -> list[tuple[int, int]]:
    return msgspec.json.decode(answer, type=list[tuple[int, int]])


def texts(material: Material, features: pl.DataFrame) -> dict[str, str]:
    """The text of each unit; `Refused` when one is not what its digest says."""
    import polars as pl

    found = dict(pl.read_parquet(material.root / NOTES).filter(pl.col("note_id").is_in(features["unit_id"].to_list())).select("note_id", "text").iter_rows())
    for unit, digest in features.select("unit_id", "digest").iter_rows():
        if unit not in found or sha256(found[unit].encode()) != digest:
            raise Refused("a note is not the one that the cohort was made of", where=NOTES, do="bedside run: read and cohort again")
    return {unit: found[unit] for unit in features["unit_id"]}
