"""Another secret for a keyring: every pseudonym, date shift and key changes, and what is needed of the old one stays, sealed in the new map.

In        an open keyring
Out       the keyring with a new secret; its map under the new key with the same people, their new codes, and a `Rotation`: old names to new,
          the old keyring's public name and key, and the key of folders that lie encrypted. The old secret itself is not kept.
Then      safe files made before bear other names and shifts: they are made again from the raw files. Numbers (N...), UIDs and file names were
          HMACs of the old secret, and cannot be turned into new ones without the raw files.
Whole     the new pair lies beside the old until both are on the disk; a rotation cut off is resumed or undone, never half done
Source    NIST SP 800-57 part 1 rev. 5, 5.3.4: keys have a cryptoperiod, and are replaced when they may be known to others.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from bedside.core.errors import Refused, Unusable
from bedside.core.ids import pseudonym
from bedside.deidentify.custody_files import settle, write_private
from bedside.deidentify.keyring import Keyring, map_path, rotating_path
from bedside.deidentify.patients import MapState, PatientMap, Rotation, Subject


def prepared(ring: Keyring, *, time: str, passphrase: str | None = None) -> Keyring:
    """The keyring that is to take the old one's place: in memory, with its map.

    passphrase   of the new keyring, needed where the old one has one
    """
    if ring.locked is not None and passphrase is None:
        raise Refused("the keyring has a passphrase, and the new secret would have none", where=ring.path.name, do="give the new passphrase")
    new = Keyring(ring.path, secrets.token_bytes(32), naming=ring.naming, made=ring.made)
    names: dict[str, str] = {}
    subjects = [_renamed(subject, new, names) for subject in ring.map.subjects]
    kept = Rotation(ring.id, ring.public_key.hex(), time, names, ring.rest_key)
    state = msgspec.structs.replace(ring.map.state, subjects=subjects, encounter_years={}, rotations=[*ring.map.state.rotations, kept])
    new.map = PatientMap(msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=MapState))
    if passphrase is not None:
        new.set_lock(passphrase)
    return new


def replace(ring: Keyring, new: Keyring) -> None:
    """Put the new keyring in the old one's place. Cut off at any moment, `resume` goes on or takes it back."""
    ring.must_be_same(where="rotation")
    side = rotating_path(ring.path)
    write_private(map_path(side), new.sealed_map())
    write_private(side, new.stored())
    _into_place(ring.path)


def resume(path: Path) -> bool:
    """Finish a rotation that was cut off: True when the new keyring is in place, False when the old one is and nothing had changed."""
    side = rotating_path(path)
    if not os.path.lexists(side):
        if not os.path.lexists(map_path(side)):
            raise Unusable("no rotation of this keyring was cut off", where=path.name, do="bedside keyring rotate, without --resume")
        map_path(side).unlink()
        return False
    _into_place(path)
    return True


def crosswalk(ring: Keyring) -> list[tuple[str, str, str]]:
    """Rows of (keyring, old name, name of today) of every subject under every former secret."""
    now = {pseudonym(old): pseudonym(subject.code) for subject in ring.map.subjects for old in (subject.code, *subject.former)}
    rows: list[tuple[str, str, str]] = []
    for rotation in reversed(ring.map.state.rotations):
        now = {old: now.get(new, new) for old, new in rotation.names.items()}
        rows += [(rotation.keyring, old, new) for old, new in sorted(now.items())]
    return rows


def _renamed(subject: Subject, new: Keyring, names: dict[str, str]) -> Subject:
    code = new.code_of(subject.number, sorted(subject.keys))
    names |= dict.fromkeys(map(pseudonym, (subject.code, *sorted(subject.former))), pseudonym(code))
    return msgspec.structs.replace(subject, code=code, former=set())


def _into_place(path: Path) -> None:
    """The map, then the keyring: while the new keyring lies aside, none can be opened that would not fit its map."""
    side = rotating_path(path)
    if os.path.lexists(map_path(side)):
        os.replace(map_path(side), map_path(path))
    os.replace(side, path)
    settle(path.parent)
