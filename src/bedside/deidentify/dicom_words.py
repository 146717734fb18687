"""Descriptions in a header: what of them is known to tell of nobody stays, and the rest goes.

In        a text in which patterns and known identifiers have been replaced already
Out       the text with `[REMOVED]` where a word is in no list of words, or looks like a number of somebody
Strict    series, studies, protocols: every word that is in no list goes. Else (comments, narrative) only one that is written with a
          capital, in a script without capitals, or mixed of letters and digits; so misspelt words and drugs in lower case stay.
Source    DICOM PS3.15 E.3.5 note 2: to retain what is known to be useful and safe, and to discard all else
"""

from __future__ import annotations

import lzma
import re
from functools import lru_cache
from importlib.resources import files

import msgspec

from bedside.deidentify.lexicon import EPONYM_HEADS, everyday, people
from bedside.deidentify.spans import KINDS

REMOVED = "[REMOVED]"
_RUN = re.compile(rf"\[(?:{'|'.join(KINDS)})\]|[^\W_]+")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_EPONYM = re.compile(rf"(?:['’]s?)?\s+(?:{EPONYM_HEADS})\b")
_AGAIN = re.compile(r"\[REMOVED\](?:[\W_]*\[REMOVED\])+")
# A number with its name or unit, as in the names of sequences: b-value, times, angles, tube voltage, sizes and matrices.
_MEASURE = re.compile(
    r"(?:(?:b|te|tr|ti|fa|kv|p|t|fov|sl)\d{1,5}|\d{1,4}(?:mm|cm|ms|s|sec|hz|khz|kv|kvp|mas|ma|gy|mbq)|\d{1,4}(?:x\d{1,4}){1,2}(?:mm)?)\Z", re.IGNORECASE
)
_LONG_NUMBER, _LONG_MIXED, _SURE = 5, 3, 6


@lru_cache(maxsize=1)
def _listed() -> tuple[frozenset[str], frozenset[str]]:
    """Words of imaging, and words of English that are nobody's name."""
    folder = files("bedside.deidentify")
    listed = msgspec.toml.decode(folder.joinpath("dicom_words.toml").read_bytes())["words"]
    imaging = frozenset(word for words in listed.values() for word in words.split())
    english = lzma.decompress(folder.joinpath("words", "scowl_english.txt.xz").read_bytes()).decode().split()
    return imaging, (frozenset(english) | everyday()) - people()


def known(word: str) -> bool:
    """Whether a word is in a list of words that tell of nobody.

    >>> known("MPRAGE"), known("Sagittal"), known("Quillfeather"), known("Anderson")
    (True, True, False, False)
    """
    imaging, english = _listed()
    low = word.lower()
    return low in imaging or low in english


@lru_cache(maxsize=16384)
def cleaned(text: str, *, strict: bool) -> str:
    """The text without the words and numbers that could be somebody's.

    >>> cleaned("CT HEAD for ZQSERDESC, B1000 t1_mprage_sag_p2", strict=True)
    'CT HEAD for [REMOVED], B1000 t1_mprage_sag_p2'
    >>> cleaned("takes lisinopril for Parkinson disease, asks for Ottoline 4471X", strict=False)
    'takes lisinopril for Parkinson disease, asks for [REMOVED]'
    """
    parts, at = list[str](), 0
    for run in _RUN.finditer(text):
        if run.group()[0] != "[" and not _stays(run.group(), strict) and not _EPONYM.match(text, run.end()):
            parts += [text[at : run.start()], REMOVED]
            at = run.end()
    return _AGAIN.sub(REMOVED, "".join([*parts, text[at:]])) if parts else text


def without(text: str, own: frozenset[str]) -> str:
    """The text without words of a person's own, in whatever case: a header is no prose in which a capital tells a name.

    >>> without("ct of quillfeather, axial", frozenset({"quillfeather"}))
    'ct of [REMOVED], axial'
    """
    if not any(word in text.lower() for word in own):
        return text
    return _RUN.sub(lambda run: REMOVED if _holds(run.group(), own) else run.group(), text)


def _holds(run: str, own: frozenset[str]) -> bool:
    """Whether a run of letters is, or has within it, a word of the person's."""
    low = run.casefold()
    return not own.isdisjoint({low, *map(str.casefold, _PARTS.findall(run))}) or any(len(word) >= _SURE and word in low for word in own)


def is_number(text: str) -> bool:
    """Whether a code or a word looks like a number of somebody: five digits, four beside letters of no measure, or three beside letters of no word.

    >>> is_number("ZQ0487"), is_number("40012345"), is_number("B1000"), is_number("T1"), is_number("AXIAL")
    (True, True, False, False, False)
    """
    return any(_looks_numbered(run.group()) for run in _RUN.finditer(text))


def without_numbers(text: str) -> str:
    """The text without what looks like a number of somebody.

    >>> without_numbers("Discovery MR750w, order ORD4711523"), without_numbers("*ep_b1000#12")
    ('Discovery MR750w, order [REMOVED]', '*ep_b1000#12')
    """
    return _RUN.sub(lambda run: REMOVED if run.group()[0] != "[" and _looks_numbered(run.group()) else run.group(), text) if is_number(text) else text


def _looks_numbered(run: str) -> bool:
    digits = sum(map(str.isdigit, run))
    if digits == len(run) or digits < _LONG_MIXED:
        return digits >= _LONG_NUMBER
    if _MEASURE.match(run):
        return False
    letters = [part for part in _PARTS.findall(run) if not part[0].isdigit()]
    worded = [part for part in letters if len(part) > 1]
    return digits > _LONG_MIXED or not worded or not all(known(part) for part in worded)


def _stays(run: str, strict: bool) -> bool:
    if run.isdigit():
        return len(run) < _LONG_NUMBER
    if run.isalpha():
        return len(run) < 3 or known(run) or _joined(run) or (not strict and run.islower())
    if _looks_numbered(run):
        return False
    if _MEASURE.match(run):
        return True
    letters = [part for part in _PARTS.findall(run) if not part[0].isdigit()]
    return all(len(part) < 3 or known(part) for part in letters)


def _joined(word: str) -> bool:
    """Whether a word is several known ones, each with its capital: AxT, HeadNeck."""
    parts = _PARTS.findall(word)
    return len(parts) > 1 and all(len(part) == 1 or known(part) for part in parts)
