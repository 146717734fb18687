"""One file from which a lost keyring comes back: secret, patient map and ledger under a passphrase.

In        a keyring and a passphrase, which is not the keyring's own unless a person makes it so
Out       a line of JSON (what it is, of which keyring, when, how the key is worked out), then AES-256-GCM of the content with a key from scrypt
Restore   refuses where anything lies already, a wrong passphrase, a changed byte, or a content that is not of the keyring that it names
Lost      without keyring and backup nothing undoes a name: safe files stay usable as they are, no further file can join them (sealed codes are
          random to all others), and nobody can be re-identified. That is what makes disposal of a keyring final.
Source    45 CFR 164.308(a)(7)(ii)(A) data backup plan; 45 CFR 164.312(a)(2)(ii) emergency access.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bedside.core.errors import Malformed, Refused
from bedside.deidentify import keyring as rings
from bedside.deidentify.custody_files import private_folder, refuse_when_open, write_private
from bedside.deidentify.custody_seal import Locked, lock, unlock
from bedside.deidentify.keyring import Keyring, ledger_path, map_path

SCHEMA_NAME = "bedside.keyring-backup/1"


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup says of itself; authenticated with its content."""

    schema: str
    keyring: str
    time: str
    locked: Locked


class Content(msgspec.Struct, frozen=True):
    """Bytes of the keyring file (secret unlocked), of the map, and of the ledgers beside it by name."""

    keyring: bytes
    map: bytes
    ledger: dict[str, bytes]
    digest: str


def backup(ring: Keyring, out: Path, passphrase: str, *, time: str) -> str:
    """Write the backup (mode 0600); the SHA-256 of its bytes."""
    data = made(ring, passphrase, time=time)
    write_private(out, data, new=True)
    return hashlib.sha256(data).hexdigest()


def made(ring: Keyring, passphrase: str, *, time: str) -> bytes:
    """The bytes of a backup, before they lie anywhere."""
    ledgers: dict[str, bytes] = {}
    for folder in sorted(ring.path.parent.glob(_escaped(ledger_path(ring.path).name) + "*")):
        tail = folder.name.removeprefix(ledger_path(ring.path).name)
        if folder.is_dir() and (not tail or tail[1:].isdigit()):
            ledgers |= {f"{tail}/{one.name}": one.read_bytes() for one in sorted(folder.iterdir()) if one.is_file()}
    plain = Content(ring.stored(bare=True), ring.sealed_map(), ledgers, "")
    return _sealed(Head(SCHEMA_NAME, ring.id, time, Locked("", 0, 0, 0, b"", b"")), plain, passphrase)


def read(path: Path, passphrase: str) -> tuple[Head, Content]:
    """A backup, opened and proved: its bytes, its digest, that its secret is the named keyring's and opens its map."""
    refuse_when_open(path)
    head, locked = _head(path)
    plain = unlock(locked, passphrase, _context(head), where=path.name)
    try:
        content = msgspec.msgpack.decode(plain, type=Content)
    except msgspec.DecodeError as error:
        raise Malformed("not a backup of a keyring", where=path.name, do="use another copy") from error
    if content.digest != _digest(content):
        raise Malformed("the backup is not what it was when it was made", where=path.name, do="use another copy")
    if Keyring.of(content.keyring, content.map).id != head.keyring:
        raise Malformed("the backup is of another keyring than it names", where=path.name, do="use another copy")
    return head, content


def restore(path: Path, place: Path, passphrase: str) -> tuple[Head, Keyring]:
    """Bring keyring, map and ledger back to `place`, where nothing lies yet; opened, so that it is known to work."""
    head, content = read(path, passphrase)
    with laid(content, place):
        pass
    return head, Keyring.open(place)


@contextmanager
def laid(content: Content, place: Path) -> Iterator[Keyring]:
    """The ledgers of a backup at `place`, and when the block is over its map and keyring: an entry written meanwhile comes before them.

    Whole or not at all: where the block or a write fails, nothing of it stays. `Refused` where anything lies already.
    """
    ledgers = {place.with_name(ledger_path(place).name + name.partition("/")[0]) for name in content.ledger} | {ledger_path(place)}
    pair = (map_path(place), place)
    there = sorted(one.name for one in (*pair, rings.rotating_path(place), *ledgers) if os.path.lexists(one))
    if there:
        raise Refused(f"{', '.join(there)} is there already", where=place.name, do="move it away first: nothing is written over")
    try:
        for name, data in content.ledger.items():
            tail, _, file = name.partition("/")
            write_private(private_folder(place.with_name(ledger_path(place).name + tail)) / Path(file).name, data)
        yield ring_of(content, place)
        private_folder(place.parent)
        write_private(map_path(place), content.map)
        write_private(place, content.keyring)  # last: a keyring that is there is whole
    except BaseException:
        for one in pair:
            one.unlink(missing_ok=True)
        for folder in ledgers:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def ring_of(content: Content, place: Path) -> Keyring:
    """The keyring of a backup as it is to lie at `place`, in memory."""
    ring = Keyring.of(content.keyring, content.map)
    ring.path = place
    return ring


def subjects(content: Content) -> int:
    """How many people the map of a backup knows; `Malformed` when it does not open with the backup's secret."""
    return len(Keyring.of(content.keyring, content.map).map.subjects)


def _digest(content: Content) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(msgspec.structs.replace(content, digest=""))).hexdigest()


def _sealed(head: Head, content: Content, passphrase: str) -> bytes:
    whole = msgspec.msgpack.encode(msgspec.structs.replace(content, digest=_digest(content)))
    locked = lock(whole, passphrase, _context(head))
    body, bare = locked.sealed, msgspec.structs.replace(locked, sealed=b"")
    return msgspec.json.encode(msgspec.structs.replace(head, locked=bare)) + b"\n" + body


def _head(path: Path) -> tuple[Head, Locked]:
    line, _, body = path.read_bytes().partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=Head)
    except msgspec.DecodeError:
        head = None
    if head is None or head.schema != SCHEMA_NAME:
        raise Malformed("not a backup of a keyring", where=path.name, do="give the file that `bedside keyring backup` made")
    return head, msgspec.structs.replace(head.locked, sealed=body)


def _context(head: Head) -> str:
    return f"{head.schema} {head.keyring} {head.time}"


def _escaped(name: str) -> str:
    from glob import escape

    return escape(name)
