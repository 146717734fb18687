"""Handlers of FHIR's datatypes that need to see their elements together: codes, quantities, references, identifiers.

In        the datatype as a dict, and what stands beside it
Out       the same without identifiers; the very same object where it is of a published coding system and nothing more
Source    HL7 FHIR R4 2.24 (datatypes), 2.3 (references); HL7 table 0203 (kinds of identifiers)
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bedside.deidentify.fhir_definitions import elements, resource_types
from bedside.deidentify.fhir_numbers import Lexeme, decimal_of
from bedside.deidentify.fhir_rules import WORDS, is_published
from bedside.deidentify.fhir_tree import REMOVED, Beside, Handler, Node
from bedside.deidentify.fhir_values import ADDRESS_OF_DEFINITION, coded, name_of_place, said
from bedside.deidentify.fhir_work import FILE, Json, Work, Wrong
from bedside.deidentify.wards import is_ward

SUBJECT_SYSTEM = "urn:bedside:subject"
LINKING = frozenset({"MR", "PI", "PT", "MRT", ""})
_CODING, _QUANTITY = frozenset({"system", "code", "display", "version"}), frozenset({"system", "code", "unit", "value"})
_YEARS = frozenset({"a", "yr", "year", "years"})
_IN_A_YEAR = dict.fromkeys(_YEARS, 1) | {"mo": 12, "month": 12, "months": 12}
_SSN_SYSTEMS = ("us-ssn", "2.16.840.1.113883.4.1")
_OTHER_SYSTEMS = {"us-npi": "NPI", "2.16.840.1.113883.4.3": "DL", "passport": "PPN", "driver": "DL", "insurance": "MB", "member": "MB"}


# --- codes and quantities ---------------------------------------------------------------------------


def published_coding(work: Work, one: Json) -> Json | None:
    """A Coding of a published system and nothing more, whose words and code are nobody's, stays as it is."""
    if not is_published(one.get("system")) or not one.keys() <= _CODING or not all(type(value) is str for value in one.values()):
        return None
    code = one.get("code", "")
    silent = work.desk.silent(one.get("display", "")) and (not code.isalpha() or work.desk.silent(code))
    return one if silent else None


def code_of_coding(work: Work, value: Any, beside: Beside) -> str | None:
    """A code: of a published system it is what it is, of another it is looked at."""
    return work.kept(said(value)) if is_published(beside.get("system")) else coded(work, value, beside)


def words_of_coding(work: Work, value: Any, beside: Beside) -> str | None:
    """What a code says in words."""
    return work.worded(said(value)) if is_published(beside.get("system")) else work.text(said(value))


def words_of_concept(work: Work, value: Any, beside: Beside) -> str | None:
    """The words of a concept: those of a published coding where they only repeat it."""
    codings = beside.get("coding")
    for coding in codings if type(codings) is list else ():
        if type(coding) is dict and coding.get("display") == value and is_published(coding.get("system")):
            return work.worded(said(value))
    return work.text(said(value))


def concept_of_place(inner: Handler) -> Handler:
    """Handler of a concept that says what a place is, where a sender may have written which one."""

    def change(work: Work, value: Any, beside: Beside) -> Any:
        if type(value) is not dict:
            raise Wrong
        said = kind_of_place(value) if not work.desk.policy.city else value
        if said is not value:
            work.did("fhir: name of a place removed")
        return inner(work, said, beside)

    return change


def kind_of_place(concept: Json) -> Json:
    """A concept without words and local codes that name no ward or kind of place; the very same where it has none.

    >>> kind_of_place({"coding": [{"code": "SWEDISH"}, {"code": "ICU"}], "text": "Swedish Issaquah"})
    {'coding': [{'code': 'ICU'}]}
    """
    codings = concept.get("coding")
    listed = [one for one in codings if type(one) is dict] if type(codings) is list else []
    published = [one.get("display") for one in listed if is_published(one.get("system"))]
    left = [one if is_published(one.get("system")) else _of_a_ward(one, ("code", "display")) for one in listed]
    done = concept | {"coding": [one for one in left if not one.keys() <= {"system", "version"}]} if listed else concept
    done = done if type(done.get("text")) is str and done["text"] in published else _of_a_ward(done, ("text",))
    if listed and not done["coding"]:
        done = {name: value for name, value in done.items() if name != "coding"}
    return concept if done == concept else done


def _of_a_ward(one: Json, names: tuple[str, ...]) -> Json:
    gone = {name for name in names if type(one.get(name)) is str and not is_ward(one[name])}
    return {name: value for name, value in one.items() if name not in gone} if gone else one


def published_quantity(work: Work, one: Json) -> Json | None:
    """A Quantity in a unit of a published system and nothing more stays as it is, but for years, which may be an age."""
    if not one.keys() <= _QUANTITY or not is_published(one.get("system")):
        return None
    value, unit, code = one.get("value"), one.get("unit", ""), one.get("code", "")
    if type(unit) is not str or type(code) is not str or code in _IN_A_YEAR or unit.lower() in _IN_A_YEAR:
        return None
    if type(value) not in (Lexeme, Decimal) and (type(value) is not int or work.number(value) is None):
        return None
    return one if work.desk.clean(unit) and work.desk.silent(code) else None


def capped(work: Work, done: Json, value: Json) -> None:
    """An age above the policy's cap."""
    if "value" in done and work.desk.policy.age_cap is not None:
        cap_age(done, work.desk.policy.age_cap)


def cap_age(quantity: Json, cap: int) -> None:
    """A quantity in years above the cap reads one more than it; one in months what that is in months.

    >>> quantity = {"value": 95, "unit": "years"}
    >>> cap_age(quantity, 89); quantity["value"]
    90
    """
    value = decimal_of(quantity["value"])
    parts = _IN_A_YEAR.get(quantity.get("code") or "") or _IN_A_YEAR.get(str(quantity.get("unit", "")).lower())
    if value is None or parts is None:
        return
    if Decimal(value) > cap if parts == 1 else Decimal(value) >= (cap + 1) * parts:
        quantity["value"] = (cap + 1) * parts


# --- references and identifiers ---------------------------------------------------------------------


def pointer(work: Work, value: Any, beside: Beside) -> str:
    """Reference.reference."""
    kind = beside.get("type")
    return work.reference(said(value), kind if type(kind) is str and kind in resource_types() else None)


def bare_reference(work: Work, one: Json) -> Json | None:
    """A Reference that says where it points and nothing else, as most do."""
    if len(one) == 1 and type(points := one.get("reference")) is str:
        return {"reference": work.reference(points)}
    return None


def kind_of_reference(work: Work, value: Any, beside: Beside) -> str | None:
    """Reference.type: the name of a type, or the address of its definition."""
    kind = said(value)
    return kind if kind.removeprefix("http://hl7.org/fhir/StructureDefinition/") in resource_types() else None


def words_of_reference(name: str) -> Handler:
    """Handler of Reference.display; the element's name (`location`, `medicationReference`) tells what it points at where nothing else does."""
    named = name.removesuffix("Reference").capitalize()

    def change(work: Work, value: Any, beside: Beside) -> str | None:
        points = beside.get("reference")
        work.reach = max(work.reach, FILE)
        new = work.reference(points) if type(points) is str else ""
        kind = new.partition("/")[0] if "/" in new and "?" not in new else beside.get("type") or named
        if kind == "Location":
            return name_of_place(work, value, beside)
        if kind in WORDS.worded:
            return work.plain(said(value))
        work.did("fhir: words of a reference removed")
        return None

    return change


def identifier_kind(one: Json) -> str:
    """Code of HL7 table 0203 for an identifier, "" when it does not say."""
    kind = one.get("type")
    for coding in (kind.get("coding") or ()) if isinstance(kind, dict) else ():
        if isinstance(coding.get("code"), str):
            return str(coding["code"])
    system = str(one.get("system") or "").lower()
    if system.endswith(_SSN_SYSTEMS):
        return "SS"
    return next((code for sign, code in _OTHER_SYSTEMS.items() if sign in system), "")


def identifier(concepts: Node) -> Handler:
    """Handler of an Identifier: the subject's name for a patient's, a keyed number for any other, nothing for an SSN."""

    def change(work: Work, one: Any, beside: Beside) -> Json | None:
        if type(one) is not dict:
            raise Wrong
        value = one.get("value")
        if not isinstance(value, str) or not value.strip():
            work.did(REMOVED)
            return None
        kind = identifier_kind(one)
        if kind == "SS":
            work.did(REMOVED)
            return None
        work.reach = max(work.reach, FILE)
        kept: Json = {"use": one["use"]} if one.get("use") in elements("Identifier")["use"].codes else {}
        person = work.desk.find(work.desk.map.record_key(value, source=work.source, stated=one.get("system"))) if kind in LINKING else None
        if person is not None:
            return kept | {"system": SUBJECT_SYSTEM, "value": person.name}
        return kept | _system(work, one) | _type(work, one, concepts) | {"value": _number(work, value)}

    return change


def _system(work: Work, one: Json) -> Json:
    system = one.get("system")
    return {"system": system} if type(system) is str and ADDRESS_OF_DEFINITION.match(system) and (is_published(system) or not work.touches(system)) else {}


def _type(work: Work, one: Json, concepts: Node) -> Json:
    kind = concepts.change(work, one["type"], one) if type(one.get("type")) is dict else None
    return {"type": kind} if kind else {}


def _number(work: Work, value: str) -> str:
    if value.startswith("urn:oid:"):
        return "urn:oid:" + work.desk.uid(value.removeprefix("urn:oid:"))
    return work.desk.number(value)
