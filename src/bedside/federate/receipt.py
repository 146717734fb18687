"""What a site says it did, signed with the key of its own ledger.

In        a `SiteReceipt` and the site's raw Ed25519 private key
Out       a `Signed`: canonical JSON, signature, public key; `genuine` checks it anywhere, without the site
Source    RFC 8032 (Ed25519).
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from bedside.core import canonical
from bedside.federate.channel import Crossed

SCHEMA_NAME = "bedside.site-receipt/1"
_PURPOSE = b"bedside federated receipt/1\n"


class SiteReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site's part in a run. No PHI: counts, digests and what crossed.

    cohort         content digest of the features and decisions that the site's cohort step made
    crossings      every message up to this receipt, in order
    privacy        what the updates cost in privacy, in words; empty when none was asked for
    ledger_size, ledger_root    the site's own ledger when it signed, which holds the same record
    """

    schema: str
    site: str
    run: str
    plan: str
    bundle: str
    policy: str
    cohort: str
    code: str
    rows: int
    subjects: int
    rounds: int
    crossings: list[Crossed]
    privacy: str = ""
    epsilon: float | None = None
    delta: float | None = None
    ledger_size: int = 0
    ledger_root: str = ""


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt as text, and who vouches for it. Keys in hex, signature in base64."""

    receipt: str
    public_key: str
    signature: str

    @property
    def told(self) -> SiteReceipt:
        return msgspec.json.decode(self.receipt, type=SiteReceipt)


def sign(receipt: SiteReceipt, key: bytes) -> Signed:
    """The receipt under the site's signature."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, text = Ed25519PrivateKey.from_private_bytes(key), canonical.dumps(receipt)
    signature = base64.b64encode(private.sign(_PURPOSE + text)).decode()
    return Signed(text.decode(), private.public_key().public_bytes_raw().hex(), signature)


def genuine(signed: Signed, public_key: str | None = None) -> bool:
    """Whether the text is a receipt signed by its key, and that key is the one expected."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if public_key not in (None, signed.public_key):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key))
        key.verify(base64.b64decode(signed.signature, validate=True), _PURPOSE + signed.receipt.encode())
        msgspec.json.decode(signed.receipt, type=SiteReceipt)
    except (InvalidSignature, binascii.Error, ValueError, msgspec.DecodeError):
        return False
    return True
