"""`bedside verify`: a study folder, its raw sources and its keyring against the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bedside.core.errors import Misconfigured, Unusable
from bedside.core.receipt import Item
from bedside.ledger import verify as check
from bedside.ledger.log import Entry, Ledger
from bedside.ledger.verify import Finding, Verdict
from bedside.study import custody, declaration, folder, raw
from bedside.study.steps import STEPS
from bedside.study.vouched import findings as vouched


def verify(root: Path, *, without_raw: bool = False) -> Verdict:
    """Compare the folder at `root` with its ledger; `Misconfigured` or `Unusable` when there is no ledger.

    without_raw   leave the raw files out, as where only the folder was brought and not the keyring
    A keyring, or the ledger beside it, is verified as such.
    """
    if (ring := custody.keyring_of(root)) is not None:
        return custody.verify(ring)
    lying = folder.lying(root)
    broken = _unreadable(root, lying)
    if broken:
        return Verdict(False, 0, 0, None, broken, [])
    ledger = ledger_of(root)
    entries = _readable(ledger)
    then, now = declaration.declared(root, entries)
    keyring, why = declaration.keyring_of(root, now)
    findings = check.record(ledger, keyring.public_key if keyring else None)
    findings += vouched(entries)
    expected = check.current(entries)
    tops = [top for source in then.source if (top := declaration.inside(root, source))]
    lying = {name: kind for name, kind in lying.items() if not declaration.within(name, tops) or name in expected}
    strays = {name: kind for name, kind in lying.items() if name not in expected and name not in check.OWN}
    told = raw.unasked(strays) if without_raw else raw.examine(root, entries, then, keyring, why, strays)
    shown = lying.keys() - check.OWN - told.disguised - {area for area in declaration.beside(root, then) if lying.get(area) == "folder"}
    odd = {name: raw.SAID[lying[name]] for name in shown if lying[name] != "file"}
    findings += check.files(root, expected, shown, odd=odd)
    findings += told.findings
    head = None if findings and findings[0].kind == "ledger" else ledger.head()
    rotated = keyring is not None and custody.rotated_since(root, keyring)
    notes = [*told.notes, *([f"the keyring was rotated since this study began: {custody.AGAIN}"] if rotated else [])]
    return Verdict(not findings, len(entries), len(expected), head.root if head else None, findings, notes)


def ledger_of(root: Path) -> Ledger:
    """The ledger of a study folder; `Misconfigured` where there is no study, `Unusable` where nothing has been run."""
    if (root / "ledger").is_dir():
        return Ledger(root / "ledger")
    if not (root / "study.toml").is_file():
        raise Misconfigured("this is no study: there is neither study.toml nor a ledger", where=str(root),
                            do="give the path of a study folder; bedside new my-study makes one")  # fmt: skip
    raise Unusable("nothing has been run in this study yet: there is no ledger", where=str(root), do=f"bedside run {root}")


def _unreadable(root: Path, lying: dict[str, str]) -> list[Finding]:
    """What keeps the ledger from being read at all: it was taken away from its outputs, or something else stands in its place."""
    strange = [name for name in ("ledger", *sorted(check.OWN)) if folder.kind(root / name) in ("link", "other")]
    if strange:
        return [Finding("ledger", name, f"it is {raw.SAID[folder.kind(root / name)]}, where the ledger knows only files") for name in strange]
    made = [top for step in STEPS for top in step.owns if top in lying or any(name.startswith(top + "/") for name in lying)]
    if made and not (root / "ledger").is_dir():
        return [Finding("ledger", "ledger", f"it is not there, but what it should vouch for is: {', '.join(made)}")]
    return []


def _readable(ledger: Ledger) -> list[Entry]:
    """The entries that can be read; a line that cannot is a finding of the record already."""
    found: list[Entry] = []
    for line in ledger.lines:
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


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
