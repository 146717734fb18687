"""Arrays in the safetensors format, read and written with numpy alone: data, never code.

In        named arrays (float32, float64, uint8, int64)
Out       bytes: 8 bytes little-endian length, a JSON header, the arrays one after the other
Source    the safetensors format (huggingface/safetensors, README "Format"): offsets count from the end of the header; ours begins each
          array at a multiple of 8 by giving the header spaces at its end and the widest types first.
Refuses   a header that does not describe exactly the bytes that follow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bedside.core.errors import Malformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays = Mapping[str, "NDArray[Any]"]
_TYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "U8": "|u1"}
_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}
_LENGTH, _LONGEST = 8, 1 << 24


def dumps(arrays: Arrays) -> bytes:
    """The arrays as safetensors; the same arrays give the same bytes."""
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header, at, parts = dict[str, object](), 0, list[bytes]()
    for name in order:
        raw = np.ascontiguousarray(arrays[name]).tobytes()
        header[name] = {"dtype": _NAMES[arrays[name].dtype], "shape": list(arrays[name].shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        parts.append(raw)
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 8)
    return len(told).to_bytes(_LENGTH, "little") + told + b"".join(parts)


def loads(data: bytes, *, where: str) -> dict[str, NDArray[Any]]:
    """The arrays in safetensors bytes; `Malformed` when header and bytes do not agree."""
    try:
        length = int.from_bytes(data[:_LENGTH], "little")
        if not 0 < length <= min(_LONGEST, len(data) - _LENGTH):
            raise ValueError("length of the header")
        header, body = json.loads(data[_LENGTH : _LENGTH + length]), data[_LENGTH + length :]
        header.pop("__metadata__", None)
        spans = sorted(tuple(told["data_offsets"]) for told in header.values())
        if [0, *(end for _, end in spans)] != [*(start for start, _ in spans), len(body)]:
            raise ValueError("offsets")
        return {name: _array(told, body) for name, told in sorted(header.items())}
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise Malformed("not a safetensors file", where=where, do="seal the bundle again") from error


def _array(told: dict[str, Any], body: bytes) -> NDArray[Any]:
    start, end = told["data_offsets"]
    flat = np.frombuffer(body[start:end], dtype=_TYPES[told["dtype"]])
    return flat.reshape([int(size) for size in told["shape"]])
