"""Negation on the NegEx reports 1-60, the phrase given: F1 with its interval, beside what others reach on the same corpus.

python benchmarks/negex.py [--data ../shared/data/text/negex] [--errors] [--reports 1-60]
Rows     as in the file; the phrase is found in its sentence by its words, blanks and case aside. A phrase that is not there counts as
         affirmed. Positive is "Negated". Interval: 2,000 bootstrap samples of whole reports.
Others   on reports 1-60 with the same phrases: negspacy 1.1.0 .941, edsnlp 0.23.0 with NegEx's triggers .948; on all 120 reports:
         GenConText .981, Java NegEx .956, medspaCy 1.3.1 .930. Those rules may have been made on these reports, as ours were.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from pathlib import Path
from typing import NamedTuple

from bedside.pillars.text.context import axes
from bedside.pillars.text.sections import outline
from bedside.pillars.text.sentences import sentences
from bedside.pillars.text.tokens import words_of


class Row(NamedTuple):
    """One row of the corpus, and what was said of it; `told` None when the phrase is not in its sentence."""

    report: int
    phrase: str
    sentence: str
    negated: bool
    told: bool | None


def rows(path: Path) -> list[Row]:
    """The corpus, judged."""
    with path.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file, delimiter="\t"))
    return [judged(int(row["Report No."]), row["Concept"], row["Sentence"].strip(), row["Negation"].strip() == "Negated") for row in told]


def judged(report: int, phrase: str, sentence: str, negated: bool) -> Row:
    """One row with what the rules say of its phrase."""
    span = placed(phrase, sentence)
    if span is None:
        return Row(report, phrase, sentence, negated, None)
    breaks = outline(sentence).breaks
    found = axes(words_of(sentence), sentences(sentence, breaks), [span])
    return Row(report, phrase, sentence, negated, found[0].negated)


def placed(phrase: str, sentence: str) -> tuple[int, int] | None:
    """Where a phrase stands: in capitals first, as the corpus marks it, else in any case."""
    words = [re.escape(word) for word in phrase.split()]
    pattern = r"\s+".join(words)
    found = re.search(pattern.upper(), sentence) or re.search(pattern, sentence, re.IGNORECASE)
    return found.span() if found else None


def f1(told: list[Row]) -> tuple[float, int, int, int]:
    """F1 of negation with true positives, false positives and false negatives."""
    hits = sum(row.negated and bool(row.told) for row in told)
    false = sum(not row.negated and bool(row.told) for row in told)
    missed = sum(row.negated and not row.told for row in told)
    return (2 * hits / (2 * hits + false + missed) if hits else 0.0), hits, false, missed


def interval(told: list[Row], *, seed: int = 1, samples: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of F1, by report."""
    by_report: dict[int, list[Row]] = {}
    for row in told:
        by_report.setdefault(row.report, []).append(row)
    draw, groups = random.Random(seed), list(by_report.values())
    scores = sorted(f1([row for group in draw.choices(groups, k=len(groups)) for row in group])[0] for _ in range(samples))
    return scores[int(0.025 * samples)], scores[int(0.975 * samples)]


def main() -> None:
    """Print the figures, and with --errors each row that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data/text/negex")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--reports", default="1-60")
    given = parser.parse_args()
    low, high = map(int, given.reports.split("-"))
    told = [row for row in rows(given.data / "negex_reports_1-60.tsv") if low <= row.report <= high]
    score, hits, false, missed = f1(told)
    below, above = interval(told)
    print(f"reports {given.reports}: {len(told)} rows, {sum(row.negated for row in told)} negated, {sum(row.told is None for row in told)} not found in their sentence")
    print(f"negation F1 {score:.3f} (95 % {below:.3f} to {above:.3f}, by report), {hits} found, {false} false, {missed} missed")
    if given.errors:
        for row in told:
            if bool(row.told) != row.negated:
                print(f"{'MISSED' if row.negated else 'FALSE '} {row.report:3} [{row.phrase}] {row.sentence}")


if __name__ == "__main__":
    main()
