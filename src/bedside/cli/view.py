"""Look at a study's volumes and segmentations in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import folder


@click.command("view")
@folder
@click.option("--unit", default=None, metavar="ID", help="Unit of the test to begin with.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback to serve at [default: a free one].")
@click.option("--json", "as_json", is_flag=True, help="Print the address as one JSON object before serving.")
def run(study: str, unit: str | None, port: int, as_json: bool) -> None:
    """Serve the test volumes with their label maps and figures to a browser on this machine, until interrupted.

    For looking at results; not for reading images.
    """
    import msgspec

    from bedside.study.view import view

    def announce(address: str, units: int) -> None:
        told = msgspec.json.encode({"url": address, "units": units}).decode()
        click.echo(told if as_json else f"{units} units at {address} (interrupt to stop)")

    view(Path(study), unit=unit, port=port, announce=announce)
