"""Test labels under lock: encrypted until their opening stands in the ledger.

ChaCha20-Poly1305 (RFC 8439) with a nonce derived from key, context and content, so that the same labels give
the same bytes; the context (plan, split) is authenticated, so a seal cannot be moved to another plan.
"""

from __future__ import annotations

from bedside.core.errors import Malformed
from bedside.core.ids import keyed

_NONCE = 12


def seal(data: bytes, key: bytes, *, context: str) -> bytes:
    """Nonce and ciphertext of `data` under the 32-byte key.

    >>> unseal(seal(b"labels", bytes(32), context="plan"), bytes(32), context="plan")
    b'labels'
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    nonce = keyed(key, "nonce", context, data)[:_NONCE]
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, data, context.encode())


def unseal(sealed: bytes, key: bytes, *, context: str) -> bytes:
    """The data; `Malformed` when key, context or a byte is not that of the seal."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        return ChaCha20Poly1305(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise Malformed(
            "the seal does not open",
            where="sealed test labels",
            do="use the study's keyring, and restore the file if it was changed",
        ) from error
