"""Runner "crf": a note to spans by a linear-chain conditional random field, in one pass or two; and "dictionary", which stands beside it.

In        crf.json, phrases.json, pass-1.crfsuite and, of two passes, pass-2.crfsuite
Out       spans; the score of one is the least marginal probability among its words
Format    CRFsuite's model file: a table of feature names, label names and weights, read by python-crfsuite. It is data: nothing in it is
          run. Its digest is checked before it is read, and a file that does not begin as one is refused.
Source    Lafferty et al., ICML 2001:282; Okazaki, CRFsuite, 2007. Two passes: Krishnan & Manning, ACL 2006:1121.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bedside.bundle.runners.crf_dictionary import Phrases
from bedside.bundle.runners.crf_features import Note, features
from bedside.bundle.runners.crf_labels import chunks
from bedside.bundle.runners.crf_words import sentences
from bedside.bundle.runners.text_spans import Span
from bedside.core.errors import Malformed
from bedside.core.lazy import need

VERSION = "1"
SETTINGS, PHRASES, PASSES = "crf.json", "phrases.json", ("pass-1.crfsuite", "pass-2.crfsuite")
_MAGIC = b"lCRF"
Labels = list[str]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """crf.json."""

    kinds: list[str]
    passes: int
    schema: str = "bedside.crf/1"


class Weights:
    """One trained pass."""

    def __init__(self, data: bytes, *, where: str) -> None:
        if data[:4] != _MAGIC or len(data) < 48:
            raise Malformed("not a CRFsuite model", where=where, do="seal the bundle again")
        self._data = data
        self._tagger: Any = need("pycrfsuite", extra="text").Tagger()
        self._tagger.open_inmemory(data)

    def labels(self, sentence: list[list[str]]) -> Labels:
        """The likeliest labels of a sentence's words."""
        return list(self._tagger.tag(sentence)) if sentence else []

    def sure(self, labels: Sequence[str], first: int, last: int) -> float:
        """Least marginal probability of words first .. last - 1 of the sentence labelled last."""
        return min(float(self._tagger.marginal(labels[i], i)) for i in range(first, last))


class Crf:
    """A sealed CRF. `core.lazy.Missing` when python-crfsuite is not installed."""

    version = VERSION

    def __init__(self, files: Mapping[str, bytes], *, where: str) -> None:
        try:
            self.settings = msgspec.json.decode(files[SETTINGS], type=Settings)
            self.phrases = msgspec.json.decode(files[PHRASES], type=Phrases)
            weights = [files[name] for name in PASSES[: self.settings.passes]]
        except (KeyError, msgspec.DecodeError) as error:
            raise Malformed("a file of the CRF is absent or not readable", where=where, do="seal the bundle again") from error
        self._passes = [Weights(data, where=where) for data in weights]

    def tag(self, text: str) -> list[Span]:
        note = Note.of(list(sentences(text)))
        said: list[Labels] | None = None
        for weights in self._passes[:-1]:
            said = [weights.labels(sentence) for sentence in features(note, self.phrases, said)]
        return spans(note, features(note, self.phrases, said), self._passes[-1])


def spans(note: Note, rows: Sequence[list[list[str]]], weights: Weights) -> list[Span]:
    """What one pass finds in a note, with its scores."""
    found: list[Span] = []
    for sentence, row in zip(note.sentences, rows, strict=True):
        labels = weights.labels(row)
        found += [Span(sentence[first].start, sentence[last - 1].end, kind, weights.sure(labels, first, last)) for first, last, kind in chunks(labels)]
    return found


class Dictionary:
    """What a look-up of the training spans finds: the plainest tagger there is. Its scores are all 1."""

    version = VERSION

    def __init__(self, files: Mapping[str, bytes], *, where: str) -> None:
        try:
            self.phrases = msgspec.json.decode(files[PHRASES], type=Phrases)
        except (KeyError, msgspec.DecodeError) as error:
            raise Malformed("the dictionary is absent or not readable", where=where, do="seal the bundle again") from error

    def tag(self, text: str) -> list[Span]:
        return [Span(sentence[first].start, sentence[last - 1].end, kind)
                for sentence in sentences(text) for first, last, kind in self.phrases.find(sentence)]  # fmt: skip
