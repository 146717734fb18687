"""The group of verbs: names and one-liners in a table, modules loaded when a verb runs."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module

import click

VERBS: dict[str, str] = {
    "demo": "Bring a made hospital, run every step on it, and show the report.",
    "new": "Write a study folder to start from.",
    "run": "Run the steps of a study that are not done.",
    "deidentify": "Raw files to de-identified files.",
    "read": "De-identified files to the event lake.",
    "check": "Check study.toml and the data, and draw the data-quality page.",
    "cohort": "Who, when, label, features, splits.",
    "train": "Fit the model and its baselines, and seal the bundle.",
    "test": "Open the test labels, evaluate, and draw the report.",
    "dossier": "Write the model card and the premarket draft.",
    "serve": "Answer CDS Hooks with the study's bundle.",
    "monitor": "Drift, calibration and alert burden of served predictions.",
    "verify": "Prove that a study folder is what its ledger says.",
    "sql": "Query the lake with SQL.",
    "explain": "Walk from a figure back to code, parameters and source bytes.",
    "doctor": "What this machine and the study lack, and what to type.",
}


class Verbs(click.Group):
    """A group that imports a verb's module only when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = import_module(f"bedside.cli.{cmd_name}").run
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, 1)
            ctx.fail(f"no verb called {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command("bedside", cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bedside", message="bedside %(version)s")
def bedside() -> None:
    """From a hospital's raw data to a clinical model that is tested, served, monitored and documented.

    Bedside is a tool for building and testing; it is not itself a cleared medical device.
    """


def guarded(command: click.Command) -> None:
    """Run the command line; our own errors end in what, where, do on standard error and their exit code."""
    from bedside.core.errors import BedsideError

    try:
        command.main(prog_name="bedside")
    except BedsideError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
