"""Towns behind the words that say where somebody is from or is seen, in capitals and small letters too.

In        a text in ASCII, and the same in lower case
Out       spans of towns: listed ones behind "in", "at", "from" in any case; a word of no list, or one that is a word besides (Reading,
          Normal), only where the words before it speak of a place to live, to be born or to work
Kept      states and countries; seasons, languages and departments ("in recovery", "from Surgery")
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from bedside.deidentify.addresses import is_land
from bedside.deidentify.lexicon import MONTHS, Word, is_eponym, listed, meanings, towns
from bedside.deidentify.spans import Span

_WORD = re.compile(r"[a-z][a-z]*(?:['-][a-z]+)*")
_MORE = re.compile(r"[a-z.'-]+(?:\s[a-z.'-]+){0,4}")
_PLACED = re.compile(
    r"(?:\b(?:born|geboren|geb\.|nee?|nacid[oa]|nat[oa])\b[^;|]{0,28}|\b(?:moved|relocated|emigrated|immigrated|flew|drove|travel(?:l)?ed)(?:\s(?:here|there|back|up|down|over))?|\b(?:lives|living|lived|live|resides|residing|resided|resident|"
    r"raised|grew up|native|based|works|worked|working|employed|retired|school|university|college|church|farm|factory|shop|store|office|bakery|restaurant|plant|mill|company|bank|hotel|prison|jail|"
    r"wohnhaft|wohnt|habite|vive|woont)(?:\s(?:alone|now|currently|out|here))?)\s*\Z"
)
_SEEN, _UNIT_AFTER = re.compile(r"\b(?:seen|evaluated|treated|hospitali[sz]ed|admitted|presented|assessed|visit)\s*\Z"), re.compile(r"\s(?:ed|er|a&e|emergency|clinic|hospital|urgent)\b")
_LATER = re.compile(r"\s(?:last|this|two|three|\d+)\s(?:years?|months?|weeks?|summer|winter|spring|fall)\b")
_NO_TOWN_AFTER = re.compile(r"(?:'s)?\s(?:trial|study|studies|arm|cohort|group|criteria|score|scale|protocol|therapy|syndrome|disease|test|position|mode|range|limits?|saline|salts?|units?)\b")
_PLAIN = Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND
_TURNS = (" in ", " from ", " near ", "ed to ")
_BACK = 48
_UNKNOWN, _MAY_BE = int(Word.UNKNOWN), int(Word.CITY | Word.UNKNOWN)
_PLAIN_NEXT = frozenset(["the", "his", "her", "a", "an", "all", "both", "this", "my", "our", "him", "them"])
_NAMES = frozenset(MONTHS) | frozenset(month[:3] for month in MONTHS)


def town_spans(text: str, lower: str) -> Iterator[Span]:
    """Towns behind "in", "from", "near" and "to"."""
    get, many = meanings().get, towns()
    flat = lower.replace("\n", " ")
    for turn in _TURNS:
        at = flat.find(turn)
        while at >= 0:
            start = at + len(turn)
            said = flat[start : flat.find(" ", start)]  # a word with a sign behind it is of no list, and is looked at more closely
            may_be = said not in _PLAIN_NEXT and (get(said, _UNKNOWN) & _MAY_BE or said in many)
            if may_be and (word := _WORD.match(lower, start)) and (end := _town_end(text, lower, start - len(turn.split()[-1]) - 2, start, word.end())):
                yield Span(start, end, "CITY")
            at = flat.find(turn, start - 1)


def _town_end(text: str, lower: str, at: int, start: int, end: int) -> int | None:
    """Where the town that begins at `start` ends, None when it is none; `at` is where the word before it begins."""
    said = lower[start:end]
    if said in towns() and (stop := _of_more_words(text, lower, start)) is not None:
        return stop
    flags = meanings().get(said, _UNKNOWN)
    if not flags & _MAY_BE or said in _NAMES or is_eponym(lower, end) or _NO_TOWN_AFTER.match(lower, end):
        return None
    if flags & Word.CITY and not flags & _PLAIN and not is_land(said):
        return end if lower[at + 1 : at + 3] in ("in", "fr") else None
    if len(said) < _SHORTEST or said in _NO_SINGLE or (flags & Word.CLINICAL and text[start].islower()) or is_land(said) or (flags == _UNKNOWN and _SPECIALITY.search(said)):
        return None
    near = lower[max(0, at - _BACK) : at]
    sure = _PLACED.search(near) or (_SEEN.search(near) and _UNIT_AFTER.match(lower, end)) or (lower[at + 1 : at + 5] == "from" and _LATER.match(lower, end))
    if not sure or (flags & Word.CITY and said in listed("clinical_words")):
        return None
    return end


_SHORTEST = 4
_SPECIALITY = re.compile(r"(?:logy|logic|ics|ic|try|tion|al|ed|ive|ing|ary|gen|care|unit|ward|room|doctor|triage|track)\Z")
# Towns in name that are hardly ever meant by the word.
_NO_SINGLE = frozenset(
    ["college", "section", "university", "center", "centre", "union", "hospital", "care", "home", "town", "village", "station", "beach", "park", "temple", "church", "commerce", "industry", "enterprise", "independence", "justice", "energy", "trust", "business", "media", "shelter", "poverty", "fear", "peace", "harmony", "comfort", "progress", "early", "late", "marine", "mission", "service", "bed", "pain", "sales", "plain", "point", "block", "force", "airport", "annex", "apex", "battlefield", "celebration", "central", "commonwealth", "confederation", "countryside", "defiance", "downtown", "drama", "erode", "homeland", "hurricane", "jingling", "lend", "marathon", "metropolis", "midway", "monument", "oasis", "opportunity", "parole", "plantation", "prospect", "republic", "reserve", "same", "seaside", "shaping", "split", "sunrise", "sunset", "superior", "tire", "uptown", "westerly", "halfway", "gateway", "parkway"]
)


def _of_more_words(text: str, lower: str, start: int) -> int | None:
    """The end of the longest listed town of several words that begins here."""
    found = _MORE.match(lower, start)
    words = re.split(r"\s", found.group()) if found else []
    listed_towns = towns()[words[0]] if words and words[0] in towns() else ()
    for count in range(len(words), 1, -1):
        said = " ".join(words[:count])
        town = said.rstrip(".'-")
        if (town in listed_towns or (count == _PAIR and town in _short_forms())) and not is_land(town) and not is_eponym(lower, start + len(town)):
            return start + len(town)
    return None


@lru_cache(maxsize=1)
def _short_forms() -> frozenset[str]:
    """What long towns are called for short: "Bad Homburg vor der Hohe" by its first two words."""
    return frozenset(found[1] for by_first in towns().values() for town in by_first if (found := _LONG_FORM.match(town)))


_PAIR = 2
_LONG_FORM = re.compile(r"(\S+ \S+) (?:vor|am|an|im|in|ob|bei|near|upon|sur|under)\b")
