"""The rules, or a sealed tagger, against the sixty made notes of tests/pillars/text/gold: entities, their parts, and whether they are so.

Entity      a thing of its type at its place: exact, or by any overlap; looked for only in notes that were annotated for the type
Attribute   of entities found by overlap or not: a part with the same words (numbers, signs and "as needed" spelled alike); one that is
            missed or wrong is counted on either side
Assertion   of problems found by overlap: each axis, said or not said; "noted": of all problems, those said to be so, now, of the patient
Intervals   95 %, percentile bootstrap over notes, 2,000 draws, seed 1
Parts       30 notes (odd numbers) for development: their errors may be read (--errors). 30 (even numbers) for test: scores only.
Peers       none: these notes are ours, and no published system was run on them. n is small: read the intervals.
Run         python benchmarks/text_gold.py [--bundle FOLDER --kinds problem=problem,drug=medication] [--errors FILE]
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bedside.evaluate.spans import match
from bedside.pillars.text.fact import Extractor, Fact

GOLD = Path(__file__).parents[1] / "tests/pillars/text/gold"
KINDS = {"medication": "medication", "lab": "lab", "problem": "problem", "site": "tumour-site", "histology": "histology", "grade": "grade",
         "tnm": "stage", "margin": "margin", "nodes": "lymph-nodes", "biomarker": "biomarker"}  # fmt: skip
PARTS = {"medication": ("dose", "route", "frequency"), "lab": ("value", "unit"), "biomarker": ("value",), "grade": ("value",),
         "margin": ("value",), "nodes": ("value",)}  # fmt: skip
AXES = ("negated", "uncertain", "historical", "hypothetical", "other")
DRAWS, SEED = 2000, 1
NEEDED = re.compile(r"\b(?:prn|p\.r\.n\.?|as needed|as required|when required)\b")
WORDS = {word: str(i) for i, word in enumerate(["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])}


class Hit(NamedTuple):
    """One thing counted: in which note, under which heading, and whether found, wrong or missed."""

    note: str
    heading: str
    outcome: str
    words: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, help="a sealed tagger instead of the rules")
    parser.add_argument("--kinds", default="", help="target=fact kind, ... of the bundle")
    parser.add_argument("--errors", type=Path, help="write the errors on the development part here")
    asked = parser.parse_args()
    kinds: Any = dict(pair.split("=") for pair in asked.kinds.split(",") if pair)
    extractor = chosen(asked.bundle, kinds)
    print(f"extractor {extractor.name}")
    for part in ("development", "test"):
        records = [json.loads(path.read_text()) for path in sorted(GOLD.glob("*.json"))]
        notes = [record for record in records if record["part"] == part]
        hits = [hit for record in notes for hit in judged(record, extractor, set(kinds.values()))]
        show(part, [record["note"] for record in notes], hits)
        if part == "development" and asked.errors:
            wrong = sorted(hit for hit in hits if hit.outcome != "found")
            asked.errors.write_text("".join(f"{hit.note}\t{hit.heading}\t{hit.outcome}\t{hit.words!r}\n" for hit in wrong), encoding="utf-8")


def chosen(bundle: Path | None, kinds: Any) -> Extractor:
    if bundle is None:
        from bedside.pillars.text.rules import RuleExtractor

        return RuleExtractor()
    from bedside.pillars.text.tagger.extractor import TaggedExtractor

    return TaggedExtractor.open(bundle, kinds=kinds)


def judged(record: dict[str, Any], extractor: Extractor, tagged: set[str]) -> Iterator[Hit]:
    """Everything counted in one note.

    tagged   the fact kinds that a bundle tags, whose parts it does not tell; empty for the rules
    """
    text = (GOLD / f"{record['note']}.txt").read_bytes().decode()
    facts = extractor.extract(text)
    for kind in (one for one in record["annotated"] if not tagged or KINDS[one] in tagged):
        truth = [thing for thing in record["entities"] if thing["type"] == kind]
        said = [fact for fact in facts if fact.kind == KINDS[kind]]
        pairs: list[tuple[dict[str, Any] | None, Fact | None]] = []
        for how, heading in (("exact", "exact"), ("overlap", "overlap")):
            things = match([(f.start, f.end) for f in said], [(t["start"], t["end"]) for t in truth], how=how)  # type: ignore[arg-type]
            pairs = [(None if one.truth is None else truth[one.truth], None if one.candidate is None else said[one.candidate]) for one in things]
            for gold, fact in pairs:
                words = gold["text"] if gold else fact.text if fact else ""
                yield Hit(record["note"], f"{kind}  {heading}", outcome(gold is not None, fact is not None), words)
        for gold, fact in pairs:
            yield from () if tagged else parts(record["note"], kind, gold, fact)
            if kind == "problem" and ((so := gold is not None and not gold["assertion"]) or (fact and fact.present)):
                yield Hit(record["note"], "problem.noted", outcome(so, bool(fact and fact.present)), gold["text"] if gold else fact.text if fact else "")
            if kind == "problem" and gold and fact:
                told = axes(fact)
                for axis in AXES:
                    if (there := axis in gold["assertion"]) or axis in told:
                        yield Hit(record["note"], f"problem.{axis}", outcome(there, axis in told), gold["text"])


def outcome(there: bool, said: bool) -> str:
    return "found" if there and said else "missed" if there else "wrong"


def parts(note: str, kind: str, gold: dict[str, Any] | None, fact: Fact | None) -> Iterator[Hit]:
    """The parts of one entity, of the gold side and of the fact's."""
    for name in PARTS.get(kind, ()):
        there = wanted(gold, name) if gold else []
        said = given(fact, kind, name) if fact else []
        head = f"{kind}.{name}"
        for value in there:
            yield Hit(note, head, outcome(True, value in said), f"{gold['text'] if gold else ''}: {value} ({', '.join(said) or 'nothing'})")
        yield from (Hit(note, head, "wrong", f"{fact.text if fact else ''}: {value}") for value in said if value not in there)


def wanted(gold: dict[str, Any], name: str) -> list[str]:
    told = [part["text"] for part in gold.get("attributes", []) if part["name"] == name]
    return [plain(value) for value in told] or ([plain(gold["value"])] if name == "value" and "value" in gold else [])


def given(fact: Fact, kind: str, name: str) -> list[str]:
    parts = fact.attributes
    if kind == "nodes":
        numbers = [WORDS.get(plain(parts[side].text), plain(parts[side].text)) for side in ("positive", "examined") if side in parts]
        return ["/".join(numbers)] if len(numbers) == 2 else [plain(fact.text)]
    if kind == "margin" and "value" in parts:
        return [plain(parts["value"].normal or parts["value"].text)]
    if kind == "grade" and "value" in parts:
        return [plain(parts["value"].text.partition("=")[0])]
    if name == "dose" and "strength" in parts:
        return [plain(parts["strength"].text)]
    if name == "frequency" and name not in parts and "prn" in parts:
        return [""]
    return [plain(parts[name].text)] if name in parts else []


def plain(value: str) -> str:
    """Small letters without blanks, thousands' commas, and what says as needed."""
    return re.sub(r"[\s,]+", "", NEEDED.sub("", value.lower()))


def axes(fact: Fact) -> set[str]:
    told = {"negated": fact.negated, "uncertain": fact.uncertain, "historical": fact.temporality == "historical",
            "hypothetical": fact.temporality == "hypothetical", "other": fact.experiencer != "patient"}  # fmt: skip
    return {axis for axis, said in told.items() if said}


def show(part: str, notes: list[str], hits: list[Hit]) -> None:
    """Precision, recall and F1 of every heading, with intervals over notes."""
    place = {note: i for i, note in enumerate(notes)}
    tables: dict[str, Any] = defaultdict(lambda: np.zeros((len(notes), 3)))
    for hit in hits:
        tables[hit.heading][place[hit.note], ("found", "wrong", "missed").index(hit.outcome)] += 1
    draws = np.random.default_rng(SEED).multinomial(len(notes), [1 / len(notes)] * len(notes), size=DRAWS)
    print(f"\n{part}: {len(notes)} notes\n{'':<24}{'n':>5}{'precision':>11}{'recall':>9}{'F1':>8}{'95 % interval':>18}   found, wrong, missed")
    for heading in sorted(tables, key=lambda one: (list(KINDS).index(one.split('.')[0].split()[0]), "." in one, one)):
        table = tables[heading]
        found, wrong, missed = table.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision, recall, f1 = found / (found + wrong), found / (found + missed), 2 * found / (2 * found + wrong + missed)
            drawn = draws @ table
            low, high = np.nanpercentile(2 * drawn[:, 0] / (2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2]), [2.5, 97.5])
        print(f"{heading:<24}{found + missed:>5.0f}{precision:>11.3f}{recall:>9.3f}{f1:>8.3f}{f'{low:.3f}-{high:.3f}':>18}   {found:.0f}, {wrong:.0f}, {missed:.0f}")


if __name__ == "__main__":
    main()
