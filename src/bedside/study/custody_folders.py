"""Folders and their end: encrypted, opened again, disposed of, and how long a record must stay.

In        a keyring, folders, a reason
Out       entries with counts and keyed digests, each before what it tells of; never the name of a file
Disposal  the entry first, then the secret (all that lies encrypted is noise from then on), then the map, then the folders; a last entry says that it was
          done. That entry is signed by the key in memory: the ledger outlives its keyring, and is checked against its own public key.
Refuses   disposal without the keyring's id typed as confirmation; a ledger whose newest entry is younger than six years, wherever it lies
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from bedside.core.errors import Refused, Unusable
from bedside.deidentify import custody_dispose, custody_stream
from bedside.deidentify.custody_dispose import Gone
from bedside.deidentify.keyring import ledger_path, map_path
from bedside.ledger.log import CHECKPOINTS, ENTRIES, Ledger
from bedside.study.custody import Custody, day_of, folders, held, may_go

HONEST = (
    "written over as far as that can be done: SSDs, copy-on-write file systems, snapshots and backups may keep old blocks; what lay encrypted "
    "is gone with its key, wherever copies of it are, unless a backup of the keyring remains"
)


class Lying(msgspec.Struct, frozen=True):
    """What an encryption or its opening came to."""

    files: int
    bytes: int


class Kept(msgspec.Struct, frozen=True):
    """One record, what asks for it, and the first day on which it may go."""

    what: str
    entries: int
    newest: str
    may_go: str
    now: bool
    rule: str


def encrypt(path: Path, top: Path, out: Path, *, reason: str, who: str | None = None) -> Lying:
    """Encrypt a folder into a new one; what lies at `top` stays as it is."""
    with held(path) as custody:
        custody.allow(who=who, reason=reason)
        files, size = custody_stream.to_encrypt(top, out)
        with custody.doing("encrypt", who=who, reason=reason, files=files, bytes=size):
            index = custody_stream.encrypt_folder(top, out, custody.ring.rest_key)
        return Lying(len(index.files), sum(one.size for one in index.files))


def decrypt(path: Path, top: Path, out: Path, *, reason: str, who: str | None = None) -> Lying:
    """Open an encrypted folder into a new one."""
    with held(path) as custody:
        custody.allow(who=who, reason=reason)
        files, size = custody_stream.to_decrypt(top, out, custody.ring.rest_keys)
        with custody.doing("decrypt", who=who, reason=reason, files=files, bytes=size):
            index = custody_stream.decrypt_folder(top, out, custody.ring.rest_keys)
        return Lying(len(index.files), sum(one.size for one in index.files))


def dispose(
    path: Path, places: Sequence[Path], *, keyring: bool, confirm: str, reason: str, who: str | None = None, today: date | None = None
) -> list[Gone]:
    """Destroy folders and files, and with `keyring` the secret and the map. What went, place by place, as it was before.

    confirm   the keyring's id, typed by a person
    """
    day = today or date.today()  # noqa: DTZ011
    with held(path) as custody:
        if confirm != custody.ring.id:
            raise Refused("not confirmed", where="--confirm", do=f"type the keyring's id, {custody.ring.id}, if this is what you want: nothing brings it back")
        custody.allow(who=who, reason=reason)
        wanted = [place for place in places if _allowed(place, path, day)]
        own = [path, map_path(path)] if keyring else []
        if not wanted and not own:
            raise Unusable("nothing to dispose of", where="the command line", do="name files or folders, or give --keyring")
        gone = [custody_dispose.looked_at(place, custody.ring.file_key) for place in (*own, *wanted)]
        custody.record("dispose", who=who, reason=reason, keyring_and_map=keyring, places=len(wanted), files=sum(one.files for one in gone),
                       bytes=sum(one.bytes for one in gone), gone=msgspec.to_builtins(gone))  # fmt: skip
        return _gone(custody, [*own, *wanted], gone, who, reason)


def _gone(custody: Custody, places: list[Path], gone: list[Gone], who: str | None, reason: str) -> list[Gone]:
    done = 0
    try:
        for place in places:
            done += custody_dispose.shred(place)
    finally:
        custody.record("disposed", who=who, reason=reason, files=done)
    return gone


def _allowed(place: Path, path: Path, today: date) -> bool:
    """Whether a place may go; `Refused` otherwise."""
    whole, ring = place.resolve(), path.resolve()
    if not place.exists() and not place.is_symlink():
        raise Unusable("nothing lies there", where=place.name, do="correct the path")
    if whole in (ring, map_path(ring)):
        raise Refused("that is the keyring itself", where=place.name, do="give --keyring: secret and map go together")
    if whole in ring.parents or whole in (Path.home().resolve(), *Path.home().resolve().parents) or whole in Path.cwd().resolve().parents:
        raise Refused("the keyring, a home or the present folder lies in it", where=place.name, do="name the folders inside it")
    if whole == ledger_path(ring) or ledger_path(ring) in whole.parents:
        raise Refused("that is the ledger which would say so", where=place.name,
                      do="keep it; once `bedside keyring retention` says that it may go, remove it by hand: no ledger can tell its own end")  # fmt: skip
    young = [day for folder in _ledgers(place) if (day := may_go(newest(folder))) > today]
    if young:
        raise Refused(f"it holds a ledger that must stay until {max(young)} (45 CFR 164.316(b)(2)(i), 164.528)", where=place.name,
                      do="name the folders beside the ledger: raw/, safe/, lake/")  # fmt: skip
    return True


def retention(path: Path, studies: Sequence[Path] = (), *, today: date | None = None) -> list[Kept]:
    """Each ledger of a keyring, and of studies, with the first day on which it may go."""
    day = today or date.today()  # noqa: DTZ011
    found = [folder for folder in (*folders(path), *(study / "ledger" for study in studies)) if (folder / ENTRIES).is_file()]
    rules = {True: "45 CFR 164.528(a), 164.530(j)(2): disclosures and what was done with the keyring", False: "45 CFR 164.316(b)(2)(i): documentation"}
    rows = []
    for folder in found:
        last, own = newest(folder), folder.name.startswith(ledger_path(path).name)
        rows.append(Kept(folder.name if own else f"{folder.parent.name}/ledger", len(Ledger(folder).lines), last.isoformat(), may_go(last).isoformat(),
                         may_go(last) <= day, rules[own]))  # fmt: skip
    return rows


def newest(folder: Path) -> date:
    """The day of a ledger's newest entry: its years begin there, since it was in effect until then."""
    lines = Ledger(folder).entries()
    if not lines:
        raise Unusable("a ledger without entries", where=folder.name, do="look at it by hand")
    return max(day_of(entry) for entry in lines)


def _ledgers(place: Path) -> list[Path]:
    return sorted(one.parent for one in place.rglob(ENTRIES) if (one.parent / CHECKPOINTS).is_file()) if place.is_dir() else []
