"""How many HL7 v2 messages a second are de-identified, beside what the `hl7` package needs to parse one and write it out again.

Usage     python benchmarks/deid_hl7v2.py [--patients N] [--runs N] [--peers DIR] [--json]
          DIR: a folder that `pip install --target DIR hl7` wrote
Messages  the made hospital's feeds: ADT (with next of kin and insurance), ORU (with comments) and RDE
Ours      every message read, changed by the table and the patient map, written, and the file rebuilt with its framing; a desk of its own each run,
          so that nothing of an earlier run is remembered; word lists loaded before
Peer      hl7.parse and str of the same messages: no rule applied, nothing looked for
Time      CPU seconds of this process, one thread, best of the runs; ours and the peer's take turns
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bedside.core.errors import Malformed
from bedside.deidentify.desk import Desk, Leave
from bedside.deidentify.hl7v2 import Change
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import policy
from bedside.deidentify.survey import survey
from bedside.demo.hospital import write
from bedside.formats import hl7v2
from bedside.formats.files import RawFile

ZONE = "America/New_York"


def safe(file: RawFile, data: bytes, ring: Keyring) -> bytes:
    """The file without identifiers; messages that are refused are left out."""
    change = Change(Desk(ring, policy("expert-determination")), source=file.source, timezone=ZONE)
    done: list[bytes | None] = []
    for piece in hl7v2.pieces(data):
        try:
            done.append(change.message(piece.raw, where=piece.place))
        except (Malformed, Leave):  # what the hospital broke on purpose
            done.append(None)
    return hl7v2.rebuild(data, done, bare_envelope=True)


def parsed(data: bytes) -> int:
    """The peer: every message parsed and written."""
    import hl7

    return sum(len(str(hl7.parse(piece.raw.decode("utf-8", "replace")))) for piece in hl7v2.pieces(data) if piece.raw.startswith(b"MSH"))


def seconds(task: Callable[[], object]) -> float:
    began = time.process_time()
    task()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    if said.peers:
        sys.path.insert(0, str(said.peers))
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), said.patients, said.runs, said.peers is not None)
    print(json.dumps(found) if said.json else told(found))


def measured(root: Path, patients: int, runs: int, peer: bool) -> dict[str, dict[str, float]]:
    """Messages, bytes, and messages a CPU second of ours and of the peer, for each feed."""
    write(root / "hospital", patients=patients)
    files = [RawFile("feed", "hl7v2", path, path.name, path.name) for path in sorted((root / "hospital" / "raw" / "hl7v2").glob("*.hl7"))]
    ring = Keyring.create(root / "key", seed=b"benchmark", made=True)
    survey(files, ring, timezones={"feed": ZONE})
    safe(files[0], files[0].read()[:20_000], ring)
    found: dict[str, dict[str, float]] = {}
    for file in files:
        data = file.read()
        count, ours, theirs = sum(1 for _ in hl7v2.pieces(data)), list[float](), list[float]()
        for _ in range(runs):
            ours.append(seconds(lambda file=file, data=data: safe(file, data, ring)))  # type: ignore[misc]
            if peer:
                theirs.append(seconds(lambda data=data: parsed(data)))  # type: ignore[misc]
        found[file.relative] = {"messages": count, "bytes": len(data), "ours_s": min(ours)} | ({"peer_s": min(theirs)} if peer else {})
    found["all"] = {name: sum(one[name] for one in found.values()) for name in found[files[0].relative]}
    return found


def told(found: dict[str, dict[str, float]]) -> str:
    """The figures as lines."""
    lines = []
    for name, one in found.items():
        line = f"{name:<8} {one['messages']:>6.0f} messages of {one['bytes'] / one['messages']:>5.0f} bytes   bedside {one['messages'] / one['ours_s']:>7,.0f}/s"
        if "peer_s" in one:
            line += f"   hl7 parse and str {one['messages'] / one['peer_s']:>7,.0f}/s   ratio {one['peer_s'] / one['ours_s']:.2f}"
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
