"""Where a FHIR reference points, and which names of people a resource gives in its structure.

In        the text of a reference, or a resource
Out       type and id; names as given names and family name, and a finder of them
Source    HL7 FHIR R4 2.3.0.1 (literal references), 2.24.0.13 (HumanName)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bedside.deidentify.known import Finder
from bedside.deidentify.patients import KnownIdentifiers, words

Json = dict[str, Any]
_REFERENCE = re.compile(r"(?:(?:https?|ftp)://\S+/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/\S+)?\Z")
_PREFIXES = ("urn:uuid:", "urn:oid:")
_PEOPLE = ("Patient", "Practitioner", "RelatedPerson", "Person")
_TITLE = re.compile(r"(?:(?:Dr|Mr|Mrs|Ms|Miss|Mx|Prof|Rev|Sir|Dame|Herr|Frau)\b\.?\s*)+|,?\s+(?:Jr|Sr|II|III|IV|M\.?D|D\.?O|Ph\.?D|R\.?N|NP|PA|Esq)\b\.?", re.IGNORECASE)
_MOST_PARTS = 5


def target(text: str, urls: dict[str, str]) -> tuple[str | None, str]:
    """Type and id of a reference; the type is None where the text does not say it.

    >>> target("http://ehr.example/fhir/Patient/17/_history/2", {}), target("urn:uuid:ab", {"urn:uuid:ab": "Encounter/5"})
    (('Patient', '17'), ('Encounter', '5'))
    """
    found = _REFERENCE.match(urls.get(text, text))
    if found is not None:
        return found[1], found[2]
    return None, text.rsplit("/", 1)[-1].removeprefix(_PREFIXES[0]).removeprefix(_PREFIXES[1])


@lru_cache(maxsize=512)
def finder_of(names: frozenset[tuple[tuple[str, ...], str]]) -> tuple[frozenset[str], Finder]:
    """The finder of a resource's own names, and their parts in small letters."""
    known = KnownIdentifiers()
    for given, family in names:
        known.name(given, family)
    return frozenset(word for given, family in names for part in (*given, family) for word in words(part) if len(word) > 1), Finder(known)


def names_in(node: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """The names of people that a resource gives in its structure: HumanName, and the words of references to people.

    >>> list(names_in({"performer": [{"reference": "Practitioner/1", "display": "Dr. Ada Quill"}]}))
    [(('Ada',), 'Quill')]
    """
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            yield from _names_of(one)
            waiting += [value for value in one.values() if isinstance(value, (dict, list))]


def _names_of(one: Json) -> Iterator[tuple[tuple[str, ...], str]]:
    family, given, said = one.get("family"), one.get("given"), one.get("authorString")
    if isinstance(family, str) or isinstance(given, list):
        first = [part for part in given if isinstance(part, str)] if isinstance(given, list) else []
        yield tuple(first), family if isinstance(family, str) else ""
    if isinstance(said, str):
        yield from _written(said)
    points, words = one.get("reference"), one.get("display")
    if isinstance(words, str) and (isinstance(points, str) or one.get("type") in _PEOPLE):
        kind = target(points, {})[0] if isinstance(points, str) else one.get("type")
        if kind in _PEOPLE or (kind is None and one.get("type") in (None, *_PEOPLE)):
            yield from _written(words)


def _written(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """A name as one text: "Smith, Anna" or "Dr. Anna Smith"; more words than a name has are none."""
    plain = _TITLE.sub(" ", text).strip(" ,")
    family, comma, given = plain.partition(",")
    parts = plain.split()
    if comma:
        yield tuple(given.split()), family
    elif 1 <= len(parts) <= _MOST_PARTS and all(part[:1].isupper() for part in parts):
        yield tuple(parts[:-1]), parts[-1]
