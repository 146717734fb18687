"""Ages above the cap that are written in words.

In        a text in small letters
Out       spans of the words that say the age
Source    45 CFR 164.514(b)(2)(i)(C): ages over 89
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify.spans import Span

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_STEMS = ("ninet", "hundred", "enarian")
_NINETY = re.compile(rf"\bninety(?:[\s-]*({'|'.join(_ONES)}))?(?=[\s-]*(?:years?|yrs?|y\.?/?o)\b)|\b(?:in|into)\s+(?:his|her|their)\s+(?:early\s+|mid[\s-]+|late\s+)?(nineties)\b")
_AGED = re.compile(rf"\b(?:aged?|turned|turning)\s+(?:of\s+)?((?:ninety(?:[\s-]*(?:{'|'.join(_ONES)}))?)|(?:a|one)\s+hundred(?:\s+(?:and\s+)?(?:{'|'.join(_ONES)}))?)\b")
_HUNDRED = re.compile(rf"\b((?:a|one)[\s-]+hundred(?:[\s-]+(?:and[\s-]+)?(?:{'|'.join(_ONES)}))?)(?=[\s-]*(?:years?|yrs?|y\.?/?o)\b[\s-]*(?:old|of age)?)")
_NOUN = re.compile(r"\b(super)?(nonagenarian|centenarian)s?\b")
_NINETIETH = re.compile(r"\b(ninetieth|ninety-(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth))(?=\s+birthday|\s+year)")
_TOP = 90


def spelled_ages(lower: str, cap: int) -> Iterator[Span]:
    """Ages of ninety and more in words, where they are above the cap.

    >>> list(spelled_ages("a ninety-three-year-old woman", 89))
    [Span(start=2, end=14, kind='AGE')]
    """
    if cap >= _TOP or not any(stem in lower for stem in _STEMS):
        return
    for pattern in (_NINETY, _AGED, _HUNDRED, _NOUN, _NINETIETH):
        for found in pattern.finditer(lower):
            group = found.lastindex if pattern in (_AGED, _HUNDRED, _NINETIETH) or (pattern is _NINETY and found[2]) else 0
            yield Span(*found.span(group or 0), "AGE")
