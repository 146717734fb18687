"""Hospitals by the word for what they are, in any case and over the end of a line: "harbour view infirmary", "Foxglove Rehab", "Kreisklinikum Moosach".

In        a text in ASCII, the same in lower case
Out       spans
Kept      what names no place: "at pain clinic", "to acute rehab", "the outside hospital"
Elsewhere hospitals written as names mostly are: `places.py`; offices and short forms: `facilities.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify.lexicon import Word, listed, meanings
from bedside.deidentify.spans import Span

_KIND = (
    r"(?:medical\s+cent(?:er|re)|hospital|infirmary|clinic|hospice|nursing\s+home|(?:skilled\s+)?nursing\s+facility|health\s+cent(?:er|re)|care\s+cent(?:er|re)|surgery\s+cent(?:er|re)|"
    r"rehab(?:ilitation)?(?:\s+cent(?:er|re))?|klinikum|spital|krankenhaus|sanatorium)(?![a-z])"
)
_KINDS = re.compile(_KIND)
_JOINED = re.compile(r"[a-z]{3,}(?:klinikum|spital|krankenhaus)(?:[ ][a-z]{3,}(?:-[a-z]+)?)?(?![a-z])|(?:klinikum|krankenhaus|h[o]pital|ospedale|clinique)[ ](?:(?:de|du|des|di|la|am|im)[ ]){0,2}[a-z]{3,}(?:-[a-z]+)*")
_BEFORE = re.compile(r"(?:\A|[\n:|>]|\b(?:at|of|from|to|via|with|the)(?=\s))\s*((?:(?:st\.|mt\.|ft\.|[a-z][a-z0-9'-]*)(?:[ \t]+|\n)){0,4}(?:st\.|mt\.|ft\.|[a-z][a-z0-9'-]*)(?:[ \t]+|\n))\Z")
_CUT = frozenset(["at", "from", "to", "via", "with", "in", "by", "for", "and", "or", "on", "seen", "was", "is", "her", "his", "their", "my", "a", "an", "near", "any", "facility:"])
_NO_NAME = frozenset(
    ["a", "an", "the", "this", "our", "your", "of", "general", "children's", "community", "regional", "local", "outside", "nearby", "primary", "another", "same", "other", "any", "every", "each", "all", "no", "va",
     "district", "university", "county", "state", "city", "skilled", "acute", "subacute", "inpatient", "outpatient", "home", "day", "walk-in", "follow-up", "free", "urgent", "sleep", "memory", "travel", "new",
     "mobile", "long-term", "private", "public", "teaching", "rural", "academic", "specialty", "pulmonary", "cardiac", "vestibular", "pelvic", "floor", "stroke", "neuro", "physical", "cancer", "heart", "women's",
     "men's", "mental", "behavioral", "veterans", "military", "referring", "receiving", "transferring", "admitting", "discharging", "tertiary", "large", "small", "in", "under", "facility", "center", "family",
     "residential", "field", "base", "post", "next", "last", "first", "second", "previous", "current", "patient's", "pt's", "chronic", "wound", "pain", "eye", "foot", "breast", "spine", "device", "lipid", "failure", "short", "term"]
)  # fmt: skip
_SPECIALITY = re.compile(r"(?:logy|logic|ics|ic|try|ology|tion|ive|ing|ary|gen|care|ed)\Z")
_FARTHEST = 80


def hospitals_in_any_case(text: str, lower: str) -> Iterator[Span]:
    """Hospitals of a text that is all in small letters or all in capitals."""
    for kind in _KINDS.finditer(lower):
        if not lower[kind.start() - 1 : kind.start()].isalpha():
            yield from hospital_before(text, lower, kind.start(), kind.end(), cased=False)
    for found in _JOINED.finditer(lower):
        yield Span(*found.span(), "HOSPITAL")


def kind_at(text: str, lower: str, start: int) -> Iterator[Span]:
    """The hospital whose kind is the capitalised word at `start`."""
    kind = _KINDS.match(lower, start)
    if kind is not None:
        yield from hospital_before(text, lower, start, kind.end(), cased=True)


def joined_at(text: str, lower: str, start: int) -> Iterator[Span]:
    """A hospital written as one word with its kind: "Kreisklinikum Moosach"."""
    found = _JOINED.match(lower, start)
    if found is not None:
        last = text.rfind(" ", start, found.end()) + 1
        if last <= 0 or text[last].isupper():
            yield Span(*found.span(), "HOSPITAL")
        elif lower[last - 3 : last - 1] in ("um", "al", "us"):
            yield Span(start, last - 1, "HOSPITAL")


def hospital_before(text: str, lower: str, start: int, end: int, *, cased: bool) -> Iterator[Span]:
    """The hospital whose kind stands from `start` to `end`, with the words before it that name it."""
    before = _BEFORE.search(lower, max(0, start - _FARTHEST), start)
    if before is None:
        return
    words = [(found.start(), found.end()) for found in re.finditer(r"\S+", lower[: before.end(1)][before.start(1) :])]
    begin = before.start(1)
    words = [(first + begin, last + begin) for first, last in words]
    cut = next((at + 1 for at in range(len(words) - 1, -1, -1) if lower[slice(*words[at])] in _CUT or (cased and text[words[at][0]].islower() and lower[slice(*words[at])] not in ("of", "the", "de", "for"))), 0)
    words = words[cut:]
    while words and lower[slice(*words[0])] in ("of", "for"):
        words.pop(0)
    if words and "\n" in text[words[0][0] : start] and (words[0][0] == 0 or text[words[0][0] - 1] == "\n"):
        return
    if words and any(_names(lower[slice(*word)]) for word in words):
        yield Span(words[0][0], end, "HOSPITAL")


def _names(word: str) -> bool:
    """Whether a word before a kind of hospital says which one."""
    bare = word.strip(".'")
    flags = meanings().get(bare, int(Word.UNKNOWN))
    return (
        bare not in _NO_NAME and bare not in listed("clinics") and bare not in listed("after_names") and not (flags & Word.CLINICAL and not flags & (Word.GIVEN | Word.FAMILY | Word.CITY))
        and not (flags & (Word.NOT_NAME | Word.LAND) and not flags & Word.FAMILY) and not (_SPECIALITY.search(bare) and not flags & (Word.GIVEN | Word.FAMILY | Word.CITY))
    )  # fmt: skip
