"""What this machine and the study lack, and what to type."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, show


@click.command("doctor")
@click.argument("study", type=click.Path(), required=False)
@as_json
def run(study: str | None, as_json: bool) -> None:
    """What this machine and the study lack, and what to type.

    Exit code 1 when something is lacking.
    """
    from bedside.study.doctor import as_text, examine

    findings = examine(Path(study).resolve() if study else None)
    ok = all(finding.ok for finding in findings)
    show({"ok": ok, "findings": findings}, as_text(findings), as_json)
    raise SystemExit(0 if ok else 1)
