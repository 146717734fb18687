"""What has arrived, study by study, in memory alone: nothing that came from outside is ever written to a disk.

In        instances as Part 10 bytes, each over an association; associations that begin and end; the time
Out       a status for each instance; whole studies, once nobody sends them any more and it has been quiet for a while
Source    DICOM PS3.4 table B.2-1: A700 out of resources, A900 data set does not match SOP class, C000 cannot understand
Threads   every method may be called from any thread
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

import msgspec

from bedside.core.errors import Malformed
from bedside.formats.dicom import parse

if TYPE_CHECKING:
    from pydicom import Dataset

SUCCESS, OUT_OF_RESOURCES, MISMATCH, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
GIB = 1 << 30


class Limits(msgspec.Struct, frozen=True):
    """How much is kept while it waits, and for how long a study must be quiet before it counts as whole.

    An instance counts with its pixels unpacked: a few kilobytes can hold gigabytes of them.

    instance_bytes    one instance; an association that sends a larger one is aborted
    study_instances, study_bytes    one study: what is over is answered with A700, and the study is refused
    total_bytes       everything that waits; beside it stands the one study that is being answered
    quiet_s           since the last instance of the study, and after the last association that sent of it has ended
    idle_s            an association that says nothing for so long is ended
    associations      at one time
    """

    instance_bytes: int = 2 * GIB
    study_instances: int = 20_000
    study_bytes: int = 4 * GIB
    total_bytes: int = 8 * GIB
    quiet_s: float = 2.0
    idle_s: float = 60.0
    associations: int = 8


@dataclass
class Received:
    """One study: its instances by SOP instance UID, and what was not taken, by reason.

    cut   something of it was left out: what is there must not pass for the whole
    """

    uid: str
    instances: dict[str, bytes] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    cut: bool = False
    last: float = 0.0
    senders: set[int] = field(default_factory=set)

    @property
    def size(self) -> int:
        """Bytes, pixels unpacked."""
        return sum(self.weights.values())


class Inbox:
    """Studies on their way in."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._clock = limits, clock
        self._studies: dict[str, Received] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self.unread: Counter[str] = Counter()

    def put(self, sender: int, sop_class: str, data: bytes) -> int:
        """Keep one instance; the status to answer with."""
        try:
            head = parse(data, where="an instance", stop_before_pixels=True)
            uid, study = str(head.SOPInstanceUID), str(head.get("StudyInstanceUID") or "")
        except Malformed:
            return self._unread("cannot be read", NOT_UNDERSTOOD)
        if not study or str(head.SOPClassUID) != sop_class:
            return self._unread("names no study, or another SOP class than it was sent as", MISMATCH)
        with self._lock:
            return self._keep(self._studies.setdefault(study, Received(study)), sender, uid, data, max(len(data), _unpacked(head)))

    def ended(self, sender: int) -> None:
        """An association is over, whichever way."""
        with self._lock:
            for study in self._studies.values():
                study.senders.discard(sender)

    def next_whole(self) -> Received | None:
        """The study that has been complete for longest; it leaves the inbox. None when none is."""
        now = self._clock()
        with self._lock:
            done = [one for one in self._studies.values() if not one.senders and now - one.last >= self.limits.quiet_s]
            return self._taken([min(done, key=lambda one: one.last)])[0] if done else None

    def left(self) -> list[Received]:
        """Everything that still waits: of a listener that stops."""
        with self._lock:
            return self._taken(list(self._studies.values()))

    def _taken(self, studies: list[Received]) -> list[Received]:
        for one in studies:
            del self._studies[one.uid]
            self._bytes -= one.size
        return studies

    def _keep(self, study: Received, sender: int, uid: str, data: bytes, weight: int) -> int:
        study.last = self._clock()
        study.senders.add(sender)
        before, more = uid in study.instances, weight - study.weights.get(uid, 0)
        full = (
            weight > self.limits.instance_bytes
            or self._bytes + more > self.limits.total_bytes
            or study.size + more > self.limits.study_bytes
            or len(study.instances) + (not before) > self.limits.study_instances
        )
        if full:
            study.cut = True
            study.refused["does not fit within the limits"] += 1
            return OUT_OF_RESOURCES
        study.repeated += before
        study.instances[uid], study.weights[uid] = data, weight
        self._bytes += more
        return SUCCESS

    def _unread(self, reason: str, status: int) -> int:
        with self._lock:
            self.unread[reason] += 1
        return status


def _unpacked(head: Dataset) -> int:
    """Bytes of the pixels that a header promises; 0 for what is no image, or promises nonsense (which will be told when it is read)."""
    try:
        numbers = [int(head.get(name) or 1) for name in ("NumberOfFrames", "SamplesPerPixel", "BitsAllocated")]
        return max(0, int(head.get("Rows") or 0) * int(head.get("Columns") or 0) * prod(numbers) // 8)
    except (TypeError, ValueError, OverflowError):
        return 0
