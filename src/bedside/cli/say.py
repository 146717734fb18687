"""What every verb says the same way: JSON for machines, plain text for people, the next command last."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def as_json(command: F) -> F:
    """The --json option."""
    option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, for machines.")
    return option(command)


def folder(command: F) -> F:
    """The study folder argument, the current folder when left out."""
    argument = click.argument("study", type=click.Path(), default=".")
    return argument(command)


def show(record: object, text: str, machine: bool) -> None:
    """Print a record as one JSON object, or the text."""
    if not machine:
        click.echo(text)
        return
    import msgspec

    click.echo(msgspec.json.encode(record).decode())


def following(*commands: str, machine: bool = False) -> None:
    """The next commands to type."""
    if not machine:
        click.echo("\nnext\n" + "\n".join(f"  {command}" for command in commands))


def quoted(path: object) -> str:
    return shlex.quote(str(path))


def steps(study: str, only: list[str] | None, machine: bool) -> None:
    """Run steps and say what each came to."""
    from bedside.study import Study

    opened = Study(study)
    ran = opened.run(only, quiet=machine)
    if machine:
        show({"study": str(opened.root), "steps": ran, "content": opened.content()}, "", True)
