"""What every verb of a keyring asks for: the keyring, who, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def keyring(command: F) -> F:
    """The KEYRING argument."""
    return click.argument("keyring", type=click.Path(path_type=Path))(command)


def told(command: F) -> F:
    """--reason and --who."""
    command = click.option("--who", help="The person on whose word this is done. Default: the account of this machine.")(command)
    return click.option("--reason", required=True, help="Why, in words, without a patient's name or number.")(command)


def listed(names: tuple[str, ...], file: Path | None) -> list[str]:
    """Names from the command line and from a file of one a line."""
    lines = file.read_text(encoding="utf-8").split() if file else []
    return [*names, *lines]
