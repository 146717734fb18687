"""Fit one model over several sites; only updates leave them."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show


@click.command("federate")
@click.argument("shared", type=click.Path(dir_okay=False), metavar="STUDY.TOML")
@click.option("--sites", required=True, help="Folders of the sites, with commas between; names inside a folder sites/ beside STUDY.TOML will do.")
@click.option("--rounds", type=click.IntRange(min=1), help="Rounds, where not those of [model.federated].")
@click.option("--engine", type=click.Choice(["in-process", "flare"]), default="in-process", show_default=True,
              help="flare: the same sites as processes of NVIDIA FLARE's simulator.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False), help="Where the result goes (default: federated/ beside STUDY.TOML).")
@click.option("--pool-test", is_flag=True, help="Also judge all sites' test rows together: for made and public data only.")
@click.option("--job", type=click.Path(file_okay=False), help="Write an NVIDIA FLARE job for real sites to this folder, and run nothing.")
@click.option("--collect", type=click.Path(exists=True, file_okay=False), help="Write the result of a FLARE job that was downloaded to this folder.")
@as_json
def run(shared: str, sites: str, rounds: int | None, engine: str, out: str | None, pool_test: bool, job: str | None, collect: str | None,
        as_json: bool) -> None:  # fmt: skip
    """Fit the model of STUDY.TOML over several sites. Rows stay at the sites, and only updates leave them.

    Each site is a study folder with its own raw data, keyring, lake and ledger, and the same task and model. Steps of a site that are
    stale run first, up to the cohort. Models that are not federable are refused: rows are never pooled instead.
    """
    from bedside.study import federate

    file, names = Path(shared), [name.strip() for name in sites.split(",") if name.strip()]
    place = Path(out) if out else file.parent / "federated"
    if job is not None:
        made = federate.export(file, names, Path(job), rounds=rounds)
        show({"job": str(made), "sites": sorted(names)}, f"job     {made}", as_json)
        following("see docs/federate.md: submit the job from FLARE's console", machine=as_json)
        return
    folders = [_folder(file.parent, name) for name in names]
    done = (federate.collected(file, Path(collect), out=place) if collect is not None else
            federate.federate(file, folders, out=place, rounds=rounds, engine=engine, pool_test=pool_test, quiet=as_json))  # fmt: skip
    record = {"out": str(done.out), "bundle": done.run.bundle, "rounds": len(done.run.rounds),
              "sites": [{"site": one.site, "rows": one.rows, "subjects": one.subjects, "figures": one.figures} for one in done.run.sites],
              "quarantined": sum(len(one.quarantined) for one in done.run.rounds), "vanished": sum(len(one.vanished) for one in done.run.rounds)}  # fmt: skip
    show(record, f"\nreport  {done.out}/reports/federated.html", as_json)
    following(f"bedside verify {quoted(done.out)}", f"bedside serve {quoted(done.out)}", machine=as_json)


def _folder(beside: Path, name: str) -> Path:
    """The folder of a site: as given, else under sites/ beside the shared file, else beside it."""
    choices = (Path(name), beside / "sites" / name, beside / name)
    return next((one for one in choices if (one / "study.toml").is_file()), choices[0])
