"""`bedside verify`: a study folder, its raw sources and its keyring against the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bedside.core.errors import BedsideError, Misconfigured, Unusable
from bedside.core.receipt import Item
from bedside.ledger import verify as check
from bedside.ledger.log import Entry, Ledger
from bedside.ledger.verify import Finding, Verdict
from bedside.study import folder

_OUTSIDE = "raw:"


def verify(root: Path) -> Verdict:
    """Compare the folder at `root` with its ledger; `Misconfigured` or `Unusable` when there is no ledger."""
    ledger = ledger_of(root)
    keyring, notes = _keyring(root)
    findings = check.record(ledger, keyring[1] if keyring else None)
    entries = _readable(ledger)
    expected = check.current(entries)
    sources = _sources(root)
    present = [name for name in folder.listing(root, root) if name not in check.OWN and not _inside(root / name, sources)]
    findings += check.files(root, expected, present)
    away = _away(root)
    if away:
        notes.append(f"raw files were not checked: those of {', '.join(away)} lie outside the study folder and are not here")
    elif keyring:
        findings += _raw(root, entries, keyring[0])
    head = None if findings and findings[0].kind == "ledger" else ledger.head()
    return Verdict(not findings, len(entries), len(expected), head.root if head else None, findings, notes)


def ledger_of(root: Path) -> Ledger:
    """The ledger of a study folder; `Misconfigured` where there is no study, `Unusable` where nothing has been run."""
    if (root / "ledger").is_dir():
        return Ledger(root / "ledger")
    if not (root / "study.toml").is_file():
        raise Misconfigured("this is no study: there is neither study.toml nor a ledger", where=str(root),
                            do="give the path of a study folder; bedside new my-study makes one")  # fmt: skip
    raise Unusable("nothing has been run in this study yet: there is no ledger", where=str(root), do=f"bedside run {root}")


def _readable(ledger: Ledger) -> list[Entry]:
    """The entries that can be read; a line that cannot is a finding of the record already."""
    found: list[Entry] = []
    for line in ledger.lines:
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def _keyring(root: Path) -> tuple[tuple[object, bytes] | None, list[str]]:
    from bedside.study.study import Study

    try:
        study = Study(root)
        path = study.keyring_path()
        if not path.exists():
            return None, ["raw files were not checked: the keyring is not here, and their digests are keyed"]
        opened = study.keyring()
        return (opened, opened.public_key), []
    except BedsideError as error:
        return None, [f"raw files were not checked: {error.what}"]


def _sources(root: Path) -> list[Path]:
    """Folders and files that study.toml declares as raw; they are checked under keyed digests."""
    from bedside.study.study import Study

    try:
        return [(root / source.path).resolve() for source in Study(root).file.source]
    except BedsideError:
        return []


def _away(root: Path) -> list[str]:
    """Sources outside the study folder that are not here, as on a machine to which only the study was brought."""
    from bedside.study.study import Study

    try:
        declared = Study(root).file.source
    except BedsideError:
        return []
    tops = {source.name: (root / source.path).resolve() for source in declared}
    return [name for name, top in tops.items() if root not in top.parents and not top.exists()]


def _inside(path: Path, tops: list[Path]) -> bool:
    real = path.resolve()
    return any(real == top or top in real.parents for top in tops)


def _raw(root: Path, entries: list[Entry], keyring: object) -> list[Finding]:
    """Raw files then and now, under their pseudonymous names."""
    from bedside.study.steps import raw_items
    from bedside.study.study import Study

    entry = next((entry for entry in reversed(entries) if entry.receipt.step == "deidentify"), None)
    if entry is None:
        return []
    study = Study(root)
    from bedside.study.plan import Context

    context = Context(root, study.file, keyring, Ledger(root / "ledger"))  # type: ignore[arg-type]
    try:
        now = {item.name: item.digest for item in raw_items(context)}
    except (BedsideError, OSError) as error:
        return [Finding("unchecked", "raw:", error.what if isinstance(error, BedsideError) else type(error).__name__)]
    then = {item.name: (item, entry.seq) for item in entry.receipt.inputs if item.name.startswith(_OUTSIDE)}
    return check.files(Path(), then, now, digest=lambda path: now[path.as_posix()])


def as_text(verdict: Verdict) -> str:
    """The verdict in a few plain lines."""
    lines = [f"{'ok' if verdict.ok else 'NOT ok'}: {verdict.entries} entries, {verdict.files} files"]
    lines += [f"  {finding.kind:<9} {finding.name}: {finding.detail}" for finding in verdict.findings[:20]]
    if len(verdict.findings) > 20:
        lines.append(f"  and {len(verdict.findings) - 20} more")
    lines += [f"  note: {note}" for note in verdict.notes]
    if verdict.root:
        lines.append(f"  Merkle root {verdict.root}")
    return "\n".join(lines)


__all__ = ["Item", "as_text", "verify"]
