"""Files that only their owner may read: written whole or not at all, and refused when others can read them.

In        a path and bytes
Out       the file with mode 0600 (folders 0700), on the disk when the call returns
Refuses   to write a new file over another; a secret that the group or others can read. On Windows the bits say nothing: who may read is in its access lists.
Source    45 CFR 164.312(a)(1); POSIX.1-2017 open, rename.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bedside.core.errors import Refused, Unusable

OWNER_FILE, OWNER_FOLDER = 0o600, 0o700
_OTHERS = 0o077


def write_private(path: Path, data: bytes, *, new: bool = False) -> None:
    """Write a file that only its owner may read. `new`: `Refused` when one lies there already. A link is followed: what it points at is written."""
    if new:
        refuse_taken(path)
    path = path.resolve() if path.is_symlink() else path
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_FILE)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    settle(path.parent)


def refuse_taken(path: Path) -> None:
    """`Refused` where something lies already at the place of a new file, `Unusable` where its folder is not there."""
    if os.path.lexists(path):
        raise Refused("a file is there already, and it may be the only one of its kind", where=path.name, do="move it away, or give another name")
    if not path.parent.is_dir():
        raise Unusable("the folder of the new file is not there", where=path.name, do="make the folder, or give another path")


def private_folder(path: Path) -> Path:
    """The folder, made for its owner only when it is not there."""
    path.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
    return path


def refuse_when_open(path: Path) -> None:
    """`Refused` when anyone but the owner can read a secret that lies at `path`."""
    if os.name == "posix" and path.is_file() and path.stat().st_mode & _OTHERS:
        raise Refused("the keyring can be read by others", where=path.name, do=f"chmod 600 {path.name}")


def readable_by_everyone(path: Path) -> bool:
    """Whether every user of this machine can come to `path` and read it: its own bits, and the way to it."""
    if os.name != "posix" or not path.exists():
        return False
    whole = path.resolve()
    way = all(parent.stat().st_mode & stat.S_IXOTH for parent in whole.parents)
    return way and bool(whole.stat().st_mode & stat.S_IROTH)


def settle(folder: Path) -> None:
    """Have the names in a folder on the disk too, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
