"""What a keyring is: its id, how it names people, whether it has a passphrase, what its ledger holds."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring
from bedside.cli.say import as_json, following, quoted, show


@click.command("show")
@keyring
@as_json
def run(keyring: Path, as_json: bool) -> None:
    """What a keyring is: its id, how it names people, whether it has a passphrase, what its ledger holds. Nothing of a patient."""
    from bedside.study.custody import about

    told = about(keyring)
    text = "\n".join(f"{name.replace('_', ' '):<12} {value}" for name, value in told.items())
    show(told, text, as_json)
    following(f"bedside verify {quoted(keyring)}", f"bedside keyring backup {quoted(keyring)} --out FILE --reason ...", machine=as_json)
