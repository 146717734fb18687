"""Which records must stay, and until when."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring
from bedside.cli.say import as_json, following, quoted, show


@click.command("retention")
@keyring
@click.option("--study", "studies", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="A study folder whose ledger counts too.")
@as_json
def run(keyring: Path, studies: tuple[Path, ...], as_json: bool) -> None:
    """Which records must stay, and until when: six years from their last entry (45 CFR 164.316(b)(2)(i), 164.528, 164.530(j)).

    Raw files and the patients' record have times of their own, under the law of your state: this does not know them.
    """
    from bedside.study.custody_folders import retention

    rows = retention(keyring, studies)
    text = "\n".join(f"{'may go' if row.now else 'stays '}  {row.may_go}  {row.what}  {row.entries} entries, the newest of {row.newest}  {row.rule}" for row in rows)
    show({"records": rows}, text or "no record", as_json)
    following(f"bedside verify {quoted(keyring)}", machine=as_json)
