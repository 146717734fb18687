"""Notes that are nearly the same text: a copy in the test set of what was learned from would flatter the model.

In        texts of the development notes and of the test notes
Out       pairs that share most of their runs of eight words
Method    Jaccard index of the sets of eight-word runs, words in small letters and numbers as one word (Broder, SEQUENCES 1997:21);
          notes of fewer than `FEWEST` runs are compared as whole texts, and are too short for a copy to tell anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

RUN, FEWEST, SAME = 8, 12, 0.8
_WORD = re.compile(r"[^\W\d_]+|\d+")


def runs(text: str) -> frozenset[int]:
    """The text's runs of eight words, as hashes of this process."""
    words = ["0" if word[0].isdigit() else word for word in _WORD.findall(text.lower())]
    return frozenset(hash(tuple(words[i : i + RUN])) for i in range(len(words) - RUN + 1))


def copies(development: Mapping[str, str], test: Mapping[str, str], *, same: float = SAME) -> list[tuple[str, str]]:
    """(development note, test note) pairs whose texts are nearly the same.

    >>> note = " ".join(f"word{chr(97 + i)}" for i in range(26))
    >>> copies({"a": note}, {"b": note + " more", "c": "Seen today."})
    [('a', 'b')]
    """
    known = {name: runs(text) for name, text in development.items()}
    where: dict[int, list[str]] = {}
    for name, own in known.items():
        for run in own:
            where.setdefault(run, []).append(name)
    found: list[tuple[str, str]] = []
    for name, text in test.items():
        own = runs(text)
        shared: dict[str, int] = {}
        for run in own:
            for other in where.get(run, ()):
                shared[other] = shared.get(other, 0) + 1
        found += [(other, name) for other, count in shared.items()
                  if len(own) >= FEWEST and count >= same * (len(own) + len(known[other]) - count)]  # fmt: skip
    return sorted(found)
