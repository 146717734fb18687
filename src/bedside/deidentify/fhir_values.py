"""Handlers of FHIR's primitive datatypes, one for each action.

In        the value of a primitive, and what stands beside it
Out       the value without identifiers; None where it goes
Raises    `Wrong` for a value of another JSON type
Source    HL7 FHIR R4 2.24.0.1 (primitive types)
"""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

from bedside.deidentify.fhir_definitions import Element, resource_types
from bedside.deidentify.fhir_names import target
from bedside.deidentify.fhir_numbers import Lexeme
from bedside.deidentify.fhir_rules import asks_birth, asks_who, is_published
from bedside.deidentify.fhir_tree import GONE, NOWHERE, REMOVED, Beside, Handler
from bedside.deidentify.fhir_work import ALONE, DATE, FILE, Work, Wrong
from bedside.deidentify.policy import Action
from bedside.deidentify.wards import is_ward

ADDRESS_OF_DEFINITION = re.compile(r"(?:https?://|urn:)[\w.:/#|%~-]+\Z")
_CODE = re.compile(r"[^\s@]{1,64}(?: [^\s@]{1,64}){0,5}\Z")
_TIME = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?\Z")
_SAMPLES = re.compile(r"[\d\sELU.+-]*\Z")
_UID = re.compile(r"\d+(?:\.\d+){2,}\Z")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_AGE = re.compile(r"(?<![\d.])\d{2,3}(?:\.\d+)?(?!\.?\d)")
_WHOLE_DATE, _OLDEST = 10, 130
_NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt", "decimal"})
_WORDS = frozenset({"string", "markdown"})


def said(value: Any) -> str:
    """The value itself when it is a string."""
    if type(value) is not str:
        raise Wrong
    return value


def remove(work: Work, value: Any, beside: Beside) -> Any:
    """Nothing, counted."""
    work.did(REMOVED)
    return None


def nothing(work: Work, value: Any, beside: Beside) -> None:
    """Nothing: the id of an element, which only its own resource uses."""


def scrub(work: Work, value: Any, beside: Beside) -> str | None:
    """Free text; what is a date and nothing else moves as one."""
    text = said(value)
    if len(text) >= _WHOLE_DATE and DATE.match(text):
        return work.date(text)
    return work.text(text)


def age_in_words(work: Work, value: Any, beside: Beside) -> str | None:
    """Words that tell an age and nothing else, as `FamilyMemberHistory.ageString` does: a number above the policy's cap reads one more than it."""
    done, cap = scrub(work, value, beside), work.desk.policy.age_cap
    return done if done is None or cap is None else _AGE.sub(lambda found: str(cap + 1) if cap + 1 <= float(found[0]) <= _OLDEST else found[0], done)


def coded(work: Work, value: Any, beside: Beside) -> str | None:
    """A short word of a list or of a local system; anything longer is free text."""
    text = said(value)
    return work.plain(text) if _CODE.match(text) else work.text(text)


def guarded(work: Work, value: Any, beside: Beside) -> str | None:
    """A text that a policy of the site's own keeps, without what is known of its own person."""
    return work.kept(said(value))


def name_of_place(work: Work, value: Any, beside: Beside) -> str | None:
    """What a place is called: a ward keeps its name, as it came; that of a hospital tells where it is, and goes as its street does."""
    name = said(value)
    if work.desk.policy.city:
        return coded(work, name, beside)
    if is_ward(name):
        return name
    work.did("fhir: name of a place removed")
    return None


def boolean(work: Work, value: Any, beside: Beside) -> bool:
    if type(value) is not bool:
        raise Wrong
    return value


def number(work: Work, value: Any, beside: Beside) -> Any:
    if type(value) is bool or not isinstance(value, (int, float, Lexeme, Decimal)):
        raise Wrong
    return work.number(value)


def clock_time(work: Work, value: Any, beside: Beside) -> Any:
    """A time of day, which is no element of a date."""
    return value if _TIME.match(said(value)) else remove(work, value, beside)


def samples(work: Work, value: Any, beside: Beside) -> Any:
    """The numbers of a SampledData."""
    return value if _SAMPLES.match(said(value)) else remove(work, value, beside)


def address(work: Work, value: Any, beside: Beside) -> str | None:
    """The address of a definition or of a coding system; a pseudonym where it holds what is known of a person."""
    text = said(value)
    if not ADDRESS_OF_DEFINITION.match(text):
        work.did(REMOVED)
        return None
    if is_published(text) or not work.touches(text):
        return text
    work.did("fhir: address that tells of a person replaced")
    return f"{NOWHERE}/{work.desk.number(text)}"


def link(work: Work, value: Any, beside: Beside) -> str | None:
    """A link to a Binary is a reference; any other address could say anything."""
    work.reach = max(work.reach, FILE)
    kind, name = target(said(value), work.urls)
    if kind == "Binary":
        return f"Binary/{work.desk.number(name)}"
    work.did(REMOVED)
    return None


def pointing(work: Work, value: Any, beside: Beside) -> str | None:
    """The address of a resource (a Bundle's fullUrl, link, request and response): rewritten as a reference is."""
    text = said(value)
    if text in resource_types():
        return text  # a type alone: POST Patient
    new = work.reference(text)
    return f"{NOWHERE}/{new}" if text.startswith("http") else new


def pseudonym(work: Work, value: Any, beside: Beside) -> str | None:
    """Another number, a UID for a UID."""
    text = said(value)
    if not text.strip():
        return None
    if _UID.match(text.removeprefix("urn:oid:")):
        return ("urn:oid:" if text.startswith("urn:oid:") else "") + work.desk.uid(text.removeprefix("urn:oid:"))
    if text.startswith("urn:uuid:"):
        return f"urn:uuid:{uuid.UUID(int=int(work.desk.uid(text).removeprefix('2.25.')))}"
    return work.desk.number(text)


def date(work: Work, value: Any, beside: Beside) -> str | None:
    return work.date(said(value))


def true_date(work: Work, value: Any, beside: Beside) -> Any:
    """A date that a policy of the site's own keeps."""
    return value if DATE.match(said(value)) else remove(work, value, beside)


def year(work: Work, value: Any, beside: Beside) -> str | None:
    """The year of a date, after the move."""
    moved = work.date(said(value))
    return moved[:4] if moved else None


def birth(work: Work, value: Any, beside: Beside) -> Any:
    """A birth date as the policy lets it be seen; that of nobody known goes."""
    work.reach = ALONE
    if work.person is None or not isinstance(value, str):
        return remove(work, value, beside)
    return work.person.clock.birth(value, where=f"{work.where}, birthDate")


def birth_of_patient(work: Work, value: Any, beside: Beside) -> Any:
    """Patient.birthDate, of a Patient that is the subject and no other person's."""
    return birth(work, value, beside) if work.kind == "Patient" else remove(work, value, beside)


def answer(inner: Handler, kind: str) -> Handler:
    """Handler of an answer that a question comes with: one that asks for a name is answered by none."""

    def change(work: Work, value: Any, beside: Beside) -> Any:
        words = work.asked or question(beside)
        if any(map(asks_who, words)):
            work.did("fhir: answer that identifies removed")
            return GONE if kind in _WORDS else None
        if type(value) is str and DATE.match(value) and any(map(asks_birth, words)):
            return birth(work, value, beside)
        return inner(work, value, beside)

    return change


def question(beside: Beside) -> tuple[str, ...]:
    """The words that stand beside an answer: of a questionnaire's item, of an observation's code, the name of a parameter."""
    words = [beside.get(name) for name in ("text", "linkId", "name")]
    for name in ("code", "type"):
        concept = beside.get(name)
        if type(concept) is dict:
            words += [concept.get("text"), *(one.get("display") for one in concept.get("coding") or () if type(one) is dict)]
    return tuple(_CAMEL.sub(" ", word.replace("_", " ")) for word in words if type(word) is str)


def primitive(action: Action, element: Element, own: bool) -> Handler:
    """The handler of a primitive element by its action; `own` when the policy itself says so."""
    kind = element.kind
    if action == "remove":
        return remove
    if kind == "boolean":
        return boolean
    if kind in _NUMBERS:
        return number
    if kind in ("date", "dateTime", "instant"):
        return {"keep": true_date, "generalise": year}.get(action, date)
    if action == "keep":
        return _kept(element, own)
    if action == "pseudonymise":
        return pseudonym
    if kind == "url":
        return link
    return scrub if action == "scrub" else remove


def _kept(element: Element, own: bool) -> Handler:
    kind = element.kind
    if kind == "time":
        return clock_time
    if kind in ("uri", "canonical", "url") and not own:
        return address
    if element.codes:
        return _of_set(element.codes)
    return guarded if own else coded


def _of_set(codes: frozenset[str]) -> Handler:
    """A code of a required value set is what it is; any other is looked at."""

    def change(work: Work, value: Any, beside: Beside) -> str | None:
        return value if type(value) is str and value in codes else coded(work, value, beside)

    return change
