"""What this machine and the study lack, and what to type."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, following, quoted, show

_BEGIN = ("bedside demo --out my-demo", "bedside new my-study")


@click.command("doctor")
@click.argument("study", type=click.Path(), required=False)
@as_json
def run(study: str | None, as_json: bool) -> None:
    """What this machine and the study lack, and what to type.

    Exit code 1 when something is lacking, 2 when STUDY is no study.
    """
    from bedside.study.doctor import NO_STUDY, as_text, examine

    findings = examine(Path(study).resolve() if study else None)
    ok = all(finding.ok for finding in findings)
    show({"ok": ok, "findings": findings}, as_text(findings), as_json)
    no_study = any(finding.what == NO_STUDY and not finding.ok for finding in findings)
    following(*([f"bedside run {quoted(study)}"] if study and not no_study else _BEGIN), machine=as_json)
    raise SystemExit(0 if ok else 2 if no_study else 1)
