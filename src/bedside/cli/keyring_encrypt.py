"""Encrypt a folder of raw or safe files."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, told
from bedside.cli.say import as_json, following, quoted, show


@click.command("encrypt")
@keyring
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new folder, which must not be there yet.")
@told
@as_json
def run(keyring: Path, folder: Path, out: Path, reason: str, who: str | None, as_json: bool) -> None:
    """Encrypt a folder of raw or safe files into a new one: names hidden, mode 0600. FOLDER itself stays as it is.

    No other verb reads an encrypted folder: decrypt it first. It opens with this keyring only, also after a rotation.
    """
    from bedside.study import custody_folders

    told = custody_folders.encrypt(keyring, folder, out, reason=reason, who=who)
    show({"out": str(out), "files": told.files, "bytes": told.bytes}, f"{told.files} files, {told.bytes:,} bytes in {out}", as_json)
    following(f"bedside keyring dispose {quoted(keyring)} {quoted(folder)} --reason ...", machine=as_json)
