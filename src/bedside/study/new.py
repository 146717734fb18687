"""`bedside new`: a study folder to start from, every setting explained."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

import msgspec

from bedside.core.errors import Misconfigured, Refused


class Made(msgspec.Struct, frozen=True):
    """The new study folder and its keyring."""

    root: Path
    keyring: Path


def templates() -> list[str]:
    """Names of the tasks to start from: the files in templates/."""
    found = (place.name for place in (files("bedside.study") / "templates").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def new(root: Path, *, task: str = "deterioration") -> Made:
    """Write study.toml from a template, and a keyring beside the study.

    `Refused` when there is a study.toml already, `Misconfigured` when there is no template of that name.
    """
    from bedside.deidentify.keyring import Keyring

    if task not in templates():
        near = get_close_matches(task, templates(), 1)
        raise Misconfigured(f"no task called {task!r} to start from", where="--task",
                            do=f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(templates())}")  # fmt: skip
    if (root / "study.toml").exists():
        raise Refused("there is a study here already", where=str(root), do="edit its study.toml, or choose another folder")
    text = (files("bedside.study") / "templates" / f"{task}.toml").read_text(encoding="utf-8")
    root.mkdir(parents=True, exist_ok=True)
    (root / "study.toml").write_text(text.replace("@NAME@", root.resolve().name), encoding="utf-8")
    keyring = root.resolve().with_name(root.resolve().name + ".keyring")
    if not keyring.exists():
        Keyring.create(keyring)
    return Made(root.resolve(), keyring)
