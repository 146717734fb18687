"""The keyring: who is behind a name, disclosures, backup, another secret, folders encrypted or disposed of."""

from __future__ import annotations

import click

from bedside.cli.group import Verbs

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


class OfKeyring(Verbs):
    """The verbs of a keyring."""

    verbs, module, kind = VERBS, "bedside.cli.keyring_", "verb of a keyring"


@click.command("keyring", cls=OfKeyring, no_args_is_help=True)
def run() -> None:
    """The keyring: who is behind a name, disclosures, backup, another secret, folders encrypted or disposed of.

    What is done is written into the ledger beside the keyring (FILE.ledger), with who and why, and never with a patient's name or
    number; `bedside verify FILE` proves that ledger. Every verb takes --json.
    """
