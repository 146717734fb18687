"""Addresses by what stands around them: the words that say that somebody lives there, and the state or the postal code behind them.

In        a text in lower case, so that capitals and small letters are read alike
Out       spans of streets, boxes and the towns behind them
Kept      rooms and beds of a hospital, distances and hours ("a 2 hour drive")
Elsewhere streets by their own form, and zip codes: `places.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bedside.deidentify.lexicon import Word, listed, meanings, towns
from bedside.deidentify.spans import Span

_STATES = "|".join(sorted(state.lower() for state in listed("states")))
_TWO_WORDS = ("new york", "new jersey", "new mexico", "new hampshire", "north carolina", "north dakota", "south carolina", "south dakota", "west virginia", "rhode island", "puerto rico")
_LANDS = ("usa", "america", "canada", "mexico", "europe", "asia", "africa")
STATE = rf"(?:{_STATES}|{'|'.join(name.replace(' ', '[ ]') for name in (*_TWO_WORDS, *sorted(listed('state_names').difference(_LANDS))))})"
_PROVINCES = "ab|bc|mb|nb|nl|ns|nt|nu|on|pe|qc|sk|yt"
STATE_BEFORE = re.compile(rf"(?<![a-z])({STATE})\.?,?\s+\Z")
_UNIT = r"(?:,?\s+(?:apt|apartment|suite|ste|unit|flat|bldg|building|#)\.?\s*#?\w{1,6}(?!\w))?"
_LAST_WORDS = frozenset(name.split(" ")[-1] for name in (*_STATES.split("|"), *_TWO_WORDS, *listed("state_names").difference(_LANDS)))
_FLAT = r"(?:(?:flat|apt\.?|apartment|unit|suite)\s*#?\w{1,5},?\s+)?"
_NUMBER = r"\d{1,6}(?:\s?[-/]\s?\d{1,4})?(?:-?[a-z](?!\w))?(?!\w|[.,]\d)"
_BOX = r"(?:(?:rr|rural\s+route|hc|star\s+route)\s*#?\d{1,4},?\s+box\s+#?\d{1,6}[a-z]?|(?:p\.?\s?o\.?\s?box|postfach|apartado|boite\s+postale)\s+#?\d{1,6})"
_NAMED = r"(?:\d{1,3}(?:st|nd|rd|th)|(?:blvd|ave|pkwy|hwy|[a-z])\.(?=[,\s])|[a-z][a-z0-9'-]*)"
_FIRST = rf"{_FLAT}{_NUMBER},?\s+{_NAMED}(?:\s+(?:{_NAMED}|\d{{1,4}}[a-z]?)){{0,5}}?{_UNIT}"
_LAST = r"[a-z][a-z'.-]*(?:\s+[a-z][a-z'.-]*){0,4}\s+\d{1,5}\s?[a-z]?"
_TOWN = r"[a-z][a-z'.-]{0,40}(?:\s+[a-z][a-z'.-]{0,40}){0,3}"
_SAID = re.compile(
    rf"[\s:=]*(?:in\s+|at\s+|is\s+|den\s+|au\s+|en\s+)?(?:the\s+)?(?P<street>{_BOX}|{_FIRST}(?=\s*(?:[,;|<]|\n|\Z|(?:(?<=[a-z]{{3}})|(?<=\d)|(?<=\s(?:rd|dr|ln|ct))|(?<=\sst))\.(?:[\s|<]|\Z)|\s(?:with|and|in|since|by|where|but|who|alone)\b))|{_LAST}(?!\w))"
)
_TOWN_AFTER = re.compile(rf"\.?,\s*(?P<town>{_TOWN}?)(?=,?\s+(?:{STATE})\b\.?,?\s+\d{{5}}|,\s*(?:{STATE})\b|,?\s+(?:{_PROVINCES})\s+[a-z]\d[a-z]|\s+[a-z]{{1,2}}\d[a-z\d]?\s\d[a-z]{{2}}|\s*(?:[.|<\n]|\Z))")
_NO_STREET = frozenset(
    ["home", "age", "ages", "level", "least", "times", "most", "room", "ward", "bed", "night", "risk", "day", "days", "week", "weeks", "month", "months", "year", "years", "hour", "hours", "hr", "hrs", "minute", "minutes", "min", "mins", "mile", "miles", "block", "blocks", "acre", "acres", "meals", "dollars", "km", "cm", "mm", "mg", "ml", "pm", "am", "yo", "y", "people", "persons", "children", "kids", "dogs", "cats", "patients", "siblings", "other", "different", "of", "to", "per"]
)
# What says that an address follows, by the letters that a text is asked for first.
_CUES = {
    stem: re.compile(stem + rest)
    for stem, rest in {
        "live": r"[sd]?\s+at", "living ": "at", "resid": r"(?:es?\s+(?:at|on)|(?:ing|ed)\s+(?:at|on)|ence:|ente\s+(?:in|en)|ing)",
        "wohnhaft": "", "anschrift": r"\s?:", "adres": r"(?:se)?\s?:", "habite": "", "demeurant": "", "domicili": "(?:o|ad[oa]|e|ata|ato)?", "direcci": "on:", "vive en": "", "woon": "(?:t|achtig)",
        "indirizzo": r"\s?:",
    }.items()
}  # fmt: skip
_ENGLISH = {stem: cue for stem, cue in _CUES.items() if stem in ("live", "living ", "resid", "wohnhaft")}
_ENGLISH_REACH = 600
_TOWN_ALONE = re.compile(_TOWN)
_TOWN_BEGINS = re.compile(r"[,;:|>\n]\s*|\b(?:in|at|of|from|to|near)\s+")
_STREET = re.compile(rf"{_BOX}|{_FIRST}|{_LAST}")
_BEGINS = re.compile(r"[,;:|>\n]\s*|\b(?:at|wohnhaft|is)\s+")
_LAST_BEGINNINGS = 3
_AFTER_CODE = re.compile(rf"\s+({_TOWN}?)(?=\s*(?:[,;|<\n]|\.(?:\s|\Z)|\Z))", re.IGNORECASE)
_CASED_TOWN = re.compile(r"\s+([A-Z][A-Za-z'.]+(?:[ \n-](?:(?:or|of|upon|on|am|an|der|sur|le|la|les|super|in|de|del)[ \n-])?[A-Z][A-Za-z']+){0,3})")
_NO_TOWN = frozenset(["pt", "patient", "the", "a", "an", "and", "or", "with", "he", "she", "they", "was", "is", "were", "has", "had", "seen", "on", "for", "no", "not", "history", "years", "year", "old", "mg", "ml", "by", "who", "his", "her", "their", "resident", "lives", "living", "resides"])
_REACH, _TOWN_REACH = 100, 48


def state_before(lower: str, end: int) -> re.Match[str] | None:
    """The state, in letters or in full, that stands before `end`."""
    stop = end - 1
    while stop > 0 and lower[stop - 1] in " ,.\n":
        stop -= 1
    word = max(lower.rfind(" ", 0, stop), lower.rfind("\n", 0, stop), lower.rfind(",", 0, stop)) + 1 if lower[end - 1 : end].isspace() else stop
    return STATE_BEFORE.search(lower, max(0, end - 20), end) if lower[word:stop] in _LAST_WORDS else None


def address_spans_of(lower: str) -> Iterator[Span]:
    """Streets behind words such as "lives at" and "Address:", with the towns behind them."""
    cues = _CUES if " the " not in lower[:_ENGLISH_REACH] else _ENGLISH  # the other languages are asked for only in a text that is not English
    for stem, cue in cues.items():
        at = lower.find(stem)
        while at >= 0:
            said = cue.match(lower, at)
            found = _SAID.match(lower, said.end()) if said else None
            if found and _is_street(found["street"]):
                yield Span(*found.span("street"), "ADDRESS")
                if town := _TOWN_AFTER.match(lower, found.end("street")):
                    yield from _as_town(lower, town.start("town"), town.end("town"))
            at = lower.find(stem, at + 1)


def _is_street(said: str) -> bool:
    words = [word.strip(".,") for word in said.split()]
    if words[0][:1].isdigit():
        return len(words) > 1 and words[1] not in _NO_STREET
    return not _NO_STREET.intersection(words[:2])


def _as_town(lower: str, start: int, end: int) -> Iterator[Span]:
    words = lower[start:end].split()
    said = " ".join(words)
    if words and (said in towns().get(words[0], ()) or not _NO_TOWN.intersection(words)) and not is_land(said):
        yield Span(start, end, "CITY")


def is_land(said: str) -> bool:
    """Whether it is a state or a country, which stays."""
    return said in listed("state_names") or said in _TWO_WORDS or said in listed("countries")


def before_code(lower: str, end: int) -> Iterator[Span]:
    """The town, and the street before it, that end at `end`: where a state with its zip code, or a postal code, begins."""
    stop = len(lower[max(0, end - _TOWN_REACH) : end].rstrip(" ,\n\t")) + max(0, end - _TOWN_REACH)
    if stop == end:
        return
    for begin in _TOWN_BEGINS.finditer(lower, max(0, stop - _TOWN_REACH), stop):
        if (town := _TOWN_ALONE.fullmatch(lower, begin.end(), stop)) and (found := list(_as_town(lower, *town.span()))):
            yield from found
            yield from street_before(lower, town.start())
            return


def street_before(lower: str, end: int) -> Iterator[Span]:
    """The street before a comma and a town or a code that begins at `end`."""
    stop = end
    while stop and lower[stop - 1].isspace():
        stop -= 1
    if lower[stop - 1 : stop] != ",":
        return
    stop -= 1
    floor = max(0, end - _REACH)
    begins = [0] * (not floor) + [sign.end() for sign in _BEGINS.finditer(lower, floor, stop)]
    for start in begins[-_LAST_BEGINNINGS:]:
        if (found := _STREET.fullmatch(lower, start, stop - (lower[stop - 1] == "."))) and _is_street(found.group()):
            yield Span(*found.span(), "ADDRESS")
            return


def after_code(text: str, lower: str, start: int, end: int) -> Iterator[Span]:
    """The five digits with the town behind them ("79220 La Crosse"), where a street stands before them or the town is listed."""
    found = (_CASED_TOWN if text[end + 1 : end + 2].isupper() and text[end + 2 : end + 3].islower() else _AFTER_CODE).match(text, end)
    if found is None:
        return
    streets, line = list(street_before(lower, start)), lower[found.start(1) : found.end(1)]
    if not _is_listed(line):
        line = line.partition("\n")[0]
    known = _is_listed(line)
    if known or (streets and not _NO_TOWN.intersection(line.split())):
        yield from streets
        yield Span(start, found.start(1) + len(line), "ZIP")


def _is_listed(said: str) -> bool:
    """Whether it is a town of the list and no other word."""
    words = said.split()
    flags = meanings().get(said, 0)
    return " ".join(words) in towns().get(words[0], ()) or bool(flags & Word.CITY and not flags & (Word.PLAIN | Word.ENGLISH | Word.CLINICAL))
