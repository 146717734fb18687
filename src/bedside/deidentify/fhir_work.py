"""What the handlers of FHIR elements share: whose resource it is, text and dates without identifiers, and how far a result holds.

In        a desk, a source, the file's zone and the URLs of its Bundle
Out       `Work`: one file's, moved from resource to resource
Reach     a result is the same for all (0), for this file (1), for this person in this file (2), or for this resource alone (3): it
          is what `fhir_json.py` may remember
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.fhir_definitions import resource_types
from bedside.deidentify.fhir_names import finder_of, names_in, target
from bedside.deidentify.fhir_numbers import Lexeme, decode
from bedside.deidentify.known import Finder
from bedside.deidentify.lexicon import everyday
from bedside.deidentify.patients import Key, words
from bedside.deidentify.spans import joined

if TYPE_CHECKING:
    from bedside.deidentify.patients import PatientMap

Json = dict[str, Any]
ALL, FILE, PERSON, ALONE = 0, 1, 2, 3
DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?)?)?\Z")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NAMING = (b'"family"', b'"given"', b"authorString", b"Practitioner", b"Person", b'"urn:uuid:', b'"#')
"""What stands in a resource that gives a name."""
_LONG_NUMBER, _MOST_POINTS = 100_000, 100_000


class Wrong(TypeError):
    """An element of another type than R4 says. Stays in this room."""


class Work:
    """One file's work: whose the present resource is, and what was done to it."""

    def __init__(self, desk: Desk, *, source: str, timezone: str | None, urls: dict[str, str]) -> None:
        self.desk, self.source, self.timezone, self.urls = desk, source, timezone, urls
        self.person: Person | None = None
        self.kind, self.where, self.reach = "", "", ALL
        self.whole: Any = None
        self.asked: tuple[str, ...] = ()
        self.apart = Counter[str]()
        self.days: dict[int, dict[bytes, bytes]] = {}
        self.systems: dict[bytes, tuple[bytes | None, bool]] = {}
        self.units: dict[bytes, bool] = {}
        self._points: dict[str, str] = {}
        self._plain: dict[tuple[str, str], bool] = {}
        self._touched: dict[tuple[str, str], bool] = {}
        self._named: tuple[frozenset[str], Finder] | None = None

    def begin(self, kind: str, person: Person | None, whole: Any, *, where: str) -> None:
        """The next resource: its type, its subject, and itself (as a dict or as JSON), for the names that it gives."""
        self.kind, self.person, self.where, self.whole, self._named = kind, person, where, whole, None

    def inner(self, one: Json) -> Json:
        """A resource inside another that is about its own subject: what `fhir.Change` does."""
        raise NotImplementedError

    def did(self, what: str) -> None:
        """Count an action."""
        self.desk.actions[what] += 1

    def text(self, text: str) -> str | None:
        """Free text without identifiers, those that the resource itself names among them."""
        if self.desk.clean(text):
            return text or None
        self.reach = ALONE
        done = self._without_own(self.desk.text(text, self.person))
        return (done if self.person is not None else self._without_any(done)) or None

    def kept(self, text: str) -> str:
        """A value that a rule lets stand, without what is known of its own person."""
        if self.desk.silent(text):
            return text
        self.reach = max(self.reach, PERSON)
        return self.desk.kept(text, self.person)

    def worded(self, text: str) -> str | None:
        """Words that a rule lets stand: as `kept`; where they are about nobody in particular, without what shows itself."""
        return self.kept(text) if self.person is not None or self.desk.silent(text) else self.plain(text)

    def plain(self, text: str) -> str | None:
        """A short coded text as it is where it holds nothing that identifies; else as free text."""
        if self.desk.clean(text):
            return text
        self.reach = max(self.reach, PERSON)
        key = (self.person.name if self.person is not None else "", text)
        plain = self._plain.get(key)
        if plain is None:
            plain = self.desk.plain(text, self.person)
            if len(self._plain) < _MOST_POINTS:
                self._plain[key] = plain
        done = text if plain else self.desk.text(text, self.person)
        return (done if self.person is not None else self._without_any(done)) or None

    def touches(self, text: str) -> bool:
        """Whether a word or number of the person or of the staff stands in a short text."""
        if self.desk.silent(text):
            return False
        self.reach = max(self.reach, PERSON)
        key = (self.person.name if self.person is not None else "", text)
        known = self._touched.get(key)
        if known is None:
            known = self.desk.staff.touches(text) or (self.person is not None and self.person.finder.touches(text))
            if len(self._touched) < _MOST_POINTS:
                self._touched[key] = known
        return known

    def date(self, text: str) -> str | None:
        """A date on the subject's clock; none where it is nobody's, or none."""
        if self.reach < PERSON:
            self.reach = PERSON
        if not DATE.match(text):
            self.did("fhir: unreadable date removed")
            return None
        clock = self.person.clock if self.person is not None else self.desk.nobody
        if clock is None:
            self.did("fhir: date of no patient removed")
            return None
        return clock.iso(text, where=self.where, timezone=self.timezone)

    def number(self, value: int | float | Lexeme | Decimal) -> Any:
        """A number, but for a long one that is known of the person."""
        if isinstance(value, int) and abs(value) >= _LONG_NUMBER and self.touches(str(abs(value))):
            self.did("fhir: number of its own person removed")
            return None
        return value

    def reference(self, text: str, said: str | None = None) -> str:
        """Where a reference points, rewritten: the subject's name for a Patient, a pseudonym for any other.

        said   the type that the Reference states, for one whose text does not
        """
        if self.reach < FILE:
            self.reach = FILE
        known = self._points.get(text)
        if known is None:
            known = self._pointed(text, said)
            if said is None and len(self._points) < _MOST_POINTS:
                self._points[text] = known
        return known

    def _pointed(self, text: str, said: str | None) -> str:
        if text.startswith("#"):
            return "#" + self.desk.number(text[1:]) if len(text) > 1 else text
        bare, question, _ = text.partition("?")
        if question:  # a search in place of a reference: what it asks for may be a number of the person
            kind = bare.rsplit("/", 1)[-1]
            return f"{kind if kind in resource_types() else 'Resource'}?identifier={self.desk.number(text)}"
        kind_of, name = target(text.partition("|")[0], self.urls)
        if kind_of in ("Patient", None):
            person = self.desk.find(self.desk.map.fhir_key(name, source=self.source))
            if person is not None:
                return f"Patient/{person.name}"
        known = kind_of if kind_of in resource_types() else said
        return f"{known}/{self.desk.number(name)}" if known else self.desk.number(name)

    def _without_any(self, text: str) -> str:
        """A text that is about nobody in particular without the names of all who are known, but for names that are also words."""
        if self.desk.map.name_tokens.isdisjoint(words(text)):
            return text
        return _WORD.sub(lambda found: "[NAME]" if self._is_name(found.group()) else found.group(), text)

    def _is_name(self, word: str) -> bool:
        return word[0].isupper() and word.lower() not in everyday() and not self.desk.map.name_tokens.isdisjoint(words(word))

    def _without_own(self, text: str) -> str:
        """The text without names that its own resource gives: of contained people, of those whom its references name.

        Names that the map holds were found before; those of the subject and of people in the survey are among them.
        """
        if self._named is None:
            if isinstance(self.whole, bytes) and not any(mark in self.whole for mark in _NAMING):
                return text
            self._named = finder_of(frozenset(names_in(decode(self.whole) if isinstance(self.whole, bytes) else self.whole)))
        parts, finder = self._named
        said = text.casefold()
        if not any(part in said for part in parts):
            return text
        spans = joined(finder.find(text))
        for span in reversed(spans):
            self.did(f"text: {span.kind}")
            text = f"{text[: span.start]}[{span.kind}]{text[span.end :]}"
        return text


def reference_key(reference: Json, desk_map: PatientMap, source: str, urls: dict[str, str]) -> Key | None:
    """Key of the patient that a Reference points at: by id, by URL in a Bundle, or by identifier."""
    text = reference.get("reference")
    if isinstance(text, str):
        kind, name = target(text, urls)
        if kind == "Patient" or (kind is None and text.startswith("urn:uuid:") and reference.get("type", "Patient") == "Patient"):
            return desk_map.fhir_key(name, source=source)
        return None
    logical = reference.get("identifier")
    if isinstance(logical, dict) and isinstance(logical.get("value"), str) and reference.get("type", "Patient") == "Patient":
        return desk_map.record_key(logical["value"], source=source, stated=logical.get("system"))
    return None
