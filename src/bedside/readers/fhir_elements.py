"""Elements that FHIR resources share: references, codings, quantities and times, as parts of events.

In        dicts as `formats.fhir.parse` or a JSON decoder gives them; numbers may be Decimal, int or float
Out       strings, numbers and instants in the terms of `core.events`
Source    HL7 FHIR R4: References 2.3, Datatypes 2.24.
Raises    TypeError, KeyError, AttributeError or ValueError where an element has another type than R4 says; `fhir.py`
          turns those into one `Malformed` for the resource, so that the quick path holds no checks twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from bedside.codes.units import is_known
from bedside.codes.vocabulary import vocabulary
from bedside.core.ids import subject_number
from bedside.core.time import FIRST_US, LAST_US, Instant, iso_instant
from bedside.readers.pieces import Context, Nothing
from bedside.readers.times import available
from bedside.readers.words import single, slug

Json = dict[str, Any]
STANDARD = frozenset(
    {"LOINC", "SNOMED", "RXNORM", "ICD10CM", "ICD10", "ICD10PCS", "ICD9CM", "CVX", "CPT", "HCPCS", "NDC", "ATC", "DCM"}
)
UNKNOWN_UNIT = "a unit that UCUM does not have, kept"
_UTC_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WIDEST_OFFSET_MIN = 14 * 60
_ABSENT = re.compile(r"[a-z-]{1,30}\Z")


def text_of(value: object) -> str:
    """The value itself when it is a string."""
    if type(value) is not str:
        raise TypeError
    return value


def target(reference: Json) -> str:
    """The id that a reference points at: `Patient/7`, `urn:uuid:7`, `http://host/Patient/7/_history/2` are all 7."""
    text = reference.get("reference")
    return text_of(reference["identifier"]["value"]) if text is None else _last(text)


def subject(resource: Json) -> int:
    """`subject_id` of the patient that a resource is about; `Nothing` when it is about a group, a device or a place."""
    about = resource.get("subject") or resource.get("patient")
    if about is None:
        raise Nothing("about no patient")
    text = about.get("reference")
    if text is None:
        return subject_number(target(about))
    number = _patient(text)
    if number is None:
        raise Nothing("about something other than a patient")
    return number


def encounter(resource: Json) -> str | None:
    """Id of the encounter that a resource belongs to."""
    within = resource.get("encounter") or resource.get("context")
    if within is None:
        return None
    if "encounter" in within:
        within = within["encounter"]
    if type(within) is list:
        within = within[0] if within else {}
    return target(within) if "reference" in within or "identifier" in within else None


def code_of(concept: Json, context: Context, *, prefer: str = "") -> str:
    """Event code of a CodeableConcept: the preferred vocabulary's coding, else a standard one, else the first, else its text."""
    codings = concept.get("coding")
    if codings:
        coding = codings[0] if len(codings) == 1 else _best(codings, prefer)
        code = coding.get("code")
        if code:
            joined, standard = _joined(coding.get("system"), code)
            if not standard:
                context.problem("code outside the standard vocabularies, kept")
            return joined
    context.problem("named by text, not by a code, kept as LOCAL")
    return "LOCAL//" + slug(text_of(concept.get("text") or (codings[0].get("display") if codings else None)))


def words_of(concept: Json) -> str:
    """What a CodeableConcept says in words: the first coding's display, else the text, else the code."""
    for coding in concept.get("coding") or ():
        if coding.get("display"):
            return text_of(coding["display"])
    if concept.get("text"):
        return text_of(concept["text"])
    return text_of(concept["coding"][0]["code"])


def number(value: object) -> tuple[float | None, str]:
    """A JSON number as float32 and as the text that was sent."""
    if type(value) is Decimal:
        return single(float(value)), str(value)
    if type(value) is float or type(value) is int:
        return single(value), repr(value)
    raise TypeError


def unit_of(quantity: Json, context: Context) -> str | None:
    """UCUM code of a quantity, else its unit as written."""
    return known_unit(quantity.get("code") or quantity.get("unit"), context)


def known_unit(text: str | None, context: Context) -> str | None:
    """The unit as it was sent; one that is absent or that UCUM does not have is counted."""
    if text is None:
        context.problem("quantity without a unit, kept")
    elif not is_known(text_of(text)):
        context.problem(UNKNOWN_UNIT)
    return text


def instant(text: str, context: Context) -> Instant:
    """Instant of a FHIR date, dateTime or instant; a time of day without zone takes the source's."""
    return _instant(text, context.timezone)


def recorded(time: Instant, *said: str | None, context: Context) -> int:
    """When a fact of `time` became available: by the first of the texts said, never before the fact."""
    for text in said:
        if text is not None:
            return available(time, _instant(text, context.timezone))
    return available(time)


def start(element: Json, *names: str) -> str | None:
    """The first of the named dateTime or Period elements, a period by its start (its end when it has none)."""
    for name in names:
        value = element.get(name)
        if type(value) is dict:
            value = value.get("start") or value.get("end")
        if value:
            return text_of(value)
    return None


def absent(resource: Json) -> str:
    """Why a value is absent, as the standard's code when it is one."""
    codings = (resource.get("dataAbsentReason") or {}).get("coding")
    code = codings[0].get("code") if codings else None
    return f"value absent: {code}" if type(code) is str and _ABSENT.match(code) else "value absent"


@lru_cache(maxsize=8192)
def _last(text: str) -> str:
    return text_of(text.partition("/_history/")[0].rsplit("/", 1)[-1].rsplit(":", 1)[-1])


@lru_cache(maxsize=8192)
def _patient(text: str) -> int | None:
    """Subject number of a reference to a patient, None when it points at another type."""
    if "/" in text and not text.startswith(("Patient/", "urn:")) and "/Patient/" not in text:
        return None
    name = _last(text)
    if not name:
        raise ValueError
    return subject_number(name)


def _best(codings: Iterable[Json], prefer: str) -> Json:
    ranked = [(coding, vocabulary(text_of(coding.get("system") or ""))) for coding in codings if coding.get("code")]
    if not ranked:
        return next(iter(codings))
    return min(ranked, key=lambda pair: (pair[1] != prefer, pair[1] not in STANDARD))[0]


@lru_cache(maxsize=16384)
def _joined(system: str | None, code: str) -> tuple[str, bool]:
    words = text_of(code).strip()
    name = vocabulary(text_of(system)) if system else "LOCAL"
    return f"{name}//{words}", name in STANDARD


@lru_cache(maxsize=16384)
def _instant(text: str, timezone: str | None) -> Instant:
    """As `iso_instant`; the common full form goes through the interpreter's own parser, ten times as fast."""
    if len(text) >= 20 and text[4] == text[7] == "-" and text[10] == "T" and text[13] == text[16] == ":":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is not None and (offset := moment.utcoffset()) is not None:
            minutes, rest = divmod(offset, timedelta(minutes=1))
            us = (moment - _UTC_EPOCH) // _MICROSECOND
            if not rest and abs(minutes) <= _WIDEST_OFFSET_MIN and FIRST_US <= us <= LAST_US:
                return Instant(us, minutes, "time")
    return iso_instant(text, where="a date or time", timezone=timezone)
