"""brat stand-off: a .txt and beside it an .ann file with a text-bound annotation a line.

In        text of both files
Out       a document; a discontinuous span ("0 5;9 14") becomes one from its first to its last character, and is counted
Source    Stenetorp et al., EACL 2012:102. "T1<tab>Drug 5 14<tab>metformin"; R, E, A, M, N, # and * lines are passed over.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bedside.bundle.runners.text_spans import Span
from bedside.core.errors import Malformed
from bedside.pillars.text.corpus.document import Document


class Parsed(NamedTuple):
    document: Document
    discontinuous: int


def parse(text: str, annotations: str, *, name: str, split: str | None = None) -> Parsed:
    """The document of a text and its annotations; `Malformed` where a line does not stand on its words.

    >>> parse("On metformin.", "T1\\tDrug 3 12\\tmetformin\\n", name="made").document.spans
    [Span(start=3, end=12, kind='Drug', score=1.0)]
    """
    spans, broken = list[Span](), 0
    for number, line in enumerate(annotations.replace("\r\n", "\n").split("\n"), 1):
        if not line.startswith("T"):
            continue
        span, parts = _span(line, f"{name}.ann, line {number}")
        if span.end > len(text) or (parts == 1 and text[span.start : span.end].split() != line.split("\t", 2)[2].split()):
            raise Malformed("the words of an annotation are not at its offsets", where=f"{name}.ann, line {number}",
                            do="offsets count characters of the .txt file as it is")  # fmt: skip
        spans.append(span)
        broken += parts > 1
    return Parsed(Document(name, text, sorted(spans), split), broken)


def read(folder: Path, *, split: str | None = None) -> list[Parsed]:
    """Every .txt of a folder that has an .ann beside it, by name."""
    pairs = [(path, path.with_suffix(".ann")) for path in sorted(folder.glob("*.txt"))]
    return [parse(text.read_bytes().decode(), ann.read_bytes().decode(), name=text.stem, split=split) for text, ann in pairs if ann.is_file()]


def _span(line: str, where: str) -> tuple[Span, int]:
    """A text-bound line's span, and of how many pieces it is."""
    fields = line.split("\t")
    kind, _, places = fields[1].partition(" ") if len(fields) > 2 else ("", "", "")
    pieces = [piece.split() for piece in places.split(";")]
    if not kind or any(len(piece) != 2 or not all(part.isdigit() for part in piece) for piece in pieces):
        raise Malformed("a text-bound annotation is not T<tab>type start end<tab>words", where=where, do="export the corpus from brat again")
    starts, ends = zip(*((int(start), int(end)) for start, end in pieces), strict=True)
    return Span(min(starts), max(ends), kind), len(pieces)
