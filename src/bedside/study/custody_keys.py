"""What is done to a keyring itself: another secret, a passphrase, a backup, and the way back from one. Each is an entry of its ledger.

Order     what cannot be done, and a reason that cannot stand, are refused before anything is written; then comes the entry, then the act. A backup is
          made in memory, so that its digest can stand in the entry; a restored ledger has its entry before the keyring lies there.
Failure   leaves nothing half done but a rotation, which says so and is resumed; all else may be tried again as it was
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec

from bedside.core.errors import Refused
from bedside.core.ids import sha256
from bedside.core.receipt import Item
from bedside.deidentify import custody_backup, custody_rotate
from bedside.deidentify.custody_files import refuse_taken, write_private
from bedside.deidentify.keyring import Keyring, ledger_path
from bedside.study.custody import AGAIN, Custody, held, now, refuse_words

THEN = f"files de-identified before bear the old names and shifts, and ledgers of their studies are signed by the old key: {AGAIN}"


class Rotated(msgspec.Struct, frozen=True):
    """What a rotation came to."""

    before: str
    after: str
    subjects: int
    time: str


def rotate(path: Path, *, reason: str, who: str | None = None, passphrase: str | None = None) -> Rotated:
    """Give a keyring another secret. The old one is not kept; old subject names lead to new ones inside the new map."""
    with held(path) as custody:
        old, time = custody.ring, now()
        custody.allow(who=who, reason=reason)
        old.must_be_same(where="rotation")
        new = custody_rotate.prepared(old, time=time, passphrase=passphrase)
        custody.record("rotate", who=who, reason=reason, new_keyring=new.id, new_public_key=new.public_key.hex(), subjects=len(new.map.subjects))
        custody_rotate.replace(old, new)
        Custody(new)
        return Rotated(old.id, new.id, len(new.map.subjects), time)


def resume(path: Path) -> bool:
    """Finish a rotation that was cut off; True when the keyring has its new secret."""
    done = custody_rotate.resume(path)
    with held(path):
        return done


def crosswalk(path: Path, out: Path, *, reason: str, who: str | None = None) -> int:
    """Write keyring, old and new name of every subject as CSV (mode 0600); how many rows."""
    with held(path) as custody:
        custody.allow(who=who, reason=reason)
        rows = custody_rotate.crosswalk(custody.ring)
        if not rows:
            raise Refused("this keyring was never rotated: there is no other name", where=path.name, do="nothing: the names are those of today")
        refuse_taken(out)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("keyring", "old", "new"), *rows])
        with custody.doing("crosswalk", who=who, reason=reason, rows=len(rows)):
            write_private(out, text.getvalue().encode(), new=True)
        return len(rows)


def set_passphrase(path: Path, passphrase: str | None, *, reason: str, who: str | None = None) -> None:
    """Put the keyring under a passphrase, or take it off (None)."""
    with held(path) as custody:
        custody.ring.must_be_same(where="passphrase")
        with custody.doing("passphrase", who=who, reason=reason, locked=passphrase is not None):
            custody.ring.lock(passphrase)


def backup(path: Path, out: Path, passphrase: str, *, reason: str, who: str | None = None) -> str:
    """Write a backup of keyring, map and ledger; the digest of the file, which also stands in the ledger."""
    if path.resolve().parent in (out.resolve(), *out.resolve().parents) and out.resolve().parent.name.startswith(ledger_path(path).name):
        raise Refused("a backup does not belong into the ledger's folder", where=out.name, do="give --out another place, best another machine")
    with held(path) as custody:
        time = now()
        custody.allow(who=who, reason=reason)
        refuse_taken(out)
        data = custody_backup.made(custody.ring, passphrase, time=time)
        digest = sha256(data)
        with custody.doing("backup", who=who, reason=reason, outputs=(Item(f"backup:{digest[:12]}", digest),), time=time):
            write_private(out, data, new=True)
        return digest


def check_backup(backup: Path, passphrase: str) -> tuple[str, str, int]:
    """Open a backup without restoring it: of which keyring, when made, how many subjects."""
    head, content = custody_backup.read(backup, passphrase)
    return head.keyring, head.time, custody_backup.subjects(content)


def restore(backup: Path, path: Path, passphrase: str, *, reason: str, who: str | None = None) -> tuple[str, str, int]:
    """Bring a keyring back from a backup to where nothing lies; what `check_backup` tells."""
    head, content = custody_backup.read(backup, passphrase)
    refuse_words(custody_backup.ring_of(content, path), who=who, reason=reason)
    with custody_backup.laid(content, path) as ring, held(path, ring=ring) as custody:
        custody.record("restore", who=who, reason=reason, backup_of=head.time)
    return head.keyring, head.time, len(Keyring.open(path).map.subjects)
