"""What the structure knows of a person, searched for in text: names in any order and case, short forms and initials, with or
without their marks; numbers with any separators, phones in any grouping and in part; streets however they are shortened.

In        `KnownIdentifiers` of the text's subject, and those of the hospital's staff
Out       spans
Elsewhere names: `known_names.py`; numbers: `known_numbers.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

from bedside.deidentify.folding import fold, folded
from bedside.deidentify.known_names import NameFinder
from bedside.deidentify.known_numbers import NumberFinder
from bedside.deidentify.lexicon import Word, meanings
from bedside.deidentify.patients import KnownIdentifiers, words
from bedside.deidentify.spans import Runs, Span, runs_of_digits

_FEWEST_DIGITS, _SHORTEST_LOCAL, _FEW = 3, 5, 32
_CHUNK = re.compile(r"[^\W_]+")
_UNIT = re.compile(r"(?:,?\s+(?:apt|apartment|suite|ste|unit|floor|fl|flat|room|rm|#)\.?\s*#?\w+)?", re.IGNORECASE)
_SHORT = {
    "street": "st", "avenue": "ave", "av": "ave", "road": "rd", "boulevard": "blvd", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl", "terrace": "ter",
    "circle": "cir", "parkway": "pkwy", "square": "sq", "highway": "hwy", "trail": "trl", "apartment": "apt", "suite": "ste", "north": "n", "south": "s", "east": "e",
    "west": "w", "mount": "mt", "saint": "st", "fort": "ft", "courts": "ct", "heights": "hts", "center": "ctr", "point": "pt", "ridge": "rdg", "crossing": "xing",
    "expressway": "expy", "freeway": "fwy", "junction": "jct", "mountain": "mtn", "springs": "spgs", "station": "sta", "valley": "vly", "village": "vlg", "way": "wy",
}  # fmt: skip
_WINDOW = 80


class Finder:
    """Finds one person's identifiers. Made once a person.

    city     cities and zip codes may stand
    many     the identifiers are of many people (a hospital's staff): a given name alone is of none of them in particular
    """

    def __init__(self, known: KnownIdentifiers, *, city: bool = False, many: bool = False) -> None:
        self._names, self._numbers = NameFinder(known.names, many=many), NumberFinder(known, city=city)
        self._emails = sorted({fold(value).lower() for value in known.emails})
        self._emails += sorted({local for value in self._emails if _tells(local := value.partition("@")[0])})
        self._streets = [numbered for value in sorted(known.streets) if len(numbered := _street(value)) > 1]
        self._cities = [] if city else sorted({" ".join(_CHUNK.findall(fold(value).lower())) for value in known.cities} - {""})
        self._whole = [*known.emails, *known.streets, *(() if city else known.cities)]

    @cached_property
    def _literal(self) -> list[frozenset[str]]:
        """The words of each address and town."""
        return [tokens for value in sorted(self._whole) if (tokens := frozenset(words(value)))]

    def find(self, text: str, found: Sequence[Span] = ()) -> Iterator[Span]:
        """Every identifier of the person in the text, whatever else was found."""
        plain = folded(text)
        for start, end, kind in self.spans(plain.text):
            yield Span(*plain.span(start, end), kind)

    def spans(self, text: str, lower: str | None = None, runs: Runs | None = None) -> Iterator[Span]:
        """Every identifier of the person in a text without marks (`folding.folded`); `lower` is that text in small letters, `runs` its runs of digits."""
        low = text.lower() if lower is None else lower
        if len(low) != len(text):  # a letter whose small form is two
            low = "".join(letter.lower()[:1] for letter in text)
        yield from self._numbers.find(text, runs_of_digits(text) if runs is None else runs)
        yield from self._names.find(text, low)
        emails, cities, streets = self._emails, self._cities, self._streets
        if len(emails) + len(cities) + len(streets) > _FEW:
            emails, cities, streets = self._filed.of(set(_CHUNK.findall(low)))
        for email in emails:
            yield from _phrases(text, low, email, "EMAIL")
        for city in cities:
            yield from _city(text, low, city)
        for street in streets:
            yield from _street_spans(text, low, street)

    @cached_property
    def _filed(self) -> _Filed:
        return _Filed(self._emails, self._cities, self._streets)

    def touches(self, text: str) -> bool:
        """Whether a short coded text holds a word or number of the person: quicker than `find`, and stricter."""
        chunks = _CHUNK.findall(fold(text).casefold())
        names, numbers = self._names.parts, self._numbers.kinds
        if any(chunk in numbers or chunk in names for chunk in chunks) or "".join(chunks) in numbers:
            return True
        return bool(self._literal) and any(tokens <= set(chunks) for tokens in self._literal)


class _Filed:
    """Addresses and towns of many people under a word without which none of them stands in a text."""

    def __init__(self, emails: Sequence[str], cities: Sequence[str], streets: Sequence[list[str]]) -> None:
        self._emails, self._cities, self._streets = dict[str, list[str]](), dict[str, list[str]](), dict[str, list[list[str]]]()
        for email in emails:
            self._emails.setdefault((_CHUNK.findall(email) or [""])[0], []).append(email)
        for city in cities:
            for run in accumulate(city.split(" ")):  # the words of a town may be written in one
                self._cities.setdefault(run, []).append(city)
        for street in streets:
            self._streets.setdefault(_key(street), []).append(street)

    def of(self, said: set[str]) -> tuple[list[str], list[str], list[list[str]]]:
        """The addresses of mail, towns and streets that may stand in a text of these words."""
        short = said | {_SHORT[word] for word in _SHORT.keys() & said}
        return (
            [one for word in self._emails.keys() & (said | {""}) for one in self._emails[word]],
            sorted({one for word in self._cities.keys() & said for one in self._cities[word]}),
            [one for word in self._streets.keys() & short for one in self._streets[word]],
        )


def has_number(text: str) -> bool:
    """Whether a text holds digits enough for a number that is looked for."""
    return sum(map(text.count, "0123456789")) >= _FEWEST_DIGITS


def _tells(local: str) -> bool:
    """Whether the part of an address of mail before the @ tells who it is: long enough, and no word."""
    return len(local) >= _SHORTEST_LOCAL and not meanings().get(local, 0) & (Word.ENGLISH | Word.PLAIN | Word.CLINICAL)


def _phrases(text: str, low: str, said: str, kind: str) -> Iterator[Span]:
    at = low.find(said)
    while at >= 0:
        end = at + len(said)
        if not (at and low[at - 1].isalnum()) and not low[end : end + 1].isalnum():
            yield Span(at, end, kind)
        at = low.find(said, end)


def _city(text: str, low: str, city: str) -> Iterator[Span]:
    """A town, over line breaks and hyphens too; one that is a word only with a capital."""
    first, _, rest = city.partition(" ")
    is_word = not rest and bool(meanings().get(city, 0) & (Word.ENGLISH | Word.PLAIN))
    at = low.find(first)
    while at >= 0:
        found = _flexible(low, at, city)
        if found and not (at and low[at - 1].isalnum()) and (not is_word or text[at].isupper()):
            yield Span(at, found, "CITY")
        at = low.find(first, at + 1)


def _flexible(low: str, at: int, phrase: str) -> int:
    """Where a phrase that begins at `at` ends, whatever stands between its words; 0 when it is not there."""
    end = at
    for count, word in enumerate(phrase.split(" ")):
        if count:
            while low[end : end + 1] in (" ", "\n", "\t", ",", "-", ".", "_", "'"):
                end += 1
        if not low.startswith(word, end):
            return 0
        end += len(word)
    return 0 if low[end : end + 1].isalnum() else end


def _street(value: str) -> list[str]:
    """The words of an address, shortened as all of them may be."""
    return [_SHORT.get(word, word) for word in _CHUNK.findall(fold(value).lower())]


def _key(street: list[str]) -> str:
    """The longest word of an address; nothing where there are numbers alone."""
    return max((word for word in street if not word.isdigit()), key=len, default="")


def _street_spans(text: str, low: str, street: list[str]) -> Iterator[Span]:
    """An address by its longest word, with the number before it and what the record says besides."""
    key = _key(street)
    number, at = street[0] if street[0].isdigit() else "", low.find(key) if key else -1
    while at >= 0:
        begin = max(0, at - _WINDOW)
        near = [(found.start(), found.end(), _SHORT.get(found.group(), found.group())) for found in _CHUNK.finditer(low, begin, at + _WINDOW)]
        here = next((place for place, (start, _, word) in enumerate(near) if start <= at and word.startswith(key)), None)
        if here is not None and near[here][2] == key:
            yield from _aligned(text, near, here, street, key, number)
        at = low.find(key, at + len(key))


def _aligned(text: str, near: list[tuple[int, int, str]], here: int, street: list[str], key: str, number: str) -> Iterator[Span]:
    """The words around the longest one that are those of the address, in its order."""
    place, first, last = street.index(key), here, here
    while place - (here - first) > 0 and first > 0 and near[first - 1][2] == street[place - (here - first) - 1]:
        first -= 1
    while place + last - here + 1 < len(street) and last + 1 < len(near) and near[last + 1][2] == street[place + last - here + 1]:
        last += 1
    whole = last - first + 1
    numbered = bool(number) and near[first][2] == number
    if whole >= min(len(street), 2) and (numbered or whole >= len(street) - 1 or last > here):
        end = near[last][1]
        unit = _UNIT.match(text, end)
        yield Span(near[first][0], unit.end() if unit else end, "ADDRESS")
