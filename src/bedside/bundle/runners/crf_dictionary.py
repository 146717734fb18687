"""What a dictionary finds: phrases learned from training spans, looked up word for word; and short forms with their long form.

In        training spans' texts by kind; at run time the words of a sentence or a note
Out       `Phrases.find`: the longest known phrases; `short_forms`: "myotonic dystrophy (DM)" gives DM its long form
Source    short forms: Schwartz & Hearst, Pac Symp Biocomput 2003:451 (letters of the short form found right to left in the words before it).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from bedside.bundle.runners.crf_words import Word, words

_LONGEST_SHORT, _FEWEST = 10, 2
_STOPS = frozenset("().;:")


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Known phrases: the words in small letters joined by blanks, to their kind."""

    kinds: dict[str, str]
    longest: int

    @classmethod
    def learn(cls, spans: Iterable[tuple[str, str]], *, against: Iterable[str] = (), share: float = 0.5) -> Phrases:
        """The phrases of (text, kind) pairs, each with its commonest kind.

        against   texts that the spans were annotated in; a phrase that is annotated in fewer than `share` of its places is left out
        """
        counts: dict[str, dict[str, int]] = {}
        for text, kind in spans:
            own = counts.setdefault(normal(words(text)), {})
            own[kind] = own.get(kind, 0) + 1
        counts.pop("", None)
        kinds = {phrase: max(sorted(own), key=own.__getitem__) for phrase, own in counts.items()}
        whole = cls(kinds, max((phrase.count(" ") + 1 for phrase in kinds), default=0))
        seen: dict[str, int] = {}
        for note in map(words, against):
            for first, last, _ in whole.find(note):
                phrase = normal(note[first:last])
                seen[phrase] = seen.get(phrase, 0) + 1
        kept = {phrase: kind for phrase, kind in kinds.items() if sum(counts[phrase].values()) >= share * seen.get(phrase, 0)}
        return cls(kept, max((phrase.count(" ") + 1 for phrase in kept), default=0))

    def find(self, sentence: Sequence[Word]) -> list[tuple[int, int, str]]:
        """(first word, word after the last, kind) of the longest known phrases, from left to right.

        >>> Phrases({"heart failure": "problem"}, 2).find(words("No heart failure."))
        [(1, 3, 'problem')]
        """
        lower, found, at = [word.text.lower() for word in sentence], list[tuple[int, int, str]](), 0
        while at < len(lower):
            for length in range(min(self.longest, len(lower) - at), 0, -1):
                kind = self.kinds.get(" ".join(lower[at : at + length]))
                if kind is not None:
                    found.append((at, at + length, kind))
                    at += length
                    break
            else:
                at += 1
        return found


def normal(phrase: Iterable[Word]) -> str:
    """A phrase as the dictionary spells it."""
    return " ".join(word.text.lower() for word in phrase)


def short_forms(note: Sequence[Word]) -> dict[str, tuple[int, int]]:
    """Each short form in brackets whose letters the words before spell: its text, to the words (first, after last) of its long form.

    >>> text = words("von Hippel-Lindau disease (VHL) and myotonic dystrophy (DM)")
    >>> {short: normal(text[first:last]) for short, (first, last) in short_forms(text).items()}
    {'VHL': 'von hippel - lindau disease', 'DM': 'myotonic dystrophy'}
    """
    found: dict[str, tuple[int, int]] = {}
    for at in range(1, len(note) - 2):
        if note[at].text != "(":
            continue
        close = next((i for i in range(at + 1, min(at + 5, len(note))) if note[i].text == ")"), None)
        short = "".join(word.text for word in note[at + 1 : close]) if close else ""
        if not (_FEWEST <= len(short) <= _LONGEST_SHORT and any(letter.isupper() for letter in short)):
            continue
        letters = [letter.lower() for letter in short if letter.isalnum()]
        first = _initials(note, at, letters)
        first = _spelled(note, at, letters) if first is None else first
        if first is not None:
            found.setdefault(short, (first, at))
    return found


def _spelled(note: Sequence[Word], end: int, letters: list[str]) -> int | None:
    """Where the words before `end` begin that hold the letters in their order, the first one at a word's start."""
    left, at = len(letters) - 1, end - 1
    while at >= max(0, end - min(len(letters) + 5, 2 * len(letters))) and note[at].text not in _STOPS:
        text = note[at].text.lower()
        place = len(text) - 1
        while place >= 0 and left >= 0:
            if text[place] == letters[left] and (left > 0 or place == 0):
                left -= 1
            place -= 1
        if left < 0:
            return at
        at -= 1
    return None


def _initials(note: Sequence[Word], end: int, letters: list[str]) -> int | None:
    """Where as many words before `end` begin as there are letters, when these are their first letters, in any order (DM)."""
    before = [i for i in range(max(0, end - 2 * len(letters)), end) if note[i].text[0].isalpha()][-len(letters) :]
    return before[0] if before and sorted(note[i].text[0].lower() for i in before) == sorted(letters) else None
