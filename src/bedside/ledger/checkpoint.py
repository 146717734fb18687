"""Signed notes: how long the ledger is, its Merkle root, when, and an Ed25519 signature over the three.

Form      four lines "bedside ledger/1", size, root (hex), time, then "sig " and the signature in base64.
Source    RFC 8032 (Ed25519); after the C2SP signed-note idea.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from bedside.core.errors import Malformed

ORIGIN = "bedside ledger/1"


class Checkpoint(msgspec.Struct, frozen=True):
    """One signed statement of the ledger's state. `root` and `signature` in hex and base64."""

    size: int
    root: str
    time: str
    signature: str

    def body(self) -> bytes:
        return f"{ORIGIN}\n{self.size}\n{self.root}\n{self.time}\n".encode()

    def text(self) -> str:
        return self.body().decode() + f"sig {self.signature}\n"


def sign(size: int, root: bytes, time: str, key: bytes) -> Checkpoint:
    """A checkpoint signed by the raw 32-byte Ed25519 private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    unsigned = Checkpoint(size, root.hex(), time, "")
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(unsigned.body())
    return msgspec.structs.replace(unsigned, signature=base64.b64encode(signature).decode())


def genuine(checkpoint: Checkpoint, public_key: bytes) -> bool:
    """Whether the signature is that of the raw 32-byte public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signature = base64.b64decode(checkpoint.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, checkpoint.body())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def parse(text: str, *, where: str) -> list[Checkpoint]:
    """Every complete note of a checkpoints file; `Malformed` when a complete one is not of the form."""
    lines = text.split("\n")
    notes = [lines[start : start + 5] for start in range(0, len(lines) - 5, 5)]
    for number, note in enumerate(notes, 1):
        if note[0] != ORIGIN or not note[1].isdigit() or not note[4].startswith("sig "):
            raise Malformed("not a signed note", where=f"{where}, note {number}", do="restore the file from a copy")
    if len(lines) % 5 != 1 or lines[-1]:
        raise Malformed(
            "the last signed note is incomplete", where=f"{where}, end of file", do="run `bedside run` again, or restore the file"
        )
    return [Checkpoint(int(note[1]), note[2], note[3], note[4].removeprefix("sig ")) for note in notes]
