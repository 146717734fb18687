"""Megabytes of FHIR a CPU-second: parsed and written again, and de-identified from bytes to bytes; and their ratios.

python benchmarks/deid_fhir.py [--data ../shared/data/deid/fhir] [--study FOLDER] [--rounds 5] [--policy expert-determination]
Data     Synthea bundles in the folder; with --study the raw FHIR of a study, as `bedside demo --out FOLDER --pillar hospital` makes it
Beside   msgspec as `formats/fhir.py` uses it, and the json module of the standard library, over the same resources in the same run
Told     all resources; those without attachments, where the text engine has little to do. First pass: everything is new, texts among it.
         Later: median of the rounds; what holds for one file or person is forgotten before each, codes and texts met before are not
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bedside.deidentify.desk import Desk
from bedside.deidentify.fhir import Change
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import Policy, policy
from bedside.deidentify.survey import survey
from bedside.formats import fhir
from bedside.formats.files import RawFile

ZONE = "America/New_York"
Batch = list[tuple[dict[str, str], list[bytes]]]


def rate(work: Callable[[Batch], None], batch: Batch, rounds: int) -> float:
    """Megabytes a CPU-second, median of the rounds."""
    size, rates = sum(len(raw) for _, raws in batch for raw in raws), []
    for _ in range(rounds):
        began = time.process_time()
        work(batch)
        rates.append(size / max(time.process_time() - began, 1e-9) / 1e6)
    return statistics.median(rates)


def parsed(batch: Batch) -> None:
    for _, raws in batch:
        for raw in raws:
            fhir.dump(fhir.parse(raw, where="x"))


def parsed_by_json(batch: Batch) -> None:
    for _, raws in batch:
        for raw in raws:
            json.dumps(json.loads(raw))


def changed(table: Desk) -> Callable[[Batch], None]:
    def work(batch: Batch) -> None:
        for urls, raws in batch:
            resources = Change(table, source="fhir", timezone=ZONE, urls=urls)
            for raw in raws:
                resources.json(raw, where="x")

    return work


def files_of(given: argparse.Namespace) -> list[Path]:
    if given.study:
        return sorted(path for path in given.study.rglob("*.ndjson") if "raw" in path.parts or "fhir" in path.parts)
    return sorted(path for path in given.data.glob("*.json") if path.read_bytes()[:2000].find(b'"Bundle"') > 0)


def main() -> None:
    """Print the rates and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data/deid/fhir")
    parser.add_argument("--study", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--policy", default="expert-determination")
    given = parser.parse_args()
    files = [RawFile("fhir", "fhir", path, path.name, path.name) for path in files_of(given)]
    with tempfile.TemporaryDirectory() as folder:
        keyring = Keyring.create(Path(folder) / "k.keyring", seed=b"benchmark", made=True)
        survey(files, keyring, timezones={"fhir": ZONE})
    table = Desk(keyring, policy(given.policy))
    batch = [(fhir.full_urls(data), [piece.raw for piece in fhir.pieces(data)]) for data in (file.read() for file in files)]
    batch = [(urls, [raw for raw in raws if _sound(table, urls, raw)]) for urls, raws in batch]
    for name, part in (("all", batch), ("without attachments", [(urls, [raw for raw in raws if b'"data":' not in raw and b'"data" :' not in raw]) for urls, raws in batch])):
        tell(name, keyring, policy(given.policy), part, given.rounds)


def tell(name: str, keyring: Keyring, rules: Policy, batch: Batch, rounds: int) -> None:
    count, size = sum(len(raws) for _, raws in batch), sum(len(raw) for _, raws in batch for raw in raws)
    print(f"{name}: {count:,} resources, {size:,} bytes")
    table = Desk(keyring, rules)
    first = rate(changed(table), batch, 1)
    print(f"  first pass             {first:8.1f} MB a CPU-second")
    ours = rate(changed(table), batch, rounds)
    print(f"  de-identified          {ours:8.1f} MB a CPU-second, {count * ours * 1e6 / max(size, 1):,.0f} resources")
    for label, work in (("msgspec, read and write", parsed), ("json, read and write", parsed_by_json)):
        base = rate(work, batch, rounds)
        print(f"  {label:22} {base:8.1f} MB a CPU-second; ratio of the first pass {first / base:.2f}, later {ours / base:.2f}")


def _sound(table: Desk, urls: dict[str, str], raw: bytes) -> bool:
    from bedside.core.errors import Malformed
    from bedside.deidentify.desk import Leave

    try:
        Change(table, source="fhir", timezone=ZONE, urls=urls).json(raw, where="x")
    except (Malformed, Leave):
        return False
    return True


if __name__ == "__main__":
    main()
