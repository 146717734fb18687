"""The test labels: sealed for the plan, opened only after the opening stands in the ledger."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from bedside.core import canonical
from bedside.core.errors import Unusable
from bedside.core.receipt import Receipt
from bedside.ledger.seal import seal, unseal
from bedside.study.plan import Context

if TYPE_CHECKING:
    import polars as pl

_PLAN_CONTEXT = "test labels of plan "


def plan(context: Context) -> str:
    """Digest of what was decided before any test label was seen: the task, the model and the claims."""
    return canonical.digest([context.study.task, context.study.model, context.study.claims, context.study.seed])


def seal_labels(context: Context, labels: bytes) -> bytes:
    """The test labels under lock, bound to the plan they were made for."""
    return seal(labels, context.keyring.label_key, context=_PLAN_CONTEXT + plan(context))


def open_labels(context: Context, bundle: str) -> pl.DataFrame:
    """The sealed test labels, once their opening by this plan and bundle stands in the ledger."""
    import polars as pl

    path = context.path("cohort/test-labels.sealed")
    if not path.exists():
        raise Unusable("no decision is in the test split, so there is nothing to test on", where="the cohort",
                       do="give the task more units, or another test_fraction or seed")  # fmt: skip
    opening = {"plan": plan(context), "bundle": bundle, "split": "test"}
    before = [entry.receipt.parameters for entry in context.ledger.entries() if entry.receipt.step == "open-test-labels"]
    if opening not in before:
        context.ledger.append(Receipt("open-test-labels", parameters=dict(opening)))
    return pl.read_parquet(io.BytesIO(unseal(path.read_bytes(), context.keyring.label_key, context=_PLAN_CONTEXT + plan(context))))
