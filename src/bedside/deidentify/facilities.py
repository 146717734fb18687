"""Hospitals, offices and towns that only what stands around them gives away.

In        any text with a capital letter
Out       spans
Kept      departments and specialities ("the Pain clinic", "our Hepatology office"), units of a ward (ICU, PACU), states
Elsewhere places by list and by a word such as Hospital: `patterns.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bedside.deidentify.lexicon import everyday, listed
from bedside.deidentify.spans import Span

_CAP = r"(?=[A-Z][A-Z.'’]{0,20}[a-z])[A-Z][\w'’.]{1,30}(?:-[A-Z][\w'’]{1,30})?"
_SHORT = re.compile(
    rf"\b(?:at|to|from|in)\s+(?:the\s+)?((?:[A-Z]{{2,5}}|{_CAP})(?:\s+{_CAP}){{0,2}}?\s+(?:Med(?:\.?\s+C(?:ntr|tr|enter)\b\.?)?|Hosp\b\.?))(?!\w)"
)
_GENERAL = re.compile(r"\b(?:at|to|from)\s+((?:General|City|County|Community|Memorial|University|Regional)\s+Hosp(?:ital)?\b\.?)")
_LETTERS = re.compile(
    r"\b(?:(?:seen|treated|followed|evaluated|operated|hospitali[sz]ed|admitted)\s+at|(?:admitted|transferred)\s+(?:to|from))\s+([A-Z]{4,6})(?![\w-])"
)
_UNIT = re.compile(r"[A-Z]*(?:CU|DU|TU|VRU|MTU)\Z|(?:OPAT|ASAP|TELE|LTACH?|SURG|PSYCH|OBGYN|MEDS?|PCMH|STEP|SNFS?)\Z")
_OFFICE = re.compile(
    rf"\b(?:our|their|in|at|(?:at|in|to|from)\s+the)\s+({_CAP}(?:[ \t]+{_CAP}){{0,2}})\s+(?:office|clinic|facility|campus|branch|hospital)\b"
)
_SPECIALITY = re.compile(r"(?:logy|logic|ics|ic|try|tion|al|ed|ive|ing|ary|us|gen)\Z")
_HOME = re.compile(rf"\b[A-Z]\.\s+from\s+({_CAP}(?:[ \t]+{_CAP}){{0,2}})(?!\w)")
_JOINED = re.compile(
    r"\b([A-Z][A-Za-z]{0,30}-(?:Presbyterian|Sinai|Methodist|Lutheran|Adventist)|(?!MediCare|TriCare|EpiCare)[A-Z][a-z]{1,30}(?:Care|Health|Med))(?!\w)"
)
_STREET = re.compile(
    r"\b(?:on|from|at|near|of)\s+((?:\d{1,3}(?:st|nd|rd|th)|[A-Z][a-z]+)\s+(?:Street|Avenue|Road|Boulevard|Lane|Parkway|avenue|street))\b"
)
_SIGN_OF_JOINED = re.compile(r"-[PSMLA]|[a-z](?:Care|Health|Med)\b")
_SIGN_OF_STREET = re.compile(r"[Ss]treet|[Aa]venue|Road|Boulevard|Lane|Parkway")


def facilities(text: str, *, city: bool) -> Iterator[Span]:
    """What stands where a hospital or a street is told, and an office or home town unless the policy lets those stand (`city`)."""
    if text.islower() or text.isupper():
        return
    for pattern, kind, is_wanted in _patterns(text, city):
        for found in pattern.finditer(text):
            if is_wanted(found[1]):
                yield Span(found.start(1), found.end(1), kind)


def _patterns(text: str, city: bool) -> Iterator[tuple[re.Pattern[str], str, Callable[[str], bool]]]:
    """The patterns whose sign the text holds, what they find, and which of it counts."""
    if "Med" in text or "Hosp" in text:
        yield _SHORT, "HOSPITAL", _begins_rare
        yield _GENERAL, "HOSPITAL", bool
    if _SIGN_OF_JOINED.search(text):
        yield _JOINED, "HOSPITAL", bool
    yield _LETTERS, "HOSPITAL", _is_no_unit
    if _SIGN_OF_STREET.search(text):
        yield _STREET, "ADDRESS", _begins_rare
    if not city:
        yield _OFFICE, "CITY", _is_town
        if " from " in text:
            yield _HOME, "CITY", _is_town


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
