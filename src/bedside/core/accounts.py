"""Row accounting: read = written + quarantined + merged + ignored, per file and reason, or it is a bug.

A record (resource, message, row, note, instance) is counted once. `written`: it gave at least one event
or output record. `merged`: the same record or fact had come before. `ignored`: declared or not yet
supported, with the reason. `quarantined`: broken, with a `Reject` that says where and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from bedside.core.errors import Unusable


class Reject(msgspec.Struct, frozen=True):
    """One quarantined record: where it lies under pseudonymous names, why, and a keyed digest of its bytes."""

    source: str
    file: str
    place: str
    reason: str
    digest: str


class Tally(msgspec.Struct):
    """Counts of one file."""

    source: str
    file: str
    read: int = 0
    written: int = 0
    merged: dict[str, int] = msgspec.field(default_factory=dict)
    ignored: dict[str, int] = msgspec.field(default_factory=dict)
    quarantined: dict[str, int] = msgspec.field(default_factory=dict)

    def write(self, count: int = 1) -> None:
        self.read += count
        self.written += count

    def merge(self, reason: str, count: int = 1) -> None:
        self._add(self.merged, reason, count)

    def ignore(self, reason: str, count: int = 1) -> None:
        self._add(self.ignored, reason, count)

    def quarantine(self, reason: str, count: int = 1) -> None:
        self._add(self.quarantined, reason, count)

    def _add(self, table: dict[str, int], reason: str, count: int) -> None:
        if count:
            self.read += count
            table[reason] = table.get(reason, 0) + count

    @property
    def reconciles(self) -> bool:
        return self.read == self.written + sum(map(sum, (t.values() for t in (self.merged, self.ignored, self.quarantined))))


def total(tallies: Iterable[Tally], *, source: str = "all", file: str = "all") -> Tally:
    """The sum of tallies, reason by reason."""
    whole = Tally(source, file)
    merged, ignored, quarantined = Counter[str](), Counter[str](), Counter[str]()
    for one in tallies:
        whole.read += one.read
        whole.written += one.written
        merged.update(one.merged)
        ignored.update(one.ignored)
        quarantined.update(one.quarantined)
    whole.merged, whole.ignored, whole.quarantined = dict(merged), dict(ignored), dict(quarantined)
    return whole


def reconcile(tallies: Iterable[Tally]) -> None:
    """Raise `Unusable` naming every file whose counts do not add up."""
    wrong = [f"{t.source}/{t.file}" for t in tallies if not t.reconciles]
    if wrong:
        raise Unusable("counts do not add up: read is not written + merged + ignored + quarantined",
                       where=", ".join(wrong[:5]), do="this is a defect in the reader: please report it")  # fmt: skip
