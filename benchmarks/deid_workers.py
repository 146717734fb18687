"""De-identification whole (survey, transform, residue proof) with one worker and with two, and its memory as the input grows.

    python benchmarks/deid_workers.py [--copies 8] [--json]

Made input: the made hospital's FHIR, HL7 v2, tables and notes, `--copies` times under other names, told apart by content.
Prints wall seconds, the ratio (two workers should give 1.7), whether the bytes are the same, and the peak resident memory of
one process over the small and the larger input.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ONE = """
import sys, resource, time
from pathlib import Path
from bedside.study.standalone import Asked, deidentify
begun = time.perf_counter()
done = deidentify([Path(sys.argv[1])], Path(sys.argv[2]), Path(sys.argv[3]), Asked(workers=int(sys.argv[4]), timezone="UTC"))
print(time.perf_counter() - begun, done.records.read, done.records.written, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def made(folder: Path, copies: int) -> int:
    """The raw files of the made hospital, over and over; bytes."""
    from bedside.demo.hospital import write

    if not (folder.parent / "hospital").exists():
        write(folder.parent / "hospital", patients=60, seed=1)
    for at in range(copies):
        place = folder / str(at)
        for path in sorted((folder.parent / "hospital" / "raw").rglob("*")):
            if path.is_file() and path.suffix != ".dcm":
                target = place / path.relative_to(folder.parent / "hospital" / "raw")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def once(raw: Path, work: Path, name: str, workers: int) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-c", _ONE, str(raw), str(work / name), str(work / "key"), str(workers)], capture_output=True, text=True, check=True, env=os.environ
    )
    seconds, read, written, peak = map(float, ran.stdout.split())
    return {"seconds": seconds, "read": read, "written": written, "peak_mb": peak / 1024}


def content(folder: Path) -> str:
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            seen.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        small = made(work / "small", 1)
        size = made(work / "raw", asked.copies)
        first = once(work / "small", work, "first", 1)
        one, two = once(work / "raw", work, "one", 1), once(work / "raw", work, "two", 2)
        told = {
            "megabytes": size / 1e6, "small_megabytes": small / 1e6, "records": one["read"], "written": one["written"],
            "one_worker_s": one["seconds"], "two_workers_s": two["seconds"], "ratio": one["seconds"] / two["seconds"],
            "same_bytes": content(work / "one") == content(work / "two"),
            "peak_mb_small": first["peak_mb"], "peak_mb": one["peak_mb"], "peak_mb_parent_of_two": two["peak_mb"],
            "load": os.getloadavg()[0], "cores": os.cpu_count(), "measured": time.strftime("%Y-%m-%d"),
        }  # fmt: skip
    if asked.json:
        print(json.dumps(told))
        return
    for key, value in told.items():
        print(f"{key:24} {value:,.2f}" if isinstance(value, float) else f"{key:24} {value}")


if __name__ == "__main__":
    main()
