"""How much of the planted identifiers the text scrubber finds, how much else it takes, and how fast.

Usage     python benchmarks/deid_text.py [DATA]        DATA: folder of the open data sets, default $BEDSIDE_DATA or ../shared/data
Corpora   ASQ-PHI (MIT, synthetic queries) and ACI-Bench notes with planted identifiers (CC BY 4.0); neither is real.
Figures   full: spans whose every letter and digit is covered; any: at least one; characters: letters and digits.
          The patterns were written with these two corpora in sight: the figures are those of development, not of a held-out test.
          Precision on the planted notes is a lower bound (other people, dates and places in the body are not labelled).
Peer      Microsoft Presidio, when it is installed with a spaCy model; the figures under PEER were measured on the whole ASQ-PHI
          corpus and on 60 planted notes with presidio-analyzer 2.2.366 and en_core_web_sm 3.8.0.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bedside.deidentify.patients import KnownIdentifiers
from bedside.deidentify.spans import Span, joined
from bedside.deidentify.text import scrub, spans_of

PEER = {
    "asq-phi": {"full": 0.795, "any": 0.914, "character recall": 0.873, "character precision": 0.711, "characters/s": 9_600},
    "planted-notes": {"full": 0.719, "any": 0.806, "character recall": 0.773, "character precision": 0.473, "characters/s": 14_400},
}
CORPORA = {"asq-phi": "deid/asq-phi/asq_spans.jsonl", "planted-notes": "deid/planted-notes/planted.jsonl"}


class Found(NamedTuple):
    """What a finder did on one corpus."""

    figures: dict[str, float]
    by_kind: dict[str, tuple[int, int]]
    untouched: int
    without: int


def measure(documents: list[dict[str, object]], find: Callable[[str], list[Span]]) -> Found:
    """Run a finder over a corpus and compare with its labels."""
    kinds, full, touched, covered, wanted, taken, chars = Counter(), Counter(), 0, 0, 0, 0, 0
    clean = clean_taken = 0
    started = time.process_time()
    answers = [find(str(document["text"])) for document in documents]
    seconds = time.process_time() - started
    for document, spans in zip(documents, answers, strict=True):
        text, gold = str(document["text"]), document["spans"]
        mine = {at for span in spans for at in range(span.start, span.end) if text[at].isalnum()}
        theirs = {at for start, end, _ in gold for at in range(start, end) if text[at].isalnum()}
        chars += len(text)
        covered, wanted, taken = covered + len(mine & theirs), wanted + len(theirs), taken + len(mine)
        clean, clean_taken = clean + (not gold), clean_taken + (not gold and bool(mine))
        for start, end, kind in gold:
            letters = {at for at in range(start, end) if text[at].isalnum()}
            kinds[kind] += 1
            full[kind] += letters <= mine
            touched += bool(letters & mine)
    total = sum(kinds.values())
    figures = {
        "full": sum(full.values()) / total,
        "any": touched / total,
        "character recall": covered / wanted,
        "character precision": covered / max(1, taken),
        "characters/s": chars / max(1e-9, seconds),
    }
    return Found(figures, {kind: (full[kind], kinds[kind]) for kind in sorted(kinds)}, clean - clean_taken, clean)


def ours(text: str) -> list[Span]:
    return spans_of(text)


def presidio() -> Callable[[str], list[Span]] | None:
    """Presidio as a finder, None when it is not installed."""
    try:
        from presidio_analyzer import AnalyzerEngine
    except ImportError:
        return None
    engine = AnalyzerEngine()
    return lambda text: joined(Span(one.start, one.end, "NAME") for one in engine.analyze(text, language="en"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "data", nargs="?", default=os.environ.get("BEDSIDE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    )
    parser.add_argument("--misses", type=int, default=0, help="show so many spans that were missed (the corpora are synthetic)")
    options = parser.parse_args()
    scrub("Mr. Smith", known=KnownIdentifiers())
    peer = presidio()
    for name, place in CORPORA.items():
        documents = [json.loads(line) for line in (Path(options.data) / place).read_text("utf-8").splitlines()]
        found = measure(documents, ours)
        measured = measure(documents, peer).figures if peer else PEER[name]
        print(f"{name}: {len(documents)} documents, {sum(n for _, n in found.by_kind.values())} spans")
        for figure, value in found.figures.items():
            other = measured[figure]
            print(
                f"  {figure:20} bedside {value:12.3f}   presidio {other:10.3f}{'' if peer else ' (measured before)'}"
                f"   ratio {value / other:6.2f}"
            )
        print("  whole by kind: " + ", ".join(f"{kind} {hit}/{n}" for kind, (hit, n) in found.by_kind.items()))
        if found.without:
            print(f"  documents without identifiers left alone: {found.untouched}/{found.without}")
        if options.misses:
            show(documents, options.misses)
    return 0


def show(documents: list[dict[str, object]], most: int) -> None:
    """Missed spans and needless ones, with a little of the text around."""
    missed, needless = [], []
    for document in documents:
        text, gold = str(document["text"]), document["spans"]
        spans = ours(text)
        mine = {at for span in spans for at in range(span.start, span.end)}
        theirs = {at for start, end, _ in gold for at in range(start, end)}
        missed += [
            (k, text[max(0, s - 30) : e + 15].replace("\n", "/"), text[s:e])
            for s, e, k in gold
            if not {a for a in range(s, e) if text[a].isalnum()} <= mine
        ]
        needless += [
            (x.kind, text[max(0, x.start - 20) : x.end + 15].replace("\n", "/"), text[x.start : x.end])
            for x in spans
            if not theirs & set(range(x.start, x.end))
        ]
    for label, rows in (("missed", missed), ("needless", needless)):
        print(f"  {label}: {len(rows)}")
        for kind, around, said in rows[:: max(1, len(rows) // most)]:
            print(f"    {kind:12} {said!r:36} {around!r}")


if __name__ == "__main__":
    sys.exit(main())
