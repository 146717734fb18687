"""Drift, calibration and alert burden of served predictions."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, folder, following, quoted, show


@click.command("monitor")
@folder
@click.option(
    "--log", type=click.Path(exists=True), required=True, help="File of served predictions, as `bedside serve --log` writes it."
)
@click.option(
    "--labels", type=click.Path(exists=True), default=None, help="CSV or Parquet with unit_id and label, once they are known."
)
@click.option("--window-days", type=float, default=None, help="Length of a window [default: a week, doubled until half of them hold enough encounters].")
@as_json
def run(study: str, log: str, labels: str | None, window_days: float | None, as_json: bool) -> None:
    """Replay served predictions: input drift against the bundle's reference sketch, calibration, alerts per 100 patient-days.

    The page is reports/monitor.html; its figures go into the ledger. Exit code 1 when there is something to look at.
    """
    from bedside.study.monitor import watch

    found = watch(Path(study), log=Path(log), labels=Path(labels) if labels else None, window_days=window_days)
    show(found, f"{found.to_text()}\npage  {Path(study) / 'reports' / 'monitor.html'}", as_json)
    following(f"bedside explain {quoted(study)} monitor/burden", machine=as_json)
    raise SystemExit(1 if found.alarm else 0)
