"""`bedside doctor`: what this machine and this study lack, and what to type."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import BedsideError
from bedside.core.extras import extras, lacking, line_to_type
from bedside.deidentify.custody_files import readable_by_everyone
from bedside.deidentify.keyring import ledger_path, map_path, read

if TYPE_CHECKING:
    from bedside.study.plan import Step
    from bedside.study.study import Study

_CORE = ("click", "msgspec", "polars", "duckdb", "numpy", "pydicom", "cryptography", "tzdata")
NO_STUDY, DONE = "study.toml", "done"
_DISK_GB, _MEMORY_GB = 2.0, 2.0


class Finding(msgspec.Struct, frozen=True):
    """One line of the examination: ok, or what to type."""

    what: str
    ok: bool
    seen: str
    do: str | None = None


def examine(study: Path | None) -> list[Finding]:
    """Findings about the machine, then about the study when one is given."""
    found = [_python(), _memory(), _disk(study or Path.cwd())]
    found += [*_machine(), *(_library(name) for name in _CORE)]
    found += [_extra(extra, wanted=False) for extra in extras()]
    return found + (_study(study) if study else [])


def as_text(findings: list[Finding]) -> str:
    lines = [f"{'ok  ' if f.ok else 'LACK'}  {f.what:<24} {f.seen}" + (f"\n      do  {f.do}" if f.do else "") for f in findings]
    lacking = sum(not f.ok for f in findings)
    return "\n".join([*lines, "nothing is lacking" if not lacking else f"{lacking} lacking"])


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding(
        "Python", ok, f"{platform.python_version()} on {platform.machine()}", None if ok else "install Python 3.11 or newer"
    )


def _memory() -> Finding:
    try:
        gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return Finding("memory", True, "not known on this system")
    ok = gigabytes >= _MEMORY_GB
    return Finding("memory", ok, f"{gigabytes:.1f} GB, {os.cpu_count()} cores", None if ok else f"{_MEMORY_GB:.0f} GB are needed")


def _disk(where: Path) -> Finding:
    free = shutil.disk_usage(where if where.exists() else Path.cwd()).free / 2**30
    ok = free >= _DISK_GB
    return Finding("free disk", ok, f"{free:.1f} GB", None if ok else f"free at least {_DISK_GB:.0f} GB")


def _library(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "not installed", "pip install bedside")


def _extra(extra: str, *, wanted: bool) -> Finding:
    """An extra: whole, or what of it is not there. One that nobody asked for lacks nothing."""
    absent = lacking(extra)
    if not absent:
        return Finding(f"extra [{extra}]", True, ", ".join(f"{name} {version(name)}" for name in extras().get(extra, ())))
    seen = f"without {', '.join(absent)}" if len(absent) < len(extras().get(extra, ())) else "not installed"
    return Finding(f"extra [{extra}]", not wanted, seen, line_to_type(extra))


def _study(root: Path) -> list[Finding]:
    from bedside.study.pillars import pillar_of
    from bedside.study.study import Study

    try:
        study = Study(root)
    except BedsideError as error:
        return [Finding(NO_STUDY, False, error.what, error.do)]
    sources = Finding(NO_STUDY, True, f"{len(study.file.source)} sources")
    extra = pillar_of(study.file.task).extra
    needed = _extra(extra, wanted=bool(extra))
    told = [] if needed.ok else [msgspec.structs.replace(needed, what=f"{needed.what}, for this study's model")]
    return [sources, *_sources(root), *told, _keyring(study.keyring_path(), root), *_exposed(study), *_steps(study)]


def _sources(root: Path) -> list[Finding]:
    """Sources whose files or mapping are not there: a finished study can do without, a run cannot."""
    from bedside.study import config

    text = (root / "study.toml").read_text(encoding="utf-8")
    return [Finding(problem.key, False, problem.what, problem.do) for problem in config.problems(text, root)]


def _keyring(path: Path, root: Path) -> Finding:
    """Whether the keyring is there, outside the study, and closed to everybody else: secret, map and ledger."""
    if not path.exists():
        begun = (root / "ledger").exists()
        return Finding("keyring", not begun, "not there", "bring it back: bedside keyring restore BACKUP --key FILE" if begun else None)
    if root in path.parents:
        return Finding("keyring", False, "lies inside the study folder", "move it out and set keyring in [deidentify]")
    if os.name != "posix":
        return Finding("keyring", True, "there; who may read it is in its access list, which is not checked on this system (icacls shows it)")
    for place, wanted, called in ((path, 0o600, ""), (map_path(path), 0o600, "patient map has "), (ledger_path(path), 0o700, "ledger has ")):
        mode = place.stat().st_mode & 0o777 if place.exists() else wanted
        if mode & 0o077:
            return Finding("keyring", False, f"{called}mode {mode:o}", f"chmod {wanted:o} {place}")
    return Finding("keyring", True, f"mode {path.stat().st_mode & 0o777:o}{', under a passphrase' if _locked(path) else ''}")


def _locked(path: Path) -> bool:
    try:
        return read(path).locked is not None
    except BedsideError:
        return False


def _exposed(study: Study) -> list[Finding]:
    """Folders of raw and safe files that every user of this machine can read. Those of a made hospital may lie open."""
    places = [(f"raw files of {source.name}", study.root / source.path) for source in study.file.source]
    places += [("safe", study.root / "safe")]
    return [_open(what, path, made=study.file.made) for what, path in places if path.exists() and os.name == "posix"]


def _open(what: str, path: Path, *, made: bool) -> Finding:
    if not readable_by_everyone(path):
        return Finding(what, True, "closed to other users of this machine")
    return Finding(what, made, "a made hospital, open to everyone" if made else "every user of this machine can read them", None if made else f"chmod o-rwx {path}")


def _machine() -> list[Finding]:
    """What protects the files beside their permissions, as far as it can be seen from here."""
    seen = "not seen from here: full-disk encryption (LUKS, BitLocker, FileVault), and that of swap, is the hospital's"
    return [Finding("disk encryption", True, seen), Finding("new files", True, _umask())]


def _umask() -> str:
    status = Path("/proc/self/status")
    told = next((line.split()[1] for line in status.read_text().splitlines() if line.startswith("Umask:")), "") if status.is_file() else ""
    if not told:
        return "the umask is not known on this system"
    shut = int(told, 8) & 0o007 == 0o007
    return f"umask {told}: " + ("closed to other users" if shut else "other users may read what a run writes, where they can enter the folder (umask 027 closes it)")


def _steps(study: Study) -> list[Finding]:
    from bedside.study.steps import STEPS

    seen = {step.name: _seen(step, study) for step in STEPS}
    return [
        Finding(f"step {name}", told == DONE, told, None if told == DONE else f"bedside {name} {study.root}")
        for name, told in seen.items()
    ]


def _seen(step: Step, study: Study) -> str:
    """Whether a step was run, and with the settings that study.toml has now."""
    from bedside.core import canonical
    from bedside.ledger.log import Ledger
    from bedside.study.plan import Context

    ledger = Ledger(study.root / "ledger")
    entry = ledger.latest(step.name)
    if entry is None:
        return "not run"
    try:
        now = step.parameters(Context(study.root, study.file, None, ledger))  # type: ignore[arg-type]  # settings need no keyring
    except BedsideError as error:
        return error.what
    return DONE if canonical.digest(now) == canonical.digest(entry.receipt.parameters["told"]) else "study.toml has changed since"
