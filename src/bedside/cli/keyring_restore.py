"""Bring a keyring back from its backup, or try whether that would work."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show


@click.command("restore")
@click.argument("backup", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="Where the keyring is to lie; nothing may lie there yet.")
@click.option("--check", is_flag=True, help="Open the backup and prove it, without writing anything.")
@click.option("--reason", default="the keyring was lost", show_default=True, help="Why, in words, without a patient's name or number.")
@click.option("--who", help="The person on whose word this is done. Default: the account of this machine.")
@as_json
def run(backup: Path, key: Path | None, check: bool, reason: str, who: str | None, as_json: bool) -> None:
    """Bring a keyring back from its backup, or try (--check) whether that would work.

    What was surveyed after the backup was made is not in it: survey the raw files again.
    """
    from bedside.deidentify.custody_ask import passphrase
    from bedside.study import custody_keys

    if (key is None) == (not check):
        raise click.UsageError("give either --key FILE or --check")
    words = passphrase("the backup")
    found = custody_keys.check_backup(backup, words) if key is None else custody_keys.restore(backup, key, words, reason=reason, who=who)
    ring, time, many = found
    record = {"keyring": ring, "made": time, "subjects": many, "restored": None if key is None else str(key)}
    show(record, f"keyring {ring}, of {time}, {many} subjects: {'whole' if key is None else f'restored to {key}'}", as_json)
    following(f"bedside verify {quoted(key)}" if key else f"bedside keyring restore {quoted(backup)} --key FILE", machine=as_json)
