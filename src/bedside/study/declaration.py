"""Where raw files and keyring lie, read without asking whether the rest of study.toml makes sense.

In        study.toml as it is now, and the ledger's entry on the files that were taken in
Out       a `Declaration`; which folders of the study are raw, and which are the steps' own
Why       the ledger knows what was taken in: study.toml may since have been broken, and must not turn raw files into strangers
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import BedsideError
from bedside.formats.files import Source
from bedside.ledger.log import Entry
from bedside.study import folder
from bedside.study.config import Deidentify
from bedside.study.steps import STEPS

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring


class Declaration(msgspec.Struct, frozen=True):
    """The parts of study.toml that say where raw files and keyring lie; whether the rest makes sense is not asked."""

    source: list[Source] = []
    deidentify: Deidentify = msgspec.field(default_factory=Deidentify)


def declared(root: Path, entries: list[Entry]) -> tuple[Declaration, Declaration]:
    """The declaration as it was when the files were taken in, and as it is now; either stands in for the other."""
    entry = taken_in(entries)
    then, now = _declaration(entry.receipt.parameters.get("told") if entry else None), _declaration(_tree(root))
    return then or now or Declaration(), now or then or Declaration()


def keyring_of(root: Path, declaration: Declaration) -> tuple[Keyring | None, str]:
    """The keyring, or why there is none."""
    from bedside.deidentify.keyring import Keyring

    path = folder.keyring_path(root, declaration.deidentify.keyring)
    if not path.is_file():
        return None, "the keyring is not here, and their digests are keyed"
    try:
        return Keyring.open(path), ""
    except BedsideError as error:
        return None, error.what
    except OSError as error:
        return None, f"the keyring cannot be read: {error.strerror}"


def inside(root: Path, source: Source) -> str | None:
    """Name of a source relative to the study folder; None for one outside."""
    name = os.path.relpath(root / source.path, root)
    return None if name.startswith("..") else Path(name).as_posix()


def within(name: str, tops: Iterable[str]) -> bool:
    return any(name == top or name.startswith(top + "/") for top in tops)


def tops() -> set[str]:
    """The top folders that are the steps' own, whose names say nothing about patients."""
    return {top.split("/")[0] for step in STEPS for top in step.owns}


def beside(root: Path, declaration: Declaration) -> set[str]:
    """Folders that hold sources and nothing else of the study: what lies there is taken for raw, and not named."""
    tops = (inside(root, source) for source in declaration.source)
    return {Path(top).parent.as_posix() for top in tops if top and "/" in top}


def taken_in(entries: list[Entry]) -> Entry | None:
    return next((entry for entry in reversed(entries) if entry.receipt.step == "deidentify"), None)


def _tree(root: Path) -> object:
    try:
        return tomllib.loads((root / "study.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _declaration(tree: object) -> Declaration | None:
    try:
        return msgspec.convert(tree, Declaration) if tree else None
    except msgspec.ValidationError:
        return None
