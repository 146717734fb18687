"""Items of a structured report: what the concept of an item says that its value is, whatever the value looks like.

In        the items of a content sequence
Out       identifiers of the subject become the subject's pseudonym, other identifiers and names of people and places a dummy; an age
          above the cap becomes the cap + 1; a birth date, and what the policy does not retain of the patient, goes with its item
Elsewhere narrative, dates, references and UIDs of a report: by their tags, in `dicom_clean.py`
Source    DICOM PS3.15 E.3.4 and its table of concept names; PS3.16 TID 1001 to 1007; CID 7455 (units of age)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bedside.deidentify.dicom_stream import Element, Level

if TYPE_CHECKING:
    from bedside.deidentify.dicom_clean import Cleaner, Place

_CONCEPT, _CODE, _MEANING, _SCHEME, _KIND = 0x0040A043, 0x00080100, 0x00080104, 0x00080102, 0x0040A040
_TEXT, _NAME, _MEASURED, _NUMBER, _UNITS = 0x0040A160, 0x0040A123, 0x0040A300, 0x0040A30A, 0x004008EA
_SUBJECT_NAME, _SUBJECT_ID, _ACCESSION, _BIRTH_DATE, _AGE = "121029", "121030", "121022", "121031", "121033"
_OF_PATIENT = frozenset({"121032", _AGE})
# Concepts of texts that identify whatever they say: X or D without C in the table of E.3.4.
_IDENTIFIERS = frozenset(
    ["110190", "111706", "111724", "112352", "112351", "111705", "113516", "113605", "113871", "113872", "113873", "128774", "121009", "121020", "121124", "121121", "121434", "121435", "113514", "113511", "113512", "113513", "111700", "121041", "110119", "122128", "121013", "121016", "121017", "121012", "121023", "121024", "74711-3", "113878", "121154"]
)
_SAYS_IDENTIFIER = re.compile(
    r"\b(?:identifier|identification|id|uid|serial|accession|login|issuer|(?:placer|filler|lot|order|room|device|account|visit|phone) number|"
    r"observer(?:'s)? (?:organization )?name|(?:physician|operator|person|patient|subject|mother|author|staff|user)(?:'s)? name|address|telephone|ae title)\b",
    re.IGNORECASE,
)
_UNITS_OF_YEARS = frozenset({"a", "yr", "years", "y"})


def items(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    """Treat the items of a content sequence by their concepts; those that must go are taken out."""
    found = level.items(element, cleaner.where)
    left = [item for item in found if _item(cleaner, item)]
    if len(left) != len(found):
        element.items = left
        level.touched = True
        for item in left[:1]:
            item.touched = True
        if not left:
            level.set(element, b"")


def _item(cleaner: Cleaner, item: Level) -> bool:
    """Treat one item; whether it stays."""
    code, meaning = _concept(item, cleaner.where)
    text = item.elements.get(_TEXT)
    if code == _BIRTH_DATE or (code in _OF_PATIENT and not cleaner.rules.characteristics):
        return False
    if code == _AGE:
        _age(cleaner, item)
    elif code == _SUBJECT_NAME and _NAME in item.elements:
        item.put(_NAME, "PN", cleaner.person.name.encode("ascii"))
    elif text is not None and code == _SUBJECT_ID:
        item.set(text, cleaner.person.name.encode("ascii"))
    elif text is not None and code == _ACCESSION:
        item.set(text, cleaner.desk.number(item.text(_TEXT)).encode("ascii"))
    elif text is not None and (code in _IDENTIFIERS or _SAYS_IDENTIFIER.search(meaning)):
        item.set(text, b"REMOVED")
    return True


def _concept(item: Level, where: str) -> tuple[str, str]:
    named = item.elements.get(_CONCEPT)
    said = item.items(named, where) if named is not None and named.vr == "SQ" else []
    return (said[0].text(_CODE), said[0].text(_MEANING)) if said else ("", "")


def _age(cleaner: Cleaner, item: Level) -> None:
    measured, cap = item.elements.get(_MEASURED), cleaner.desk.policy.age_cap
    for value in item.items(measured, cleaner.where) if measured is not None and measured.vr == "SQ" else ():
        units = value.elements.get(_UNITS)
        unit = value.items(units, cleaner.where)[0].text(_CODE) if units is not None and value.items(units, cleaner.where) else ""
        try:
            years = float(value.text(_NUMBER)) if unit in _UNITS_OF_YEARS else 0.0
        except ValueError:
            years = float("inf")
        if cap is not None and years > cap and _NUMBER in value.elements:
            value.put(_NUMBER, "DS", str(cap + 1).encode("ascii"))
            item.touched = True
