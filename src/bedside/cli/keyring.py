"""The keyring: who is behind a name, disclosures, backup, another secret, folders encrypted or disposed of."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

import click

VERBS: dict[str, str] = {
    "show": "What a keyring is: its id, its naming, its passphrase, its ledger.",
    "reidentify": "Who is behind a pseudonym, for somebody who may know; written down first.",
    "disclose": "Write down that data of patients were given to somebody.",
    "disclosures": "What was given to whom; the account of one subject.",
    "retention": "Which records must stay, and until when.",
    "backup": "One file from which a lost keyring comes back.",
    "restore": "Bring a keyring back from its backup, or try whether that would work.",
    "passphrase": "Put the keyring under a passphrase, or take it off.",
    "rotate": "Give the keyring another secret.",
    "crosswalk": "Old names and names of today, after a rotation.",
    "encrypt": "Encrypt a folder of raw or safe files.",
    "decrypt": "Open an encrypted folder.",
    "dispose": "Destroy a keyring, or folders of files.",
}


class Verbs(click.Group):
    """A group that imports a verb's module only when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = import_module(f"bedside.cli.keyring_{cmd_name}").run
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, 1)
            ctx.fail("no such verb of a keyring" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command("keyring", cls=Verbs, no_args_is_help=True)
def run() -> None:
    """The keyring: who is behind a name, disclosures, backup, another secret, folders encrypted or disposed of.

    What is done is written into the ledger beside the keyring (FILE.ledger), with who and why, and never with a patient's name or
    number; `bedside verify FILE` proves that ledger. Every verb takes --json.
    """
