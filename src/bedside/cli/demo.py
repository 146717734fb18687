"""Bring a made hospital, run every step on it, and show the report."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show

HOSPITAL = "hospital"
PILLARS = (HOSPITAL, "imaging", "text", "molecules", "federated")


@click.command("demo")
@click.option(
    "--out", type=click.Path(), default="bedside-demo", show_default=True,
    help="Folder to write; its keyring lies beside it, and so do the studies of the other pillars.",
)  # fmt: skip
@click.option("--patients", type=int, default=None, help="How many inpatients, 20 or more [default: the shipped 300].")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed makes another hospital.")
@click.option("--pillar", "pillars", type=click.Choice(PILLARS), multiple=True, help="Show only these; may be given several times [default: all].")
@as_json
def run(out: str, patients: int | None, seed: int, pillars: tuple[str, ...], as_json: bool) -> None:
    """Bring a made hospital (FHIR, HL7v2, CSV, DICOM, notes), run every step on it, and show the report; then a small study of each other pillar.

    Everything in it is made: no patient is real. Nothing is downloaded. What needs an extra that is not installed says which.
    """
    from bedside.study.showcase import show_pillar

    asked = pillars or PILLARS
    told: dict[str, object] = {}
    if HOSPITAL in asked:
        told = _hospital(Path(out), patients, seed, as_json)
    shown = [show_pillar(name, Path(f"{out}-{name}"), seed=seed, quiet=as_json) for name in PILLARS if name in asked and name != HOSPITAL]
    lines = [f"{one.pillar:<10}{one.report or 'not shown; to see it: ' + str(one.do)}" for one in shown]
    show({**told, "pillars": shown}, "\n".join(["", *_reports(told), *lines]), as_json)
    where = quoted(out)
    if HOSPITAL in asked and "content" in told:
        following(f"bedside verify {where}", f"bedside explain {where} test/risk/auroc", f"bedside sql {where} \"select code, count(*) n from events group by code order by n desc limit 10\"",
                  f"bedside serve {where} --host 127.0.0.1 --port 8000", machine=as_json)  # fmt: skip


def _hospital(out: Path, patients: int | None, seed: int, quiet: bool) -> dict[str, object]:
    """The made hospital: every step, the silent run, the monitor's page."""
    from bedside.study.demo import demo
    from bedside.study.silent import watched

    study, ran = demo(out, patients=patients, seed=seed, quiet=quiet)
    served, seen = watched(study, quiet=quiet)
    report, page = study.root / "reports" / "test.html", study.root / "reports" / "monitor.html"
    return {"study": str(study.root), "report": str(report), "steps": ran, "silent": served, "monitor": str(page), "findings": seen.findings,
            "content": study.content()}  # fmt: skip


def _reports(told: dict[str, object]) -> list[str]:
    return [f"{name:<10}{told[name]}" for name in ("report", "monitor") if name in told]
