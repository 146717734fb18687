"""Bring a made hospital, run every step on it, and show the report."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show


@click.command("demo")
@click.option(
    "--out", type=click.Path(), default="bedside-demo", show_default=True, help="Folder to write; its keyring lies beside it."
)
@click.option("--patients", type=int, default=None, help="How many inpatients, 20 or more [default: the shipped 300].")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Another seed makes another hospital.")
@as_json
def run(out: str, patients: int | None, seed: int, as_json: bool) -> None:
    """Bring a made hospital (FHIR, HL7v2, CSV, DICOM, notes), run every step on it, and show the report.

    Everything in it is made: no patient is real. Nothing is downloaded.
    """
    from bedside.study.demo import demo
    from bedside.study.silent import watched

    study, ran = demo(Path(out), patients=patients, seed=seed, quiet=as_json)
    served, seen = watched(study, quiet=as_json)
    report, page = study.root / "reports" / "test.html", study.root / "reports" / "monitor.html"
    show(
        {"study": str(study.root), "report": str(report), "steps": ran, "silent": served, "monitor": str(page), "findings": seen.findings,
         "content": study.content()},
        f"\nreport  {report}\nmonitor {page}", as_json,
    )  # fmt: skip
    where = quoted(out)
    following(f"bedside verify {where}", f"bedside explain {where} test/risk/auroc", f"bedside sql {where} \"select code, count(*) n from events group by code order by n desc limit 10\"",
              f"bedside serve {where} --host 127.0.0.1 --port 8000", machine=as_json)  # fmt: skip
