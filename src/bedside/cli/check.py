"""Check study.toml and the data it names, and draw the data-quality page."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, folder, following, quoted, show


@click.command("check")
@folder
@as_json
def run(study: str, as_json: bool) -> None:
    """Check study.toml and the data it names, and draw the data-quality page.

    All problems of study.toml are shown at once, each with its line. The data are checked when the lake is there.
    Exit code 2 when study.toml is wrong, 3 when it asks for what a safety or privacy rule refuses.
    """
    from bedside.study.check import check

    found = check(Path(study))
    show(found, found.text(), as_json)
    again = f"bedside check {quoted(study)}   (when study.toml is corrected)"
    following(again if found.problems else f"bedside run {quoted(study)}", machine=as_json)
    raise SystemExit(found.exit_code)
