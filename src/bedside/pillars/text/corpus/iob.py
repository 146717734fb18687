"""Token-a-line corpora (CoNLL, IOB): a token and its tag a line, an empty line after each sentence.

In        text of such a file; where a document ends is told by -DOCSTART- lines, or by the caller's rule
Out       documents: tokens joined by blanks, sentences by line ends; spans of B- and I- tags
Source    Ramshaw & Marcus, 3rd Workshop on Very Large Corpora 1995:82 (IOB2: every entity begins with B-)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bedside.bundle.runners.text_spans import Span
from bedside.core.errors import Malformed
from bedside.pillars.text.corpus.document import Document

START = "-DOCSTART-"
Tokens = list[str]


def parse(text: str, *, name: str, split: str | None = None, last: Callable[[Tokens], bool] | None = None) -> Iterator[Document]:
    """The documents of a file, named `name`-1, `name`-2, ...

    last   whether a sentence is the last of its document

    >>> [(one.text, one.spans) for one in parse("No\\tO\\nheart\\tB-x\\nfailure\\tI-x\\n", name="made")]
    [('No heart failure', [Span(start=3, end=16, kind='x', score=1.0)])]
    """
    own, count = _Growing(), 0
    for tokens, tags in _sentences(text, name):
        if own.text and tokens == [START]:
            count += 1
            yield own.document(f"{name}-{count}", split)
            own = _Growing()
        if tokens == [START]:
            continue
        own.add(tokens, tags)
        if last and last(tokens):
            count += 1
            yield own.document(f"{name}-{count}", split)
            own = _Growing()
    if own.text:
        yield own.document(f"{name}-{count + 1}", split)


class _Growing:
    def __init__(self) -> None:
        self.text, self.spans = "", list[Span]()

    def add(self, tokens: Tokens, tags: Tokens) -> None:
        self.text += "\n" if self.text else ""
        for i, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
            self.text += " " if i else ""
            start = len(self.text)
            self.text += token
            if tag.startswith("I-") and i and self.spans and self.spans[-1].end == start - 1 and self.spans[-1].kind == tag[2:]:
                self.spans[-1] = self.spans[-1]._replace(end=len(self.text))
            elif tag != "O":
                self.spans.append(Span(start, len(self.text), tag[2:]))

    def document(self, name: str, split: str | None) -> Document:
        return Document(name, self.text, self.spans, split)


def _sentences(text: str, name: str) -> Iterator[tuple[Tokens, Tokens]]:
    tokens, tags = Tokens(), Tokens()
    for number, line in enumerate(text.split("\n"), 1):
        parts = line.split()
        if not parts:
            if tokens:
                yield tokens, tags
            tokens, tags = [], []
            continue
        if len(parts) < 2 and parts != [START]:
            raise Malformed("a line holds no tag", where=f"{name}, line {number}", do="write token and tag, separated by a tab")
        if not (parts[-1] == "O" or parts[-1][:2] in ("B-", "I-") or parts[0] == START):
            raise Malformed("a tag is not O, B-<type> or I-<type>", where=f"{name}, line {number}", do="export the corpus in IOB2")
        tokens.append(parts[0])
        tags.append(parts[-1])
    if tokens:
        yield tokens, tags
