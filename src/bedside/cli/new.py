"""Write a study folder to start from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show

TASKS = sorted(place.name.removesuffix(".toml") for place in (files("bedside") / "study" / "templates").iterdir())


@click.command("new")
@click.argument("study", type=click.Path())
@click.option(
    "--task",
    type=click.Choice(TASKS),
    default="deterioration",
    show_default=True,
    help="Task to start from.",
)
@as_json
def run(study: str, task: str, as_json: bool) -> None:
    """Write a study folder to start from: study.toml with every setting explained, and a keyring beside it.

    STUDY is the folder to make; a folder that has a study.toml already is left alone.
    """
    from bedside.study.new import new

    made = new(Path(study), task=task)
    show(
        {"study": str(made.root), "keyring": str(made.keyring)},
        f"study    {made.root / 'study.toml'}\nkeyring  {made.keyring}  (keep a copy; never in the study folder)",
        as_json,
    )
    following(
        f"edit {quoted(made.root / 'study.toml')}",
        f"bedside check {quoted(study)}",
        f"bedside run {quoted(study)}",
        machine=as_json,
    )
