"""The study folder: where each step's outputs lie, and how they appear whole or not at all.

A step writes under `.work/<step>/`, then each of its outputs is renamed into place; the ledger entry comes last.
A run killed in between leaves outputs without an entry (or none): the step is stale and runs again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.core.errors import BedsideError, Refused, Unusable

if TYPE_CHECKING:
    from bedside.deidentify.policy import Policy

WORK = ".work"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PROBE_BYTES = 1 << 20


def staging(root: Path, step: str) -> Path:
    """An empty folder for a step's outputs."""
    folder = root / WORK / step
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def publish(root: Path, staged: Path, owned: tuple[str, ...]) -> list[str]:
    """Put a step's outputs into place: `owned` names what it owns; what it did not make this time goes away.

    Returns the names of all files now owned by the step, relative to `root`, sorted.
    """
    for name in owned:
        new, place, old = staged / name, root / name, root / WORK / "old" / name
        if place.exists():
            old.parent.mkdir(parents=True, exist_ok=True)
            os.replace(place, old)
        if new.exists():
            _without_empty(new)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(new, place)
    shutil.rmtree(root / WORK)
    return sorted(name for top in owned for name in listing(root, root / top))


def _without_empty(top: Path) -> None:
    """Take out folders that came to hold no file, as where a document was quarantined: the ledger knows files only."""
    for below, _, _ in os.walk(top, topdown=False):
        if Path(below) != top and not os.listdir(below):
            os.rmdir(below)


def lying(root: Path) -> dict[str, str]:
    """All that lies under `root`: name to what it is: "file", "link", "folder" (an empty one) or "other" (a pipe, a device)."""
    found: dict[str, str] = {}
    for top, folders, names in os.walk(root):
        here = Path(top).relative_to(root)
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        found |= {(here / name).as_posix(): kind(Path(top) / name) for name in [*names, *links]}
        if not folders and not names and Path(top) != root:
            found[here.as_posix()] = "folder"
    return found


def kind(path: Path) -> str:
    """What lies at a path, links not followed; "nothing" when nothing does."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return "nothing"
    return "link" if stat.S_ISLNK(mode) else "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def listing(root: Path, top: Path) -> list[str]:
    """Names of the files at or under `top`, relative to `root`."""
    if top.is_file():
        return [top.relative_to(root).as_posix()]
    return sorted(path.relative_to(root).as_posix() for path in top.rglob("*") if path.is_file() or path.is_symlink())


def keyring_path(root: Path, declared: str) -> Path:
    """Where the keyring lies: as declared, else beside the study folder."""
    return (root / declared).resolve() if declared else root.with_name(root.name + ".keyring")


def policy_name(root: Path, declared: str) -> str:
    """A de-identification policy as `deidentify.policy.policy` takes it: a site's own file is declared relative to the study."""
    return str((root / declared).resolve()) if declared.endswith(".toml") else declared


def rules(root: Path, declared: str) -> Policy:
    """The de-identification policy of a study, read."""
    from bedside.deidentify.policy import policy

    return policy(policy_name(root, declared))


def policy_files(root: Path, declared: str) -> list[Path]:
    """The files of a site's own policy; none of a shipped one."""
    from bedside.deidentify.policy import files_of

    return files_of(Path(policy_name(root, declared))) if declared.endswith(".toml") else []


def clear(root: Path) -> None:
    """Remove what a killed run left behind."""
    if (root / WORK).exists():
        shutil.rmtree(root / WORK)


@contextmanager
def enough_disk(root: Path, step: str) -> Iterator[None]:
    """A full disk is told as such, whichever library it stopped: they all say it otherwise, and some not at all."""
    try:
        yield
    except BedsideError:
        raise
    except Exception as error:
        if (isinstance(error, OSError) and error.errno in _FULL) or _full(root):
            raise Unusable("the disk is full, or a limit on file size is reached", where=f"step {step!r} in {root}",
                           do="make room and give the same command again: what is done stays done") from error  # fmt: skip
        raise


def _full(root: Path) -> bool:
    """Whether one megabyte more cannot be written."""
    probe = root / WORK / "probe"
    try:
        probe.parent.mkdir(exist_ok=True)
        with probe.open("wb") as stream:
            stream.write(bytes(_PROBE_BYTES))
            os.fsync(stream.fileno())
    except OSError as error:
        return error.errno in _FULL
    finally:
        probe.unlink(missing_ok=True)
    return False


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """One writer at a time; the lock dies with its process. `Refused` when another run holds it."""
    with (root / "study.toml").open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused("another run is at work in this study", where=str(root), do="wait until it ends") from error
        yield
