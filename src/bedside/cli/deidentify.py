"""Raw files to de-identified files, with the residue proof: a study's, or any files and folders."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show, steps

_ALONE = ("key", "known", "spans", "workers", "timezone", "mapping")


@click.command("deidentify")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--out", type=click.Path(), help="Without a study: folder to write the de-identified files to; it must be empty or absent.")
@click.option("--policy", default="expert-determination", show_default=True, help="expert-determination, safe-harbor, limited-data-set, or a TOML file.")
@click.option("--key", type=click.Path(), help="Key file of the pseudonyms, outside OUT; made with mode 0600 when absent.  [default: OUT.keyring]")
@click.option("--known", type=click.Path(exists=True, dir_okay=False), help="Known patients, one JSON object a line (FHIR Patient, or flat): looked for everywhere.")
@click.option("--detector", type=click.Choice(["rules", "ner"]), default="rules", show_default=True, help="ner: a statistical model reads what the rules leave open.")
@click.option("--spans", type=click.Path(dir_okay=False), help="Write where the identifiers of each note stood; as confidential as the notes.")
@click.option("--sample", type=click.IntRange(min=0), default=0, help="Draw so many texts by lot for a person to check, beside OUT as a page.")
@click.option("--with-original", is_flag=True, help="The page shows the texts as they came beside: as confidential as they are.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: the cores, where it pays]")
@click.option("--timezone", help="Zone of times that say none, such as America/New_York.")
@click.option("--mapping", help="Mapping of the tables' columns: a shipped name or a TOML file.  [default: roles are proposed by what columns hold]")
@click.option("--propose", type=click.Path(dir_okay=False), help="Only write the proposed roles of the tables' columns to a TOML file, to correct and give as --mapping.")
@click.option("--naming", type=click.Choice(["sealed", "keyed"]), default="sealed", show_default=True, help="How a new key names subjects.")
@as_json
def run(paths: tuple[str, ...], out: str | None, propose: str | None, as_json: bool, **asked: object) -> None:
    """Raw files to de-identified files, with the residue proof.

    \b
    bedside deidentify [STUDY]             the step of a study (default: here)
    bedside deidentify PATH... --out DIR   any files and folders of notes, FHIR, HL7 v2, tables and DICOM,
                                           told apart by what they hold
    """
    if propose is not None:
        _proposed(paths, Path(propose), as_json)
    elif out is None:
        _study(paths, asked, as_json)
    else:
        _alone(paths, Path(out), asked, as_json)


def _study(paths: tuple[str, ...], asked: dict[str, object], machine: bool) -> None:
    if len(paths) > 1 or any(asked[name] for name in _ALONE):
        raise click.UsageError("files without a study need --out DIR; a study is one folder, and its study.toml says the rest")
    study = paths[0] if paths else "."
    steps(study, ["deidentify"], machine)
    if asked["sample"]:
        from bedside.study import Study
        from bedside.study.review import of_study

        place = of_study(Study(study), int(str(asked["sample"])), with_original=bool(asked["with_original"]))
        click.echo(f"for a person to check: {place}", err=machine)
    following(f"bedside read {quoted(study)}", machine=machine)


def _proposed(paths: tuple[str, ...], place: Path, machine: bool) -> None:
    from bedside.study.standalone import propose

    mapping = propose([Path(path) for path in paths], place)
    show(mapping, f"{place}: {len(mapping['tables'])} tables; read it, correct it, and give it as --mapping {quoted(place)}", machine)


def _alone(paths: tuple[str, ...], out: Path, asked: dict[str, object], machine: bool) -> None:
    from bedside.study.standalone import Asked, deidentify

    if not paths:
        raise click.UsageError("give the files or folders to de-identify")
    key = Path(str(asked.pop("key") or f"{out}.keyring"))
    places = {name: Path(str(asked.pop(name))) if asked[name] else asked.pop(name) for name in ("known", "spans")}
    result = deidentify([Path(path) for path in paths], out, key, Asked(**places, **asked))  # type: ignore[arg-type]
    show(result, _told(result, key), machine)


def _told(result: object, key: Path) -> str:
    from bedside.study.standalone import Result

    assert isinstance(result, Result)
    counts, residue = result.records, result.residue
    unread = residue.get("unsearched")
    lost = sum(counts.quarantined.values())
    lines = [
        f"{result.out}: {counts.written} of {counts.read} records de-identified under {result.policy} (digest {result.digest})",
        "  " + ", ".join(f"{count} {format}" for format, count in result.files.items()) + f" files; {result.subjects} subjects",
        f"  {lost} quarantined, {sum(counts.ignored.values())} left out as declared, {sum(counts.merged.values())} merged",
        *(f"    {count} x {reason}" for reason, count in sorted(counts.quarantined.items(), key=lambda one: -one[1])),
        *(f"    {count} x {reason} (left out)" for reason, count in sorted(counts.ignored.items(), key=lambda one: -one[1])),
        f"  residue proof: {residue.get('strong', 0)} strong, {residue.get('weak', 0)} weak hits of {residue.get('needles', 0)} forms looked for"
        + (f"; {len(unread)} layers of files could not be opened and searched" if isinstance(unread, list) and unread else ""),
        f"  key {'made: ' if result.made_key else ''}{key}: keep it, and keep it apart from the files",
    ]
    lines += [f"  spans of the notes: {result.spans}"] if result.spans else []
    lines += [f"  for a person to check: {result.review}"] if result.review else []
    return "\n".join(lines)
