"""What the CRF knows of each word: the word and its neighbours, its shape, dictionaries, short forms, and what the note says elsewhere.

In        a note's sentences (`crf_words.py`), the phrases learned from training spans, and of a second pass the first pass's labels
Out       a list of feature texts for each word, sentence by sentence
Passes    the second pass also reads what the first one said of the same word elsewhere in the note, and of a short form's long form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from bedside.bundle.runners.crf_dictionary import Phrases, normal, short_forms
from bedside.bundle.runners.crf_labels import chunks
from bedside.bundle.runners.crf_words import Word

Sentence = Sequence[Word]
Features = list[list[str]]
_RUNS = re.compile(r"(.)\1+")
_EDGE, _LONGEST = "|", 12


class Note(NamedTuple):
    """A note as the CRF sees it: its sentences; each short form's long form and its last word, by the short form's words.

    begin   short forms by their first word
    """

    sentences: list[list[Word]]
    longs: dict[tuple[str, ...], tuple[str, str]]
    begin: dict[str, list[tuple[str, ...]]]

    @classmethod
    def of(cls, sentences: list[list[Word]]) -> Note:
        flat = [word for sentence in sentences for word in sentence]
        longs = {_key(flat, short, last): (normal(flat[first:last]), flat[last - 1].text.lower())
                 for short, (first, last) in short_forms(flat).items()}  # fmt: skip
        begin: dict[str, list[tuple[str, ...]]] = {}
        for key in longs:
            begin.setdefault(key[0], []).append(key)
        return cls(sentences, longs, begin)

    def shorts(self, sentence: Sentence) -> list[tuple[int, tuple[str, ...]]]:
        """Where short forms stand in a sentence: first word, and the words of the short form."""
        texts = [word.text for word in sentence]
        return [(i, key) for i, text in enumerate(texts) for key in self.begin.get(text, ()) if tuple(texts[i : i + len(key)]) == key]


def _key(flat: Sequence[Word], short: str, bracket: int) -> tuple[str, ...]:
    """The words of a short form that stands after the bracket."""
    own, at = list[str](), bracket + 1
    while "".join(own) != short:
        own.append(flat[at].text)
        at += 1
    return tuple(own)


def features(note: Note, phrases: Phrases, said: Sequence[Sequence[str]] | None = None) -> list[Features]:
    """Features of every word of a note.

    said   the labels of an earlier pass, sentence by sentence
    """
    told = _Elsewhere(note, said) if said is not None else None
    return [_of_sentence(sentence, note, phrases, told, said[i] if said is not None else None) for i, sentence in enumerate(note.sentences)]


def shape(word: str) -> str:
    """A word's shape, repeats shortened.

    >>> shape("BRCA1"), shape("Parkinson"), shape("3.4")
    ('X9', 'Xx', '9.9')
    """
    marked = "".join("X" if c.isupper() else "x" if c.isalpha() else "9" if c.isdigit() else c for c in word)
    return _RUNS.sub(r"\1", marked)


def _of_sentence(sentence: Sentence, note: Note, phrases: Phrases, told: _Elsewhere | None, said: Sequence[str] | None) -> Features:
    lower = ["0" if word.text[0].isdigit() else word.text.lower() for word in sentence]
    shapes = [shape(word.text) for word in sentence]
    rows = [_own(word.text, lower[i], shapes[i]) for i, word in enumerate(sentence)]
    for i, row in enumerate(rows):
        row += _around(lower, shapes, i)
    _mark(rows, "dict", phrases.find(sentence))
    for first, key in note.shorts(sentence):
        long, head = note.longs[key]
        for row in rows[first : first + len(key)]:
            row += [f"short:{head}", f"short.known:{phrases.kinds.get(long, 'none')}"]
    if told is not None and said is not None:
        for i, word in enumerate(sentence):
            rows[i] += told.of(word.text, said[i])
        told.mark_shorts(rows, sentence)
    return rows


def _own(text: str, lower: str, form: str) -> list[str]:
    row = ["bias", f"w:{lower}", f"shape:{form}"]
    if text[0].isalpha():
        row += [f"p{n}:{lower[:n]}" for n in (2, 3, 4) if len(lower) > n] + [f"s{n}:{lower[-n:]}" for n in (2, 3, 4, 5) if len(lower) > n]
    return row


def _around(lower: list[str], shapes: list[str], i: int) -> list[str]:
    def at(k: int) -> str:
        return lower[k] if 0 <= k < len(lower) else _EDGE

    row = [f"{k:+}:{at(i + k)}" for k in (-3, -2, -1, 1, 2, 3)]
    row += [f"-1,0:{at(i - 1)} {lower[i]}", f"0,+1:{lower[i]} {at(i + 1)}", f"-2,-1:{at(i - 2)} {at(i - 1)}", f"+1,+2:{at(i + 1)} {at(i + 2)}"]
    row += [f"{k:+}s:{at(i + k)[-3:]}" for k in (-2, -1, 1, 2)]
    row += [f"{k:+}shape:{shapes[i + k]}" for k in (-1, 1) if 0 <= i + k < len(shapes)]
    return row


def _mark(rows: Features, name: str, found: Sequence[tuple[int, int, str]]) -> None:
    for first, last, kind in found:
        rows[first].append(f"{name}:B-{kind}")
        for row in rows[first + 1 : last]:
            row.append(f"{name}:I-{kind}")
        rows[last - 1].append(f"{name}.end:{kind}:{min(last - first, 4)}")


class _Elsewhere:
    """What an earlier pass said, over the whole note."""

    def __init__(self, note: Note, said: Sequence[Sequence[str]]) -> None:
        self.note = note
        self.counts: dict[str, dict[str, int]] = {}
        self.phrases: dict[str, str] = {}
        for sentence, labels in zip(note.sentences, said, strict=True):
            for word, label in zip(sentence, labels, strict=True):
                own = self.counts.setdefault(word.text.lower(), {})
                own[label] = own.get(label, 0) + 1
            for first, last, kind in chunks(labels):
                self.phrases[normal(sentence[first:last])] = kind
        self.ends = {end: kind for phrase, kind in self.phrases.items() for end in _ends(phrase)}
        self.kinds = {key: self._kind(long) for key, (long, _) in note.longs.items()}

    def of(self, text: str, own: str) -> list[str]:
        """What was said here, and of the same word elsewhere."""
        others = dict(self.counts.get(text.lower(), {}))
        others[own] = others.get(own, 0) - 1
        inside, all_of = sum(count for label, count in others.items() if label != "O"), sum(others.values())
        most = max((label for label in others if label != "O" and others[label] > 0), key=lambda one: (others[one], one), default="O")
        told = "alone" if all_of == 0 else f"{'none' if inside == 0 else 'all' if inside == all_of else 'some'}:{most}"
        return [f"first:{own}", f"else:{told}", f"first,else:{own} {told}"]

    def mark_shorts(self, rows: Features, sentence: Sentence) -> None:
        """Of a short form, what its long form was said to be."""
        for first, key in self.note.shorts(sentence):
            for row in rows[first : first + len(key)]:
                row.append(f"long:{self.kinds[key]}")

    def _kind(self, long: str) -> str:
        """What a long form was said to be: as a whole, as the end of something longer, or by its own end."""
        told = self.phrases.get(long) or self.ends.get(long)
        return told or next((self.phrases[end] for end in _ends(long) if end in self.phrases), "O")


def _ends(phrase: str) -> list[str]:
    """The phrase without its first words, the longest first."""
    words = phrase.split(" ")[-_LONGEST:]
    return [" ".join(words[i:]) for i in range(len(words))]


__all__ = ["Features", "Note", "features", "shape"]
