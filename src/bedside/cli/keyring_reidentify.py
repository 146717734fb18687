"""Who is behind a pseudonym, for somebody who may know."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, listed, told
from bedside.cli.say import as_json, following, quoted, show


@click.command("reidentify")
@keyring
@click.argument("names", nargs=-1)
@click.option("--from", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with one pseudonym a line.")
@click.option("--raw", multiple=True, type=click.Path(exists=True, path_type=Path), help="Raw files to search for numbers and UIDs that the map does not hold.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the answer there (mode 0600) and show counts only.")
@told
@as_json
def run(keyring: Path, names: tuple[str, ...], file: Path | None, raw: tuple[Path, ...], out: Path | None, reason: str, who: str | None, as_json: bool) -> None:
    """Who is behind a pseudonym, for somebody who may know. The answer is protected health information.

    NAMES are subjects (P...), numbers (N...) and UIDs (2.25....). A subject is found in the patient map, also under a name that it no
    longer bears. Numbers and UIDs cannot be turned round: they are found only where their raw value is in the map or in --raw files.
    The ledger has who asked for which pseudonyms, and why, before anything is shown. Exit code 1 when one was not found.
    """
    from bedside.deidentify.custody_files import refuse_taken, write_private
    from bedside.study import custody_people

    if out is not None:
        refuse_taken(out)
    found = custody_people.reidentify(keyring, listed(names, file), reason=reason, who=who, raw=raw)
    known = sum(one.found for one in found)
    if out is not None:
        import msgspec

        write_private(out, msgspec.json.format(msgspec.json.encode(found)) + b"\n", new=True)
    record = {"asked": len(found), "found": known, **({"out": str(out)} if out else {"identities": found})}
    show(record, f"{known} of {len(found)} found" if out else "\n".join(map(_line, found)), as_json)
    following(f"bedside verify {quoted(keyring)}", machine=as_json)
    raise SystemExit(0 if known == len(found) else 1)


def _line(one: object) -> str:
    from bedside.deidentify.custody_names import Identity

    assert isinstance(one, Identity)
    if not one.found:
        return f"{one.pseudonym}  not found"
    parts = [f"now {one.now}" if one.now else "", f"of replaced keyring {one.keyring}" if one.keyring else "", one.value, " / ".join(one.names),
             f"born {', '.join(one.births)}" if one.births else "", f"records {', '.join(one.records)}" if one.records else "", ", ".join(one.keys)]  # fmt: skip
    return "  ".join([one.pseudonym, *filter(None, parts)])
