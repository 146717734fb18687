"""What is new in most resources, in its plainest form, changed from bytes to bytes: a time, a reference, a number, a result.

In        the value of an element as JSON
Out       the member that stands in its place, and what is to be counted; None where the value is not of the plainest form, or where anything
          about it has to be looked at: then `fhir_json.py` reads it
Holds     no rule of its own: the result is that of the element's handler
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bedside.deidentify.fhir_numbers import decode, encode
from bedside.deidentify.fhir_rules import is_published
from bedside.deidentify.fhir_tree import Rule
from bedside.deidentify.fhir_types import LINKING, SUBJECT_SYSTEM, identifier_kind, published_quantity
from bedside.deidentify.fhir_values import ADDRESS_OF_DEFINITION
from bedside.deidentify.fhir_work import ALL, Work

Hit = tuple[bytes, tuple[str, ...]]
_PLAIN = rb'"([^"\\\x00-\x1f]+)"'
_TIME = rb'"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))"'
_DATE = re.compile(_TIME)
_PERIOD = re.compile(rb'\{\s*"start"\s*:\s*' + _TIME + rb'\s*,\s*"end"\s*:\s*' + _TIME + rb"\s*\}")
_REFERENCE = re.compile(rb'\{\s*"reference"\s*:\s*' + _PLAIN + rb"\s*\}")
_IDENTIFIER = re.compile(rb'(\[?)\s*\{\s*"system"\s*:\s*' + _PLAIN + rb'\s*,\s*"value"\s*:\s*' + _PLAIN + rb"\s*\}\s*(\]?)")
_QUANTITY = re.compile(rb'\{"value":(?:0|-?[1-9]\d{0,4}|-?\d+\.\d+),([^{}]+)\}')
_MOST = 10_000


def _date(work: Work, rule: Rule, said: bytes) -> Hit | None:
    found = _DATE.fullmatch(said)
    day = _moved(work, found[1]) if found is not None else None
    return None if found is None or day is None else (b'%s"%s%s"' % (rule.prefix, day, found[2]), ())


def _period(work: Work, rule: Rule, said: bytes) -> Hit | None:
    found = _PERIOD.fullmatch(said)
    first, last = (_moved(work, found[1]), _moved(work, found[3])) if found is not None else (None, None)
    if found is None or first is None or last is None:
        return None
    return b'%s{"start":"%s%s","end":"%s%s"}' % (rule.prefix, first, found[2], last, found[4]), ()


def _moved(work: Work, day: bytes) -> bytes | None:
    """A day of a whole time on the subject's clock; None where the clock writes times in another way."""
    clock = work.person.clock if work.person is not None else work.desk.nobody
    if clock is None or clock.relative:
        return None
    days = work.days.get(clock.days)
    if days is None:
        days = work.days[clock.days] = {}
    new = days.get(day)
    if new is None:
        if len(days) >= _MOST:
            days.clear()
        new = days[day] = clock.iso(day.decode() + "T00:00:00Z", where=work.where, timezone=work.timezone).encode()[:-10]
    return new


def _reference(work: Work, rule: Rule, said: bytes) -> Hit | None:
    found = _REFERENCE.fullmatch(said)
    return None if found is None else (b'%s{"reference":"%s"}' % (rule.prefix, work.reference(found[1].decode()).encode()), ())


def _identifier(work: Work, rule: Rule, said: bytes) -> Hit | None:
    """A number of a system, and no more; the system is judged once a file."""
    found = _IDENTIFIER.fullmatch(said)
    if found is None:
        return None
    opened, system, raw, closed = found.groups()
    known = work.systems.get(system)
    if known is None:
        if len(work.systems) >= _MOST:
            work.systems.clear()
        known = work.systems[system] = _system(work, system.decode())
    kept, linking = known
    value = raw.decode()
    if kept is None or value.startswith("urn:oid:") or not value.strip():
        return None
    person = work.desk.find(work.desk.map.record_key(value, source=work.source, stated=system.decode())) if linking else None
    if person is not None:
        return b'%s%s{"system":"%s","value":"%s"}%s' % (rule.prefix, opened, SUBJECT_SYSTEM.encode(), person.name.encode(), closed), ()
    return b'%s%s{%s"value":"%s"}%s' % (rule.prefix, opened, kept, work.desk.number(value).encode(), closed), ()


def _system(work: Work, system: str) -> tuple[bytes | None, bool]:
    """What is written of an Identifier's system, None where it depends on whose it is; and whether its numbers may be a patient's."""
    kind = identifier_kind({"system": system})
    if kind == "SS":
        return None, False
    if not ADDRESS_OF_DEFINITION.match(system):
        return b"", kind in LINKING
    nobodys = is_published(system) or work.desk.silent(system)
    return (b'"system":%s,' % encode(system) if nobodys else None), kind in LINKING


def _quantity(work: Work, rule: Rule, said: bytes) -> Hit | None:
    """A short number in a unit that was judged before."""
    found = _QUANTITY.fullmatch(said)
    if found is None:
        return None
    unit = found[1]
    known = work.units.get(unit)
    if known is None:
        if len(work.units) >= _MOST:
            work.units.clear()
        known = work.units[unit] = _is_plain(work, unit)
    return (rule.prefix + said, ()) if known else None


def _is_plain(work: Work, unit: bytes) -> bool:
    """Whether a quantity in this unit stays as it is, whose ever it is, and is written as it came."""
    said = b'{"value":1.0,' + unit + b"}"
    value = decode(said)
    work.reach = ALL
    return type(value) is dict and encode(value) == said and published_quantity(work, value) is value and work.reach == ALL


QUICK: dict[str, Callable[[Work, Rule, bytes], Hit | None]] = {
    "date": _date, "period": _period, "reference": _reference, "identifier": _identifier, "quantity": _quantity,
}  # fmt: skip
