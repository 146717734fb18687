"""Give the keyring another secret."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring
from bedside.cli.say import as_json, following, quoted, show


@click.command("rotate")
@keyring
@click.option("--resume", is_flag=True, help="Finish a rotation that was cut off.")
@click.option("--reason", default="", help="Why, in words, without a patient's name or number.")
@click.option("--who", help="The person on whose word this is done. Default: the account of this machine.")
@as_json
def run(keyring: Path, resume: bool, reason: str, who: str | None, as_json: bool) -> None:
    """Give the keyring another secret, as when the old one may be known to others. Every pseudonym and date shift changes.

    Safe files made before must be made again from the raw files, in a new study folder. Encrypted folders still open. Old names of
    subjects lead to the new ones (bedside keyring crosswalk); numbers and UIDs do not.
    """
    from bedside.deidentify.custody_ask import new_passphrase
    from bedside.deidentify.keyring import Keyring
    from bedside.study import custody_keys

    if resume:
        done = custody_keys.resume(keyring)
        show({"rotated": done}, "the new secret is in place" if done else "nothing had changed: the old secret is in place", as_json)
    else:
        locked = Keyring.open(keyring).locked is not None
        told = custody_keys.rotate(keyring, reason=reason, who=who, passphrase=new_passphrase(keyring.name) if locked else None)
        show({"rotated": True, "told": told, "then": custody_keys.THEN}, f"{told.before} -> {told.after}, {told.subjects} subjects\n{custody_keys.THEN}", as_json)
    following(f"bedside verify {quoted(keyring)}", f"bedside keyring backup {quoted(keyring)} --out FILE --reason ...", machine=as_json)
