"""The keyring: one secret from which every key derives, and the encrypted patient map beside it.

In        DIR.keyring       JSON, mode 0600: the secret, how subjects are named, whether the hospital is made
          DIR.keyring.map   ChaCha20-Poly1305 of the patient map; the nonce is a keyed digest of the content,
                            so that equal maps are equal bytes and no nonce meets two contents
Out       keys by purpose (HMAC-SHA-256 of the secret and the purpose), pseudonyms, date shifts, the map
Source    45 CFR 164.514(c): a code not derived from the individual (naming "sealed"); RFC 8439, RFC 8032.
Elsewhere what the map holds: `patients.py`; how times move: `clock.py`.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64decode, b64encode
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import msgspec

from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.ids import keyed, keyed_hex
from bedside.deidentify.patients import PatientMap

SCHEMA_NAME = "bedside.keyring/1"
Naming = Literal["sealed", "keyed"]
_SECRET_BYTES = 32
_NONCE_BYTES = 12


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keyring file."""

    schema: str
    naming: Naming
    made: bool
    secret: str


class Keyring:
    """Keys by purpose, pseudonyms, and the patient map. Make one with `create`, find one with `open`."""

    def __init__(self, path: Path, secret: bytes, *, naming: Naming, made: bool) -> None:
        self.path, self.naming, self.made = path, naming, made
        self._secret = secret

    @classmethod
    def create(cls, path: Path, *, naming: Naming = "sealed", seed: bytes | None = None, made: bool = False) -> Keyring:
        """A new keyring on disk with an empty map.

        seed   fixes the secret, for made hospitals only: anyone who knows the seed can undo the names
        Raises `Refused` where a keyring lies already, since writing over it would orphan every pseudonym.
        """
        path = Path(path)
        if path.exists() or _map_path(path).exists():
            raise Refused("a keyring is there already", where=path.name, do="open it, or move it away")
        if naming not in get_args(Naming):
            raise Misconfigured("no such way to name subjects", where="keyring, naming", do='choose "sealed" or "keyed"')
        if seed is not None and not made:
            raise Refused("a seed names the secret, and this hospital is not made", where="keyring, seed", do="leave the seed out")
        secret = secrets.token_bytes(_SECRET_BYTES) if seed is None else keyed(b"bedside made hospital", seed)
        ring = cls(path, secret, naming=naming, made=made)
        ring.map = PatientMap()
        ring.save()
        return ring

    @classmethod
    def open(cls, path: Path) -> Keyring:
        """The keyring at `path`; `Refused` when others can read it."""
        path = Path(path)
        if not path.is_file():
            raise Misconfigured("no keyring here", where=path.name, do="bring back the one that was used, or make a new study")
        for place in (path, _map_path(path)):
            if os.name == "posix" and place.is_file() and place.stat().st_mode & 0o077:
                raise Refused("the keyring can be read by others", where=place.name, do=f"chmod 600 {place.name}")
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
            secret = b64decode(stored.secret, validate=True)
        except (msgspec.DecodeError, ValueError) as error:
            raise Malformed("not a keyring", where=path.name, do="bring it back from a backup") from error
        if stored.schema != SCHEMA_NAME or len(secret) != _SECRET_BYTES:
            raise Malformed("a keyring of another version, or a damaged one", where=path.name, do="bring it back from a backup")
        return cls(path, secret, naming=stored.naming, made=stored.made)

    def save(self) -> None:
        """Write keyring and map, each whole or not at all, readable by the owner only. The map goes last."""
        stored = _Stored(SCHEMA_NAME, self.naming, self.made, b64encode(self._secret).decode())
        _write(self.path, msgspec.json.format(msgspec.json.encode(stored)) + b"\n")
        _write(_map_path(self.path), self._seal(self.map.encode()))

    @cached_property
    def map(self) -> PatientMap:
        """The patient map, decrypted when first asked for."""
        place = _map_path(self.path)
        if not place.is_file():
            raise Malformed("the keyring's patient map is missing", where=place.name, do="bring it back from a backup")
        return PatientMap.decode(self._open(place.read_bytes()))

    @cached_property
    def id(self) -> str:
        """A public name of this keyring, safe to write down."""
        return keyed_hex(self._secret, "id", length=16)

    @cached_property
    def file_key(self) -> bytes:
        """Key of the digests of raw files and records."""
        return self._key("file")

    @cached_property
    def label_key(self) -> bytes:
        """Key that seals the labels of the test split."""
        return self._key("labels")

    @cached_property
    def signing_key(self) -> bytes:
        """Raw Ed25519 private key of the ledger's checkpoints."""
        return self._key("signing")

    @cached_property
    def public_key(self) -> bytes:
        """Raw Ed25519 public key that belongs to `signing_key`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.signing_key).public_key().public_bytes_raw()

    @cached_property
    def number_key(self) -> bytes:
        """Key of the pseudonyms of everything that is not a subject: encounters, orders, documents, UIDs."""
        return self._key("number")

    @cached_property
    def code_key(self) -> bytes:
        """Key of the subjects' codes."""
        return self._key("code")

    @cached_property
    def shift_key(self) -> bytes:
        """Key of the subjects' date shifts."""
        return self._key("shift")

    def _key(self, purpose: str) -> bytes:
        return keyed(self._secret, "key", purpose)

    def _seal(self, plain: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        nonce = keyed(self._key("map nonce"), plain)[:_NONCE_BYTES]
        return nonce + ChaCha20Poly1305(self._key("map")).encrypt(nonce, plain, SCHEMA_NAME.encode())

    def _open(self, sealed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        try:
            return ChaCha20Poly1305(self._key("map")).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], SCHEMA_NAME.encode())
        except (InvalidTag, ValueError) as error:
            raise Malformed(
                "the patient map was changed, or belongs to another keyring",
                where=_map_path(self.path).name,
                do="bring keyring and map back from the same backup",
            ) from error


def _map_path(path: Path) -> Path:
    return path.with_name(path.name + ".map")


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)
