"""One data set made clean: every element of it, and of every sequence in it, by what the rules say of its tag or its representation.

In        a `Level`, the rules of the policy, the desk, the person, the clock at work
Out       the same level, changed in place; elements that nobody had to touch keep their bytes
Listed    attributes of Table E.1-1, of an option or of the policy itself: `dicom_rules.py`, `dicom_listed.py`
Unlisted  numbers, codes and technical text stay, text without what is known or looks like an identifier; comments and narrative without
          unknown names; UIDs are ours; people, addresses of the network, free binary data and attributes that the standard does not
          have go. So does what is written in a representation that its attribute cannot have, and binary numbers that read as words.
Private   what the rules know to be safe is treated as unlisted; all else goes, with the creators that nobody needs any more
Modes     plain; content: trees of structured reports, whose text is clinical; replaced: a sequence that D replaces as a whole
Source    DICOM PS3.15 E.1.1, E.3
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bedside.core.errors import Malformed
from bedside.deidentify import dicom_graphics, dicom_listed, dicom_private, dicom_report, dicom_words
from bedside.deidentify.desk import Desk, Person
from bedside.deidentify.dicom_codes import Codes
from bedside.deidentify.dicom_listed import LISTED, NARROW, UIDS
from bedside.deidentify.dicom_own import Own
from bedside.deidentify.dicom_rules import Rules, Treatment
from bedside.deidentify.dicom_stream import Element, Level, vr_by_tag, vr_of
from bedside.deidentify.dicom_times import Times
from bedside.deidentify.dicom_values import (  # fmt: skip
    AGE,
    BLOBS,
    DECIMAL,
    NUMBERS,
    STRINGS,
    TEXTS,
    TIMES,
    Texts,
    agree,
    character_sets,
    decoded,
    each,
    encoded,
    tells,
    whole,
)

_CHARACTER_SET, _PIXELS = 0x00080005, 0x7FE0
_PIXEL_DATA = frozenset({0x7FE00001, 0x7FE00002, 0x7FE00003, 0x7FE00008, 0x7FE00009, 0x7FE00010})
# SOP classes, coding schemes, context groups: UIDs that name kinds, not things.
_KEPTUIDS = frozenset({0x00080016, 0x00081150, 0x0008001A, 0x0008001B, 0x0008010C, 0x00080117, 0x00080118, 0x00083002, 0x00080062})
# Free bytes that images need: palettes, profiles, samples of waveforms. Nothing else of OB stays.
_BYTES = frozenset({0x00282000, 0x54001010, 0x54000110, 0x54000112, 0x5400100A, 0x00281201, 0x00281202, 0x00281203, 0x00281204, 0x00281221, 0x00281222, 0x00281223})
_REMOVED = "dicom: element removed"


class Place(NamedTuple):
    """Where an element stands: the character sets that hold there, and the mode."""

    sets: Texts
    mode: str = "plain"


class Cleaner:
    """Cleans one instance."""

    def __init__(self, desk: Desk, person: Person, rules: Rules, times: Times, own: Own, where: str) -> None:
        self.desk, self.person, self.rules, self.times, self.own, self.where = desk, person, rules, times, own, where
        self.codes, self.known = Codes(self), vr_by_tag()

    def text(self, text: str) -> str:
        """A text without identifiers, the person's own names in any case among them."""
        return dicom_words.without(self.desk.text(text, self.person), self.own.words)

    def level(self, level: Level, place: Place) -> None:
        """One data set and everything nested in it."""
        said = level.elements.get(_CHARACTER_SET)
        if said is not None:
            place = place._replace(sets=character_sets(level.text(_CHARACTER_SET)))
        private, treatments = False, self.rules.treatments
        for tag, element in list(level.elements.items()):
            if tag >> 16 & 1:
                private = True
            elif not tag & 0xFFFF:
                level.remove(tag)
            elif tag in level.elements:
                treatment = treatments.get(tag)
                if treatment is not None:
                    self.treat(level, element, treatment, place)
                else:
                    self.unlisted(level, element, place)
        if private:
            dicom_private.clean(self, level, place)

    def inside(self, level: Level, element: Element, place: Place) -> None:
        """The items of a sequence."""
        items = level.items(element, self.where)
        for item in items:
            self.level(item, place)
        level.touched |= any(item.touched for item in items)

    # --- listed -------------------------------------------------------------------------------------

    def treat(self, level: Level, element: Element, treatment: Treatment, place: Place) -> None:
        """One attribute by what the rules say."""
        if element.vr == "UN":
            element.vr = self.known.get(element.tag, "UN")
        if treatment == "remove":
            self.gone(level, element)
        elif element.vr == "SQ":
            self._sequence(level, element, treatment, place)
        elif place.mode == "replaced" and treatment in ("scrub", "characteristic"):
            dicom_listed.dummied(self, level, element, place)
        else:
            LISTED[treatment](self, level, element, place)

    def _sequence(self, level: Level, element: Element, treatment: Treatment, place: Place) -> None:
        if vr_of(element.tag) not in ("SQ", "UN"):
            self.gone(level, element)
        elif treatment == "empty":
            level.set(element, b"")
            self.desk.actions["dicom: element emptied or replaced"] += 1
        else:
            modes = {"content": "content", "dummy": "replaced"}
            mode = "replaced" if place.mode == "replaced" else modes.get(treatment, place.mode)
            if mode == "content":
                dicom_report.items(self, level, element, place._replace(mode=mode))
            self.inside(level, element, place._replace(mode=mode))

    def gone(self, level: Level, element: Element) -> None:
        level.remove(element.tag)
        self.desk.actions[_REMOVED] += 1

    def change(self, level: Level, element: Element, place: Place, change: Callable[[str], str]) -> None:
        """Every text of an element changed."""
        said = decoded(level.value(element), place.sets)
        new = each(said, element.vr, change) if said and not said.isspace() else said
        if new != said:
            level.set(element, encoded(new, place.sets))

    # --- unlisted -----------------------------------------------------------------------------------

    def unlisted(self, level: Level, element: Element, place: Place) -> None:
        """What no rule names, by its representation."""
        tag, vr = element.tag, element.vr
        kind = self.known.get(tag)
        if kind != vr:
            kind = vr_of(tag)
            if tag >> 24 in (0x50, 0x60) and not tag >> 16 & 1:
                dicom_graphics.overlay_or_curve(self, level, element)
                return
            if kind == "UN" or not agree(kind, vr):
                self.gone(level, element)
                return
            if vr == "UN":
                element.vr = kind
            vr = kind if vr in STRINGS or vr == "UN" else vr
        if tag >> 16 == _PIXELS:
            if level.depth or tag not in _PIXEL_DATA:
                self.gone(level, element)
            elif self.own.in_bytes(level, element):
                raise Malformed("the bytes of the pixels spell what is known of the patient", where=self.where, do="fetch the instance again from the archive")
        elif place.mode == "replaced" and (vr in TEXTS or vr in TIMES or vr in ("DS", "IS", "PN", "AE", "UR")):
            self._replace(level, element, place)
        else:
            self.by_kind(level, element, vr, place)

    def by_kind(self, level: Level, element: Element, vr: str, place: Place) -> None:
        """An element whose tag tells nothing, by its representation."""
        if vr == "SQ":
            self.inside(level, element, place)
        elif vr in NARROW:
            self.codes.narrow(self, level, element, place)
        elif vr in TEXTS:
            self._narrative(level, element, place)
        elif vr == "CS":
            self.codes.string(level, element)
        elif vr == "UI":
            if not UIDS.match(level.value(element)) or (element.tag not in _KEPTUIDS and not self.rules.uids):
                dicom_listed.renamed(self, level, element, place)
        elif vr in TIMES:
            dicom_listed.moved(self, level, element, place)
        elif vr in ("DS", "IS"):
            if not DECIMAL.match(level.value(element)):
                dicom_listed.dummied(self, level, element, place)
        elif vr == "AS":
            self.age(level, element)
        elif vr in NUMBERS:
            if not whole(vr, element.stop - element.start) or tells(level.value(element)) or self.own.in_bytes(level, element):
                dicom_listed.dummied(self, level, element, place)
        elif vr in BLOBS:
            self._blob(level, element, vr)
        elif vr == "PN":
            self._replace(level, element, place)
        else:
            self.gone(level, element)

    def _narrative(self, level: Level, element: Element, place: Place) -> None:
        if place.mode == "content":
            self.change(level, element, place, lambda one: self.text(one))
        else:
            self.change(level, element, place, lambda one: dicom_words.cleaned(self.text(one), strict=False))

    def _replace(self, level: Level, element: Element, place: Place) -> None:
        if level.value(element).strip(b" \0"):
            dicom_listed.dummied(self, level, element, place)

    def age(self, level: Level, element: Element) -> None:
        """An age above the cap reads cap + 1; what is no age becomes empty."""
        said, cap = level.text(element.tag), self.desk.policy.age_cap
        age = AGE.match(said)
        if said and age is None:
            level.set(element, b"")
        elif age is not None and cap is not None and age[2] == "Y" and int(age[1]) > cap:
            level.set(element, f"{cap + 1:03d}Y".encode("ascii"))

    def _blob(self, level: Level, element: Element, vr: str) -> None:
        """Bulk data: numbers stay, bytes only where images need them, and neither where they read as words or as the person's."""
        free = "OB" in (vr, self.known.get(element.tag)) and element.tag not in _BYTES
        if free or tells(level.value(element)) or self.own.in_bytes(level, element):
            self.gone(level, element)
