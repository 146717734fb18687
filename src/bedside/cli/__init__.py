"""The command line: a lazy table of verbs, each one thin file."""

from __future__ import annotations


def main() -> None:
    """Entry point: run a verb; turn our errors into three lines and an exit code."""
    from bedside.cli.group import bedside, guarded

    guarded(bedside)
