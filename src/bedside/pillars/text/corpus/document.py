"""One annotated text, as every corpus format gives it, and how a folder of them becomes the raw files of a study.

Out       notes/<name>.txt (Note-ID header, then the text), annotations.csv, split.csv: sources of format "notes" and "tables"
          (mapping "annotated-notes")
Offsets   count code points of `text`; a text loses its outer blanks on writing, and its annotations move with it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bedside.bundle.runners.text_spans import Span
from bedside.core.errors import Malformed

_DATE = "2000-01-01T00:00:00Z"
_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Document(msgspec.Struct, frozen=True):
    """A text and its spans.

    name      note id; unique in its corpus, without "|"
    split     train, tune, test, or None: not declared
    subject   whose note it is; the name when the corpus does not say
    """

    name: str
    text: str
    spans: list[Span]
    split: str | None = None
    subject: str | None = None


def write(documents: Iterable[Document], out: Path, *, kind: str = "Corpus text", date: str = _DATE) -> int:
    """Write documents as raw sources under `out`; how many. A document without spans is written as annotated with nothing."""
    (out / "notes").mkdir(parents=True, exist_ok=True)
    (out / "tables").mkdir(exist_ok=True)
    marks, splits, names = [("subject", "note", "type", "start", "end", "text")], [("subject", "note", "split")], set[str]()
    for one in documents:
        file = _SAFE.sub("-", one.name)
        if file in names or "|" in one.name:
            raise Malformed("two documents have one name, or a name holds a |", where=f"document {len(names) + 1}", do="give each its own name")
        names.add(file)
        subject, text = one.subject or one.name, one.text.strip()
        shift = len(one.text) - len(one.text.lstrip())
        head = f"Patient-ID: {subject}\nNote-ID: {one.name}\nDate: {date}\nType: {kind}\n\n"
        (out / "notes" / f"{file}.txt").write_bytes((head + text).encode())
        marks += [(subject, one.name, span.kind, str(span.start - shift), str(span.end - shift), one.text[span.start : span.end])
                  for span in one.spans] or [(subject, one.name, "none", "", "", "")]  # fmt: skip
        splits += [(subject, one.name, one.split)] if one.split else []
    for name, rows in (("annotations", marks), ("split", splits)):
        if len(rows) > 1:
            (out / "tables" / f"{name}.csv").write_text(_csv(rows), encoding="utf-8", newline="")
    return len(names)


def _csv(rows: Iterable[tuple[str, ...]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
