"""How many HL7 v2 messages a second, beside the `hl7` package when it is installed.

    python benchmarks/hl7v2_parse.py [FOLDER of *.hl7, default BEDSIDE_DATA/dataeng/hl7v2-samples/messages]

Two tasks, CPU time, best of five, on the same messages: "read" is what a reader asks (type, time, every identifier,
name, visit, and code, value, unit and time of every result), escapes resolved; "all" asks for every repetition of
every field, escapes resolved.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from bedside.formats.hl7v2 import Message, pieces

_DEFAULT = Path(os.environ.get("BEDSIDE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_RUNS = 5
_RESULT = ("3.1", "3.2", "3.3", "5", "6.1", "11", "14")


def read(raw: bytes) -> int:
    message = Message.parse(raw, where="benchmark")
    asked = [message.get(path) for path in ("MSH-7", "MSH-9.1", "MSH-9.2", "MSH-10", "PID-5.1", "PID-5.2", "PID-7", "PV1-19.1")]
    asked += [message.get("PID-3.1", rep=rep) for rep in range(len(message.repetitions("PID-3")))]
    asked += [one.get(path) for one in message.all("OBX") for path in _RESULT]
    return len(asked)


def everything(raw: bytes) -> int:
    message = Message.parse(raw, where="benchmark")
    return sum(
        segment.get(str(n), rep) is not None
        for segment in message.segments
        for n in range(1, len(segment) + 1)
        for rep in range(len(segment.repetitions(n)))
    )


def peer(raw: bytes) -> int:
    import hl7

    message = hl7.parse(raw.decode("utf-8", "replace").replace("\r\n", "\r").replace("\n", "\r"))
    return sum(1 for segment in message for field in segment for _ in field)


def rate(task: Callable[[bytes], int], raws: list[bytes]) -> float:
    """Messages a CPU second, best of five runs."""
    best = float("inf")
    for _ in range(_RUNS):
        began = time.process_time()
        for raw in raws:
            task(raw)
        best = min(best, time.process_time() - began)
    return len(raws) / best


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT / "dataeng" / "hl7v2-samples" / "messages"
    raws = [piece.raw for path in sorted(folder.glob("*.hl7")) for piece in pieces(path.read_bytes())]
    if not raws:
        raise SystemExit(f"no *.hl7 files in {folder}: name a folder that has some")
    size = sum(map(len, raws)) / len(raws)
    asked, every = rate(read, raws * 3), rate(everything, raws * 3)
    print(f"{len(raws)} messages of {size:,.0f} bytes on average")
    print(f"bedside, what a reader asks   {asked:>10,.0f} messages/s")
    print(f"bedside, every field          {every:>10,.0f} messages/s")
    if find_spec("hl7") is None:
        print("the hl7 package is not installed: pip install hl7, to see the ratio")
        return
    other = rate(peer, raws)
    print(f"hl7 package, parse            {other:>10,.0f} messages/s")
    print(f"bedside is {asked / other:.0f} times as fast on what a reader asks, {every / other:.0f} times on every field")


if __name__ == "__main__":
    main()
