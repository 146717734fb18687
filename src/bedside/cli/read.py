"""De-identified files to the event lake, every row accounted for."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, folder, following, quoted, steps


@click.command("read")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """De-identified files to the event lake, every row accounted for.

    STUDY is the study folder (default: here). A step that is done and unchanged is not run again.
    """
    steps(study, ["read"], as_json)
    following(f"bedside check {quoted(study)}", machine=as_json)
