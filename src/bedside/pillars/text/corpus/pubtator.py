"""PubTator: a title line, an abstract line, and an annotation a line, with offsets over both.

In        text of a PubTator file
Out       documents: title, line end, abstract, as the format counts it
Source    Wei et al., Nucleic Acids Res 2013;41:W518. Lines "id|t|title", "id|a|abstract", then tab-separated id, start, end, words, type
          and concept; relations (id, name, ids) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.bundle.runners.text_spans import Span
from bedside.core.errors import Malformed
from bedside.pillars.text.corpus.document import Document

_LINE = re.compile(r"([^|\t]+)\|([ta])\|(.*)\Z")


def parse(text: str, *, split: str | None = None) -> Iterator[Document]:
    """The documents of a file; `Malformed`, with the line, where the words at the offsets are other ones.

    >>> made = "17|t|No fever\\n17|a|Cough.\\n17\\t3\\t8\\tfever\\tSign\\tD005334\\n"
    >>> [(one.name, one.text, one.spans) for one in parse(made)]
    [('17', 'No fever\\nCough.', [Span(start=3, end=8, kind='Sign', score=1.0)])]
    """
    number = 0
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        lines = block.split("\n")
        if block.strip():
            yield _document(lines, number, split)
        number += len(lines) + 1


def _document(lines: list[str], before: int, split: str | None) -> Document:
    parts, spans = dict[str, str](), list[tuple[int, Span, str]]()
    name = ""
    for number, line in enumerate(lines, before + 1):
        told, fields = _LINE.match(line), line.split("\t")
        if told:
            name, parts[told[2]] = told[1], told[3]
        elif len(fields) >= 5 and fields[1].isdigit() and fields[2].isdigit():
            spans.append((number, Span(int(fields[1]), int(fields[2]), fields[4]), fields[3]))
        elif line.strip() and len(fields) < 3:
            raise Malformed("a line is neither text nor annotation", where=f"line {number}", do="export the corpus as PubTator")
    if not name:
        raise Malformed("a document without title and abstract", where=f"line {before + 1}", do="begin each with id|t|... and id|a|...")
    text = "\n".join(parts.get(part, "") for part in "ta")
    for number, span, words in spans:
        if text[span.start : span.end] != words:
            raise Malformed("the words of an annotation are not at its offsets", where=f"line {number}",
                            do="offsets count code points over title, one line end, and abstract")  # fmt: skip
    return Document(name, text, [span for _, span, _ in spans], split)
