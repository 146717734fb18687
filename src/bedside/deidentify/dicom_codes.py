"""Codes and short technical texts: a code of a published scheme stays, one of a hospital's own only if it tells nothing.

In        elements of a coded entry (PS3.3 section 8.8), code strings, and short texts that the table does not name
Out       the same, or REMOVED: a code has no brackets
Source    DICOM PS3.16 section 8 (coding schemes); PS3.5 section 6.2 (CS)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from bedside.deidentify import dicom_words
from bedside.deidentify.dicom_stream import Element, Level
from bedside.deidentify.dicom_values import Texts, decoded, encoded

if TYPE_CHECKING:
    from bedside.deidentify.dicom_clean import Cleaner, Place

_VALUE, _LONG_VALUE, _SCHEME, _MEANING = 0x00080100, 0x00080119, 0x00080102, 0x00080104
_PUBLISHED = re.compile(
    r"(?:DCM|SCT|SRT|SNM3|99SDM|SNOMED.*|LN|LOINC|UCUM|FMA|RADLEX|RADELEMENT|NCIt|UMLS|I9C?|I10P?|ICD.*|ISO.*|MDC|MDNS|NDC|RXNORM|MSH|NEU|"
    r"BARI|IBSI|BI|ACR|PUBCHEM_CID|ITIS_TSN|C4|C5|CPT.*|HPC|HCPCS|CDT\d?|CVX|DCMUID|IETF\d+|RFC\d+|ATC|ASTM-?\w*|UPC|UNS|NCDR.*|POS|PATHLEX|JC8|JJ1017.*|"
    r"BRAINLEX|MAYOASRG|NDFRT|NICIP|UBERON|VANE|ENTREZ|FDATRE|GTIN|ICDO3|99_OFFIS_DCMTK)\Z"
)
_CODE = re.compile(r"[A-Za-z0-9.\-/_{}\[\]%*^()' +#]{1,64}\Z")
_DESCRIBES = re.compile(r"Description|Comments?|Notes|Reasons?|InstructionText|Address|AssignedLocation|ContactDisplayName")
_NUMBERS_PRODUCTS = re.compile(r"Versions?\Z|ModelName\Z|Manufacturer|CodeMeaning|CodingScheme|Software|Firmware")
_REMOVED = "REMOVED"
_LONG_NUMBER = 6


@lru_cache(maxsize=1)
def _described() -> frozenset[int]:
    """Short texts outside the table that an operator types: by their keyword, but for kinds of animals."""
    return frozenset(tag for tag, entry in _dictionary() if _DESCRIBES.search(entry[4]) and tag >> 8 != 0x001022) | frozenset(
        tag for tag, entry in _dictionary() if tag >> 16 == 0x4010
    )


@lru_cache(maxsize=1)
def _versions() -> frozenset[int]:
    """Short texts whose numbers are those of products and published codes."""
    return frozenset(tag for tag, entry in _dictionary() if _NUMBERS_PRODUCTS.search(entry[4]))


def _dictionary() -> list[tuple[int, tuple[str, ...]]]:
    from pydicom._dicom_dict import DicomDictionary

    return [(tag, entry) for tag, entry in DicomDictionary.items() if entry[0] in ("LO", "SH", "UC")]


class Codes:
    """The codes of one instance."""

    def __init__(self, cleaner: Cleaner) -> None:
        self.cleaner, self.desk, self.person = cleaner, cleaner.desk, cleaner.person

    def string(self, level: Level, element: Element) -> None:
        """A code string: one that tells of the patient, or that looks like a number of somebody, is replaced whole."""
        said = level.value(element).decode("latin-1").rstrip(" \0")
        if said:
            self._set(level, element, said, [one if self.harmless(one) else _REMOVED for one in said.split("\\")], ())

    def harmless(self, code: str) -> bool:
        """Whether a code may stand wherever it comes from."""
        return not dicom_words.is_number(code) and self._nobodys(code)

    def narrow(self, cleaner: Cleaner, level: Level, element: Element, place: Place) -> None:
        """LO, SH and UC that no rule names: a value or scheme of a coded entry, or a short text."""
        if element.tag in (_VALUE, _LONG_VALUE):
            said = decoded(level.value(element), place.sets)
            published = not self._is_local(level)
            if said:
                self._set(level, element, said, [said if self._may_stand(said, published) else _REMOVED], place.sets)
        elif element.tag in _described() or (element.tag == _MEANING and place.mode != "content" and self._is_local(level)):
            cleaner.change(level, element, place, lambda one: dicom_words.cleaned(cleaner.text(one), strict=True))
        elif element.tag in _versions():
            cleaner.change(level, element, place, cleaner.text)
        else:
            cleaner.change(level, element, place, lambda one: dicom_words.without_numbers(cleaner.text(one)))

    def _is_local(self, level: Level) -> bool:
        """Whether a coded entry is of a scheme of a hospital's own, whose words may name the house as its descriptions do."""
        return _PUBLISHED.match(level.text(_SCHEME)) is None

    def _nobodys(self, code: str) -> bool:
        return dicom_words.without(self.desk.kept(code, self.person), self.cleaner.own.words) == code

    def _may_stand(self, code: str, published: bool) -> bool:
        if published and _CODE.match(code):
            return self._nobodys(code)
        return self.harmless(code) and self.desk.plain(code, self.person) and sum(map(str.isdigit, code)) < _LONG_NUMBER

    def _set(self, level: Level, element: Element, said: str, new: list[str], sets: Texts) -> None:
        text = "\\".join(new)
        if text != said:
            level.set(element, encoded(text, sets))
