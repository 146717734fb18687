r"""What becomes of one value of an HL7 v2 message, by its kind: numbers, names, times, codes, addresses, text.

In        a field's repetition as written, its kind, the desk, the message's delimiters, the person that the segment is about
Out       the same as written for the safe message; what was done is counted
Escapes   resolved before anything is looked for (\H\ and hexadecimal ones among them, so that none hides a name); a text in which nothing was found
          stays as it was written, escapes and all
Memory    results are kept: by value where they depend on nobody (most codes, units, numbers), else until the person changes
Source    HL7 v2.8.2 chapter 2.A (data types), 2.7 (escapes); 45 CFR 164.514(b)(2)(i)
Elsewhere which field is of which kind: `hl7v2_rules.py`; texts over several lines: `hl7v2_lines.py`; documents: `hl7v2_encapsulated.py`
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache

from bedside.core.time import zone
from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.hl7v2_codes import PARTS, is_code, is_oid, is_published
from bedside.deidentify.hl7v2_encapsulated import scrubbed
from bedside.deidentify.hl7v2_rules import KINDS
from bedside.deidentify.replace import Instead
from bedside.deidentify.spans import Span
from bedside.deidentify.text import spans_of
from bedside.formats.hl7v2 import NULL, Delimiters, escape, unescape

_TIME = re.compile(r"\d{4,14}(?:\.\d{1,6})?(?:[+-]\d{4})?\Z")
_WALL = re.compile(r"(\d{8})(\d\d)(\d\d)(\d\d(?:\.\d{1,6})?)?\Z")
_OFFSET = re.compile(r"[+-]\d{4}\Z")
_NUMBER = re.compile(r"\s*(?:[<>=~]{1,2}|[<>]=?)?\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*\Z")
_RANGE = re.compile(r"[<>=]{0,2}\d{1,3}(?:\.\d{1,4})?(?:-\d{1,3}(?:\.\d{1,4})?)?\Z")  # of reference: too few digits for any number of a person
_SIGN = re.compile(r"[-+/:.,<>=~]{0,2}\Z")
_ESCAPE = r"{0}([FSTREPHN]|X(?:[0-9A-Fa-f]{{2}})+|\.[A-Za-z]{{2}}[ +]?-?\d{{0,4}}|Z[^{0}]{{0,200}}|C[0-9A-Fa-f]{{4}}|M[0-9A-Fa-f]{{4,6}}){0}"
_TELLING = frozenset({"EMAIL", "URL", "SSN", "PHONE", "NAME", "ID", "IP", "ADDRESS"})
_MOST_KEPT, _MOST_PEOPLE, _LONGEST_KEPT, _LONGEST_CODE = 100_000, 500, 256, 60
_LONG_CODE, _LONG_NUMBER, _LONG_QUANTITY = 9, 6, 10
_LAST_YEAR = "9990"
Kept = tuple[str, tuple[tuple[str, int], ...]]


class Values:
    """Changes values of one file. Tell it of each message (`begin`) and person (`of`)."""

    def __init__(self, desk: Desk, *, source: str, timezone: str | None, surrogates: Callable[[Person], Instead] | None = None) -> None:
        self.desk, self.source, self.timezone, self.surrogates = desk, source, timezone, surrogates or desk.surrogates
        self.person: Person | None = None
        self.where, self.offset, self.charset = "", "", "utf-8"
        self.marks = Delimiters("|", "^", "~", "\\", "&")
        self._personal = False
        self._spare: Counter[str] = Counter()
        self._remembered = 0
        self.shared: defaultdict[str, dict[str, Kept]] = defaultdict(dict)
        self.own: dict[tuple[str, str], Kept] = {}
        self._owns: dict[str, dict[tuple[str, str], Kept]] = {}
        self._leaves: dict[str, Callable[[str, int], str]] = {
            "keep": self._each_kept, "pseudonymise": self._number, "shift": self._shift, "scrub": self._scrub, "code": self._code,
            "quantity": self._quantity, "structured": self._structured, "address": self._address, "surrogate": self._surrogate, "another name": self._another, "birth": self._birth,
            "year": self._year, "encapsulated": self._encapsulated, "patient": lambda raw, level: self._patient(raw, level, 3, "id"), "who": lambda raw, level: self._patient(raw, level, 8, "person"), "as it is": self._as_it_is,
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
        counts, spare, self._personal = self.desk.actions, self._spare, False
        self.desk.actions = spare
        try:
            kept = (self._part(kind, raw, 0), tuple(spare.items()) if spare else ())
        finally:
            self.desk.actions = counts
            if spare:
                self._spare = Counter()
        if len(raw) <= _LONGEST_KEPT:
            if self._personal:
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
        parts = raw.split(separator) if separator else [raw]
        done = [self._part(one, part, level + 1) if part and part != NULL else part for one, part in zip(KINDS[kind], parts, strict=False)]
        return separator.join(done).rstrip(separator) if separator else done[0]

    def _separator(self, level: int) -> str:
        return (self.marks.component, self.marks.subcomponent, "")[level]

    def _cut(self, raw: str, level: int) -> list[str]:
        """The parts inside a value of one of the simple kinds, which should have none."""
        for separator in (self._separator(at) for at in range(level, 2)):
            if separator and separator in raw:
                return raw.split(separator)
        return [raw]

    def _each(self, raw: str, level: int, change: Callable[[str], str]) -> str:
        """A change of every part inside a value."""
        for at in range(level, 2):
            separator = self._separator(at)
            if separator and separator in raw:
                return separator.join(self._each(part, at + 1, change) if part else "" for part in raw.split(separator)).rstrip(separator)
        return change(raw)

    def plain(self, raw: str) -> str:
        """The text of a value, without any escape."""
        mark = self.marks.escape
        if not mark or mark not in raw:
            return raw
        return _escapes(mark).sub(self._unescaped, raw)

    def _unescaped(self, found: re.Match[str]) -> str:
        """One sequence: a local one or a change of character set says nothing, and might hide something."""
        if found[1][0] in "ZCM":
            return ""
        text = unescape(found[0], self.marks, self.charset)
        return bytes.fromhex(found[1][1:]).decode("latin-1") if text == found[0] and text[1] == "X" else text

    # --- the actions ------------------------------------------------------------------------------

    def keep(self, raw: str) -> str:
        """A code, a flag, a unit."""
        text = self.plain(raw)
        if _RANGE.match(text) or self.desk.clean(text) or raw == NULL:
            return raw
        self._personal = True
        if text.isdigit() and len(text) >= _LONG_CODE:
            return self.number(raw)
        return raw if len(text) <= _LONGEST_CODE and self.desk.plain(text, self.person) else self._scrub(raw, 2)

    def _each_kept(self, raw: str, level: int) -> str:
        return self._each(raw, level, self.keep)

    def number(self, raw: str) -> str:
        """The pseudonym of a number; blanks have none."""
        text = self.plain(raw)
        return self.desk.number(text) if text.strip() and text != NULL else ""

    def _number(self, raw: str, level: int) -> str:
        """Of a value with parts the first that is filled."""
        while len(parts := self._cut(raw, level)) > 1:
            raw = next((part for part in parts if part), "")
        return self.number(raw)

    def _scrub(self, raw: str, level: int) -> str:
        text = self.plain(raw)
        if self.desk.clean(text):
            return raw
        self._personal = True
        return self.written(raw, self.desk.text(text, self.person))

    def written(self, raw: str, text: str) -> str:
        """A text as it is written: as it came when nothing was found in it."""
        return raw if text == self.plain(raw) else escape(text, self.marks)

    def _as_it_is(self, raw: str, level: int) -> str:
        """What a site's policy lets stand, without what is known of its own person."""
        return self._each(raw, level, self._own_taken)

    def _own_taken(self, raw: str) -> str:
        text = self.plain(raw)
        if self.desk.silent(text):
            return raw
        self._personal = True
        return self.written(raw, self.desk.kept(text, self.person))

    def _quantity(self, raw: str, level: int) -> str:
        return self._each(raw, level, self.quantity)

    def quantity(self, raw: str) -> str:
        """A number. A long one may be the patient's own; ten digits without a point are no measurement."""
        if not _NUMBER.match(raw):
            return self._scrub(raw, 2)
        digits = sum(map(str.isdigit, raw))
        if digits >= _LONG_QUANTITY and raw.strip().isdigit():
            return self.number(raw)
        if digits >= _LONG_NUMBER:
            self._personal = True
            return self.desk.kept(raw, self.person)
        return raw

    def _structured(self, raw: str, level: int) -> str:
        return self._each(raw, level, lambda part: part if _SIGN.match(part) else self.quantity(part))

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
        self._personal = True
        if any(span.kind in _TELLING for span in _spans(text)):
            return self._scrub(part, 2)
        return self.written(part, self.desk.kept(text, self.person))

    def _address(self, raw: str, level: int) -> str:
        """XAD: state, country, type of address; city and zip as the policy says."""
        separator = self._separator(level)
        if not separator:
            return ""
        self._personal = True
        parts, policy = (raw.split(separator) + [""] * 7)[:7], self.desk.policy
        city = escape(self.plain(parts[2]), self.marks) if policy.city else ""
        code = escape(policy.zip(self.plain(parts[4])), self.marks)
        kept = ["", "", city, self._state(parts[3]), code, self._state(parts[5]), self._state(parts[6])]
        return separator.join(kept).rstrip(separator)

    def _state(self, part: str) -> str:
        return self._each(part, 1, self.keep) if part else ""

    def _surrogate(self, raw: str, level: int) -> str:
        """A part of a name: another one where the policy asks for it, else none."""
        return self._another(raw, 2) if self.desk.policy.names == "surrogate" else ""

    def _another(self, raw: str, level: int) -> str:
        """A name, whole or in part, as another one: family, given, further given names; of a family name with parts, the whole."""
        if self.person is None:
            return ""
        self._personal = True
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
        self._personal = True
        new = scrubbed(parts[3], self.plain(parts[4]), lambda text: self.desk.text(text, self.person)) if len(parts) == 5 and parts[4] else None
        if new is None:
            self.desk.actions["hl7v2: document that is no plain text removed"] += 1
            return ""
        if new == (parts[3], self.plain(parts[4])):
            return separator.join(["", self.keep(parts[1]), self.keep(parts[2]), parts[3], parts[4]])
        self.desk.actions["hl7v2: document changed, now plain text"] += 1
        return separator.join(["", "TEXT", "plain", new[0], escape(new[1], self.marks)])

    # --- times ------------------------------------------------------------------------------------

    def _shift(self, raw: str, level: int) -> str:
        """A DTM, or a TS with the precision that follows it."""
        self._personal = True
        said = self._cut(raw, level)[0]
        if not said or self.person is None:
            return ""
        wall = _WALL.match(said) if (self.timezone is not None or self.offset) and not self.person.clock.relative else None
        if wall is not None and said < _LAST_YEAR:
            quick = _quick(self.person.clock.days, self.timezone or "", "" if self.timezone else self.offset, *wall.groups(default=""))
            if quick:
                return quick
        return self._moved(said)

    def _moved(self, said: str) -> str:
        if not _TIME.match(said) or self.person is None or not _is_day(said[:8]):
            if len(said) > 1:  # one letter is the precision of a TS
                self.desk.actions["hl7v2: unreadable time blanked"] += 1
            return ""
        if not self.timezone and self.offset and len(said) > 8 and not _OFFSET.search(said):
            said += self.offset
        return self.person.clock.compact(said, where=self.where, timezone=self.timezone)

    def _birth(self, raw: str, level: int) -> str:
        self._personal = True
        said = self._cut(raw, level)[0]
        if self.person is None or not _TIME.match(said) or not _is_day(said[:8]):
            return ""
        return self.person.clock.compact_birth(said, where=f"{self.where}, a date of birth")

    def _year(self, raw: str, level: int) -> str:
        return self._shift(raw, level)[:4]


@lru_cache(maxsize=65536)
def _quick(days: int, timezone: str, offset: str, day: str, hour: str, minute: str, second: str) -> str:
    """A wall time moved: what `Clock.compact` gives, for the one form that nearly all times have; "" for a time that is none.

    timezone, offset   the source's zone, or else the message's offset; neither where no zone is stated
    """
    try:
        true = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), int(hour), int(minute))
        moved = datetime.fromordinal(true.toordinal() + days)
    except (ValueError, OverflowError):
        return ""
    if second[:2] > "59" or not 1 < moved.year < int(_LAST_YEAR) or offset[1:] > "1400":
        return ""
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}{hour}{minute}{second}{_offset(true, timezone) if timezone else offset}"


def _offset(wall: datetime, timezone: str) -> str:
    minutes = int((wall.replace(tzinfo=zone(timezone)).utcoffset() or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


@lru_cache(maxsize=16384)
def _is_day(text: str) -> bool:
    """Whether a year, month or day is one: senders write zeros where they know none."""
    try:
        date(int(text[:4]), int(text[4:6] or 1), int(text[6:8] or 1))
    except ValueError:
        return False
    return True


@lru_cache(maxsize=16)
def _escapes(mark: str) -> re.Pattern[str]:
    return re.compile(_ESCAPE.format(re.escape(mark)))


@lru_cache(maxsize=16384)
def _spans(text: str) -> tuple[Span, ...]:
    return tuple(spans_of(text))

