"""Does a study folder hold what its ledger says: nothing changed, added, missing or renamed?

Order     the record first (chain, Merkle roots, signatures), then the files; the first finding is the first thing wrong.
Raw files stand in the ledger under a keyed digest, so only the holder of the keyring can check them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from bedside.core.errors import BedsideError
from bedside.core.ids import sha256_file
from bedside.core.receipt import Item
from bedside.ledger import checkpoint, merkle
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.log import CHECKPOINTS, ENTRIES, PUBLIC_KEY, Entry, Ledger

OWN = frozenset(f"ledger/{name}" for name in (ENTRIES, CHECKPOINTS, PUBLIC_KEY))
_MOVED = "it now lies at "


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as the ledger says: kind is ledger, changed, missing, added, renamed or unchecked."""

    kind: str
    name: str
    detail: str
    seq: int | None = None


class Verdict(msgspec.Struct, frozen=True):
    """`ok` when there is no finding; `notes` are limits of the check, not faults."""

    ok: bool
    entries: int
    files: int
    root: str | None
    findings: list[Finding]
    notes: list[str]

    @property
    def first(self) -> Finding | None:
        return self.findings[0] if self.findings else None


def record(ledger: Ledger, public_key: bytes | None = None) -> list[Finding]:
    """Findings in the record itself: every line chained, every checkpoint signed and true of the lines before it.

    public_key  the key that ought to have signed (from the keyring); ledger/key.pub when not known
    """
    return [*_chain(ledger.lines), *_checkpoints(ledger, public_key)]


def current(entries: Iterable[Entry]) -> dict[str, tuple[Item, int]]:
    """Files that the study should hold now: the outputs of each step's newest entry, with that entry's number."""
    newest = {entry.receipt.step: entry for entry in entries}
    return {
        item.name: (item, entry.seq)
        for entry in newest.values()
        for item in entry.receipt.outputs
        if not item.name.startswith("raw:")
    }


def files(
    root: Path,
    expected: dict[str, tuple[Item, int]],
    present: Iterable[str],
    *,
    digest: Callable[[Path], str] = sha256_file,
    odd: Mapping[str, str] = MappingProxyType({}),
    did: str = "made",
) -> list[Finding]:
    """Findings among files: `present` are the names that lie there, relative to `root`.

    odd   those that are no plain file, and what they are ("a link"): never opened, and never as the ledger says
    did   what an entry did with its files: "made" them, or "took in" raw ones
    """
    here, digests = set(present) | odd.keys(), _Digests(root, digest, odd)
    missing = {name: expected[name] for name in sorted(expected.keys() - here)}
    added = {name: digests.of(name) for name in sorted(here - expected.keys())}
    by_digest = {value: name for name, value in added.items() if value}
    found: list[Finding] = []
    for name, (item, seq) in sorted(expected.items()):
        if name in missing:
            found.append(_gone(name, item, seq, by_digest, did))
        elif digests.of(name) != item.digest:
            found.append(Finding("changed", name, digests.why.get(name) or f"its bytes are not those of entry {seq}", seq))
    moved = {f.detail.removeprefix(_MOVED) for f in found if f.kind == "renamed"}
    return found + [Finding("added", name, digests.why.get(name) or f"no entry of the ledger {did} it") for name in added if name not in moved]


class _Digests:
    """Digests by name; what has none is "" and says why."""

    def __init__(self, root: Path, digest: Callable[[Path], str], odd: Mapping[str, str]) -> None:
        self._root, self._digest = root, digest
        self.why = {name: f"it is {what}, where the ledger knows only files" for name, what in odd.items()}

    def of(self, name: str) -> str:
        if name in self.why:
            return ""
        try:
            return self._digest(self._root / name)
        except OSError as error:
            self.why[name] = f"it cannot be read: {error.strerror or type(error).__name__}"
            return ""


def _gone(name: str, item: Item, seq: int, added: dict[str, str], did: str) -> Finding:
    if item.digest in added:
        return Finding("renamed", name, _MOVED + added[item.digest], seq)
    return Finding("missing", name, f"entry {seq} {did} it", seq)


def _chain(lines: list[bytes]) -> list[Finding]:
    prev = "0" * 64
    for number, line in enumerate(lines, 1):
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return [Finding("ledger", f"ledger/{ENTRIES}", f"line {number} is not an entry", number)]
        if entry.seq != number or entry.prev != prev:
            return [Finding("ledger", f"ledger/{ENTRIES}", f"entry {number} does not follow from the one before it", number)]
        prev = hashlib.sha256(line).hexdigest()
    return []


def _checkpoints(ledger: Ledger, public_key: bytes | None) -> list[Finding]:
    where, whose = f"ledger/{CHECKPOINTS}", f"ledger/{PUBLIC_KEY}"
    try:
        written = (ledger.folder / PUBLIC_KEY).read_bytes()
        key = bytes.fromhex(written.decode("ascii").strip())
    except (OSError, ValueError):
        return [Finding("ledger", whose, "the public key cannot be read")]
    if public_key not in (None, key) or written != key.hex().encode() + b"\n":
        return [Finding("ledger", whose, "it is not the key of this study's keyring")]
    try:
        signed = checkpoint.parse((ledger.folder / CHECKPOINTS).read_text(encoding="utf-8"), where=CHECKPOINTS)
    except (BedsideError, OSError, ValueError) as error:
        why = error.what if isinstance(error, BedsideError) else type(error).__name__
        return [Finding("ledger", where, f"the signed checkpoints cannot be read: {why}")]
    return _signed(ledger, signed, key, where)


def _signed(ledger: Ledger, signed: list[Checkpoint], key: bytes, where: str) -> list[Finding]:
    """Every note genuine and true of the lines before it; nothing after the last."""
    leaves, lines = [merkle.leaf(line) for line in ledger.lines], f"ledger/{ENTRIES}"
    for number, note in enumerate(signed, 1):
        if not checkpoint.genuine(note, key):
            return [Finding("ledger", where, f"note {number} is not signed by the study's key")]
        if note.size != number or not merkle.consistent(leaves, note.size, bytes.fromhex(note.root)):
            return [Finding("ledger", lines, f"the first {note.size} entries are not those signed in note {number}", note.size)]
    if len(signed) != len(ledger.lines):
        return [Finding("ledger", lines, f"{len(ledger.lines)} entries, but the last checkpoint signs {len(signed)}")]
    if (ledger.folder / ENTRIES).read_bytes() != b"".join(line + b"\n" for line in ledger.lines):
        return [Finding("ledger", lines, "its bytes are not whole lines")]
    return []
