"""What the rules can do to one element: one function a treatment.

In        the cleaner, the level, the element and where it stands
Out       the element changed in place, or taken out
Source    DICOM PS3.15 E.1.1 (X, Z, D, U, K, C); the policy's own words: `policy.DicomRules.elements`
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bedside.deidentify import dicom_words
from bedside.deidentify.dicom_rules import Treatment
from bedside.deidentify.dicom_stream import Element, Level
from bedside.deidentify.dicom_values import NUMBERS, STRINGS, TEXTS, TIMES, decoded, dummy, encoded, plain_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from bedside.deidentify.dicom_clean import Cleaner, Place

UIDS = re.compile(rb"[0-9.\\]*[ \0]*\Z")
NARROW = frozenset({"LO", "SH", "UC"})
_BORN, _AGE = 0x00100030, 0x00101010
_CHANGED = "dicom: element emptied or replaced"


def emptied(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    if level.value(element):
        level.set(element, b"")
        cleaner.desk.actions[_CHANGED] += 1


def dummied(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    if element.new is None:  # else what its concept says has been put there already
        level.set(element, dummy(element.vr, element.tag))
    cleaner.desk.actions[_CHANGED] += 1


def keep(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    """As it came, if it is what it should be."""
    if element.vr == "UI" and not UIDS.match(level.value(element)):
        renamed(cleaner, level, element, place)


def kept(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    """An identity of a device or a place, which an option keeps, but for what is known of the person."""
    if element.vr in TIMES:
        moved(cleaner, level, element, place)
    elif element.vr in STRINGS and element.vr != "UI":
        cleaner.change(level, element, place, lambda one: cleaner.desk.kept(one, cleaner.person))
    elif element.vr not in NUMBERS | {"UI", "AS", "DS", "IS"}:
        cleaner.gone(level, element)


def scrubbed(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    if element.vr in TEXTS:
        strict = element.vr in NARROW
        cleaner.change(level, element, place, lambda one: dicom_words.cleaned(cleaner.text(one), strict=strict))
    elif element.vr == "CS":
        cleaner.codes.string(level, element)
    elif element.vr in ("DS", "IS", "AS"):
        cleaner.unlisted(level, element, place)
    elif element.vr in TIMES:
        moved(cleaner, level, element, place)
    else:
        cleaner.gone(level, element)


def moved(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    if element.vr not in TIMES:
        cleaner.gone(level, element)
    elif cleaner.rules.times == "gone":
        emptied(cleaner, level, element, place)
    else:
        cleaner.times.move(level, element)


def renamed(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    said = level.value(element).decode("latin-1").strip(" \0")
    if said:
        level.set(element, "\\".join(cleaner.desk.uid(one.strip()) for one in said.split("\\")).encode("latin-1", "replace"))


def subject(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    if element.vr == "PN" and cleaner.desk.policy.names == "surrogate":
        another_name(cleaner, level, element, place)
    else:
        level.set(element, cleaner.person.name.encode("ascii"))


def another_name(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    """The surrogate of a name, family and given where they stood; the pseudonym where there is none."""
    family, given = [*decoded(level.value(element), place.sets).split("=")[0].split("^"), ""][:2]
    made = cleaner.desk.surrogates(cleaner.person).of(f"{given} {family}".strip(), "NAME") or cleaner.person.name
    first, _, last = made.rpartition(" ")
    level.set(element, encoded(f"{last}^{first}" if first and given else made, place.sets))


def numbered(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    said = decoded(level.value(element), place.sets).strip()
    level.set(element, cleaner.desk.number(said).encode("ascii") if said else b"")


def characteristic(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    if element.tag == _AGE:
        cleaner.age(level, element)
    elif element.vr in TEXTS:
        scrubbed(cleaner, level, element, place)
    elif element.vr == "CS":
        if not all(cleaner.codes.harmless(one.strip()) for one in level.text(element.tag).split("\\")):
            emptied(cleaner, level, element, place)
    elif element.vr in NUMBERS | {"AS", "DS", "IS"}:
        cleaner.by_kind(level, element, element.vr, place)
    else:
        cleaner.gone(level, element)


def zone(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    """Written at the end by `Times.mark`; nothing else may stand there."""
    if level.depth or not cleaner.times.offset:
        emptied(cleaner, level, element, place)


def shifted(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    value = level.text(element.tag)
    if element.tag == _BORN and plain_date(value):
        born = cleaner.person.clock.compact_birth(plain_date(value), where=cleaner.where)
        level.set(element, (born + "0101" if len(born) == len("YYYY") else born).encode("ascii"))
    elif element.vr in TIMES:
        cleaner.times.move(level, element)
    else:
        cleaner.gone(level, element)


def generalised(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    """A date to its year, moved as all dates are; an age to the cap; a text to what is known to be harmless."""
    if element.vr in ("DA", "DT"):
        shifted(cleaner, level, element, place)
        year = level.text(element.tag)[:4]
        level.set(element, (year + "0101" if year else "").encode("ascii"))
    else:
        scrubbed(cleaner, level, element, place)


def pseudonymised(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    (renamed if element.vr == "UI" else numbered)(cleaner, level, element, place)


def surrogate(cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
    (another_name if element.vr == "PN" else scrubbed)(cleaner, level, element, place)


LISTED: dict[Treatment, Callable[[Cleaner, Level, Element, Place], None]] = {
    "empty": emptied, "dummy": dummied, "uid": renamed, "keep": keep, "kept": kept, "scrub": scrubbed, "time": moved, "zone": zone,
    "subject": subject, "number": numbered, "characteristic": characteristic, "inside": scrubbed, "content": dummied, "shift": shifted,
    "generalise": generalised, "pseudonymise": pseudonymised, "surrogate": surrogate,
}  # fmt: skip
