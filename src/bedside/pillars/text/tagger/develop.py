"""From development notes to a sealed tagger, and what it says of development notes that it did not learn from.

In        decisions of development notes with their gold spans, the notes' texts
Out       `Developed`. A study with folds: every note by a model of the other folds. With tune notes: those, by a model of the rest.
          Without either: every fifth subject's notes, by a model of the others. Rules, encoders and endpoints learn nothing here:
          they speak of every development note, and only the dictionary beside them is held out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.bundle.runners.text_spans import Span
from bedside.bundle.sealed import seal_files
from bedside.core.pillar import Developed, Lines, Material
from bedside.core.receipt import Figure
from bedside.core.task_note import OVERLAP
from bedside.pillars.text.corpus.cohort import decode, texts
from bedside.pillars.text.options import CrfOptions, ModelOptions, options
from bedside.pillars.text.tagger.card import card
from bedside.pillars.text.tagger.crf import Lesson
from bedside.pillars.text.tagger.models import fitted
from bedside.pillars.text.tagger.said import counted, said

if TYPE_CHECKING:
    import polars as pl

_EVERY = 5


def develop(material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
    """Fit on all development notes and seal; the predictions are of notes held out."""
    import polars as pl

    chosen, task = options(material.model), material.task
    notes = texts(material, features.filter(pl.col("unit_id").is_in(decisions["unit_id"].unique().to_list())))
    model = fitted(chosen, lessons(decisions, notes), task, material.root)
    digest = seal_files(
        out, name=task.name, runner=model.runner, runner_version=model.version, task=task, thresholds={}, training=training,
        files=model.files, card=card(task, chosen, decisions, made=material.made), made=material.made,
    )  # fmt: skip
    counts = Counter[str]()
    spoken = pl.concat([_held_out(chosen, material, decisions, notes, held, digest, counts) for held in _parts(decisions, chosen)])
    answered = [Figure(f"development.endpoint.{what}", many) for what, many in sorted(counts.items())]
    return Developed(digest, spoken, {target.name: Lines() for target in task.targets}, _figures(decisions) + answered)


def lessons(decisions: pl.DataFrame, notes: Mapping[str, str]) -> list[Lesson]:
    """Each note with its gold spans, in the order of the note ids."""
    spans: dict[str, list[Span]] = {unit: [] for unit in sorted(set(decisions["unit_id"]))}
    for unit, target, answer in _exact(decisions).select("unit_id", "target", "answer").iter_rows():
        spans[unit] += [Span(start, end, target) for start, end in decode(answer)]
    return [Lesson(notes[unit], sorted(own)) for unit, own in spans.items()]


def _parts(decisions: pl.DataFrame, chosen: ModelOptions) -> Sequence[set[str]]:
    """Notes to hold out together."""
    by_split: dict[str, set[str]] = {}
    for unit, split in decisions.select("unit_id", "split").unique().sort("split", "unit_id").iter_rows():
        by_split.setdefault(split, set()).add(unit)
    if any(split.startswith("fold-") for split in by_split):
        return list(by_split.values())
    if by_split.get("tune") and by_split.get("train"):
        return [by_split["tune"]]
    subjects = decisions["subject_id"].unique().sort().to_list()
    held = decisions.filter(decisions["subject_id"].is_in(subjects[::_EVERY] if len(subjects) > 1 else subjects))
    return [set(held["unit_id"])] if isinstance(chosen, CrfOptions) and len(subjects) > 1 else [set(decisions["unit_id"])]


def _held_out(chosen: ModelOptions, material: Material, decisions: pl.DataFrame, notes: Mapping[str, str], held: set[str], digest: str, counts: Counter[str]) -> pl.DataFrame:  # fmt: skip
    """What a model of the other notes says of the held ones."""
    inside = decisions["unit_id"].is_in(sorted(held))
    model = fitted(chosen, lessons(decisions.filter(~inside), notes), material.task, material.root)
    taggers = model.taggers(where="a model of other notes")
    spoken = said(taggers, notes, decisions.filter(inside), bundle=digest)
    counts.update(counted(taggers))
    return spoken


def _exact(decisions: pl.DataFrame) -> pl.DataFrame:
    """The decisions less those that ask the same a second time."""
    return decisions.filter(~decisions["target"].str.ends_with(OVERLAP))


def _figures(decisions: pl.DataFrame) -> list[Figure]:
    notes = decisions["unit_id"].n_unique()
    spans = dict.fromkeys(_exact(decisions)["target"].unique(maintain_order=True), 0)
    for target, answer in _exact(decisions).select("target", "answer").iter_rows():
        spans[target] += len(decode(answer))
    return [Figure("development.notes", notes, n=notes)] + [Figure(f"development.spans.{target}", many, n=notes) for target, many in spans.items()]
