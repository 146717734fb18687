"""One way to write a record as bytes, so that equal records have equal digests.

JSON with sorted keys, no spaces, shortest round-trip numbers, UTF-8. Frames are hashed by content
(schema, then rows in order), not by file bytes, which change with the writer's version.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import polars as pl


def dumps(record: object) -> bytes:
    """Canonical JSON of a struct, dict or list.

    >>> dumps({"b": 1.50, "a": [True, None]})
    b'{"a":[true,null],"b":1.5}'
    """
    return msgspec.json.encode(msgspec.to_builtins(record), order="sorted")


def digest(record: object) -> str:
    """SHA-256 of a record's canonical JSON."""
    return hashlib.sha256(dumps(record)).hexdigest()


def frame_digest(frame: pl.DataFrame) -> str:
    """SHA-256 of a frame's content: column names, types, and every value in row order."""
    seen = hashlib.sha256()
    for name, dtype in frame.schema.items():
        seen.update(f"{name}:{dtype}\n".encode())
        _add_column(seen, frame[name])
    return seen.hexdigest()


def _add_column(seen: hashlib._Hash, column: pl.Series) -> None:
    import polars as pl

    seen.update(_bytes_of(column.is_null().cast(pl.UInt8)))
    if column.dtype in (pl.String, pl.Categorical) or isinstance(column.dtype, pl.Enum):
        text = column.cast(pl.String)
        seen.update(_bytes_of(text.str.len_bytes().fill_null(0).cast(pl.UInt32)))
        seen.update("".join(text.fill_null("").to_list()).encode())
    elif column.dtype.is_nested():
        seen.update("\n".join(map(repr, column.to_list())).encode())
    else:
        physical = column.to_physical()
        seen.update(_bytes_of(physical.fill_null(False if physical.dtype == pl.Boolean else 0)))


def _bytes_of(column: pl.Series) -> bytes:
    return column.to_numpy().tobytes()
