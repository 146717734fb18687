"""Fields that HL7 v2 segments share: who, where, when, coded elements and values, as parts of events.

In        segments of `formats.hl7v2.Message`
Out       strings, numbers and instants in the terms of `core.events`, spelled as the FHIR reader spells them
Source    HL7 v2.5.1 chapter 2.A (data types CWE, CX, DTM, PL, SN); tables 0004 (patient class), 0085 (result status),
          0396 (coding system).
"""

from __future__ import annotations

import re

from bedside.codes.vocabulary import coding_system
from bedside.core.errors import Malformed
from bedside.core.events import Status
from bedside.core.ids import is_pseudonym, subject_number
from bedside.core.time import Instant, compact_instant
from bedside.formats.hl7v2 import NULL, Message, Segment
from bedside.readers.fhir_elements import STANDARD, known_unit
from bedside.readers.pieces import Context
from bedside.readers.words import single, slug

Value = tuple[float | None, str | None, str | None]
_CLASSES = {"I": "IMP", "E": "EMER", "O": "AMB", "B": "IMP", "R": "AMB", "P": "PRENC"}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\Z")
_COMPARED = re.compile(r"(<=|>=|<|>)\s*(\S+)\Z")
_RESULT: dict[str, Status] = {"C": "corrected", "A": "corrected", "D": "retracted", "W": "retracted"}
TEXTUAL = ("TX", "FT")


def said(segment: Segment, path: str, rep: int = 0) -> str | None:
    """Text at a place; a field that the sender nulls ("") is absent."""
    text = segment.get(path, rep)
    return None if text is None or text == NULL or not text.strip() else text.strip()


def subject(message: Message, context: Context) -> int:
    """`subject_id` of the first PID."""
    person = message.segment("PID")
    if person is None:
        raise Malformed("a message about a patient without PID", where=context.where, do="fix the sender")
    return subject_number(_number_of(person, context))


def about_one(message: Message, context: Context) -> None:
    """Raise `Malformed` when a message speaks of several patients: its facts cannot all be the first one's."""
    if len({_number_of(person, context) for person in message.all("PID")}) > 1:
        raise Malformed("a message about several patients", where=context.where, do="send one message for each patient")


def _number_of(person: Segment, context: Context) -> str:
    """Of PID-3 the pseudonym, else the medical record number, else the first identifier."""
    count = len(person.repetitions(3))
    numbers = [(said(person, "3.1", rep), said(person, "3.5", rep)) for rep in range(count)]
    known = [(number, kind) for number, kind in numbers if number]
    if not known:
        raise Malformed("PID-3 holds no identifier", where=context.where, do="fix the sender")
    best = min(known, key=lambda pair: (not is_pseudonym(pair[0]), pair[1] != "MR"))
    return best[0]


def encounter(message: Message) -> str | None:
    """Visit number PV1-19, else the account number PID-18."""
    visit, person = message.segment("PV1"), message.segment("PID")
    number = said(visit, "19.1") if visit else None
    return number or (said(person, "18.1") if person else None)


def patient_class(visit: Segment) -> str:
    return _CLASSES.get(said(visit, "2.1") or "", "UNKNOWN")


def when(segment: Segment | None, path: str, context: Context) -> Instant | None:
    """Instant of a DTM or TS field, None when absent."""
    text = said(segment, path) if segment is not None else None
    return compact_instant(text, where=context.where, timezone=context.timezone) if text else None


def first(*times: Instant | None) -> Instant | None:
    return next((time for time in times if time is not None), None)


def code(segment: Segment, field: int, context: Context, *, prefer: str = "") -> str | None:
    """Event code of a coded element, from its primary or alternate triplet; None when the field is empty."""
    triplets = [(said(segment, f"{field}.{at}"), said(segment, f"{field}.{at + 2}")) for at in (1, 4)]
    coded = [(coding_system(system), number) for number, system in triplets if number]
    if coded:
        name, number = min(coded, key=lambda pair: (pair[0] != prefer, pair[0] not in STANDARD))
        if name not in STANDARD:
            context.problem("code outside the standard vocabularies, kept")
        return f"{name}//{number}"
    text = said(segment, f"{field}.2") or said(segment, f"{field}.9")
    if text is None:
        return None
    context.problem("named by text, not by a code, kept as LOCAL")
    return "LOCAL//" + slug(text)


def unit(segment: Segment, field: int, context: Context) -> str | None:
    return known_unit(said(segment, f"{field}.1") or said(segment, f"{field}.2"), context)


def number(text: str) -> tuple[float | None, str]:
    """A numeric field as float32 and as it was sent; None and the text when it is no number.

    >>> number("7.40"), number("n/a")
    ((7.400000095367432, '7.40'), (None, 'n/a'))
    """
    return (single(float(text)) if _NUMBER.match(text) else None), text


def result_status(result: Segment) -> Status | None:
    """Status of OBX-11; None when there is no result yet, or none can be had."""
    letter = said(result, "11") or "F"
    return None if letter in ("X", "I", "O", "N") else _RESULT.get(letter, "final")


def values(result: Segment, context: Context) -> list[Value]:
    """What OBX-5 says, one a repetition: number, text, number as sent."""
    kind = said(result, "2") or "ST"
    if kind in ("ED", "RP"):
        context.problem("encapsulated or referenced data, left out")
        return []
    reps = range(len(result.repetitions(5)))
    if kind in TEXTUAL:
        lines = [text for rep in reps if (text := said(result, "5", rep))]
        return [(None, "\n".join(lines), None)] if lines else []
    return [value for rep in reps if (value := _value(result, kind, rep, context)) is not None]


def _value(result: Segment, kind: str, rep: int, context: Context) -> Value | None:
    if kind in ("CE", "CWE", "CNE", "CF"):
        words = said(result, "5.2", rep) or said(result, "5.9", rep) or said(result, "5.1", rep)
        return (None, words, None) if words else None
    if kind == "SN":
        return _structured(result, rep)
    text = said(result, "5", rep)
    if text is None:
        return None
    return _written(text, kind, context) if kind in ("NM", "ST") else (None, text, None)


def _written(text: str, kind: str, context: Context) -> Value:
    """A numeric or string result; a number sent as a string is a number all the same, as is "<0.01" with its sign in the text."""
    compared = _COMPARED.match(text)
    value, lexeme = number(compared[2] if compared else text)
    if value is None:
        if kind == "NM":
            context.problem("a numeric result that is no number, kept as text")
        return None, text, None
    if kind == "ST":
        context.problem("a number sent as text, read as a number")
    if compared:
        return value, compared[1] + lexeme, compared[1] + lexeme
    return value, None, lexeme


def _structured(result: Segment, rep: int) -> Value | None:
    sign, low, between, high = (said(result, f"5.{part}", rep) or "" for part in (1, 2, 3, 4))
    if between or high:
        return None, f"{sign}{low}{between}{high}", None
    value, lexeme = number(low)
    if value is None:
        return (None, sign + low, None) if sign + low else None
    return (value, sign + lexeme, sign + lexeme) if sign and sign != "=" else (value, None, lexeme)
