"""Open an encrypted folder."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, told
from bedside.cli.say import as_json, following, quoted, show


@click.command("decrypt")
@keyring
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new folder, which must not be there yet.")
@told
@as_json
def run(keyring: Path, folder: Path, out: Path, reason: str, who: str | None, as_json: bool) -> None:
    """Open an encrypted folder into a new one (mode 0600). Nothing appears unless every byte is as it was when it was encrypted."""
    from bedside.study import custody_folders

    told = custody_folders.decrypt(keyring, folder, out, reason=reason, who=who)
    show({"out": str(out), "files": told.files, "bytes": told.bytes}, f"{told.files} files, {told.bytes:,} bytes in {out}", as_json)
    following(f"bedside verify {quoted(keyring)}", machine=as_json)
