"""Fit the model and its baselines, and seal the bundle."""

from __future__ import annotations

import click

from bedside.cli.say import as_json, folder, following, quoted, steps


@click.command("train")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """Fit the model and its baselines, and seal the bundle.

    STUDY is the study folder (default: here). A step that is done and unchanged is not run again.
    """
    steps(study, ["train"], as_json)
    following(f"bedside test {quoted(study)}", machine=as_json)
