"""Which words of a text could be somebody's name, a place or a firm and are not yet found: only their sentences go to a model.

In        a text, and the stretches that the rules have found, in order
Out       `Open` words, and those of them that bear a name found elsewhere in the text
Closed    words that English or medicine has (`deidentify/lexicon.py`), abbreviations, drugs by their ending, doses, states and lands;
          two such words side by side are open where they may be given and family name (Mason Ward)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from bedside.codes.drugs import by_name
from bedside.deidentify.folding import fold
from bedside.deidentify.lexicon import Word, meanings
from bedside.deidentify.spans import Span

_CAPITALISED = re.compile(r"(?<![^\W_])[^\W\d_a-z][^\W\d_]*(?:['’.-]?[^\W\d_]+)*")
_ANY = re.compile(r"[^\W\d_]+(?:['’.-]?[^\W\d_]+)*")
_PARTS = re.compile(r"[^\W\d_]+")
_NO_NAME = int(Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND | Word.NOT_NAME)
_GIVEN, _FAMILY = int(Word.GIVEN | Word.GIVEN_WORLD), int(Word.FAMILY | Word.FAMILY_WORLD)
_LISTED = _GIVEN | _FAMILY | int(Word.CITY)
# Endings of drugs (WHO stems for international nonproprietary names) and of findings, procedures and specialities.
_CLINICAL_END = re.compile(
    r"(?:mab|nib|pril|sartan|olol|statin|azole|cillin|mycin|micin|floxacin|cycline|vir|gliptin|gliflozin|glutide|parin|xaban|gatran|setron|triptan|"
    r"dipine|prazole|tidine|caine|barbital|azepam|zolam|oxetine|thiazide|semide|dronate|steride|afil|platin|rubicin|taxel|fibrate|zosin|"
    r"emias?|aemias?|itis|oses|osis|otic|omas?|ectom(?:y|ies)|otom(?:y|ies)|ostom(?:y|ies)|oplast(?:y|ies)|scop(?:y|ies)|scopic|gram|grams|graphy|graphic|"
    r"path(?:y|ies)|pathic|algia|plegia|paresis|megaly|rrhea|rrhoea|uria|uric|emesis|trophy|trophic|pnea|pnoea|cardia|philia|penia|cytosis|"
    r"logy|logic|logical|logist|logists|iatry|iatric|iatrics|metry|therapy|vascular|cardial|pulmonary|intestinal|urinary|skeletal|neural|ocular|"
    r"tional|ously|ally|ingly|edly|ness|ments?|tions?|ary|tive|ated|ible|able|ular|eal|ical|rals?|inine|amine|isone|idine|ate|ase|ly|phalic)\Z"
)
_CONTRACTED = re.compile(r"['’](?:m|ll|ve|re|d|t)\Z")
_AT = re.compile(r"\b(?:at|from|(?:admitted|transferred|referred|transported|airlifted) to)(?:[ \t]+the)?[ \t]+\Z")
_SHORTEST, _LONGEST_ABBREVIATION = 3, 5


class Open(NamedTuple):
    """Characters `start` to `end`: a word with a capital that nothing has explained.

    kind   what it is whatever a model says: NAME where it bears a name found elsewhere or is a name and nothing else, CITY where it is
           a town and nothing else; empty where only the words around can tell
    """

    start: int
    end: int
    kind: str = ""


def open_words(text: str, found: Sequence[Span]) -> list[Open]:
    """The open words of a text, in order.

    >>> open_words("Okonkwo has Crohn disease, takes Xarelto, saw Mason Ward.", ())
    [Open(start=0, end=7, kind='NAME'), Open(start=46, end=51, kind=''), Open(start=52, end=56, kind='')]
    """
    bearers = _bearers(text, found)
    said = str.title if text.isupper() else str  # in a text all in capitals they tell no abbreviation
    words = [(match.start(), match.end(), meaning(said(match[0]))) for match in _uncovered(text, found)]
    return list(_given_in_small(words) if text.islower() else _open(text, words, bearers))


def meaning(word: str) -> int:
    """Flags of all that a word may be; of one with hyphens, those of the parts that are least a common word."""
    return _meaning(word)


def is_plain(word: str) -> bool:
    """Whether English or medicine has the word, or its form tells a drug, a finding or an abbreviation."""
    return bool(_meaning(word) & _NO_NAME)


def is_listed(word: str) -> bool:
    """Whether the word is in a list of names or towns, common word or not."""
    return bool(_meaning(word) & _LISTED)


@lru_cache(maxsize=65536)
def _meaning(word: str) -> int:
    if _CONTRACTED.search(word):
        return int(Word.PLAIN)
    bare = fold(re.sub(r"['’]s?\Z", "", word))
    if bare.lower() in closed():
        return int(Word.CLINICAL)
    parts = [_of_part(part) for part in _PARTS.findall(bare) if len(part) > 1]
    whole = min(parts, key=lambda flags: bool(flags & _NO_NAME), default=int(Word.PLAIN))
    short = bare.isupper() and len(bare) <= _LONGEST_ABBREVIATION and not whole & (_GIVEN | int(Word.FAMILY))
    mixed = sum(map(str.isupper, bare)) > 1 and not bare.isupper() and not re.match(r"(?:Mc|Mac|O['’]|D['’]|De|Di|La|Le|Van)[A-Z]", bare) and "-" not in bare
    return whole | (int(Word.NOT_NAME) if short or mixed or len(bare) < _SHORTEST else 0)


def _of_part(said: str) -> int:
    part = said.lower()
    flags = meanings().get(part, 0) | (int(Word.CLINICAL) if part in closed() else 0)
    if not flags and part.endswith("s"):
        flags = meanings().get(part[:-1], 0) & _NO_NAME
    return flags | (int(Word.CLINICAL) if not flags & _LISTED and _CLINICAL_END.search(part) else 0)


@lru_cache(maxsize=1)
def closed() -> frozenset[str]:
    """The words of data/ner_closed.txt, and drugs with a hyphen."""
    lines = files("bedside.pillars.text").joinpath("data", "ner_closed.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split()) | {name for name in by_name() if "-" in name}


def _bearers(text: str, found: Sequence[Span]) -> frozenset[str]:
    """The single words of names found, which name the same person when they stand alone."""
    names = (text[span.start : span.end] for span in found if span.kind == "NAME")
    return frozenset(word.casefold() for name in names for word in _PARTS.findall(name) if len(word) >= _SHORTEST and not is_plain(word))


def _uncovered(text: str, found: Sequence[Span]) -> Iterator[re.Match[str]]:
    """Capitalised words that lie in no span; every word of a text without capitals."""
    at, small = 0, text.islower()
    pattern = _ANY if small else _CAPITALISED
    for span in (*found, Span(len(text), len(text), "")):
        for match in pattern.finditer(text, at, span.start):
            if small or match[0][0].isupper():
                yield match
        at = max(at, span.end)


def _open(text: str, words: Sequence[tuple[int, int, int]], bearers: frozenset[str]) -> Iterator[Open]:
    for at, (start, end, flags) in enumerate(words):
        if not flags & _NO_NAME:
            named = not bearers.isdisjoint(part.casefold() for part in _PARTS.findall(text[start:end]))
            yield Open(start, end, "NAME" if named or flags & (_GIVEN | _FAMILY) else "CITY" if flags & _LISTED else "")
        elif _beside(text, words, at) or _place_in_letters(text, start, end):
            yield Open(start, end)


def _given_in_small(words: Sequence[tuple[int, int, int]]) -> Iterator[Open]:
    """Of a text without capitals the words that are given names and nothing else."""
    return (Open(start, end, "NAME") for start, end, flags in words if flags & _GIVEN and not flags & _NO_NAME)


def _place_in_letters(text: str, start: int, end: int) -> bool:
    """Whether a word of no list stands in capitals where a place would: "at UWMC"."""
    word = text[start:end]
    return len(word) >= _SHORTEST and word.isupper() and not meanings().get(word.lower(), 0) and _AT.search(text, max(0, start - 24), start) is not None


def _beside(text: str, words: Sequence[tuple[int, int, int]], at: int) -> bool:
    """Whether a common word and its neighbour may be given and family name."""
    start, end, flags = words[at]
    before = words[at - 1] if at and text[words[at - 1][1] : start].strip(" \t") in ("", ",") else None
    after = words[at + 1] if at + 1 < len(words) and text[end : words[at + 1][0]].strip(" \t") in ("", ",") else None
    return bool((before and before[2] & _GIVEN and flags & _FAMILY) or (after and flags & _GIVEN and after[2] & _FAMILY))
