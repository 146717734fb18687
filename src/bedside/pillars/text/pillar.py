"""The text of notes as a pillar (core.pillar): annotated notes in, spans found in them out.

In        the lake's notes and annotations; [task] of kind note; [model] (`options.py`)
Elsewhere who is asked: `corpus/cohort.py`; fitting: `tagger/`; notes to facts by rules, without a task: this room's README.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedside.core import canonical
from bedside.core.errors import Misconfigured, Refused
from bedside.core.pillar import Cohort, Developed, Material, Predicted
from bedside.core.task_note import NOTHING, OVERLAP, NoteTask

if TYPE_CHECKING:
    import polars as pl

COUNTS = "tagger-counts.json"
"""What an endpoint answered, in counts, beside the predictions."""
_WHERE = "study.toml, [task]"
_AS_RECEIVED = "as-received"


class TextPillar:
    """Contract 2 of kind note. The model's output is "model"; a dictionary of the training spans stands beside it."""

    main = "model"
    extra = "text"

    def check(self, task: NoteTask, model: Mapping[str, object], *, policy: str | None) -> None:
        """Targets, split, [model], and that annotations still lie where they were made."""
        from bedside.cohort import splits
        from bedside.pillars.text.options import options

        if faults := _faults(task):
            raise Misconfigured("; ".join(faults), where=_WHERE, do="correct the task; see docs/text-tagger.md")
        splits.check(task.split)
        options(model)
        if policy is not None and policy != _AS_RECEIVED:
            raise Refused("annotations count characters of the text that was annotated, and de-identification would move them",
                          where="study.toml, [deidentify] policy",
                          do='de-identify the notes in a study of their own, annotate what it wrote to safe/, and take that in with policy = "as-received"')  # fmt: skip

    def cohort(self, material: Material, out: Path) -> Cohort:
        """One decision an annotated note and target."""
        from bedside.pillars.text.corpus.cohort import cohort

        return cohort(material, out)

    def develop(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, out: Path, training: Mapping[str, str]) -> Developed:
        """Fit and seal."""
        from bedside.pillars.text.tagger.develop import develop

        return develop(material, decisions, features, out=out, training=training)

    def predict(self, material: Material, decisions: pl.DataFrame, features: pl.DataFrame, *, bundle: Path, out: Path) -> Predicted:
        """What the sealed tagger, and the dictionary beside it, find in each test note."""
        import polars as pl

        from bedside.bundle.sealed import Sealed
        from bedside.pillars.text.corpus.cohort import texts
        from bedside.pillars.text.tagger.models import opened
        from bedside.pillars.text.tagger.said import counted, said

        sealed = Sealed.open(bundle)
        notes = texts(material, features.filter(pl.col("unit_id").is_in(decisions["unit_id"].unique().to_list())))
        taggers = opened(sealed)
        spoken = said(taggers, notes, decisions, bundle=sealed.digest)
        if counts := counted(taggers):
            out.mkdir(parents=True, exist_ok=True)
            (out / COUNTS).write_bytes(canonical.dumps(counts))
        return Predicted(spoken)

    def patient_days(self, task: NoteTask, predictions: pl.DataFrame) -> float | None:
        """Notes cover no time."""
        return None


def _faults(task: NoteTask) -> list[str]:
    names = [target.name for target in task.asks]
    types = [kind for target in task.asks for kind in task.types.get(target.name, [target.name])]
    found = ["asks names no target"] * (not names) + ["asks names one target twice"] * (len(set(names)) < len(names))
    found += [f"target {target.name!r} is of kind {target.kind}; things in notes are found" for target in task.asks if target.kind != "found"]
    found += [f"types speaks of {name!r}, which is no target" for name in sorted(set(task.types) - set(names))]
    found += [f"types gives target {name!r} no annotation type" for name, kinds in sorted(task.types.items()) if not kinds]
    found += ["an annotation type counts as two targets"] * (len(set(types)) < len(types))
    found += [f"a target's name ends with {OVERLAP!r}"] * any(name.endswith(OVERLAP) for name in names) + [f"{NOTHING!r} means annotated with nothing"] * (NOTHING in types)
    found += ["a declared split has no folds"] * (task.split.by == "declared" and task.split.folds > 0)
    return found + [f"a split by {task.split.by} is not for notes: subject or declared"] * (task.split.by not in ("subject", "declared"))


PILLAR: Any = TextPillar()
