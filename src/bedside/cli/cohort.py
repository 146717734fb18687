"""Who, when, label, features and splits; test labels are sealed."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, folder, following, quoted, steps


@click.command("cohort")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """Who, when, label, features and splits; test labels are sealed.

    STUDY is the study folder (default: here). A step that is done and unchanged is not run again.
    """
    steps(study, ["cohort"], as_json)
    following(f"bedside train {quoted(study)}", machine=as_json)
