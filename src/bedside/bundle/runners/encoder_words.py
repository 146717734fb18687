"""Words to the pieces that a BERT-class model was trained on (WordPiece), with the place of each word in the text.

In        tokenizer.json (WordPiece) or vocab.txt; text
Out       for each word its place and the numbers of its pieces
Source    Devlin et al., NAACL 2019: words split at blanks and signs, then greedily into the longest known pieces; small letters and no
          accents where the tokenizer says so. Other kinds of pieces (BPE, Unigram) are refused with words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from bedside.core.errors import Malformed, Unusable

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_LONGEST_WORD = 100


class Word(NamedTuple):
    """text[start:end], and its pieces."""

    start: int
    end: int
    pieces: list[int]


class WordPieces:
    """A vocabulary of pieces."""

    def __init__(self, vocabulary: Mapping[str, int], *, lower: bool, where: str, begin: str = "##") -> None:
        lacking = [name for name in ("[UNK]", "[CLS]", "[SEP]") if name not in vocabulary]
        if lacking:
            raise Unusable(f"the vocabulary lacks {', '.join(lacking)}", where=where, do="point at the folder of a BERT-class model")
        self._numbers, self._lower, self._begin = dict(vocabulary), lower, begin
        self.unknown, self.first, self.last = (vocabulary[name] for name in ("[UNK]", "[CLS]", "[SEP]"))
        self._seen: dict[str, list[int]] = {}

    @classmethod
    def load(cls, files: Mapping[str, bytes], *, where: str) -> WordPieces:
        """From tokenizer.json, else vocab.txt (small letters unless tokenizer_config.json says otherwise)."""
        try:
            if "tokenizer.json" in files:
                return cls._of_tokenizer(msgspec.json.decode(files["tokenizer.json"]), where)
            lines = files["vocab.txt"].decode().splitlines()
            told = msgspec.json.decode(files.get("tokenizer_config.json", b"{}"))
            return cls({piece: i for i, piece in enumerate(lines)}, lower=bool(told.get("do_lower_case", True)), where=where)
        except (KeyError, AttributeError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise Malformed("the tokenizer is absent or not readable", where=where, do="copy tokenizer.json or vocab.txt of the model") from error

    @classmethod
    def _of_tokenizer(cls, told: dict[str, Any], where: str) -> WordPieces:
        model, normalizer = told["model"], told.get("normalizer") or {}
        if model.get("type") != "WordPiece":
            raise Unusable(f"the tokenizer cuts words by {model.get('type')}, and only WordPiece is read here", where=where,
                           do="use a BERT-class model (BioBERT, PubMedBERT, ClinicalBERT, ...)")  # fmt: skip
        return cls(model["vocab"], lower=bool(normalizer.get("lowercase", False)), where=where, begin=model.get("continuing_subword_prefix", "##"))

    def words(self, text: str) -> list[Word]:
        """The words of a text with their pieces; a word that no pieces spell is one unknown piece."""
        return [Word(found.start(), found.end(), self._pieces(found.group())) for found in _WORD.finditer(text)]

    def _pieces(self, word: str) -> list[int]:
        if word not in self._seen:
            self._seen[word] = self._cut(_plain(word) if self._lower else word)
        return self._seen[word]

    def _cut(self, word: str) -> list[int]:
        pieces, at = list[int](), 0
        if not 0 < len(word) <= _LONGEST_WORD:
            return [self.unknown]
        while at < len(word):
            ends = (end for end in range(len(word), at, -1) if (self._begin if at else "") + word[at:end] in self._numbers)
            end = next(ends, None)
            if end is None:
                return [self.unknown]
            pieces.append(self._numbers[(self._begin if at else "") + word[at:end]])
            at = end
        return pieces


def _plain(word: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(char) != "Mn")


def windows(words: Sequence[Word], most: int, ends: Sequence[int]) -> list[list[Word]]:
    """The words in runs of at most `most` pieces, cut where a sentence ends (places in the text) when one does.

    >>> runs = windows([Word(0, 1, [5]), Word(2, 3, [6]), Word(4, 5, [7])], 2, [1])
    >>> [[word.start for word in run] for run in runs]
    [[0], [2, 4]]
    """
    runs, own, count, last_end = list[list[Word]](), list[Word](), 0, 0
    stops = set(ends)
    for word in words:
        pieces = len(word.pieces)
        if own and count + pieces > most:
            keep = last_end or len(own)
            runs.append(own[:keep])
            own = own[keep:]
            count, last_end = sum(len(one.pieces) for one in own), 0
        own.append(word)
        count += pieces
        if word.end in stops:
            last_end = len(own)
    return [*runs, own] if own else runs
