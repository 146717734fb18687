"""The keyring: one secret from which every key derives, and the encrypted patient map beside it.

In        FILE              JSON, mode 0600: the secret (under a passphrase when one was set), how subjects are named, whether the hospital is made
          FILE.map          the patient map under AES-256-GCM (`custody_seal.py`): equal maps are equal bytes, and no nonce meets two contents
          FILE.ledger/      who did what with the keyring (`study/custody.py`)
Out       keys by purpose (HMAC-SHA-256 of the secret and the purpose), pseudonyms, date shifts, the map
Refuses   to open what others can read; to write over a keyring that is not the one that was opened
Reads     keyrings and maps of version 1 too (ChaCha20-Poly1305); they are written anew when they are saved
Source    45 CFR 164.514(c): a code not derived from the individual (naming "sealed"); NIST SP 800-38D, RFC 8439, RFC 8032.
Elsewhere what the map holds: `patients.py`; how times move: `clock.py`; another secret: `custody_rotate.py`; copies: `custody_backup.py`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import msgspec

from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.ids import keyed, keyed_hex
from bedside.deidentify import custody_ask
from bedside.deidentify.custody_files import refuse_when_open, write_private
from bedside.deidentify.custody_seal import Locked, is_sealed, lock, seal, unlock, unseal
from bedside.deidentify.patients import PatientMap

SCHEMA_NAME, FIRST_SCHEMA = "bedside.keyring/2", "bedside.keyring/1"
MAP_SCHEMA = "bedside.keyring-map/2"
Naming = Literal["sealed", "keyed"]
_SECRET_BYTES, _NONCE_BYTES, _CODE_BITS = 32, 12, 60
_RESTORE = "bring back keyring and map from the same backup: bedside keyring restore BACKUP --key FILE"


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The keyring file: `secret` in base64, or `locked` under a passphrase."""

    schema: str
    naming: Naming
    made: bool
    secret: str = ""
    id: str = ""
    locked: Locked | None = None


class Keyring:
    """Keys by purpose, pseudonyms, and the patient map. Make one with `create`, find one with `open`, either with `at`."""

    def __init__(self, path: Path, secret: bytes, *, naming: Naming, made: bool, locked: Locked | None = None) -> None:
        self.path, self.naming, self.made, self.locked = path, naming, made, locked
        self._secret = secret
        self._map_seen: bytes | None = None

    @classmethod
    def create(cls, path: Path, *, naming: Naming = "sealed", seed: bytes | None = None, made: bool = False) -> Keyring:
        """A new keyring on disk with an empty map.

        seed   fixes the secret, for made hospitals only: anyone who knows the seed can undo the names
        Raises `Refused` where a keyring, its map or its ledger lies already: another one would orphan every pseudonym.
        """
        path = Path(path)
        left = [one.name for one in (path, map_path(path), rotating_path(path), ledger_path(path)) if os.path.lexists(one)]
        if left:
            lost = path.name not in left
            raise Refused(f"the keyring of {left[0]} is gone, and a new one would not fit it" if lost else "a keyring is there already",
                          where=path.name, do=f"{_RESTORE}; or give the new keyring another name" if lost else "open it, or move it away")  # fmt: skip
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
    def open(cls, path: Path, *, passphrase: Callable[[str], str] = custody_ask.passphrase) -> Keyring:
        """The keyring at `path`; `Refused` when others can read it or the passphrase is wrong.

        passphrase   asked with the file's name when the keyring has one: the terminal, or `bedside --passphrase-fd`
        """
        path = Path(path)
        if os.path.lexists(rotating_path(path)):
            raise Refused("a rotation of this keyring was cut off", where=path.name, do=f"bedside keyring rotate {path.name} --resume")
        if not path.is_file():
            raise Misconfigured("no keyring here", where=path.name,
                                do="bring back the one that was used (bedside keyring restore), or make a new study: without it no name can be undone, "
                                   "and no further file can join those that were made with it")  # fmt: skip
        for place in (path, map_path(path)):
            refuse_when_open(place)
        stored = read(path)
        try:
            secret = b64decode(stored.secret, validate=True) if stored.locked is None else _unlocked(stored, path, passphrase)
        except ValueError as error:
            raise Malformed("not a keyring", where=path.name, do="bring it back from a backup") from error
        ring = cls(path, secret, naming=stored.naming, made=stored.made, locked=stored.locked)
        if len(secret) != _SECRET_BYTES or stored.id not in ("", ring.id):
            raise Malformed("a keyring of another version, or a damaged one", where=path.name, do="bring it back from a backup")
        return ring

    @classmethod
    def of(cls, stored: bytes, sealed: bytes) -> Keyring:
        """A keyring without a passphrase from the bytes of its two files, proved to fit each other; for looking, it lies nowhere."""
        told = _decoded(stored, "backup")
        ring = cls(Path("backup"), b64decode(told.secret), naming=told.naming, made=told.made)
        ring.map = PatientMap.decode(ring._open(sealed))
        return ring

    @classmethod
    def at(cls, path: Path, *, naming: Naming = "sealed") -> Keyring:
        """The keyring at `path`, made (mode 0600) when there is none."""
        path = Path(path)
        return cls.open(path) if os.path.lexists(path) or os.path.lexists(rotating_path(path)) else cls.create(path, naming=naming)

    def save(self) -> None:
        """Write keyring and map, each whole or not at all, readable by the owner only. The map goes last.

        Raises `Refused` when another keyring or a newer map lies there than was opened: nothing is written over that is not known.
        """
        if self.path.exists():
            self.must_be_same(where="saving the patient map")
        sealed = self.sealed_map()
        write_private(self.path, self.stored())
        write_private(map_path(self.path), sealed)
        self._map_seen = hashlib.sha256(sealed).digest()

    def stored(self, *, bare: bool = False) -> bytes:
        """The keyring file's bytes; `bare`: without its passphrase, for what has another one around it."""
        locked = None if bare else self.locked
        plain = "" if locked else b64encode(self._secret).decode()
        told = _Stored(SCHEMA_NAME, self.naming, self.made, plain, self.id, locked)
        return msgspec.json.format(msgspec.json.encode(told)) + b"\n"

    def sealed_map(self) -> bytes:
        """The map file's bytes."""
        return seal(self._key("map"), self.map.encode(), MAP_SCHEMA)

    def lock(self, passphrase: str | None) -> None:
        """Put the secret under a passphrase, or take it off again (None), and save. Copies made before stay as they were."""
        self.set_lock(passphrase)
        self.save()

    def set_lock(self, passphrase: str | None) -> None:
        """As `lock`, in memory."""
        self.locked = None if passphrase is None else lock(self._secret, passphrase, SCHEMA_NAME)

    def changed(self) -> str | None:
        """What on the disk is no longer what this keyring was opened from: "the keyring", "the patient map", or None."""
        try:
            there = read(self.path)
            same = there.naming == self.naming and (there.id or _id(b64decode(there.secret))) == self.id
        except (Malformed, OSError, ValueError):
            same = False
        if not same:
            return "the keyring"
        place = map_path(self.path)
        if self._map_seen is None:
            return None
        return None if place.is_file() and hashlib.sha256(place.read_bytes()).digest() == self._map_seen else "the patient map"

    def must_be_same(self, *, where: str) -> None:
        """`Refused` when keyring or map were replaced on the disk since they were opened: what was made with both would fit neither."""
        if gone := self.changed():
            raise Refused(f"{gone} was replaced while it was in use", where=where, do="let one run at a time use a keyring, and run this again")

    def code_of(self, number: int, keys: Sequence[str]) -> int:
        """Code of a subject. Sealed: drawn from the running number, and so from nothing of the person. Keyed: from their smallest key."""
        said = ("sealed", str(number)) if self.naming == "sealed" else ("keyed", min(keys))
        return int.from_bytes(keyed(self.code_key, *said)[:8], "big") >> (64 - _CODE_BITS)

    @cached_property
    def map(self) -> PatientMap:
        """The patient map, decrypted when first asked for."""
        place = map_path(self.path)
        if not place.is_file():
            raise Malformed("the keyring's patient map is missing", where=place.name, do="bring it back from a backup")
        sealed = place.read_bytes()
        found = PatientMap.decode(self._open(sealed))
        self._map_seen = hashlib.sha256(sealed).digest()
        return found

    @cached_property
    def id(self) -> str:
        """A public name of this keyring, safe to write down."""
        return _id(self._secret)

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

    @cached_property
    def rest_key(self) -> bytes:
        """Key of folders that lie encrypted (`custody_stream.py`)."""
        return self._key("files at rest")

    @property
    def rest_keys(self) -> dict[str, bytes]:
        """Keys of encrypted folders by their public names: today's, and those of secrets that were replaced."""
        return {keyed_hex(key, "id", length=16): key for key in (self.rest_key, *(one.rest_key for one in self.map.state.rotations))}

    def _key(self, purpose: str) -> bytes:
        return keyed(self._secret, "key", purpose)

    def _open(self, sealed: bytes) -> bytes:
        try:
            return unseal(self._key("map"), sealed, MAP_SCHEMA) if is_sealed(sealed) else self._open_first(sealed)
        except ValueError as error:
            raise Malformed("the patient map was changed, or belongs to another keyring", where=map_path(self.path).name, do=_RESTORE) from error

    def _open_first(self, sealed: bytes) -> bytes:
        """A map of version 1: nonce, then ChaCha20-Poly1305."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        try:
            return ChaCha20Poly1305(self._key("map")).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], FIRST_SCHEMA.encode())
        except InvalidTag as error:
            raise ValueError("the seal does not open") from error


def map_path(path: Path) -> Path:
    return path.with_name(path.name + ".map")


def ledger_path(path: Path) -> Path:
    """The folder of a keyring's own ledger."""
    return path.with_name(path.name + ".ledger")


def rotating_path(path: Path) -> Path:
    """Where a new secret lies while it takes the old one's place."""
    return path.with_name(path.name + ".rotating")


def read(path: Path) -> _Stored:
    """What the keyring file says, its secret unopened; `Malformed` when it is none."""
    return _decoded(path.read_bytes(), path.name)


def _decoded(data: bytes, where: str) -> _Stored:
    try:
        stored = msgspec.json.decode(data, type=_Stored)
    except msgspec.DecodeError as error:
        raise Malformed("not a keyring", where=where, do="bring it back from a backup") from error
    if stored.schema not in (SCHEMA_NAME, FIRST_SCHEMA):
        raise Malformed("a keyring of another version, or a damaged one", where=where, do="bring it back from a backup")
    return stored


def _unlocked(stored: _Stored, path: Path, passphrase: Callable[[str], str]) -> bytes:
    assert stored.locked is not None
    return unlock(stored.locked, passphrase(path.name), SCHEMA_NAME, where=path.name)


def _id(secret: bytes) -> str:
    return keyed_hex(secret, "id", length=16)
