r"""HL7 v2 messages without identifiers: a table of field types per segment, everything else blanked or dropped.

In        one message, the desk, the source's zone
Out       the message with the same delimiters: fields of the table changed by their type, other fields blanked, other segments
          (Z segments, NK1, GT1, ...) dropped, each counted. Times are written with their UTC offset.
Rules     `hl7v2_fields.toml`
Source    HL7 v2.5.1 chapters 2.A (types), 3 (PID, PV1, MRG), 4 (ORC, RX*), 7 (OBR, OBX).
          MSH-7's offset is the message's default (2.A.22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.resources import files

import msgspec

from bedside.core.errors import Malformed
from bedside.deidentify.desk import Desk, Leave, Person
from bedside.deidentify.patients import Key, PatientMap
from bedside.deidentify.policy import zip_code
from bedside.formats.hl7v2 import NULL, Delimiters, Message, Segment, escape, unescape

SUBJECT_AUTHORITY = "BEDSIDE"
MERGES = frozenset({"A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47"})
LINKING = frozenset({"", "MR", "PI", "PT", "MRT"})
_TIME = re.compile(r"\d{4,14}(?:\.\d{1,6})?(?:[+-]\d{4})?\Z")
_OFFSET = re.compile(r"[+-]\d{4}\Z")
_NUMBER = re.compile(r"[<>=~]{0,2}\s*[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")
_STRUCTURED = re.compile(r"[\d.,:/+<>=^ -]*\Z")
_PUBLISHED = frozenset(
    {
        "LN",
        "SCT",
        "SNM",
        "RXNORM",
        "I10",
        "I10C",
        "I10P",
        "I9",
        "I9C",
        "C4",
        "CPT",
        "HCPCS",
        "NDC",
        "CVX",
        "MVX",
        "UCUM",
        "ISO+",
        "ISO",
        "CDCREC",
        "ICD-10-CM",
        "ICD10CM",
        "LOINC",
        "SNOMED",
    }
)
_TEXT_TYPES = frozenset({"ST", "TX", "FT"})
_CODE_TYPES = frozenset({"CE", "CWE", "CNE", "IS", "ID", "CF"})
_TIME_TYPES = frozenset({"TS", "DTM", "DT", "DR"})


class _Table(msgspec.Struct, frozen=True):
    schema: str
    segments: dict[str, dict[str, list[int]]]


def _load() -> dict[str, dict[int, str]]:
    table = msgspec.toml.decode(files("bedside.deidentify").joinpath("hl7v2_fields.toml").read_bytes(), type=_Table)
    return {name: {n: kind for kind, numbers in kinds.items() for n in numbers} for name, kinds in table.segments.items()}


FIELDS = _load()


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


class Change:
    """Changes the messages of one file."""

    def __init__(self, desk: Desk, *, source: str, timezone: str | None) -> None:
        self.desk, self.source, self.timezone = desk, source, timezone
        self.person: Person | None = None
        self.marks = Delimiters("|", "^", "~", "\\", "&")
        self.charset, self.offset, self.where = "utf-8", "", ""

    def message(self, raw: bytes, *, where: str) -> bytes:
        """The message without identifiers. Raises `Malformed` for an unreadable one and `Leave` for one about no patient."""
        message = Message.parse(raw, where=where)
        first = message.segment("PID")
        if first is None:
            raise Leave("a message about no patient")
        self.marks, self.charset, self.where = message.delimiters, message.charset, where
        said = _OFFSET.search(message.get("MSH-7.1") or "")
        self.offset = said[0] if said else ""
        self.person = self._subject(first, "3")
        lines = [line for segment in message.segments if (line := self._segment(segment)) is not None]
        newline = "\r" if b"\r" in raw or b"\n" not in raw else "\n"
        try:
            return newline.join(lines).encode(message.charset)
        except UnicodeEncodeError:
            raise Malformed("text cannot be written in the message's character set", where=where, do="declare MSH-18") from None

    def _subject(self, segment: Segment, path: str) -> Person:
        for key in patient_keys(segment, path, self.desk.map, self.source):
            person = self.desk.find(key)
            if person is not None:
                return person
        raise Malformed(
            "no patient number that the survey knows",
            where=f"{self.where}, {segment.name}-{path}",
            do="fix the sender, or survey again",
        )

    def _segment(self, segment: Segment) -> str | None:
        table = FIELDS.get(segment.name)
        if table is None:
            self.desk.actions[f"hl7v2: segment {segment.name[:1] + '..' if segment.name[0] == 'Z' else segment.name} dropped"] += 1
            return None
        if segment.name == "PID":
            self.person = self._subject(segment, "3")
        separator = self.marks.field
        fields = segment.text.split(separator)
        shift = 1 if segment.name == "MSH" else 0
        for at in range(1, len(fields)):
            number = at + shift
            if not fields[at] or (shift and number == 2):
                continue
            fields[at] = self._field(fields[at], table.get(number), segment, number)
        return separator.join(fields).rstrip(separator) if segment.name != "MSH" else separator.join(fields)

    def _field(self, raw: str, kind: str | None, segment: Segment, number: int) -> str:
        if raw == NULL:
            return raw if kind else ""
        if kind is None:
            self.desk.actions["hl7v2: field blanked"] += 1
            return ""
        if kind == "value":
            kind = self._value_kind(segment.get("2") or "")
        change = _KINDS.get(kind)
        if change is None:
            self.desk.actions["hl7v2: value of a type that is not kept blanked"] += 1
            return ""
        if kind == "subject":
            return self._name_of(segment, number)
        mark = self.marks.repetition
        return mark.join(change(self, one) for one in raw.split(mark)) if mark else change(self, raw)

    def _value_kind(self, kind: str) -> str:
        if kind == "NM":
            return "quantity"
        if kind == "SN":
            return "structured"
        if kind == "TM":
            return "keep"
        return "text" if kind in _TEXT_TYPES else "code" if kind in _CODE_TYPES else "time" if kind in _TIME_TYPES else "none"

    def _name_of(self, segment: Segment, number: int) -> str:
        """The subject's name in place of all numbers of the patient; MRG's own patient in MRG."""
        person = self.person
        if segment.name == "MRG":
            keys = patient_keys(segment, str(number), self.desk.map, self.source)
            person = next((found for key in keys if (found := self.desk.find(key)) is not None), person)
        c = self.marks.component
        return f"{person.name}{c}{c}{c}{SUBJECT_AUTHORITY}{c}MR" if person is not None and c else (person.name if person else "")

    def keep(self, raw: str) -> str:
        if self.desk.clean(raw):
            return raw
        text = self._plain(raw)
        return raw if len(raw) <= 60 and self.desk.plain(text, self.person) else self.text(raw)

    def code(self, raw: str) -> str:
        c = self.marks.component
        parts = raw.split(c) if c else [raw]
        kept = []
        for at, part in enumerate(parts[:9]):
            system = parts[at - at % 3 + 2] if at < 6 and at - at % 3 + 2 < len(parts) else ""
            published = system.upper() in _PUBLISHED or system.upper().startswith("HL7")
            kept.append(
                part
                if not part or (at % 3 == 2 and at < 6)
                else self._own(part)
                if published
                else self.keep(part)
                if at % 3 == 0 and at < 6
                else self.text(part)
            )
        return c.join(kept).rstrip(c) if c else kept[0]

    def _own(self, part: str) -> str:
        """A part of a published code, without what is known of the patient."""
        if self.desk.silent(part):
            return part
        said = self._plain(part)
        left = self.desk.kept(said, self.person)
        return part if left == said else escape(left, self.marks)

    def time(self, raw: str) -> str:
        c = self.marks.component
        parts = [self._moved(part) for part in (raw.split(c) if c else [raw])]
        return c.join(parts).rstrip(c) if c else parts[0]

    def timing(self, raw: str) -> str:
        """TQ: quantity, interval, duration and priority stay; start and end (4 and 5) move."""
        c = self.marks.component
        if not c:
            return ""
        parts = raw.split(c)[:6]
        return c.join(
            self._moved(part) if at in (3, 4) else self.keep(part) if part else "" for at, part in enumerate(parts)
        ).rstrip(c)

    def id(self, raw: str) -> str:
        """EI, CX: the number; EIP: both numbers."""
        s, c = self.marks.subcomponent, self.marks.component
        parts = raw.split(c) if c else [raw]
        if s and s in raw:
            return c.join(self._number(part.split(s)[0]) for part in parts[:2]).rstrip(c)
        return self._number(parts[0])

    def person_id(self, raw: str) -> str:
        first = raw.split(self.marks.component)[0] if self.marks.component else raw
        return self._number(first.split(self.marks.subcomponent)[0] if self.marks.subcomponent else first)

    def place(self, raw: str) -> str:
        first = raw.split(self.marks.component)[0] if self.marks.component else raw
        return self.keep(first.split(self.marks.subcomponent)[0] if self.marks.subcomponent else first) if first else ""

    def address(self, raw: str) -> str:
        c, policy = self.marks.component, self.desk.policy
        parts = (raw.split(c) if c else [""]) + [""] * 6
        city = self._plain(parts[2]) if policy.city else ""
        kept = [
            "",
            "",
            city,
            self.keep(parts[3]) if parts[3] else "",
            zip_code(self._plain(parts[4]), policy.zip_digits),
            self.keep(parts[5]) if parts[5] else "",
        ]
        return c.join(escape(part, self.marks) for part in kept).rstrip(c) if c else ""

    def text(self, raw: str) -> str:
        return escape(self.desk.text(self._plain(raw), self.person), self.marks)

    def birth(self, raw: str) -> str:
        if self.person is None or not _TIME.match(raw):
            return ""
        return self.person.clock.compact_birth(raw, where=f"{self.where}, PID-7")

    def quantity(self, raw: str) -> str:
        return raw if _NUMBER.match(raw.strip()) else self.text(raw)

    def structured(self, raw: str) -> str:
        return raw if _STRUCTURED.match(raw) else self.text(raw)

    def _plain(self, raw: str) -> str:
        return unescape(raw, self.marks, self.charset)

    def _number(self, raw: str) -> str:
        text = self._plain(raw)
        return self.desk.number(text) if text.strip() and text != NULL else ""

    def _moved(self, raw: str) -> str:
        if not raw or self.person is None:
            return ""
        if not _TIME.match(raw):
            self.desk.actions["hl7v2: unreadable time blanked"] += 1
            return ""
        if self.timezone is None and self.offset and len(raw) > 8 and not _OFFSET.search(raw):
            raw += self.offset
        return self.person.clock.compact(raw, where=self.where, timezone=self.timezone)


_KINDS: dict[str, Callable[[Change, str], str]] = {
    "keep": Change.keep,
    "code": Change.code,
    "time": Change.time,
    "timing": Change.timing,
    "id": Change.id,
    "person": Change.person_id,
    "place": Change.place,
    "address": Change.address,
    "text": Change.text,
    "birth": Change.birth,
    "quantity": Change.quantity,
    "structured": Change.structured,
    "subject": Change.text,
}
