"""What taggers said of notes, as prediction rows of kind "found": one row a thing found or missed.

In        each note's text, its decisions (gold spans in `answer`), taggers by the name of their output
Out       prediction rows (core.predictions); targets that take any overlap for an answer are matched so, the others by the exact span
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bedside.bundle.runners.text_spans import Span, Tagger
from bedside.core.task_note import OVERLAP
from bedside.evaluate.spans import match
from bedside.pillars.text.corpus.cohort import decode
from bedside.pillars.text.corpus.subgroups import COLUMNS

if TYPE_CHECKING:
    import polars as pl

MAIN, DICTIONARY = "model", "dictionary"
_KEPT = ("subject_id", "prediction_time", "modality", "split", *COLUMNS)


def said(taggers: Mapping[str, Tagger], texts: Mapping[str, str], decisions: pl.DataFrame, *, bundle: str) -> pl.DataFrame:
    """Rows of every tagger on every decided note. A tagger reads a note once, whatever is asked of it."""
    import polars as pl

    units = decisions["unit_id"].unique(maintain_order=True).to_list()
    told = {name: {unit: tagger.tag(texts[unit]) for unit in units} for name, tagger in taggers.items()}
    rows: list[dict[str, Any]] = []
    for decision in decisions.select("unit_id", "target", "answer", *_KEPT).iter_rows(named=True):
        for name, by_unit in told.items():
            rows += _rows(decision, by_unit[decision["unit_id"]], name)
    types = {"unit_id": pl.String, "parent_unit": pl.String, "target": pl.String, "output": pl.String, "value": pl.Float64, "label": pl.Boolean}
    frame = pl.DataFrame(rows, schema={**types, **{name: decisions.schema[name] for name in _KEPT}})
    return frame.with_columns(pl.lit(bundle).alias("bundle"))


def counted(taggers: Mapping[str, Tagger]) -> dict[str, int]:
    """What taggers counted while they spoke: answers that could not be read, quotes that were dropped. Most count nothing."""
    return {what: many for tagger in taggers.values() for what, many in sorted(getattr(tagger, "counts", {}).items())}


def _rows(decision: Mapping[str, Any], told: list[Span], output: str) -> list[dict[str, Any]]:
    truth, unit, target = decode(decision["answer"]), decision["unit_id"], decision["target"]
    found = [span for span in told if span.kind == target.removesuffix(OVERLAP)]
    same = {"parent_unit": unit, "target": target, "output": output, **{name: decision[name] for name in _KEPT}}
    things = match([(span.start, span.end) for span in found], truth, how="overlap" if target.endswith(OVERLAP) else "exact",
                   score=[span.score for span in found])  # fmt: skip
    return [{"unit_id": f"{unit}/{target}/{'extra-' if thing.truth is None else ''}{thing.candidate if thing.truth is None else thing.truth}",
             "value": thing.value, "label": thing.label, **same} for thing in things]  # fmt: skip
