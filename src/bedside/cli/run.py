"""Run the steps of a study that are not done."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, folder, following, quoted, steps


@click.command("run")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """Run the steps of a study that are not done: deidentify, read, check, cohort, train, test, dossier.

    STUDY is the study folder (default: here). A run that was killed goes on where it was.
    """
    steps(study, None, as_json)
    if not as_json:
        click.echo(f"\nreport  {study}/reports/test.html")
    where = quoted(study)
    following(f"bedside verify {where}", f"bedside explain {where} test/risk/auroc", f"bedside serve {where}", machine=as_json)
