r"""HL7 v2 messages without identifiers: a table of field kinds per segment, everything else blanked or dropped.

In        one message, the desk, the source's zone
Out       the message with the same delimiters: fields of the table changed by their kind, other fields blanked, segments without a table
          (Z segments unless the policy allows them) dropped; a segment of which nothing is left but its number goes too. Each is counted.
          Times are written with their UTC offset. What was not changed stands as it was written.
Refuses   a message about no patient (`Leave`), or about one whom the survey does not know (`Malformed`)
Source    HL7 v2.3 to v2.8.2. MSH-7's offset is the message's default (2.A.22).
Elsewhere the table and what a policy changes in it: `hl7v2_rules.py`, `hl7v2_fields.toml`; what a kind does: `hl7v2_values.py`
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache

from bedside.core.errors import Malformed
from bedside.deidentify.desk import Desk, Leave, Person
from bedside.deidentify.hl7v2_later import Later
from bedside.deidentify.hl7v2_rules import FIELDS, VALUES, plan
from bedside.deidentify.hl7v2_values import Kept, Values
from bedside.deidentify.patients import Key, PatientMap
from bedside.deidentify.replace import Instead
from bedside.formats.hl7v2 import NULL, Delimiters, Message, Segment

__all__ = ["FIELDS", "Change", "is_merge", "patient_keys"]
SUBJECT_AUTHORITY = "BEDSIDE"
MERGES = frozenset({"A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47"})
LINKING = frozenset({"", "MR", "PI", "PT", "MRT"})
_OFFSET = re.compile(r"[+-]\d{4}\Z")
_YEARS = frozenset({"a", "yr", "yrs", "year", "years", "y"})
_AGES = frozenset({"30525-0", "21612-7", "29553-5", "63900-5", "35659-2"})  # LOINC: age; reported; calculated; current or at death; at delivery
_BIRTHS = frozenset({"21112-8"})
_AGE = re.compile(r"(?<![\d.])\d{2,3}(?:\.\d+)?(?![\d.])")
_SPECIAL = frozenset({"subject", "value", "scrub"})
_REPEATED = frozenset(["PID", "PD1", "PV1", "PV2", "NK1", "GT1", "IN1", "IN2", "IN3", "AL1", "DG1", "DRG"])  # a feed says these of a patient again and again
_ALWAYS = frozenset({"PID", "PV1"})
_MOST_KEPT, _SHORTEST_DOCUMENT = 50_000, 16
_LINED = {"OBX": 5, "NTE": 3, "DSP": 3}  # texts that senders cut into lines, one a segment


def patient_keys(segment: Segment, path: str, found: PatientMap, source: str) -> Iterator[Key]:
    """Keys in a list of a patient's numbers (PID-3, MRG-1): those by which a person is one and the same."""
    for rep in range(max(1, len(segment.repetitions(int(path))))):
        value = segment.get(f"{path}.1", rep)
        if value and value != NULL and (segment.get(f"{path}.5", rep) or "").upper() in LINKING:
            stated = segment.get(f"{path}.4.1", rep)
            yield found.record_key(value, source=source, stated=stated)


def is_merge(message: Message) -> bool:
    """Whether the message says that MRG-1 and PID-3 are one person."""
    return message.get("MSH-9.2") in MERGES or (message.get("EVN-1") or "") in MERGES


@lru_cache(maxsize=4096)
def _in_years(unit: str, component: str) -> bool:
    return not _YEARS.isdisjoint(unit.lower().split(component or None))


class Change:
    """Changes the messages of one file.

    surrogates   gives the surrogates of a person, for a policy with names = "surrogate"
    """

    def __init__(self, desk: Desk, *, source: str, timezone: str | None, surrogates: Callable[[Person], Instead] | None = None) -> None:
        self.desk, self.source = desk, source
        self.fields = plan(desk.policy.hl7v2)
        self.values = Values(desk, source=source, timezone=timezone, surrogates=surrogates)
        self.marks, self.where = Delimiters("|", "^", "~", "\\", "&"), ""
        self._manner: tuple[Delimiters, str, str] | None = None
        self._later = Later(desk, self.values)
        self._first: Segment | None = None
        self._compiled: dict[str, list[tuple[str, dict[str, Kept] | None] | None]] = {}
        self._people: dict[str, Person] = {}
        self._repeated: dict[tuple[str, str], tuple[str | None, tuple[tuple[str, int], ...]]] = {}

    @property
    def person(self) -> Person | None:
        """Whose segments are being changed."""
        return self.values.person

    def message(self, raw: bytes, *, where: str) -> bytes:
        """The message without identifiers. Raises `Malformed` for an unreadable one and `Leave` for one about no patient."""
        message = Message.parse(raw, where=where)
        first = message.segment("PID")
        if first is None:
            raise Leave("a message about no patient")
        self.where, self._later = where, Later(self.desk, self.values)
        said = _OFFSET.search(message.get("MSH-7.1") or "")
        self._begin(message, said[0] if said else "")
        self.values.of(self._subject(first))
        self._first = first
        rows = [self._row(at, segment) for at, segment in enumerate(message.segments)]
        self._later.write(rows)
        newline = "\r" if b"\r" in raw or b"\n" not in raw else "\n"
        lines = [line for row in rows if row is not None and (line := row if isinstance(row, str) else self._joined(row)) is not None]
        try:
            return newline.join(lines).encode(message.charset)
        except UnicodeEncodeError:
            raise Malformed("text cannot be written in the message's character set", where=where, do="declare MSH-18") from None

    def _begin(self, message: Message, offset: str) -> None:
        """What is remembered of earlier messages holds while delimiters, character set and offset are the same."""
        manner = (message.delimiters, message.charset, offset)
        if manner != self._manner:
            self._manner, self.marks = manner, message.delimiters
            self._people.clear()
            self._repeated.clear()
        self.values.begin(*manner, self.where)

    def _subject(self, segment: Segment) -> Person:
        said = segment.field(3) if len(segment.repetitions(3)) < 2 else "~".join(segment.repetitions(3))
        known = self._people.get(said)
        if known is None:
            known = self._found(segment, "3")
            if len(self._people) >= _MOST_KEPT:
                self._people.clear()
            self._people[said] = known
        return known

    def _found(self, segment: Segment, path: str) -> Person:
        for key in patient_keys(segment, path, self.desk.map, self.source):
            person = self.desk.find(key)
            if person is not None:
                return person
        raise Malformed(
            "no patient number that the survey knows",
            where=f"{self.where}, {segment.name}-{path}",
            do="fix the sender, or survey again",
        )

    def _row(self, at: int, segment: Segment) -> list[str] | str | None:
        """The segment's fields, changed, or the whole as it was written the last time; None when it is dropped."""
        name = segment.name
        if name == "PID" and segment is not self._first:
            self.values.of(self._subject(segment))
        if name not in _REPEATED or self.person is None:
            return self._changed(at, segment)
        key = (self.person.name, segment.text)
        kept = self._repeated.get(key)
        if kept is None:
            counts, self.desk.actions = self.desk.actions, Counter()
            try:
                row = self._changed(at, segment)
                kept = (None if row is None else self._joined(row), tuple(self.desk.actions.items()))
            finally:
                self.desk.actions = counts
            if len(self._repeated) >= _MOST_KEPT:
                self._repeated.clear()
            self._repeated[key] = kept
        for what, count in kept[1]:
            self.desk.actions[what] += count
        return kept[0]

    def _changed(self, at: int, segment: Segment) -> list[str] | None:
        """The segment's fields. Lines of text wait for the end of the message."""
        name = segment.name
        table = self.fields.get(name)
        if table is None:
            self.desk.actions[f"hl7v2: segment {name[:1] + '..' if name[0] == 'Z' else name} dropped"] += 1
            return None
        said = segment.text.split(self.marks.field)
        if name == "MSH":
            said.insert(1, "")
        fields, values, mark, blanks = said[:], self.values, self.marks.repetition, 0
        rules, own = self._rules(name, table), values.own
        simple = name == "MSH" or (not (mark and mark in segment.text) and NULL not in segment.text)
        for number, raw in enumerate(said):
            if not raw or number == 0:
                continue
            rule = rules[number] if number < len(rules) else None
            if rule is None:
                fields[number], blanks = "", blanks + 1
            elif rule[1] is None or not simple:
                fields[number] = self._field(raw, rule[0], segment, number, at, said)
            else:  # what `Values.change` does, without the call: most fields were met before
                kept = rule[1].get(raw) or own.get((rule[0], raw)) or values.worked_out(rule[0], raw)
                fields[number] = kept[0]
                for what, count in kept[1]:
                    self.desk.actions[what] += count
        if blanks:
            self.desk.actions["hl7v2: field blanked"] += blanks
        if name == "MSH":
            fields[1:3] = said[2:3]
        return fields

    def _rules(self, name: str, table: dict[int, str]) -> list[tuple[str, dict[str, Kept] | None] | None]:
        """By field number: its kind, and what is remembered of values of that kind; None in the place of that where more is asked than the kind."""
        rules = self._compiled.get(name)
        if rules is None:
            kinds = [table.get(number) for number in range(max(table, default=0) + 1)]
            rules = [(kind and (kind, None if kind in _SPECIAL else self.values.shared[kind])) or None for kind in kinds]
            self._compiled[name] = rules
        return rules

    def _joined(self, row: list[str]) -> str | None:
        """The segment as it is written, without empty fields at its end; None when nothing is left of it but its number."""
        mark = self.marks.field
        if row[0] == "MSH":
            return mark.join(row)
        line = mark.join(row).rstrip(mark)
        if len(row) > 2 and line.count(mark) < 2 and (not row[1] or row[1].isdigit()) and row[0] not in _ALWAYS:
            self.desk.actions[f"hl7v2: segment {row[0]} with nothing left dropped"] += 1
            return None
        return line

    def _field(self, raw: str, kind: str, segment: Segment, number: int, at: int, said: list[str]) -> str:
        """A field of which more is asked than its kind, or with repetitions."""
        if raw == NULL:
            return raw
        if kind == "subject":
            return self._name_of(segment, number)
        if kind == "value":
            return self._value(raw, segment, at, said)
        if kind == "scrub" and _LINED.get(segment.name) == number:
            return self._later.note(raw, at, number, "", self.person)
        mark = self.marks.repetition
        if not mark or segment.name == "MSH":
            return self.values.change(kind, raw)
        return mark.join([self.values.change(kind, one) if one and one != NULL else one for one in raw.split(mark)])

    # --- OBX-5 ------------------------------------------------------------------------------------

    def _value(self, raw: str, segment: Segment, at: int, said: list[str]) -> str:
        kind = VALUES.get(said[2].strip().upper())
        if kind is None or kind == "remove":
            self.desk.actions["hl7v2: value of a type that is not kept blanked"] += 1
            return ""
        mark, c = self.marks.repetition, self.marks.component
        about = said[3].split(c, 1)[0] if c else said[3]
        if len(raw) > _SHORTEST_DOCUMENT and c and f"{c}base64{c}" in raw.lower():
            kind = "encapsulated"  # whatever OBX-2 says
        if about in _BIRTHS:
            return self.values.change("birth", raw.split(mark)[0] if mark else raw)
        if kind in ("quantity", "structured", "scrub"):
            raw = self._capped(raw, said, about)
        if kind == "scrub":
            return self._later.note(raw, at, 5, said[3], self.person)
        if not mark or mark not in raw:
            return self.values.change(kind, raw)
        return mark.join([self.values.change(kind, one) if one else "" for one in raw.split(mark)])

    def _capped(self, raw: str, said: list[str], about: str) -> str:
        """An age in years above the policy's cap reads one more than it."""
        cap = self.desk.policy.age_cap
        if cap is None or (about not in _AGES and (len(said) <= 6 or not _in_years(said[6], self.marks.component))):
            return raw
        return _AGE.sub(lambda found: str(cap + 1) if float(found[0]) >= cap + 1 else found[0], raw)

    # --- numbers of the patient -------------------------------------------------------------------

    def _name_of(self, segment: Segment, number: int) -> str:
        """The subject's name in place of all numbers of the patient; MRG's own patient in MRG."""
        person = self.person
        if segment.name == "MRG":
            keys = patient_keys(segment, str(number), self.desk.map, self.source)
            person = next((found for key in keys if (found := self.desk.find(key)) is not None), person)
        c = self.marks.component
        return f"{person.name}{c}{c}{c}{SUBJECT_AUTHORITY}{c}MR" if person is not None and c else (person.name if person else "")
