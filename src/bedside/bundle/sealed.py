"""A sealed folder: written whole or not at all, opened only when every byte is what it was. Every kind of model lies in one.

In        files by name, and what the manifest says of them (`core/bundle.py`)
Out       the folder; `Sealed`: manifest, digest, files as bytes
Refuses   a file changed, missing, added or renamed since it was sealed.
Elsewhere what is in the files of a risk model: `store.py`; who makes predictions of them: `runners/`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bedside.core import canonical
from bedside.core.bundle import SCHEMA_NAME, Manifest
from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.ids import sha256
from bedside.core.task import AnyTask

MANIFEST, CARD = "manifest.json", "card.json"


@dataclass(frozen=True)
class Sealed:
    """A bundle's manifest, digest and files, all checked. `where` names it in errors."""

    manifest: Manifest
    digest: str
    files: Mapping[str, bytes]
    where: str

    @classmethod
    def open(cls, folder: Path | str) -> Sealed:
        """The bundle in a folder, after every digest was compared.

        Raises `Malformed` when there is no manifest to compare with, `Refused` when a file is not what it was.
        """
        top = Path(folder)
        raw, manifest = _manifest(top)
        return cls(manifest, sha256(raw), _checked(top, manifest), where=top.name)

    @property
    def task(self) -> Any:
        """The task that the model was fitted for, of whichever kind."""
        return msgspec.convert(self.manifest.task, AnyTask)

    @property
    def card(self) -> dict[str, Any]:
        return dict(self.record(CARD, dict[str, Any]))

    def record(self, name: str, kind: Any) -> Any:
        """A JSON file as the record it is; `Malformed` when it is not."""
        try:
            return msgspec.json.decode(self.files[name], type=kind)
        except (KeyError, msgspec.DecodeError) as error:
            raise Malformed(f"{name} is not readable", where=self.where, do="seal the bundle again") from error


def seal_files(
    folder: Path, *, name: str, runner: str, runner_version: str, task: object, thresholds: Mapping[str, float],
    training: Mapping[str, str], files: Mapping[str, bytes], card: Mapping[str, object], made: bool = False,
) -> str:  # fmt: skip
    """Write a bundle where there is none yet; returns its digest.

    runner     name of the runner (`runners/`) that opens these files
    task       one of the kinds of contract 2
    training   name to digest of what it was fitted on
    files      everything the runner needs: weights in a safe format (never pickle), pre- and post-processing as JSON
    card       what a reader must know; plain JSON values
    """
    whole = {**files, CARD: canonical.dumps(dict(card))}
    manifest = Manifest(SCHEMA_NAME, name, runner, runner_version, msgspec.to_builtins(task), dict(thresholds), dict(training),
                        {path: sha256(data) for path, data in whole.items()}, made)  # fmt: skip
    raw = canonical.dumps(manifest)
    _write(folder, whole | {MANIFEST: raw})
    return sha256(raw)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files in a folder beside, synced, then renamed into place."""
    if folder.exists():
        raise Misconfigured("there is a bundle already", where=folder.name, do="choose another: a sealed model is not written over")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, data in files.items():
            place = beside / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        beside.chmod(0o755)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _manifest(top: Path) -> tuple[bytes, Manifest]:
    try:
        raw = (top / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise Malformed("not a bundle: its manifest is absent or not readable", where=f"{top.name}/{MANIFEST}",
                        do="point at a folder that `bedside train` wrote") from error  # fmt: skip
    if manifest.schema != SCHEMA_NAME:
        raise Malformed(f"this bedside reads {SCHEMA_NAME}, and the bundle is another schema", where=f"{top.name}/{MANIFEST}",
                        do="open it with the version of bedside that sealed it")  # fmt: skip
    return raw, manifest


def _checked(top: Path, manifest: Manifest) -> dict[str, bytes]:
    """Every file's bytes; `Refused` names all that are changed, missing or not in the manifest."""
    there = {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file() or path.is_symlink()} - {MANIFEST}
    files = {name: (top / name).read_bytes() for name in sorted(there & manifest.files.keys()) if not (top / name).is_symlink()}
    faults = [f"{name} has changed" for name, data in files.items() if sha256(data) != manifest.files[name]]
    faults += [f"{name} is missing" for name in sorted(manifest.files.keys() - files.keys())]
    faults += [f"{name} was added" for name in sorted(there - manifest.files.keys())]
    if faults:
        raise Refused("; ".join(faults), where=top.name, do="restore the bundle as it was sealed, or fit it again")
    return files
