"""Put the keyring under a passphrase, or take it off."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, told
from bedside.cli.say import as_json, following, quoted, show


@click.command("passphrase")
@keyring
@click.option("--remove", is_flag=True, help="Take the passphrase off.")
@told
@as_json
def run(keyring: Path, remove: bool, reason: str, who: str | None, as_json: bool) -> None:
    """Put the keyring under a passphrase, set another, or take it off. Copies made before stay as they were.

    Every verb then asks for it once, on the terminal or from a descriptor: bedside --passphrase-fd 3 run my-study 3<file.
    Nobody can bring back a passphrase that is forgotten: make a backup, which has a passphrase of its own.
    """
    from bedside.deidentify.custody_ask import new_passphrase
    from bedside.deidentify.keyring import Keyring
    from bedside.study import custody_keys

    Keyring.open(keyring)
    custody_keys.set_passphrase(keyring, None if remove else new_passphrase(keyring.name), reason=reason, who=who)
    show({"locked": not remove}, "the keyring has no passphrase" if remove else "the keyring has a passphrase", as_json)
    following(f"bedside keyring backup {quoted(keyring)} --out FILE --reason ...", machine=as_json)
