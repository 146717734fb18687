"""Speed of the residue proof, with 10,000 known patients and with one, beside one regular expression a patient name with `re`.

    python benchmarks/residue.py [--notes FILE]

CPU seconds of one thread. What is searched: planted notes as JSON lines (../shared/data/deid when there), a numeric table, both clean
of the known people. The time to file the identifiers is told apart, since it does not grow with the outputs.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from pathlib import Path

from bedside.deidentify.patients import KnownIdentifiers
from bedside.deidentify.residue import Needles, prove

NOTES = Path("../shared/data/deid/planted-notes/planted.jsonl")
_SYLLABLES = ("bar", "dun", "fel", "gor", "han", "kel", "lor", "mar", "nor", "pel", "quin", "ros", "sel", "tor", "ver", "wen")


def person(chance: random.Random) -> KnownIdentifiers:
    """Made identifiers of one person; names of syllables, so that few are words."""
    known = KnownIdentifiers()
    name = ["".join(chance.choices(_SYLLABLES, k=3)).title() for _ in range(3)]
    known.name(name[:2], name[2])
    known.note("records", f"{chance.randrange(10**7, 10**8)}")
    known.note("phones", f"({chance.randrange(200, 999)}) {chance.randrange(200, 999)}-{chance.randrange(10**4):04d}")
    known.note("streets", f"{chance.randrange(10, 9999)} {name[1]} Street")
    known.note("births", f"{chance.randrange(1930, 2010)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}")
    known.note("ssns", f"{chance.randrange(100, 899)}-{chance.randrange(10, 99)}-{chance.randrange(1000, 9999)}")
    return known


def corpus(notes: Path, chance: random.Random) -> dict[str, bytes]:
    """What is searched, by name."""
    texts = [json.loads(line)["text"] for line in notes.read_text("utf-8").splitlines()] if notes.is_file() else ["Seen today, BP 120/80. " * 60]
    lines = [json.dumps({"id": str(at), "text": text}) for at, text in enumerate(texts)]
    rows = (f"{at},{chance.randrange(10**6)},{chance.random() * 100:.2f},2021-{at % 12 + 1:02d}-{at % 28 + 1:02d},ok" for at in range(400_000))
    return {"notes.ndjson": "\n".join(lines * (16_000_000 // sum(map(len, lines)) + 1)).encode(), "table.csv": "\n".join(rows).encode()}


def measured(name: str, data: bytes, known: list[tuple[str | None, KnownIdentifiers]], filing: float) -> float:
    """MB a CPU-second of the search, filing of the identifiers taken off."""
    start = time.process_time()
    found = prove([(name, data)], known=known)
    seconds = max(1e-9, time.process_time() - start - filing)
    print(f"{name:14s} {len(known):6d} people {len(data) / 1e6:6.1f} MB  {len(data) / 1e6 / seconds:7.2f} MB/CPU-s  strong {found.strong}, weak {found.weak}")
    return len(data) / 1e6 / seconds


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("--notes", type=Path, default=NOTES)
    chance = random.Random(1)
    texts = corpus(told.parse_args().notes, chance)
    people: list[tuple[str | None, KnownIdentifiers]] = [(str(at), person(chance)) for at in range(10_000)]
    for known in (people, people[:1]):
        start = time.process_time()
        filed = Needles((([], one) for _, one in known), ())
        filing = time.process_time() - start
        print(f"filing {filed.count} writings of {len(known)} people: {filing:.2f} CPU-s")
        ours = {name: measured(name, data, known, filing) for name, data in texts.items()}
    name, data = next(iter(texts.items()))
    pattern = re.compile("|".join(re.escape(f"{one.given[0]} {one.family}") for _, known in people[:1000] for one in known.names), re.IGNORECASE)
    piece = data[:200_000].decode()
    start = time.process_time()
    sum(1 for _ in pattern.finditer(piece))
    naive = len(piece) / 1e6 / (time.process_time() - start)
    print(f"re, one writing of 1,000 names alone: {naive:.3f} MB/CPU-s; ours with one person and all writings is {ours[name] / naive:.0f} times that")


if __name__ == "__main__":
    main()
