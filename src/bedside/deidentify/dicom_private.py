"""Private attributes: what is known to be safe stays with the creator that reserves its block, and all else goes.

In        a level, the private attributes that the rules let stay
Out       the level; a safe one is treated as its representation asks, like an attribute that the table does not name
Unknown   a site may name an attribute whose representation nobody says (implicit, or UN): pydicom's list of private attributes is asked;
          failing that, printable bytes are a text and others are numbers
Source    DICOM PS3.5 section 7.8 (blocks and creators); PS3.15 E.3.10
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bedside.deidentify.dicom_rules import Private
from bedside.deidentify.dicom_stream import Element, Level
from bedside.deidentify.dicom_values import BLOBS, agree, tells

if TYPE_CHECKING:
    from bedside.deidentify.dicom_clean import Cleaner, Place

_GONE = "dicom: private, curve or overlay element removed"
_FIRST_CREATOR, _LAST_CREATOR = 0x10, 0xFF


def clean(cleaner: Cleaner, level: Level, place: Place) -> None:
    """The private attributes of one level."""
    needed: dict[int, bool] = defaultdict(bool)
    found = [tag for tag in level.elements if tag >> 16 & 1]
    for tag in sorted(found, reverse=True):  # a creator comes after all that it reserves
        group, number = tag >> 16, tag & 0xFFFF
        if _FIRST_CREATOR <= number <= _LAST_CREATOR:
            if not needed[tag]:
                _gone(cleaner, level, tag)
            continue
        creator = group << 16 | number >> 8
        named = Private(level.text(creator), group, number & 0xFF)
        vr = cleaner.rules.private.get(named) if cleaner.rules.private else None
        if vr is None or not _stays(cleaner, level, level.elements[tag], vr or _listed_vr(tag, named.creator), place):
            _gone(cleaner, level, tag)
        else:
            needed[creator] = True


def _stays(cleaner: Cleaner, level: Level, element: Element, vr: str, place: Place) -> bool:
    """Treat a private attribute; whether anything of it stays."""
    if element.vr == "UN":
        element.vr = vr or _guessed(level.value(element))
    if vr and not agree(vr, element.vr) and vr != element.vr:
        return False
    if element.vr in BLOBS:
        return not tells(level.value(element)) and not cleaner.own.in_bytes(level, element)
    cleaner.by_kind(level, element, element.vr, place)
    return element.tag in level.elements


def _listed_vr(tag: int, creator: str) -> str:
    from pydicom.datadict import private_dictionary_VR

    try:
        return str(private_dictionary_VR(tag, creator))[:2]
    except KeyError:
        return ""


def _guessed(value: bytes) -> str:
    return "UT" if value.strip(b"\0").isascii() and value.decode("latin-1").strip(" \0").isprintable() else "OW"


def _gone(cleaner: Cleaner, level: Level, tag: int) -> None:
    if tag in level.elements:
        level.remove(tag)
    cleaner.desk.actions[_GONE] += 1
