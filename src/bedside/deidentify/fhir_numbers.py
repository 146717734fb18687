"""JSON numbers that keep how they were written: 1.10 is not 1.1, and 1E5 stays 1E5.

In        bytes of JSON
Out       Python values with a `Lexeme` for every number that has a point or an exponent, and the same bytes back
Source    FHIR R4 2.24.0.1: the precision of a decimal is part of its value
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


class Lexeme:
    """A number as it was written."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def value(self) -> Decimal:
        return Decimal(self.text)


def _written(value: object) -> msgspec.Raw:
    if isinstance(value, Lexeme):
        return msgspec.Raw(value.text.encode())
    if isinstance(value, Decimal):
        return msgspec.Raw(str(value).encode())
    raise TypeError


_DECODER = msgspec.json.Decoder(float_hook=Lexeme)
_ENCODER = msgspec.json.Encoder(enc_hook=_written, decimal_format="number")


def decode(raw: bytes | msgspec.Raw) -> Any:
    """The value that JSON says.

    >>> encode(decode(b'[1.10,1E5,0.00000001,7]'))
    b'[1.10,1E5,0.00000001,7]'
    """
    return _DECODER.decode(raw)


def encode(value: Any) -> bytes:
    """Compact JSON."""
    return _ENCODER.encode(value)


def decimal_of(value: object) -> Decimal | int | float | None:
    """What can be compared with other numbers; None for what is no number."""
    if isinstance(value, Lexeme):
        return value.value
    return value if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else None
