"""`bedside monitor`: served predictions against the bundle's reference, the finding in the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core.ids import sha256_file
from bedside.core.receipt import Item, Receipt
from bedside.study.study import Study

if TYPE_CHECKING:
    import polars as pl


def watch(root: Path, *, log: Path, labels: Path | None = None) -> tuple[object, str, bool]:
    """The monitor's report, its text, and whether something drifted."""
    from bedside.monitor.replay import monitor

    study = Study(root)
    found = monitor(log, study._made("bundles/model", "train"), labels=_labels(labels))
    told = msgspec.to_builtins(found)
    study.record(Receipt("monitor", inputs=[Item("served log", sha256_file(log))], counts=told if isinstance(told, dict) else {}))
    return found, found.to_text(), found.alarm


def _labels(path: Path | None) -> pl.DataFrame | None:
    import polars as pl

    if path is None:
        return None
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
