"""Prove that a study folder is what its ledger says."""

from __future__ import annotations

from pathlib import Path

import click

from bedside.cli.say import as_json, folder, following, quoted, show


@click.command("verify")
@folder
@click.option("--without-raw", is_flag=True, help="Leave the raw files out, as where the keyring is not at hand.")
@as_json
def run(study: str, without_raw: bool, as_json: bool) -> None:
    """Prove that a study folder is what its ledger says: nothing changed, added, missing or renamed.

    Raw files are named by their aliases only. They can be checked by whoever has the keyring; where it is not at hand, raw files
    inside the study folder are a finding ("unchecked") unless --without-raw is given. Given a keyring, or the FILE.ledger beside
    one, it proves who did what with that keyring.
    Exit code 0 when it is, 1 when it is not; the first finding is the first thing wrong.
    """
    from bedside.study.verify import as_text, verify

    verdict = verify(Path(study).resolve(), without_raw=without_raw)
    first = verdict.first
    record = {"ok": verdict.ok, "first": first, "entries": verdict.entries, "files": verdict.files, "root": verdict.root,
              "findings": verdict.findings, "notes": verdict.notes}  # fmt: skip
    show(record, as_text(verdict), as_json)
    where, custody = quoted(study), not (Path(study) / "study.toml").exists() and (study.rstrip("/").rpartition(".ledger")[1] or Path(study).is_file())
    unchecked = all(finding.kind == "unchecked" for finding in verdict.findings)
    again = f"bedside verify {where} --without-raw" if unchecked else f"bedside run {where}   (makes again what changed)"
    if custody:
        again = "bedside keyring restore BACKUP --key FILE"
    following(("bedside keyring --help" if custody else f"bedside explain {where} --list") if verdict.ok else again, machine=as_json)
    raise SystemExit(0 if verdict.ok else 1)
