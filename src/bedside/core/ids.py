"""Names for things: digests of bytes, keyed digests, and the subject number that pseudonyms carry.

A pseudonym is `P` and twelve Crockford base-32 characters (60 bits), and *is* the subject's int64:
every reader can turn the name in a de-identified file into `subject_id` without looking anything up.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_VALUE = {letter: index for index, letter in enumerate(_ALPHABET)}
_PSEUDONYM = re.compile(rf"P[{_ALPHABET}]{{12}}\Z")
_NUMBER = re.compile(rf"N[{_ALPHABET}]{{12}}\Z")
_BITS = 60
_BLOCK = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))


def sha256(data: bytes) -> str:
    """SHA-256 in hex. Never of raw clinical bytes or an identifier: those take `keyed`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def keyed(key: bytes, *parts: bytes | str) -> bytes:
    """HMAC-SHA-256 of the parts, each preceded by its length so that ("ab","c") is not ("a","bc")."""
    raws = [part.encode() if isinstance(part, str) else part for part in parts]
    return hmac.digest(key, b"".join([piece for raw in raws for piece in (len(raw).to_bytes(8, "big"), raw)]), "sha256")


class Keyed:
    """`keyed` of a key, of parts that stay the same, and of one more: what the first have in common is hashed once.

    >>> Keyed(b"key", "number").drawn("17") == int.from_bytes(keyed(b"key", "number", "17")[:8], "big") >> 4
    True

    Source: RFC 2104 section 2 and, for the states kept, section 4.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, *parts: str) -> None:
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        raws = [part.encode() for part in parts]
        self._inner = hashlib.sha256(block.translate(_INNER) + b"".join([piece for raw in raws for piece in (len(raw).to_bytes(8, "big"), raw)]))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def drawn(self, part: str) -> int:
        """The first 60 bits for one more part, as a number."""
        raw = part.encode()
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(len(raw).to_bytes(8, "big") + raw)
        outer.update(inner.digest())
        return int.from_bytes(outer.digest()[:8], "big") >> (64 - _BITS)


def keyed_hex(key: bytes, *parts: bytes | str, length: int = 64) -> str:
    """The first `length` hex characters of `keyed`."""
    return keyed(key, *parts).hex()[:length]


def keyed_file(key: bytes, path: Path) -> str:
    """Keyed digest of a raw file's bytes, streamed; safe to write down where a bare SHA-256 is not."""
    mac = hmac.new(key, b"file", hashlib.sha256)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            mac.update(block)
    return mac.hexdigest()


def pseudonym(number: int) -> str:
    """Name of a subject in de-identified files.

    >>> pseudonym(0), subject_number(pseudonym(12345678901))
    ('P000000000000', 12345678901)
    """
    if not 0 <= number < 1 << _BITS:
        raise ValueError("a subject number has 60 bits")
    return "P" + letters(number)


def letters(number: int) -> str:
    """60 bits as twelve Crockford base-32 characters. Written out, since a file has as many as it has numbers."""
    pairs = _PAIRS
    return (
        pairs[number >> 50] + pairs[number >> 40 & 1023] + pairs[number >> 30 & 1023]
        + pairs[number >> 20 & 1023] + pairs[number >> 10 & 1023] + pairs[number & 1023]
    )  # fmt: skip


def is_pseudonym(text: str) -> bool:
    return _PSEUDONYM.match(text) is not None


def is_number_pseudonym(text: str) -> bool:
    """Whether a text stands for a number that is no subject's: `N` and twelve characters.

    >>> is_number_pseudonym("N" + letters(17)), is_number_pseudonym("NICU")
    (True, False)
    """
    return _NUMBER.match(text) is not None


def subject_number(name: str) -> int:
    """`subject_id` of a subject's name: our pseudonyms decode, integers stay, anything else is hashed to 60 bits.

    >>> subject_number("10000032"), subject_number("p100001") == subject_number("p100001")
    (10000032, True)
    """
    if _PSEUDONYM.match(name):
        number = 0
        for letter in name[1:]:
            number = number << 5 | _VALUE[letter]
        return number
    if name.isascii() and name.isdigit() and len(name) <= 17:
        return int(name)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - _BITS)
