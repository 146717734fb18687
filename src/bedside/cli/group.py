"""The group of verbs: names and one-liners in a table, modules loaded when a verb runs."""

from __future__ import annotations

import os
import signal
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

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
    "federate": "Fit one model over several sites; only updates leave them.",
    "dossier": "Write the model card and the premarket draft.",
    "serve": "Answer CDS Hooks with the study's bundle.",
    "receive": "Answer images sent by DICOM C-STORE with SEG and SR.",
    "view": "Look at a study's volumes and segmentations in a browser.",
    "monitor": "Drift, calibration and alert burden of served predictions.",
    "generate": "Search for molecules with a property that a study learned.",
    "keyring": "Who is behind a name, disclosures, backup, another secret, disposal.",
    "policy": "What a de-identification policy does with each identifier.",
    "residue": "Search a folder for the identifiers of a list of known patients.",
    "risk": "Measure how well a table hides its people, and generalise it.",
    "verify": "Prove that a study folder is what its ledger says.",
    "sql": "Query the lake with SQL.",
    "explain": "Walk from a figure back to code, parameters and source bytes.",
    "doctor": "What this machine and the study lack, and what to type.",
}


class Verbs(click.Group):
    """A group that imports a verb's module only when the verb is asked for."""

    verbs, module, kind = VERBS, "bedside.cli.", "verb"

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        command = import_module(f"{self.module}{cmd_name}").run
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.verbs, 1)
            ctx.fail(f"no {self.kind} called {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(self.verbs.items()))


@click.command("bedside", cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bedside", message="bedside %(version)s")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read a keyring's passphrase from this open descriptor instead of the terminal.")
def bedside(passphrase_fd: int | None) -> None:
    """From a hospital's raw data to a clinical model that is tested, served, monitored and documented.

    Bedside is a tool for building and testing; it is not itself a cleared medical device.
    """
    if passphrase_fd is not None:
        from bedside.deidentify import custody_ask

        custody_ask.from_descriptor(passphrase_fd)


def guarded(command: click.Command) -> None:
    """Run the command line; whatever goes wrong ends in what, where, do and an exit code, with --json as one object on standard output."""
    from bedside.core.errors import BedsideError

    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = command.main(prog_name="bedside", standalone_mode=False)
    except BedsideError as error:
        _fail(type(error).__name__, error.what, error.where, error.do, error.exit_code)
    except click.ClickException as error:
        _misused(error)
    except (click.Abort, KeyboardInterrupt):
        _fail("Interrupted", "stopped before the end", "this run", "the same command goes on where it was", 130)
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        _fail(
            "System",
            error.strerror or type(error).__name__,
            _typed(error.filename),
            "check the path, its rights and the free disk",
            2,
        )
    raise SystemExit(code if isinstance(code, int) else 0)


def _typed(path: object) -> str:
    """The path as far as it was typed: the rest may be the name of a raw file, which may be a patient's."""
    return next((word for word in sys.argv[1:] if word and str(path).startswith((word, os.path.abspath(word)))), "a file")


def _terminated(number: int, frame: object) -> None:
    """Unwind as an interrupt does, so that locks and staging folders are let go in order."""
    _fail("Terminated", "stopped before the end", "this run", "the same command goes on where it was", 128 + number)


def _misused(error: click.ClickException) -> None:
    """Wrong arguments: click's own words for people."""
    if "--json" not in sys.argv:
        error.show()
        raise SystemExit(error.exit_code)
    _fail("Usage", error.format_message(), "the command line", "bedside --help, or the verb with --help", error.exit_code)


def _fail(kind: str, what: str, where: str, do: str, code: int) -> NoReturn:
    """Say it on standard error, or to a machine; then end."""
    if "--json" in sys.argv:
        import json

        told = {"kind": kind, "what": what, "where": where, "do": do}
        sys.stdout.write(json.dumps({"ok": False, "error": told, "exit_code": code}) + "\n")
    else:
        sys.stderr.write(f"{kind}: {what}\n  at  {where}\n  do  {do}\n")
    raise SystemExit(code) from None
