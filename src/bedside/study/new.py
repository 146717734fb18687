"""`bedside new`: a study folder to start from, every setting explained."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import msgspec

from bedside.core.errors import Refused


class Made(msgspec.Struct, frozen=True):
    """The new study folder and its keyring."""

    root: Path
    keyring: Path


def new(root: Path, *, task: str = "deterioration") -> Made:
    """Write study.toml from a template, the folder of raw files it names, and a keyring beside the study.

    `Refused` when there is a study.toml already.
    """
    from bedside.deidentify.keyring import Keyring

    if (root / "study.toml").exists():
        raise Refused("there is a study here already", where=str(root), do="edit its study.toml, or choose another folder")
    text = (files("bedside.study") / "templates" / f"{task}.toml").read_text(encoding="utf-8")
    root.mkdir(parents=True, exist_ok=True)
    (root / "study.toml").write_text(text.replace("@NAME@", root.resolve().name), encoding="utf-8")
    keyring = root.resolve().with_name(root.resolve().name + ".keyring")
    if not keyring.exists():
        Keyring.create(keyring)
    return Made(root.resolve(), keyring)
