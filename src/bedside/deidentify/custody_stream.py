"""Folders that lie encrypted: every file in chunks of AES-256-GCM whose order, end, name and place among the others are authenticated.

In        a folder of files, and the keyring's key for files at rest
Out       FOLDER/<24 hex digits>.sealed for every file (names are keyed digests), FOLDER/index.sealed with names, sizes and what belongs
Form      magic, key id (16), salt (32), then chunks of 64 KiB and a tag of 16 bytes. Key = HMAC(key, salt, name), the salt random and so
          never met twice; nonce = zeros (7), number of the chunk (4), 1 for the last (1)
Refuses   links, pipes and devices; a file that was changed, cut, swapped, renamed, added or is missing: nothing of the folder appears then
Memory    one chunk, and the list of names
Source    the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizar, "Online authenticated-encryption and its nonce-reuse
          misuse-resistance", CRYPTO 2015; NIST SP 800-38D; 45 CFR 164.312(a)(2)(iv).
"""

from __future__ import annotations

import io
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import msgspec

from bedside.core.errors import Malformed, Refused, Unusable
from bedside.core.ids import keyed, keyed_hex
from bedside.deidentify.custody_files import OWNER_FILE, OWNER_FOLDER

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC, SUFFIX, INDEX, SCHEMA_NAME = b"bedside.at-rest/1\n", ".sealed", "index.sealed", "bedside.at-rest/1"
CHUNK = 1 << 16
_ID, _SALT, _TAG, _NAME = 16, 32, 16, 24
_HEAD = len(MAGIC) + _ID + _SALT
_MOST_CHUNKS = 1 << 32


class Lying(msgspec.Struct, frozen=True):
    """One file of the index: what it is called here and in truth, its length, and the salt that no other file has."""

    alias: str
    name: str
    size: int
    salt: bytes


class Index(msgspec.Struct, frozen=True):
    schema: str
    files: list[Lying]


def key_id(key: bytes) -> str:
    """Public name of a key for files at rest."""
    return keyed_hex(key, "id", length=_ID)


def to_encrypt(top: Path, out: Path) -> tuple[int, int]:
    """How many files and bytes `encrypt_folder` has before it; refuses what it refuses, and writes nothing."""
    _apart(top, out)
    sizes = [path.stat().st_size for path, _ in _files(top)]
    return len(sizes), sum(sizes)


def to_decrypt(top: Path, out: Path, keys: Mapping[str, bytes]) -> tuple[int, int]:
    """As `to_encrypt`, for `decrypt_folder`."""
    _apart(top, out)
    index, _ = open_index(top, keys)
    return len(index.files), sum(one.size for one in index.files)


def encrypt_folder(top: Path, out: Path, key: bytes) -> Index:
    """Encrypt every file below `top` into the new folder `out`. It appears whole or not at all; what lies at `top` stays as it is."""
    _apart(top, out)
    found = list(_files(top))
    part = _staging(out)
    try:
        lying = [_encrypted(path, name, part, key) for path, name in found]
        index = Index(SCHEMA_NAME, lying)
        with _private(part / INDEX) as target:
            encrypt(io.BytesIO(msgspec.msgpack.encode(index)), target, key, INDEX)
        os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return index


def decrypt_folder(top: Path, out: Path, keys: Mapping[str, bytes]) -> Index:
    """The folder that `encrypt_folder` was given, at `out`; `keys` by their public names. Nothing appears unless every byte is as it was.

    Raises `Malformed` where anything was changed, and `Refused` for a folder of another keyring.
    """
    _apart(top, out)
    index, key = open_index(top, keys)
    part = _staging(out)
    try:
        for lying in index.files:
            place = part / _inside(lying.name)
            place.parent.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
            with (top / (lying.alias + SUFFIX)).open("rb") as source, _private(place) as target:
                if decrypt(source, target, key, lying.alias, salt=lying.salt) != lying.size:
                    _broken(lying.alias)
        os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return index


def open_index(top: Path, keys: Mapping[str, bytes]) -> tuple[Index, bytes]:
    """The index of an encrypted folder and the key that opens it; every file of it is there, and nothing else."""
    place = top / INDEX
    if not place.is_file():
        raise Unusable("no encrypted folder: it has no index", where=top.name, do="give the folder that `bedside keyring encrypt` made")
    with place.open("rb") as stream:
        head = stream.read(_HEAD)
        key = keys.get(head[len(MAGIC) : len(MAGIC) + _ID].decode("ascii", "replace")) if head.startswith(MAGIC) else None
        if key is None:
            raise Refused("encrypted under another keyring", where=f"{top.name}/{INDEX}", do="use the keyring that encrypted it, or restore its backup")
        stream.seek(0)
        plain = io.BytesIO()
        decrypt(stream, plain, key, INDEX)
    index = msgspec.msgpack.decode(plain.getvalue(), type=Index)
    wanted, here = {one.alias + SUFFIX for one in index.files} | {INDEX}, set(os.listdir(top))
    if wanted != here:
        raise Malformed(f"{len(wanted - here)} files are missing from the encrypted folder, and {len(here - wanted)} are not of it", where=top.name,
                        do="bring the folder back from a copy")  # fmt: skip
    return index, key


def encrypt(source: BinaryIO, target: BinaryIO, key: bytes, name: str) -> tuple[int, bytes]:
    """Encrypt a stream, bound to a name: how many bytes it had, and the salt."""
    salt = os.urandom(_SALT)
    cipher, size, number = _cipher(key, salt, name), 0, 0
    target.write(MAGIC + key_id(key).encode() + salt)
    block = source.read(CHUNK)
    while True:
        following = source.read(CHUNK) if len(block) == CHUNK else b""
        target.write(cipher.encrypt(_nonce(number, last=not following), block, None))
        size, number = size + len(block), number + 1
        if not following:
            return size, salt
        block = following


def decrypt(source: BinaryIO, target: BinaryIO, key: bytes, name: str, *, salt: bytes | None = None) -> int:
    """Decrypt a stream; how many bytes it came to. `Malformed` at the first byte that is not as it was; what was written before is then void.

    salt   the one that the file must have
    """
    from cryptography.exceptions import InvalidTag

    head = source.read(_HEAD)
    found = head[-_SALT:]
    if len(head) < _HEAD or head[:-_SALT] != MAGIC + key_id(key).encode() or salt not in (None, found):
        _broken(name)
    cipher, size, number = _cipher(key, found, name), 0, 0
    block = source.read(CHUNK + _TAG)
    while True:
        following = source.read(CHUNK + _TAG) if len(block) == CHUNK + _TAG else b""
        try:
            plain = cipher.decrypt(_nonce(number, last=not following), block, None)
        except (InvalidTag, ValueError):
            _broken(name)
        target.write(plain)
        size, number = size + len(plain), number + 1
        if not following:
            return size
        block = following


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(keyed(key, "stream", salt, name))


def _nonce(number: int, *, last: bool) -> bytes:
    if number >= _MOST_CHUNKS:
        raise Unusable("a file of more than 256 TiB", where="encrypt", do="divide it")
    return bytes(7) + number.to_bytes(4, "big") + (b"\1" if last else b"\0")


def _encrypted(path: Path, name: str, part: Path, key: bytes) -> Lying:
    alias = keyed_hex(key, "name", name, length=_NAME)
    with path.open("rb") as source, _private(part / (alias + SUFFIX)) as target:
        size, salt = encrypt(source, target, key, alias)
    return Lying(alias, name, size, salt)


def _files(top: Path) -> Iterator[tuple[Path, str]]:
    """Every file below a folder, in order; `Refused` where something is no plain file. The place is told by its number: a name may be a patient's."""
    if not top.is_dir() or top.is_symlink():
        raise Unusable("no folder to encrypt", where=top.name, do="give the path of a folder")
    odd, found = 0, list[tuple[Path, str]]()
    for here, folders, names in os.walk(top):
        places = [Path(here) / name for name in [*names, *(one for one in folders if (Path(here) / one).is_symlink())]]
        plain = [place for place in places if stat.S_ISREG(place.lstat().st_mode)]
        odd += len(places) - len(plain)
        found += [(place, place.relative_to(top).as_posix()) for place in plain]
    if odd:
        raise Refused(f"{odd} things in it are links, pipes or devices, and would be lost", where=top.name, do="put the files themselves there")
    yield from sorted(found, key=lambda one: one[1])


def _apart(top: Path, out: Path) -> None:
    if os.path.lexists(out):
        raise Refused("something lies there already", where=out.name, do="give a new folder with --out")
    if top.resolve() in (out.parent.resolve(), *out.parent.resolve().parents):
        raise Refused("the new folder would lie inside the old one", where=out.name, do="give --out a place beside it")


def _staging(out: Path) -> Path:
    part = out.with_name(f".{out.name}.part")  # always this one, so that what a killed run left open goes with the next
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=OWNER_FOLDER, parents=True)
    return part


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_FILE), "wb")


def _inside(name: str) -> str:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise Malformed("a name in the index leads out of the folder", where=INDEX, do="bring the folder back from a copy")
    return name


def _broken(name: str) -> NoReturn:
    raise Malformed("changed since it was encrypted, cut off, or another file in its place", where=name, do="bring the folder back from a copy")
