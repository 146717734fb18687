"""Search a folder for every identifier of a list of known patients."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show


@click.command("residue")
@click.argument("folder", type=click.Path())
@click.option("--known", type=click.Path(), help="Known patients, one a line: FHIR Patient or a flat record.")
@click.option(
    "--verdicts", type=click.Path(), help="What a reviewer marked on the review page: the leak rate with its upper bound."
)
@as_json
def run(folder: str, known: str | None, verdicts: str | None, as_json: bool) -> None:
    """Search a folder for every identifier of a list of known patients, in every writing and wrapping.

    Says files, kinds and places, never content. Exit code 1 when a strong identifier was found, or a file could not be opened;
    weak ones are for a person to look at. With --verdicts a reviewer's marks become a leak rate with an exact upper bound.
    """
    from bedside.study.residue import as_text, found, judged

    if known is None and verdicts is None:
        raise click.UsageError("give --known FILE, --verdicts FILE, or both")
    residue = found(Path(folder), Path(known)) if known is not None else None
    leaks = judged(Path(verdicts)) if verdicts is not None else None
    show({"residue": residue, "review": leaks}, as_text(residue, leaks), as_json)
    clean = residue is None or not (residue.strong or residue.unsearched)
    following(f"bedside deidentify RAW --out {quoted(folder)} --sample 200" if clean else f"bedside residue {quoted(folder)} --known FILE --json",
              machine=as_json)  # fmt: skip
    raise SystemExit(0 if clean and not (leaks and leaks.leaking) else 1)
