"""What was given to whom; the account of one subject."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.keyring_options import keyring
from bedside.cli.say import as_json, following, quoted, show


@click.command("disclosures")
@keyring
@click.option("--subject", help="Pseudonym of a subject: only what 45 CFR 164.528 lets that person ask for, of the last six years.")
@as_json
def run(keyring: Path, subject: str | None, as_json: bool) -> None:
    """What was given to whom: every disclosure, or the account of one subject.

    An account leaves limited data sets out (164.528(a)(1)(viii)). A disclosure that does not name all its subjects stands in it as
    "may have told of this person".
    """
    from bedside.study import custody_people as people

    found = people.account(keyring, subject) if subject else [people.Line(one, True) for one in people.disclosures(keyring)]
    records = [{"sure": line.sure, **_fields(line.disclosure)} for line in found]
    text = "\n".join(
        f"{one['date']}  {one['recipient']}  {one['what']}  for {one['purpose']}  ({one['count']} people)"
        + (f"  limited data set, {one['agreement']}" if one["limited_data_set"] else "")
        + ("" if one["sure"] else "  may have told of this person")
        for one in records
    )
    show({"subject": subject, "disclosures": records}, text or "no disclosure", as_json)
    following(f"bedside keyring retention {quoted(keyring)}", machine=as_json)


def _fields(one: object) -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(one))
