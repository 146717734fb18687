"""Between spans and the label of each word: B- begins a thing, I- goes on with it, O is none.

Source    Ramshaw & Marcus, 3rd Workshop on Very Large Corpora 1995:82
"""

from __future__ import annotations

from collections.abc import Sequence

from bedside.bundle.runners.crf_words import Word


def chunks(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """The spans of a label sequence in words; an I- without its B- begins one.

    >>> chunks(["O", "B-drug", "I-drug", "B-drug", "I-dose"])
    [(1, 3, 'drug'), (3, 4, 'drug'), (4, 5, 'dose')]
    """
    found: list[tuple[int, int, str]] = []
    for i, label in enumerate(labels):
        if label == "O":
            continue
        kind = label[2:]
        if label[0] == "I" and found and found[-1][1] == i and found[-1][2] == kind:
            found[-1] = (found[-1][0], i + 1, kind)
        else:
            found.append((i, i + 1, kind))
    return found


def labels_of(sentence: Sequence[Word], spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """B-, I- and O of each word, for spans (start, end, kind) in the text that do not overlap.

    A word that a span cuts is counted in.
    """
    labels = ["O"] * len(sentence)
    for start, end, kind in spans:
        inside = [i for i, word in enumerate(sentence) if word.start < end and start < word.end]
        for turn, i in enumerate(inside):
            labels[i] = f"{'I' if turn else 'B'}-{kind}"
    return labels
