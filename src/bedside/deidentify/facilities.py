"""Hospitals, offices and towns that only what stands around them gives away.

In        a text in ASCII, and where a capitalised word stands in it
Out       spans
Kept      departments and specialities ("the Pain clinic", "our Hepatology office"), units of a ward (ICU, PACU), states
Elsewhere places by list and by a word such as Hospital: `places.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify.lexicon import Word, everyday, is_eponym, listed, meanings
from bedside.deidentify.places import NOT_NAMES, address_after
from bedside.deidentify.spans import Span

_CAP = r"(?=[A-Z][A-Z.'’]{0,20}[a-z])[A-Z][A-Za-z0-9_'.]{1,30}(?:-[A-Z][A-Za-z0-9_']{1,30})?"
_SHORT = re.compile(
    rf"\b(?:at|to|from|in)\s+(?:the\s+)?((?:[A-Z]{{2,5}}|{_CAP})(?:\s+{_CAP}){{0,2}}?\s+(?:Med(?:\.?\s+C(?:ntr|tr|enter)\b\.?)?|Hosp\b\.?))(?!\w)"
)
_GENERAL = re.compile(r"\b(?:at|to|from)\s+((?:General|City|County|Community|Memorial|University|Regional)\s+Hosp(?:ital)?\b\.?)")
_LETTERS_BEFORE = re.compile(
    r"\b(?:(?:seen|treated|followed|evaluated|operated|hospitali[sz]ed|admitted)\s+at|(?:admitted|transferred)\s+(?:to|from))\s+\Z"
)
_LETTERS = re.compile(r"([A-Z]{4,6})(?![A-Za-z0-9_-])")
_UNIT = re.compile(r"[A-Z]*(?:CU|DU|TU|VRU|MTU)\Z|(?:OPAT|ASAP|TELE|LTACH?|SURG|PSYCH|OBGYN|MEDS?|PCMH|STEP|SNFS?)\Z")
_OFFICE_BEFORE = re.compile(rf"\b(?:our|their|in|at|(?:at|in|to|from)\s+the)\s+({_CAP}(?:[ \t]+{_CAP}){{0,2}})\Z")
_OFFICE = re.compile(r"(?:office|clinic|facility|campus|branch|hospital)\b")
_SPECIALITY = re.compile(r"(?:logy|logic|ics|ic|try|tion|al|ed|ive|ing|ary|us|gen)\Z")
_HOME = re.compile(rf"({_CAP}(?:[ \t]+{_CAP}){{0,2}})(?!\w)")
_JOINED = re.compile(
    r"([A-Z][A-Za-z]{0,30}-(?:Presbyterian|Sinai|Methodist|Lutheran|Adventist)|(?!MediCare|TriCare|EpiCare)[A-Z][a-z]{1,30}(?:Care|Health|Med))(?!\w)"
)
_STREET = re.compile(
    r"\b(?:on|from|at|near|of)\s+((?:\d{1,3}(?:st|nd|rd|th)|[A-Z][a-z]+)\s+(?:Street|Avenue|Road|Boulevard|Lane|Parkway|avenue|street))\b"
)
_AT = re.compile(r"([A-Z][a-z][A-Za-z0-9_'-]{0,40}(?:[ \t]+(?:(?:of|and|&)[ \t]+)?[A-Z][A-Za-z0-9_'-]{1,40}){0,4})")
_LIVES_VERBS = frozenset(
    ["live", "lives", "living", "lived", "reside", "resides", "residing", "resident", "resided", "born", "moved", "relocated", "traveled", "travelled", "flew", "visiting", "raised", "up", "based", "work", "works", "working", "employed", "native", "drove", "came", "arrived", "returned", "transferred", "outside", "near"]
)
_LEADS = frozenset(["visiting", "outside", "near", "around"])
_MOVED = frozenset(["came", "arrived", "returned", "transferred", "drove", "moved", "works", "work", "working"])
_WHERE = frozenset(["in", "at", "of", "to", "from", "near", "outside", "around", "by"])
_LIVES = re.compile(r"((?:(?:St|Ft|Mt)\.[ \t]+)?[A-Z][a-z][A-Za-z0-9_'-]{0,40}(?:[ \t]+[A-Z][a-z][A-Za-z0-9_'-]{1,40}){0,2})")
_AFTER_AT = (" at ", "@ ", " at the ", "\nat ", "\nat the ")
_REACH, _BACK = 100, 32


def facility_at(text: str, start: int) -> Iterator[Span]:
    """A hospital by its short form ("Brookhollow Med Cntr"), or by its joined one (BrookCare)."""
    if text.startswith("Hosp", start) or (text.startswith("Med", start) and text[start + 3 : start + 4] in ("", " ", ".", ",", "\n")):
        for pattern, is_wanted in ((_SHORT, _begins_rare), (_GENERAL, bool)):
            for found in pattern.finditer(text, max(0, start - _REACH), min(len(text), start + 24)):
                if is_wanted(found[1]):
                    yield Span(*found.span(1), "HOSPITAL")
    if found := _JOINED.match(text, start):  # type: ignore[assignment]
        yield Span(*found.span(1), "HOSPITAL")


def home_at(text: str, start: int) -> Iterator[Span]:
    """The street that ends with the word at `start`: "on Ashgrove Avenue"."""
    for found in _STREET.finditer(text, max(0, start - 60), min(len(text), start + 12)):
        if _begins_rare(found[1]):
            yield Span(*found.span(1), "ADDRESS")


def after_at(text: str, lower: str, start: int, *, letters: bool = False) -> Iterator[Span]:
    """What stands behind "at": a hospital, unless it is a word of everyday.

    letters   only four to six capitals behind "admitted to" and the like
    """
    found = _LETTERS.match(text, start) if text[start + 1].isupper() else None
    if found and _LETTERS_BEFORE.search(lower, max(0, start - _BACK), start) and _is_no_unit(found[1]):
        yield Span(*found.span(1), "HOSPITAL")
    if letters or not lower.endswith(_AFTER_AT, 0, start) or not (found := _AT.match(text, start)):
        return
    words = found[1].lower().split()
    plain = NOT_NAMES if len(words) > 1 else everyday()
    if words[0].strip(".'’") not in plain and words[0] not in listed("state_names") and not is_eponym(lower, found.end()):
        yield Span(*found.span(1), "HOSPITAL")


def after_from(text: str, lower: str, start: int, *, towns: bool) -> Iterator[Span]:
    """The town behind "lives in", "moved to", or behind a name in its short form: "Julia K. from Brookhollow"."""
    if not towns:
        return
    before = lower[max(0, start - _BACK) : start].split()[-2:]
    if before and (before[-1] in _LEADS or (before[-1] in _WHERE and before[0] in _LIVES_VERBS)) and (found := _LIVES.match(text, start)):
        first = found[1].split()[0].lower()
        if meanings().get(first, 0) & Word.ENGLISH and _MOVED.intersection(before):
            return
        if first not in everyday() and first not in listed("state_names") and first not in listed("countries"):
            yield Span(*found.span(1), "CITY")
    elif text.endswith(". from ", 0, start) and text[start - 8 : start - 7].isupper() and (found := _HOME.match(text, start)) and _is_town(found[1]):
        yield Span(*found.span(1), "CITY")


def office_spans(text: str, lower: str) -> Iterator[Span]:
    """Towns before a small word for a place of work ("our Brookhollow office"), and what stands behind "address:" in small letters."""
    for label in ("address:", "residence:", "addr:"):
        at = lower.find(label)
        while at >= 0:
            if text[at].islower():
                yield from address_after(text, at)
            at = lower.find(label, at + 1)
    for word in (" office", " clinic", " facility", " campus", " branch", " hospital"):
        at = lower.find(word)
        while at >= 0:
            if text[at + 1].islower() and _OFFICE.match(lower, at + 1):
                before = _OFFICE_BEFORE.search(text, max(0, at - _REACH), at)
                if before and _is_town(before[1]):
                    yield Span(*before.span(1), "CITY")
            at = lower.find(word, at + 1)


def _begins_rare(said: str) -> bool:
    return not _is_plain(said.split()[0])


def _is_no_unit(letters: str) -> bool:
    return _UNIT.match(letters) is None and not _is_plain(letters)


def _is_town(said: str) -> bool:
    """Whether no word of it is an everyday one, a speciality, what a clinic treats, or a state."""
    words = [re.sub(r"['’]s?\Z", "", word.strip(".")) for word in said.split()]
    return said.lower() not in listed("state_names") and not any(
        _is_plain(word) or word.lower() in listed("clinics") or _SPECIALITY.search(word) for word in words
    )


def _is_plain(word: str) -> bool:
    return word.strip(".'’").lower() in everyday()
