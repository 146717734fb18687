"""Characters a CPU-second of the rule path on MTSamples notes, beside spaCy's bare tokenizer on the same machine and notes.

python benchmarks/text_speed.py [--data ../shared/data/text/mtsamples] [--notes 100] [--rounds 3]
Work     sections, sentences, entities with their parts, four axes, codes: one process, CPU time, median of the rounds; building the
         lexicon is told apart. spaCy: `spacy.blank("en")`, tokens only, where the extra [text] is installed.
Others   measured elsewhere on such notes: spacy.blank 1,179,000, edsnlp 375,000, medspaCy 28,000 characters a CPU-second.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bedside.pillars.text.rules import RuleExtractor

WORST = ("lymph nodes ", "no tumor in ", "three nodes ", "margins are ", "tumor size ", "HER2 of ", "stage ", "mass, ", "spiculated ", " ", ".", "\n", "1", "(", "1,", "aspirin ", "K 1.1 ", "T1N0 ", "margin ", ":", "A:", "no fever, ", "1 of 2 ", "Gleason 3+", " -fever", "no ", "no fever; ", "fever: no ", "[ ] fever ", "any fever ", "; fever or ")
"""Texts of one thing over and over: the rate at ten times the length must be about the same, else some pattern is not linear."""


def rate(work: Callable[[str], object], notes: list[str], rounds: int) -> float:
    """Characters a CPU-second, median of the rounds."""
    rates = []
    for _ in range(rounds):
        began = time.process_time()
        for note in notes:
            work(note)
        rates.append(sum(map(len, notes)) / (time.process_time() - began))
    return statistics.median(rates)


def main() -> None:
    """Print both rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data/text/mtsamples")
    parser.add_argument("--notes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    lines = (given.data / "mtsamples_304.jsonl").read_text(encoding="utf-8").splitlines()
    notes = [json.loads(line)["text"] for line in lines[: given.notes]]
    began = time.process_time()
    extractor = RuleExtractor()
    print(f"lexicon built in {time.process_time() - began:.2f} CPU-seconds")
    facts = sum(len(extractor.extract(note)) for note in notes)
    print(f"{len(notes)} notes, {sum(map(len, notes)):,} characters, {facts:,} facts")
    print(f"rules          {rate(extractor.extract, notes, given.rounds):>12,.0f} characters a CPU-second")
    for unit in WORST:
        short, long = (rate(extractor.extract, [unit * (size // len(unit))], 1) for size in (20_000, 200_000))
        print(f"worst {unit!r:14} {short:>12,.0f} at 20,000 characters, {long:>12,.0f} at 200,000")
    try:
        import spacy
    except ModuleNotFoundError:
        return
    print(f"spacy.blank    {rate(spacy.blank('en').make_doc, notes, given.rounds):>12,.0f} characters a CPU-second")


if __name__ == "__main__":
    main()
