"""Contract 5, the receipt: what a room did, returned by it and written to the ledger by study, serve or monitor.

No PHI in it, and no bare hash of an identifier or a raw file: raw bytes appear as keyed digests.
"""

from __future__ import annotations

import msgspec

Scalar = str | int | float | bool | None


class Item(msgspec.Struct, frozen=True, order=True):
    """One file or record: its name inside the study, its digest, and for frames the digest of its content."""

    name: str
    digest: str
    content: str | None = None
    rows: int | None = None


class Figure(msgspec.Struct, frozen=True):
    """One number that a report may print: its name, value, interval, n and the method that made it."""

    name: str
    value: float | int | str | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    method: str | None = None


class Receipt(msgspec.Struct, frozen=True):
    """What ran: step, inputs, parameters, code version, outputs, figures, counts."""

    step: str
    inputs: list[Item] = msgspec.field(default_factory=list)
    outputs: list[Item] = msgspec.field(default_factory=list)
    parameters: dict[str, object] = msgspec.field(default_factory=dict)
    code: str = ""
    figures: list[Figure] = msgspec.field(default_factory=list)
    counts: dict[str, object] = msgspec.field(default_factory=dict)
