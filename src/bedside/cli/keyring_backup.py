"""One file from which a lost keyring comes back."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, told
from bedside.cli.say import as_json, following, quoted, show


@click.command("backup")
@keyring
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The backup to write; best taken to another machine.")
@told
@as_json
def run(keyring: Path, out: Path, reason: str, who: str | None, as_json: bool) -> None:
    """One file from which a lost keyring comes back: secret, patient map and ledger, under a passphrase of its own.

    Without keyring and backup nobody can be re-identified and no further file can join those that are there. Whoever has backup and
    passphrase can re-identify everybody.
    """
    from bedside.deidentify.custody_ask import new_passphrase
    from bedside.deidentify.keyring import Keyring
    from bedside.study import custody_keys

    Keyring.open(keyring)  # its own passphrase is asked for first
    digest = custody_keys.backup(keyring, out, new_passphrase("the backup"), reason=reason, who=who)
    show({"out": str(out), "sha256": digest}, f"{out}\nSHA-256 {digest}", as_json)
    following(f"bedside keyring restore {quoted(out)} --check", machine=as_json)
