"""Raw files to de-identified files, with the residue proof."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, folder, following, quoted, steps


@click.command("deidentify")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """Raw files to de-identified files, with the residue proof.

    STUDY is the study folder (default: here). A step that is done and unchanged is not run again.
    """
    steps(study, ["deidentify"], as_json)
    following(f"bedside read {quoted(study)}", machine=as_json)
