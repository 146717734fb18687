"""Write the model card and the premarket draft from the ledger."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, folder, following, quoted, steps


@click.command("dossier")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """Write the model card and the premarket draft from the ledger.

    STUDY is the study folder (default: here). A step that is done and unchanged is not run again.
    """
    steps(study, ["dossier"], as_json)
    following(f"bedside verify {quoted(study)}", machine=as_json)
