"""Merkle tree hashes, inclusion and consistency proofs over ledger lines.

Source    RFC 6962 section 2.1 (MTH), 2.1.1 (audit path), 2.1.2 (consistency proof); SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(data: bytes) -> bytes:
    """Hash of one leaf: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH of leaf hashes, 32 bytes; the empty tree is SHA-256 of nothing.

    >>> root([]).hex()[:8], root([leaf(b"")]).hex()[:8]
    ('e3b0c442', '6e340b9c')
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    cut = _cut(len(leaves))
    return _node(root(leaves[:cut]), root(leaves[cut:]))


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of leaf `index`: the sibling hashes from leaf to root."""
    if len(leaves) <= 1:
        return []
    cut = _cut(len(leaves))
    if index < cut:
        return [*inclusion(leaves[:cut], index), root(leaves[cut:])]
    return [*inclusion(leaves[cut:], index - cut), root(leaves[:cut])]


def included(path: Sequence[bytes], leaf_hash: bytes, index: int, size: int) -> bytes:
    """The root that an audit path leads to; compare it with a signed one (RFC 9162 section 2.1.3.2)."""
    at, last, found = index, size - 1, leaf_hash
    for sibling in path:
        if at & 1 or at == last:
            found = _node(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, sibling)
        at, last = at >> 1, last >> 1
    return found


def consistent(leaves: Sequence[bytes], size: int, signed_root: bytes) -> bool:
    """Whether the first `size` leaves of today's tree are the tree that was signed then."""
    return size <= len(leaves) and root(leaves[:size]) == signed_root


def _cut(size: int) -> int:
    """Largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
