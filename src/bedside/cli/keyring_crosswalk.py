"""Old names and names of today, after a rotation."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, told
from bedside.cli.say import as_json, following, quoted, show


@click.command("crosswalk")
@keyring
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV to write (mode 0600): keyring, old, new.")
@told
@as_json
def run(keyring: Path, out: Path, reason: str, who: str | None, as_json: bool) -> None:
    """Old names of subjects and their names of today, for every secret that was replaced. Pseudonyms only; keep it as close as the keyring."""
    from bedside.study import custody_keys

    many = custody_keys.crosswalk(keyring, out, reason=reason, who=who)
    show({"out": str(out), "rows": many}, f"{many} rows in {out}", as_json)
    following(f"bedside verify {quoted(keyring)}", machine=as_json)
