"""What becomes of one value of an HL7 v2 message, by its kind: the table's kinds with parts, codes, names, addresses, documents.

In        a field's repetition as written, its kind, the desk, the message's delimiters, the person that the segment is about
Out       the same as written for the safe message; what was done is counted
Memory    results are kept: by value where they depend on nobody (most codes, units, numbers), else by person
Source    HL7 v2.8.2 chapter 2.A (data types)
Elsewhere which field is of which kind: `hl7v2_rules.py`; the simple actions: `hl7v2_actions.py`; texts over several lines: `hl7v2_lines.py`
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import lru_cache

from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.hl7v2_actions import Actions
from bedside.deidentify.hl7v2_codes import PARTS, is_code, is_oid, is_published
from bedside.deidentify.hl7v2_encapsulated import scrubbed
from bedside.deidentify.hl7v2_rules import KINDS
from bedside.deidentify.replace import Instead
from bedside.deidentify.spans import Span
from bedside.deidentify.text import spans_of
from bedside.deidentify.wards import is_ward
from bedside.formats.hl7v2 import NULL, Delimiters, escape

_TELLING = frozenset({"EMAIL", "URL", "SSN", "PHONE", "NAME", "ID", "IP", "ADDRESS"})
_MOST_KEPT, _MOST_PEOPLE, _LONGEST_KEPT = 100_000, 500, 256
Kept = tuple[str, tuple[tuple[str, int], ...]]


class Values(Actions):
    """Changes values of one file. Tell it of each message (`begin`) and person (`of`)."""

    def __init__(self, desk: Desk, *, source: str, timezone: str | None, surrogates: Callable[[Person], Instead] | None = None) -> None:
        super().__init__(desk, source=source, timezone=timezone, surrogates=surrogates)
        self._spare: Counter[str] = Counter()
        self._remembered = 0
        self.shared: defaultdict[str, dict[str, Kept]] = defaultdict(dict)
        self.own: dict[tuple[str, str], Kept] = {}
        self._owns: dict[str, dict[tuple[str, str], Kept]] = {}
        self._leaves: dict[str, Callable[[str, int], str]] = {
            "keep": self._each_kept, "pseudonymise": self._number, "shift": self._shift, "scrub": self._scrub, "code": self._code,
            "quantity": self._quantity, "structured": self._structured, "address": self._address, "surrogate": self._surrogate, "another name": self._another, "birth": self._birth,
            "year": self._year, "unit": self._unit, "encapsulated": self._encapsulated, "patient": lambda raw, level: self._patient(raw, level, 3, "id"), "who": lambda raw, level: self._patient(raw, level, 8, "person"), "as it is": self._as_it_is,
            "remove": lambda raw, level: "",
        }  # fmt: skip

    def begin(self, marks: Delimiters, charset: str, offset: str, where: str) -> None:
        """A message begins. `offset` is that of MSH-7, "" when it has none."""
        if (marks, charset) != (self.marks, self.charset):
            self._forget()
        if (marks, charset, offset) != (self.marks, self.charset, self.offset):
            self._owns.clear()
            self.own = {}
        self.marks, self.charset, self.offset, self.where = marks, charset, offset, where

    def of(self, person: Person | None) -> None:
        """Whose segments follow."""
        if person is not self.person:
            if len(self._owns) >= _MOST_PEOPLE:
                self._owns.clear()
            self.own = self._owns.setdefault(person.name if person else "", {})
        self.person = person

    def change(self, kind: str, raw: str) -> str:
        """One repetition of a field."""
        kept = self.shared[kind].get(raw) or self.own.get((kind, raw)) or self.worked_out(kind, raw)
        for what, count in kept[1]:
            self.desk.actions[what] += count
        return kept[0]

    def worked_out(self, kind: str, raw: str) -> Kept:
        """The change of a value not met before, with what was counted; remembered."""
        counts, spare, self.personal = self.desk.actions, self._spare, False
        self.desk.actions = spare
        try:
            kept = (self._part(kind, raw, 0), tuple(spare.items()) if spare else ())
        finally:
            self.desk.actions = counts
            if spare:
                self._spare = Counter()
        if len(raw) <= _LONGEST_KEPT:
            if self.personal:
                self.own[kind, raw] = kept
            else:
                self._share(kind, raw, kept)
        return kept

    def _share(self, kind: str, raw: str, kept: Kept) -> None:
        """Remember what holds for everybody, up to a bound."""
        self._remembered += 1
        if self._remembered > _MOST_KEPT:
            self._forget()
        self.shared[kind][raw] = kept

    def _forget(self) -> None:
        for memory in self.shared.values():
            memory.clear()
        self._remembered = 0

    def _part(self, kind: str, raw: str, level: int) -> str:
        """A field (level 0), component (1) or subcomponent (2)."""
        leaf = self._leaves.get(kind)
        if leaf is not None:
            return leaf(raw, level)
        separator = self._separator(level)
        if not separator or separator not in raw:
            return self._part(KINDS[kind][0], raw, level + 1)
        parts = raw.split(separator)
        done = [self._part(one, part, level + 1) if part and part != NULL else part for one, part in zip(KINDS[kind], parts, strict=False)]
        return separator.join(done).rstrip(separator)

    def _code(self, raw: str, level: int) -> str:
        """CE, CWE, CNE: three triplets of code, words and system, versions, object identifiers. Without parts, a code of a table."""
        separator = self._separator(level)
        if not separator or separator not in raw:
            return self._each(raw, level, self._phrase)
        parts = raw.split(separator)
        done = [self._coded(at, part, parts, level) if part else "" for at, part in enumerate(parts[: len(PARTS)])]
        return separator.join(done).rstrip(separator)

    def _phrase(self, raw: str) -> str:
        """A code of a table; words, where a sender writes words instead."""
        return self._scrub(raw, 2) if " " in raw.strip() else self.keep(raw)

    def _coded(self, at: int, part: str, parts: list[str], level: int) -> str:
        what, place = PARTS[at]
        system = parts[place].upper() if 0 <= place < len(parts) else ""
        if what == "removed":
            return ""
        if what == "oid":
            return part if is_oid(part) else self._number(part, level + 1)
        if is_published(system):
            if what == "system":
                return part
            if what == "words":
                return self._label(part)
            if what == "code" and is_code(part, system):
                return self._own_taken(part)
        return self._scrub(part, 2) if what == "words" else self._each(part, level + 1, self.keep)

    def _label(self, part: str) -> str:
        """The words of a published code: no dates or places are looked for, which such words have; names and numbers are."""
        text = self.plain(part)
        if self.desk.clean(text):
            return part
        self.personal = True
        if any(span.kind in _TELLING for span in _spans(text)):
            return self._scrub(part, 2)
        return self.written(part, self.desk.kept(text, self.person))

    def _address(self, raw: str, level: int) -> str:
        """XAD: state, country, type of address; city and zip as the policy says."""
        separator = self._separator(level)
        if not separator:
            return ""
        self.personal = True
        parts, policy = (raw.split(separator) + [""] * 7)[:7], self.desk.policy
        city = escape(self.plain(parts[2]), self.marks) if policy.city else ""
        code = escape(policy.zip(self.plain(parts[4])), self.marks)
        kept = ["", "", city, self._state(parts[3]), code, self._state(parts[5]), self._state(parts[6])]
        return separator.join(kept).rstrip(separator)

    def _unit(self, raw: str, level: int) -> str:
        """A point of care: a ward by its name, any other place by a number, where the policy does not let towns stand."""
        return self._each(raw, level, self.keep if self.desk.policy.city else self._ward)

    def _ward(self, part: str) -> str:
        return part if part == NULL or is_ward(self.plain(part)) else self.number(part)

    def _state(self, part: str) -> str:
        return self._each(part, 1, self.keep) if part else ""

    def _surrogate(self, raw: str, level: int) -> str:
        """A part of a name: another one where the policy asks for it, else none."""
        return self._another(raw, 2) if self.desk.policy.names == "surrogate" else ""

    def _another(self, raw: str, level: int) -> str:
        """A name, whole or in part, as another one: family, given, further given names; of a family name with parts, the whole."""
        if self.person is None:
            return ""
        self.personal = True
        separator = self._separator(level)
        parts = raw.split(separator)[:3] if separator else [raw.split(self.marks.subcomponent)[0] if self.marks.subcomponent else raw]
        if len(parts) > 1:
            return separator.join([self._another(part, 2) if part else "" for part in parts]).rstrip(separator)
        return escape(self.surrogates(self.person).of(self.plain(parts[0]), "NAME") or "", self.marks)

    def _patient(self, raw: str, level: int, authority: int, otherwise: str) -> str:
        """A number that may be a surveyed patient's: then their pseudonym; a mother, a duplicate, whom a query is about."""
        separator = self._separator(level)
        parts = [self.plain(self._cut(part, level + 1)[0]).strip() for part in (raw.split(separator) if separator else [raw])]
        stated = parts[authority] if authority < len(parts) else None
        found = self.desk.find(self.desk.map.record_key(parts[0], source=self.source, stated=stated)) if parts[0] else None
        return found.name if found is not None else self._part(otherwise, raw, level)

    def _encapsulated(self, raw: str, level: int) -> str:
        """ED: source application, type, subtype, encoding, data. RP, which points elsewhere, has no data and is removed."""
        separator = self.marks.component
        parts = raw.split(separator) if separator else []
        self.personal = True
        new = scrubbed(parts[3], self.plain(parts[4]), lambda text: self.desk.text(text, self.person)) if len(parts) == 5 and parts[4] else None
        if new is None:
            self.desk.actions["hl7v2: document that is no plain text removed"] += 1
            return ""
        if new == (parts[3], self.plain(parts[4])):
            return separator.join(["", self.keep(parts[1]), self.keep(parts[2]), parts[3], parts[4]])
        self.desk.actions["hl7v2: document changed, now plain text"] += 1
        return separator.join(["", "TEXT", "plain", new[0], escape(new[1], self.marks)])


@lru_cache(maxsize=16384)
def _spans(text: str) -> tuple[Span, ...]:
    return tuple(spans_of(text))

