"""Bundle and opened labels to predictions, their evaluation and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from bedside.core import canonical
from bedside.core.accounts import Tally
from bedside.core.pillar import Lines, Predicted
from bedside.core.predictions import TRUTHS
from bedside.study.pillars import material, pillar_of
from bedside.study.plan import Context, Done
from bedside.study.steps.frames import decisions_and_features
from bedside.study.steps.labels import open_labels
from bedside.study.steps.sources import load_safe
from bedside.study.steps.train import LINES, write_said

if TYPE_CHECKING:
    from bedside.evaluate.judged import Test


def test(context: Context, out: Path) -> Done:
    """Open the test labels (in the ledger first), predict, evaluate, and draw the report."""
    from bedside.bundle.sealed import Sealed
    from bedside.evaluate.figures import figures
    from bedside.evaluate.judge import judge

    task, pillar = context.study.task, pillar_of(context.study.task)
    (out / "predictions").mkdir()
    (out / "reports").mkdir()
    bundle = Sealed.open(context.path("bundles/model"))
    rows = _held_out(context, bundle.digest)
    said, content = _said(context, rows, out)
    lines = msgspec.json.decode(context.path(LINES).read_bytes(), type=dict[str, Lines])
    found = judge(task.targets, rows, said.predictions, said.measures, main=pillar.main, lines=lines, seed=context.study.seed,
                  patient_days=pillar.patient_days(task, said.predictions), unit=task.unit)  # fmt: skip
    content |= {"reports/test.html": canonical.digest(found)}
    (out / "reports" / "evaluation.json").write_bytes(canonical.dumps(found))
    (out / "reports" / "test.html").write_text(_page(context, found))
    return Done(content, {"predictions/test.parquet": said.predictions.height}, figures(found))


def _held_out(context: Context, digest: str) -> pl.DataFrame:
    """The decisions that nobody learned from, with what was true of them: the test's, opened; or with folds all of them."""
    rows, _ = decisions_and_features(context)
    if context.study.task.split.folds:
        return rows
    opened = open_labels(context, digest)
    truths = [name for name in TRUTHS if name in opened.columns]
    return rows.filter(pl.col("split") == "test").drop(truths).join(opened, on=["unit_id", "target"], how="left", maintain_order="left")


def _said(context: Context, rows: pl.DataFrame, out: Path) -> tuple[Predicted, dict[str, str]]:
    """What the bundle said of the held-out rows, written; with folds, what development said of each fold out of it."""
    if context.study.task.split.folds:
        said = Predicted(*(_developed(context, name) for name in ("development", "development-measures")))  # type: ignore[arg-type]
    else:
        said = pillar_of(context.study.task).predict(
            material(context), rows, decisions_and_features(context)[1], bundle=context.path("bundles/model"), out=out / "predictions" / "artifacts"
        )
    content = write_said(context, out, "test", said.predictions, said.measures)
    measures = out / "predictions/test-measures.parquet"
    return Predicted(pl.read_parquet(out / "predictions/test.parquet"), pl.read_parquet(measures) if measures.exists() else None), content


def _developed(context: Context, name: str) -> pl.DataFrame | None:
    path = context.path(f"predictions/{name}.parquet")
    return pl.read_parquet(path) if path.exists() else None


def _page(context: Context, found: Test) -> str:
    """The report, from the evaluation and what the ledger holds so far."""
    from bedside.report.page import test_report

    entry = context.ledger.latest("cohort")
    head, unseen = context.ledger.head(), entry.receipt.counts.get("signals_without_values") if entry else None
    return test_report(
        title=context.study.name, study=msgspec.to_builtins(context.study), evaluation=found, counts=_tallies(context),
        stages=msgspec.json.decode(context.path("cohort/stages.json").read_bytes(), type=list[tuple[str, int]]),
        leakage=msgspec.json.decode(context.path("cohort/leakage.json").read_bytes(), type=dict[str, int]),
        ledger_head=msgspec.to_builtins(head) if head else {}, made=context.study.made,
        quality="quality.html" if context.path("reports/quality.html").exists() else None,
        unseen=[str(name) for name in unseen] if isinstance(unseen, list) else [],
        next_commands=["bedside verify .", *_figure_to_explain(found)],
    )  # fmt: skip


def _figure_to_explain(found: Test) -> list[str]:
    from bedside.evaluate.figures import figures

    return [f"bedside explain . {figure.name}" for figure in figures(found) if figure.low is not None][:1]


def _tallies(context: Context) -> list[dict[str, object]]:
    """Counts of every file from raw to events: what de-identification kept back, then what the readers made of the rest."""
    entry = context.ledger.latest("read")
    read = entry.receipt.counts.get("tallies") if entry else None
    lost = [tally for tally in load_safe(context).tallies if tally.read > tally.written]
    held = [
        Tally(t.source, f"{t.file} (de-identification)", t.read - t.written, 0, t.merged, t.ignored, t.quarantined) for t in lost
    ]
    return [*msgspec.to_builtins(held), *(read if isinstance(read, list) else [])]
