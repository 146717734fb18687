"""Open the test labels, evaluate, and draw the report."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, folder, following, quoted, steps


@click.command("test")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """Open the test labels, evaluate, and draw the report.

    STUDY is the study folder (default: here). A step that is done and unchanged is not run again.
    """
    steps(study, ["test"], as_json)
    following(f"bedside dossier {quoted(study)}", machine=as_json)
