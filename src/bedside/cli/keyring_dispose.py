"""Destroy a keyring, or folders of files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, told
from bedside.cli.say import as_json, following, quoted, show


@click.command("dispose")
@keyring
@click.argument("places", nargs=-1, type=click.Path(path_type=Path))
@click.option("--keyring", "own", is_flag=True, help="The keyring itself: its secret first, then the patient map.")
@click.option("--confirm", help="The keyring's id, where there is no terminal to ask.")
@told
@as_json
def run(keyring: Path, places: tuple[Path, ...], own: bool, confirm: str | None, reason: str, who: str | None, as_json: bool) -> None:
    """Destroy a keyring (--keyring), or folders of files, for good. Ledgers stay until their six years are over.

    With the keyring goes the way back from every pseudonym, and all that was encrypted with it. Plain files are written over, which
    SSDs, copy-on-write file systems, snapshots and backups may undo: encrypt first, then dispose of the key.
    """
    from bedside.deidentify.keyring import Keyring
    from bedside.study import custody_folders

    if confirm is None and sys.stdin.isatty():
        confirm = click.prompt(f"This cannot be undone. Type the keyring's id, {Keyring.open(keyring).id}", err=True)
    gone = custody_folders.dispose(keyring, places, keyring=own, confirm=confirm or "", reason=reason, who=who)
    files, size = sum(one.files for one in gone), sum(one.bytes for one in gone)
    show({"keyring": own, "places": gone, "files": files, "bytes": size, "honest": custody_folders.HONEST},
         f"{files} files, {size:,} bytes gone; {custody_folders.HONEST}", as_json)  # fmt: skip
    following(f"bedside verify {quoted(keyring.with_name(keyring.name + '.ledger'))}", machine=as_json)
