"""The append-only record: canonical JSON lines, each chained to the line before, each append signed.

In        receipts (`core.receipt.Receipt`)
Out       entries.jsonl, checkpoints.txt, key.pub in the study's ledger folder
"""

from __future__ import annotations

import getpass
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bedside.core import canonical
from bedside.core.errors import Malformed, Refused
from bedside.core.receipt import Receipt
from bedside.ledger import checkpoint as notes
from bedside.ledger import merkle
from bedside.ledger.checkpoint import Checkpoint

ENTRIES, CHECKPOINTS, PUBLIC_KEY = "entries.jsonl", "checkpoints.txt", "key.pub"
_FIRST = "0" * 64


class Entry(msgspec.Struct, frozen=True):
    """One line: its number from 1, when, by whom, what, and the digest of the line before."""

    seq: int
    time: str
    actor: str
    receipt: Receipt
    prev: str


class Ledger:
    """A study's record. `key` (raw Ed25519 private key) is needed to append, not to read."""

    def __init__(self, folder: Path, *, key: bytes | None = None) -> None:
        self.folder, self._key = folder, key
        self._lines: list[bytes] = []
        if key is not None:
            self._open_for_writing(key)
        elif (folder / ENTRIES).exists():
            self._lines = (folder / ENTRIES).read_bytes().splitlines()

    def append(self, receipt: Receipt) -> Entry:
        """Write and sign one entry; it is on the disk when this returns."""
        if self._key is None:
            raise Refused("the ledger is open for reading only", where=str(self.folder), do="open it with the keyring")
        prev = hashlib.sha256(self._lines[-1]).hexdigest() if self._lines else _FIRST
        entry = Entry(len(self._lines) + 1, _now(), _actor(), receipt, prev)
        line = canonical.dumps(entry)
        _append(self.folder / ENTRIES, line + b"\n")
        self._lines.append(line)
        _append(self.folder / CHECKPOINTS, self._sign(self._key).text().encode())
        return entry

    def entries(self) -> list[Entry]:
        """Every entry, oldest first; `Malformed` names the first line that is none."""
        return [_entry(line, number, self.folder) for number, line in enumerate(self._lines, 1)]

    def latest(self, step: str) -> Entry | None:
        """The newest entry of a step."""
        return next((entry for entry in reversed(self.entries()) if entry.receipt.step == step), None)

    def head(self) -> Checkpoint | None:
        """The newest signed checkpoint."""
        path = self.folder / CHECKPOINTS
        signed = notes.parse(path.read_text(), where=CHECKPOINTS) if path.exists() else []
        return signed[-1] if signed else None

    @property
    def lines(self) -> list[bytes]:
        return list(self._lines)

    def _sign(self, key: bytes) -> Checkpoint:
        return notes.sign(len(self._lines), merkle.root([merkle.leaf(line) for line in self._lines]), _now(), key)

    def _open_for_writing(self, key: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        public = public_key(key)
        path = self.folder / PUBLIC_KEY
        if not path.exists():
            _replace(path, public.hex().encode() + b"\n")
        elif path.read_text().strip() != public.hex():
            raise Refused("this ledger was signed with another key", where=str(path), do="use the keyring that began this study")
        self._drop_unsigned()

    def _drop_unsigned(self) -> None:
        """Forget what a killed run wrote but did not sign: its step runs again."""
        entries, signed = self.folder / ENTRIES, self.folder / CHECKPOINTS
        text = signed.read_text() if signed.exists() else ""
        whole = "".join(line + "\n" for line in text.split("\n")[: len(text.split("\n")[:-1]) // 5 * 5])
        if whole != text:
            _replace(signed, whole.encode())
        size = (notes.parse(whole, where=CHECKPOINTS) or [Checkpoint(0, "", "", "")])[-1].size
        data = entries.read_bytes() if entries.exists() else b""
        lines = data.split(b"\n")[:-1][:size]
        if len(lines) < size:
            raise Refused(
                "the ledger is shorter than its last signed checkpoint",
                where=str(entries),
                do="restore it from a copy; `bedside verify` tells more",
            )
        if (kept := b"".join(line + b"\n" for line in lines)) != data:
            _replace(entries, kept)
        self._lines = lines


def public_key(private: bytes) -> bytes:
    """The raw public half of a raw Ed25519 private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _entry(line: bytes, number: int, folder: Path) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(
            "not a ledger entry", where=f"{folder.name}/{ENTRIES}, line {number}", do="restore the ledger from a copy"
        ) from error


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(data)
    os.replace(beside, path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
