"""`bedside monitor`: served predictions against the bundle's reference; the page and the finding go into the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core import canonical
from bedside.core.errors import Malformed
from bedside.core.ids import sha256_file
from bedside.core.receipt import Figure, Item, Receipt
from bedside.study import folder
from bedside.study.plan import code_version
from bedside.study.study import Study

if TYPE_CHECKING:
    import polars as pl

    from bedside.monitor.report import MonitorReport

_OWNS = ("reports/monitor.html", "reports/monitor.json")


def watch(root: Path, *, log: Path, labels: Path | None = None, window_days: float | None = None) -> MonitorReport:
    """The monitor's report, also written to reports/monitor.html and .json and, with its figures, into the ledger."""
    from bedside.monitor.replay import monitor

    study = Study(root)
    bundle = study._made("bundles/model", "train")
    found = monitor(log, bundle, labels=_labels(labels), window_days=window_days)
    with folder.locked(study.root):
        names = _written(study, found)
    outputs = [Item(name, sha256_file(study.root / name), canonical.digest(found)) for name in names]
    counts = msgspec.to_builtins(found.whole.burden) | {"findings": [msgspec.to_builtins(one) for one in found.findings]}
    inputs = [*_bundle(study), Item("served log", sha256_file(log)), *([Item("labels", sha256_file(labels))] if labels else [])]
    study.record(Receipt("monitor", inputs=inputs, outputs=outputs, parameters={"window_days": window_days}, code=code_version(), figures=_figures(found), counts=counts))
    return found


def _bundle(study: Study) -> list[Item]:
    """The bundle's files as the newest training wrote them, so that a figure of the page can be walked back."""
    made = next((entry for entry in reversed(study.ledger()) if entry.receipt.step == "train"), None)
    return [item for item in made.receipt.outputs if item.name.startswith("bundles/")] if made else []


def _written(study: Study, found: MonitorReport) -> list[str]:
    from bedside.report.monitoring import monitor_page

    staged = folder.staging(study.root, "monitor")
    (staged / "reports").mkdir()
    (staged / _OWNS[0]).write_text(monitor_page(found, title=study.file.name), encoding="utf-8")
    (staged / _OWNS[1]).write_bytes(canonical.dumps(found))
    return folder.publish(study.root, staged, _OWNS)


def _figures(found: MonitorReport) -> list[Figure]:
    """The figures of the page, under the names that it shows."""
    told, promises = found.whole.burden, found.whole.promises
    figures = [
        Figure("monitor/burden", told.alerts_per_100_patient_days, n=told.predictions, method="alerts per 100 patient-days"),
        Figure("monitor/risk", found.whole.score.psi, n=told.predictions, method="population stability index of the risk"),
    ]
    if promises is not None:
        figures += [
            Figure(f"monitor/{name}", one.value, one.low, one.high, one.n, one.method)
            for name in ("observed_to_expected", "slope", "auroc")
            for one in [getattr(promises, name)]
        ]
    return figures


def _labels(path: Path | None) -> pl.DataFrame | None:
    """The labels' file, every column of a CSV as text."""
    import polars as pl

    if path is None:
        return None
    try:
        return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError, OSError) as error:
        raise Malformed(f"the labels cannot be read as {path.suffix or 'a table'} ({type(error).__name__})", where=path.name,
                        do="give a CSV or Parquet file with the columns unit_id and label") from None  # fmt: skip
