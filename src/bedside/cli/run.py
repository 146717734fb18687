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
    from bedside.study import Study

    opened, where = Study(study), quoted(study)
    figure, further = opened.headline(), [f"bedside serve {where}"] if opened.file.task.unit in ("encounter-hour", "admission") else []
    following(f"bedside verify {where}", *([f"bedside explain {where} {figure}"] if figure else []), *further, machine=as_json)
