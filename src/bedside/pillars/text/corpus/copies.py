"""Notes that are nearly the same text: a copy in the test set of what was learned from would flatter the model.

In        texts of the development notes and of the test notes
Out       pairs that share most of their runs of eight words
Method    Jaccard index of the sets of eight-word runs, words in small letters and numbers as one word, from the `KEPT` smallest hashes
          of each (Broder, SEQUENCES 1997:21): exact for notes of fewer runs. A note of fewer than `FEWEST` runs is too short to be a copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b

RUN, FEWEST, KEPT, SAME = 8, 12, 128, 0.8
_WORD = re.compile(r"[^\W\d_]+|\d+")


def runs(text: str) -> frozenset[int]:
    """The smallest hashes of the text's runs of eight words; the same in every process."""
    words = ["0" if word[0].isdigit() else word for word in _WORD.findall(text.lower())]
    every = {int.from_bytes(blake2b(" ".join(words[i : i + RUN]).encode(), digest_size=8).digest(), "big") for i in range(len(words) - RUN + 1)}
    return frozenset(sorted(every)[:KEPT])


def copies(development: Mapping[str, str], test: Mapping[str, str], *, same: float = SAME) -> list[tuple[str, str]]:
    """(development note, test note) pairs whose texts are nearly the same.

    >>> note = " ".join(f"word{chr(97 + i)}" for i in range(26))
    >>> copies({"a": note}, {"b": note + " more", "c": "Seen today."})
    [('a', 'b')]
    """
    known, asked = _by_runs(development), _by_runs(test)
    where: dict[int, list[frozenset[int]]] = {}
    for own in known:
        for run in own:
            where.setdefault(run, []).append(own)
    found: list[tuple[str, str]] = []
    for own, names in asked.items():
        for other in {one for run in own for one in where.get(run, ())}:
            if _alike(own, other) >= same:
                found += [(one, name) for one in known[other] for name in names]
    return sorted(found)


def _by_runs(texts: Mapping[str, str]) -> dict[frozenset[int], list[str]]:
    """Notes by their runs, so that a form handed in a thousand times is compared once; without those too short to be a copy."""
    found: dict[frozenset[int], list[str]] = {}
    for name, text in texts.items():
        if len(own := runs(text)) >= FEWEST:
            found.setdefault(own, []).append(name)
    return found


def later(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The notes to leave out so that no pair is whole: of each, the later one, unless the other is left out already.

    >>> sorted(later([("a", "b"), ("b", "c")]))
    ['b']
    """
    out = set[str]()
    for one, other in sorted(pairs):
        if one not in out and other not in out:
            out.add(max(one, other))
    return out


def _alike(one: frozenset[int], other: frozenset[int]) -> float:
    """Jaccard index, from the smallest hashes of both together."""
    least = set(sorted(one | other)[:KEPT])
    return len(least & one & other) / len(least)
