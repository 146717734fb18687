"""Disposal: a secret destroyed makes all that lies encrypted under it noise; plain files are written over as well as that can be done.

In        files and folders that a person names
Out       counts, and keyed digests of what went, taken before it went
Refuses   links, hard-linked files (their other name would hold the data, or lose it), a ledger before its years are over, and places above a keyring
Honest    overwriting reaches the old blocks of a plain disk. SSDs, copy-on-write file systems (btrfs, ZFS, APFS), journals, snapshots, backups and
          caches may keep them. What lay encrypted is gone with the key, wherever copies of it are: encrypt first, and dispose of the key.
Source    NIST SP 800-88 rev. 1, 2.6 cryptographic erase; 45 CFR 164.310(d)(2)(i) disposal; 164.316(b)(2)(i) six years.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bedside.core.errors import Refused
from bedside.core.ids import keyed_file, keyed_hex
from bedside.deidentify.custody_files import settle

_BLOCK = 1 << 20


class Gone(msgspec.Struct, frozen=True):
    """What one place held: how many files and bytes; keyed digests of its path and over all of its files."""

    place: str
    files: int
    bytes: int
    digest: str


def looked_at(place: Path, key: bytes) -> Gone:
    """What a place holds, before it goes; `Refused` when something there must not be overwritten."""
    found = list(files(place))
    size = sum(path.stat().st_size for path in found)
    return Gone(keyed_hex(key, "place", str(place.resolve()), length=16), len(found), size, keyed_hex(key, "disposed", *(keyed_file(key, path) for path in found)))


def files(place: Path) -> Iterator[Path]:
    """The files at or below a place, in order; `Refused` for links, hard links and what is no file."""
    odd, found = 0, list[Path]()
    for path in [place] if not place.is_dir() or place.is_symlink() else _below(place):
        told = path.lstat()
        odd += not stat.S_ISREG(told.st_mode) or told.st_nlink > 1
        found.append(path)
    if odd:
        raise Refused(f"{odd} things are links, have another name elsewhere (hard links), or are no files", where=place.name,
                      do="take these away by hand: what they point at must be judged by a person")  # fmt: skip
    yield from sorted(found)


def shred(place: Path) -> int:
    """Overwrite and remove every file at or below a place, then its folders; how many files went."""
    many = 0
    for path in list(files(place)):
        _overwritten(path)
        many += 1
    if place.is_dir():
        for here, folders, _ in os.walk(place, topdown=False):
            for name in folders:
                (Path(here) / name).rmdir()
        place.rmdir()
    return many


def _below(place: Path) -> Iterable[Path]:
    for here, folders, names in os.walk(place):
        yield from (Path(here) / name for name in names)
        yield from (Path(here) / name for name in folders if (Path(here) / name).is_symlink())


def _overwritten(path: Path) -> None:
    """Random bytes over the whole length, on the disk; then no length, another name, and no name."""
    path.chmod(0o600)  # a file that its owner may only read goes too
    with path.open("r+b", buffering=0) as stream:
        left = os.fstat(stream.fileno()).st_size
        while left > 0:
            left -= stream.write(secrets.token_bytes(min(left, _BLOCK))) or 0
        os.fsync(stream.fileno())
        stream.truncate(0)
    blank = path.with_name(secrets.token_hex(8))
    os.replace(path, blank)
    blank.unlink()
    settle(path.parent)
