r"""The simple actions on a value of an HL7 v2 message: keep, pseudonymise, scrub, move; and texts without their escapes.

In        a value as written and at which level it stands: field 0, component 1, subcomponent 2
Out       the same as written for the safe message. `personal` is set where the result depends on the person.
Escapes   resolved before anything is looked for (\H\ and hexadecimal ones among them, so that none hides a name); a text in which nothing was found
          stays as it was written, escapes and all
Source    HL7 v2.8.2 section 2.7 (escapes); 45 CFR 164.514(b)(2)(i)
Elsewhere names, codes, addresses, documents: `hl7v2_values.py`; times: `hl7v2_times.py`
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.hl7v2_times import LAST_YEAR, OFFSET, TIME, WALL, is_day, quick
from bedside.deidentify.replace import Instead
from bedside.formats.hl7v2 import NULL, Delimiters, escape, unescape

_NUMBER = re.compile(r"\s*(?:[<>=~]{1,2}|[<>]=?)?\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*\Z")
_RANGE = re.compile(r"[<>=]{0,2}\d{1,3}(?:\.\d{1,4})?(?:-\d{1,3}(?:\.\d{1,4})?)?\Z")  # of reference: too few digits for any number of a person
_SHORT = re.compile(r"[A-Za-z]?\d{0,2}\Z|\d(?:\.\d){1,2}\Z")  # a trigger event, a flag, a version
_SIGN = re.compile(r"[-+/:.,<>=~]{0,2}\Z")
_ESCAPE = r"{0}([FSTREPHN]|X(?:[0-9A-Fa-f]{{2}})+|\.[A-Za-z]{{2}}[ +]?-?\d{{0,4}}|Z[^{0}]{{0,200}}|C[0-9A-Fa-f]{{4}}|M[0-9A-Fa-f]{{4,6}}){0}"
_LONGEST_CODE, _LONG_CODE, _LONG_NUMBER, _LONG_QUANTITY = 60, 9, 6, 10


class Actions:
    """What the simple actions need: the desk, the person, the message's delimiters and character set."""

    def __init__(self, desk: Desk, *, source: str, timezone: str | None, surrogates: Callable[[Person], Instead] | None) -> None:
        self.desk, self.source, self.timezone, self.surrogates = desk, source, timezone, surrogates or desk.surrogates
        self.person: Person | None = None
        self.where, self.offset, self.charset = "", "", "utf-8"
        self.marks = Delimiters("|", "^", "~", "\\", "&")
        self.personal = False

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

    def keep(self, raw: str) -> str:
        """A code, a flag, a unit."""
        text = self.plain(raw)
        if _RANGE.match(text) or _SHORT.match(text) or self.desk.clean(text) or raw == NULL:
            return raw
        self.personal = True
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
        if not raw.isalnum():
            while len(parts := self._cut(raw, level)) > 1:
                raw = next((part for part in parts if part), "")
        return self.number(raw)

    def _scrub(self, raw: str, level: int) -> str:
        text = self.plain(raw)
        if self.desk.clean(text):
            return raw
        self.personal = True
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
        self.personal = True
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
            self.personal = True
            return self.desk.kept(raw, self.person)
        return raw

    def _structured(self, raw: str, level: int) -> str:
        return self._each(raw, level, lambda part: part if _SIGN.match(part) else self.quantity(part))

    def _shift(self, raw: str, level: int) -> str:
        """A DTM, or a TS with the precision that follows it."""
        self.personal = True
        said = raw if raw.isdigit() else self._cut(raw, level)[0]
        if not said or self.person is None:
            return ""
        wall = WALL.match(said) if (self.timezone is not None or self.offset) and not self.person.clock.relative else None
        if wall is not None and said < LAST_YEAR:
            moved = quick(self.person.clock.days, self.timezone or "", "" if self.timezone else self.offset, *wall.groups(default=""))
            if moved:
                return moved
        return self._moved(said)

    def _moved(self, said: str) -> str:
        if not TIME.match(said) or self.person is None or not is_day(said[:8]):
            if len(said) > 1:  # one letter is the precision of a TS
                self.desk.actions["hl7v2: unreadable time blanked"] += 1
            return ""
        if not self.timezone and self.offset and len(said) > 8 and not OFFSET.search(said):
            said += self.offset
        return self.person.clock.compact(said, where=self.where, timezone=self.timezone)

    def _birth(self, raw: str, level: int) -> str:
        self.personal = True
        said = self._cut(raw, level)[0]
        if self.person is None or not TIME.match(said) or not is_day(said[:8]):
            return ""
        return self.person.clock.compact_birth(said, where=f"{self.where}, a date of birth")

    def _year(self, raw: str, level: int) -> str:
        return self._shift(raw, level)[:4]


@lru_cache(maxsize=16)
def _escapes(mark: str) -> re.Pattern[str]:
    return re.compile(_ESCAPE.format(re.escape(mark)))
