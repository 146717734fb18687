"""Authenticated encryption of what the keyring holds, and of secrets under a passphrase.

seal      AES-256-GCM under a key of its own for every content: salt = HMAC(key, content), key' = HMAC(key, salt). Equal content gives
          equal bytes, and a nonce never meets two contents under one key unless HMAC-SHA-256 collides. AES-GCM-SIV would do the same,
          but needs OpenSSL 3.2, which not every hospital's Python has; a random nonce would make every survey write another file.
lock      a secret under a passphrase: scrypt (memory-hard), then AES-256-GCM with a random salt and so a key of its own
Source    NIST SP 800-38D (GCM); RFC 7914 (scrypt), N = 2**17, r = 8, p = 1: 128 MiB, half a second; NIST SP 800-63B-4 3.1.1.2: at least
          15 characters where the passphrase is the only factor.
"""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import Malformed, Refused
from bedside.core.ids import keyed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"bedside.sealed/1\n"
SHORTEST = 15
_SALT, _NONCE, _TAG = 32, 12, 16
_WORK, _BLOCK, _LANES = 2**17, 8, 1
_MOST_WORK, _LEAST_WORK = 2**20, 2**14


def seal(key: bytes, plain: bytes, context: str) -> bytes:
    """`plain` under `key`, bound to `context`.

    >>> unseal(bytes(32), seal(bytes(32), b"a map", "map"), "map")
    b'a map'
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = keyed(key, "salt", context, plain)
    return MAGIC + salt + AESGCM(keyed(key, "content key", salt)).encrypt(salt[:_NONCE], plain, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """The content; `ValueError` when key, context or a byte is not that of the seal."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not is_sealed(sealed) or len(sealed) < len(MAGIC) + _SALT + _TAG:
        raise ValueError("not sealed")
    salt, body = sealed[len(MAGIC) : len(MAGIC) + _SALT], sealed[len(MAGIC) + _SALT :]
    try:
        return AESGCM(keyed(key, "content key", salt)).decrypt(salt[:_NONCE], body, context.encode())
    except InvalidTag as error:
        raise ValueError("the seal does not open") from error


def is_sealed(data: bytes) -> bool:
    return data.startswith(MAGIC)


class Locked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret under a passphrase: how the key is worked out, and the ciphertext."""

    kdf: str
    work: int
    block: int
    lanes: int
    salt: bytes
    sealed: bytes


def lock(secret: bytes, passphrase: str, context: str, *, work: int = _WORK) -> Locked:
    """A secret under a passphrase. `Refused` when that is too short to keep out whoever holds the file."""
    said = _normal(passphrase)
    if len(said) < SHORTEST:
        raise Refused(f"the passphrase has fewer than {SHORTEST} characters", where="passphrase", do="choose five or six words that nobody would guess")
    salt = os.urandom(_SALT)
    head = Locked("scrypt", work, _BLOCK, _LANES, salt, b"")
    return msgspec.structs.replace(head, sealed=_cipher(head, said).encrypt(salt[:_NONCE], secret, context.encode()))


def unlock(locked: Locked, passphrase: str, context: str, *, where: str) -> bytes:
    """The secret. `Refused` for a wrong passphrase or a changed file, which look alike; `Malformed` for numbers that no lock of ours has."""
    from cryptography.exceptions import InvalidTag

    if (locked.kdf, locked.block, locked.lanes) != ("scrypt", _BLOCK, _LANES) or not _usual(locked.work) or len(locked.salt) != _SALT:
        raise Malformed("locked in a way that this version does not know", where=where, do="use the version of Bedside that made it, or a backup")
    try:
        return _cipher(locked, _normal(passphrase)).decrypt(locked.salt[:_NONCE], locked.sealed, context.encode())
    except InvalidTag:
        raise Refused("the passphrase does not open it, or the file was changed", where=where, do="try again, or use a backup") from None


def _usual(work: int) -> bool:
    return _LEAST_WORK <= work <= _MOST_WORK and work & (work - 1) == 0


def _normal(passphrase: str) -> str:
    """One writing of accents, so that the passphrase opens from another keyboard too."""
    return unicodedata.normalize("NFC", passphrase.strip("\r\n"))


def _cipher(head: Locked, passphrase: str) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return AESGCM(Scrypt(head.salt, 32, head.work, head.block, head.lanes).derive(passphrase.encode()))
