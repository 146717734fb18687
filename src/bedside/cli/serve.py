"""Answer CDS Hooks with the study's bundle."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import folder


@click.command("serve")
@folder
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on; 0 takes a free one."
)
@click.option(
    "--log", type=click.Path(), default=None, help="File for served predictions, outside the study folder [default: none]."
)
@click.option("--replay", is_flag=True, help="Take the prediction time from the request; for tests, never for patients.")
@click.option("--json", "as_json", is_flag=True, help="Print the address as one JSON object before serving.")
def run(study: str, host: str, port: int, log: str | None, replay: bool, as_json: bool) -> None:
    """Answer CDS Hooks 2.0 (patient-view) with the study's bundle, from FHIR prefetch.

    The model is not a cleared device; run it in silent mode until it is.
    """
    from bedside.study.serve import serve

    serve(Path(study), host=host, port=port, log=Path(log) if log else None, replay=replay, announce_json=as_json)
