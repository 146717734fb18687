"""Bundle and opened labels to predictions, their evaluation and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core import canonical
from bedside.core.accounts import Tally
from bedside.study.plan import Context, Done
from bedside.study.steps.frames import decisions_and_features, write_frame
from bedside.study.steps.labels import open_labels
from bedside.study.steps.sources import load_safe
from bedside.study.steps.train import Thresholds, bedside_scores

if TYPE_CHECKING:
    import polars as pl


def test(context: Context, out: Path) -> Done:
    """Open the test labels (in the ledger first), predict, evaluate, and draw the report."""
    from bedside.bundle.store import Bundle
    from bedside.evaluate.evaluation import evaluate, figures

    bundle, task = Bundle.open(context.path("bundles/model")), context.study.task
    predictions = _test_predictions(context, bundle)
    thresholds = msgspec.json.decode(context.path("predictions/thresholds.json").read_bytes(), type=Thresholds)
    days = (
        predictions["unit_id"].n_unique() * task.prediction.every_hours / 24 if task.prediction.unit == "encounter-hour" else None
    )
    found = evaluate(predictions, main="risk", thresholds={} if thresholds.by_fold else thresholds.serving, seed=context.study.seed,
                     fold_thresholds=thresholds.by_fold or None, patient_days=days, outcome=task.outcome.name, unit=task.prediction.unit,
                     utility_thresholds=thresholds.utility)  # fmt: skip
    (out / "predictions").mkdir()
    (out / "reports").mkdir()
    name = "predictions/test.parquet"
    content = {name: write_frame(predictions, out / name, made=context.study.made), "reports/test.html": canonical.digest(found)}
    (out / "reports" / "evaluation.json").write_bytes(canonical.dumps(found))
    (out / "reports" / "test.html").write_text(_page(context, found))
    return Done(content, {name: predictions.height}, figures(found))


def _test_predictions(context: Context, bundle: Any) -> pl.DataFrame:
    import polars as pl

    from bedside.core.predictions import conform
    from bedside.pillars.risk.fit import predict

    if context.study.task.split.folds:
        return conform(pl.read_parquet(context.path("predictions/development.parquet")))
    rows, features = decisions_and_features(context)
    test_rows = rows.filter(pl.col("split") == "test").drop("label", "event_time")
    known = test_rows.join(open_labels(context, bundle.digest), on="unit_id", how="left", maintain_order="left")
    return conform(predict(bundle, features, known, scores=bedside_scores()).with_columns(pl.lit(context.study.site).alias("site")))


def _page(context: Context, found: Any) -> str:
    """The report, from the evaluation and what the ledger holds so far."""
    from bedside.report.page import test_report

    told = {name: entry.receipt.counts for name in ("read", "cohort") if (entry := context.ledger.latest(name))}
    flow = msgspec.json.decode(context.path("cohort/flow.json").read_bytes(), type=dict[str, int])
    stages = [("events", int(str(told["read"]["events"]))), ("encounters", flow["encounters"]), ("subjects", flow["subjects"]),
              ("decisions", flow["decisions"])]  # fmt: skip
    head, unseen = context.ledger.head(), told["cohort"].get("signals_without_values")
    return test_report(
        title=context.study.name, study=msgspec.to_builtins(context.study), evaluation=found, counts=_tallies(context), stages=stages,
        leakage=msgspec.json.decode(context.path("cohort/leakage.json").read_bytes(), type=dict[str, int]),
        ledger_head=msgspec.to_builtins(head) if head else {}, made=context.study.made,
        quality="quality.html" if context.path("reports/quality.html").exists() else None,
        unseen=[str(name) for name in unseen] if isinstance(unseen, list) else [],
        next_commands=["bedside verify .", "bedside explain . test/risk/auroc", "bedside serve ."],
    )  # fmt: skip


def _tallies(context: Context) -> list[dict[str, object]]:
    """Counts of every file from raw to events: what de-identification kept back, then what the readers made of the rest."""
    entry = context.ledger.latest("read")
    read = entry.receipt.counts.get("tallies") if entry else None
    lost = [tally for tally in load_safe(context).tallies if tally.read > tally.written]
    held = [
        Tally(t.source, f"{t.file} (de-identification)", t.read - t.written, 0, t.merged, t.ignored, t.quarantined) for t in lost
    ]
    return [*msgspec.to_builtins(held), *(read if isinstance(read, list) else [])]
