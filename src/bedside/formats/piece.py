"""One record of a file: where it stands, and its bytes as they came.

A format cuts a file into pieces and framing (newlines, MLLP bytes, batch envelopes). Framing holds no
clinical content, so that whatever is not understood is a piece, fails to parse, and is quarantined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A record's bytes and its place in the file: "line 12", "message 3", "entry 7", "note"."""

    place: str
    raw: bytes


class Span(msgspec.Struct, frozen=True, gc=False):
    """A piece as offsets: bytes `start` to `end`; with the framing that goes when it goes, `begin` (or start) to `stop`."""

    place: str
    start: int
    end: int
    stop: int
    begin: int | None = None


def splice(data: bytes, spans: Iterable[Span], replacements: Sequence[bytes | None]) -> bytes:
    """The file with each piece replaced, all framing as it was; None takes a piece out with its line end.

    >>> splice(b"a,b,", [Span("1", 0, 1, 2), Span("2", 2, 3, 4)], [None, b"x"])
    b'x,'
    """
    parts, at = [], 0
    for span, new in zip(spans, replacements, strict=True):
        if new is None:
            parts.append(data[at : span.start if span.begin is None else max(at, span.begin)])
            at = span.stop
        else:
            parts += [data[at : span.start], new]
            at = span.end
    parts.append(data[at:])
    return b"".join(parts)
