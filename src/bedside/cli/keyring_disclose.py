"""Write down that data of patients were given to somebody."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from bedside.cli.keyring_options import keyring, listed
from bedside.cli.say import as_json, following, quoted, show


@click.command("disclose")
@keyring
@click.option("--to", "recipient", required=True, help="Who received them: an organisation, or a person who is not the patient.")
@click.option("--address", default="", help="The recipient's address, where it is known.")
@click.option("--what", required=True, help="What was given, in a few words.")
@click.option("--purpose", required=True, help="What for.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="When (YYYY-MM-DD). Default: today.")
@click.option("--subject", "subjects", multiple=True, help="Pseudonym of a person who was told of; may be given again.")
@click.option("--from", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with one pseudonym a line.")
@click.option("--count", type=click.IntRange(min=1), help="How many people were told of, where not all are named.")
@click.option("--limited-data-set", is_flag=True, help="It was a limited data set (45 CFR 164.514(e)), which no account needs to list.")
@click.option("--agreement", default="", help="The data use agreement, by its name or number.")
@click.option("--who", help="The person who gave them. Default: the account of this machine.")
@as_json
def run(
    keyring: Path, recipient: str, address: str, what: str, purpose: str, day: datetime | None, subjects: tuple[str, ...], file: Path | None,
    count: int | None, limited_data_set: bool, agreement: str, who: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Write down that data of patients were given to somebody (45 CFR 164.528): when, to whom, what, why, and of whom by pseudonym."""
    from bedside.study import custody_people

    entry = custody_people.disclose(
        keyring, recipient=recipient, address=address, what=what, purpose=purpose, day=day.date() if day else date.today(), who=who,  # noqa: DTZ011
        subjects=listed(subjects, file), count=count, agreement=agreement, limited_data_set=limited_data_set,
    )  # fmt: skip
    many = entry.receipt.parameters["count"]
    show({"seq": entry.seq, "time": entry.time, "count": many}, f"entry {entry.seq}: {many} {'person' if many == 1 else 'people'}", as_json)
    following(f"bedside keyring disclosures {quoted(keyring)}", machine=as_json)
