"""What a mole, and an equivalent, of an analyte weighs: declared by LOINC code, since no unit can tell.

molar    grams a mole, as laboratories convert (urea nitrogen by its two nitrogen atoms, phosphate as phosphorus)
charge   equivalents a mole
Source   IUPAC standard atomic weights 2021; AMA Manual of Style, 11th ed., table 17.5-1 (SI conversion factors), against
         which tests compare. LOINC codes of serum, plasma and blood, in both mass and substance concentration.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Analyte(NamedTuple):
    """Grams a mole (None when never reported in grams) and equivalents a mole."""

    molar: Fraction | None
    charge: int | None = None


def _analyte(molar: str | None, charge: int | None = None) -> Analyte:
    return Analyte(Fraction(molar) if molar else None, charge)


_TABLE: list[tuple[Analyte, str]] = [
    (_analyte("180.156"), "2345-7 2339-0 2340-8 2341-6 41653-7 1558-6 14749-6 15074-8 14743-9 14771-0 32016-8"),  # glucose
    (_analyte("113.12"), "2160-0 38483-4 14682-9 59826-8"),  # creatinine
    (_analyte("584.67"), "1975-2 14631-6 42719-5 59827-6"),  # bilirubin, total
    (_analyte("584.67"), "1968-7 14629-0 1971-1 14630-8"),  # bilirubin, direct and indirect
    (_analyte("28.014"), "3094-0 6299-2 14937-7 59570-2"),  # urea nitrogen: mg of nitrogen, mmol of urea
    (_analyte("90.08"), "2524-7 32693-4 2518-9 2519-7 14118-4 30242-2 59032-3"),  # lactate, as lactic acid
    (_analyte("40.078", 2), "17861-6 2000-8 49765-1 29265-6"),  # calcium
    (_analyte("40.078", 2), "1994-3 1995-0 17864-0 12180-6"),  # calcium, ionised
    (_analyte("24.305", 2), "19123-9 2601-3"),  # magnesium
    (_analyte("30.974"), "2777-1 14879-1"),  # phosphate, as phosphorus
    (_analyte("386.65"), "2093-3 14647-2 2085-9 14646-4 2089-1 13457-7 22748-8 39469-2"),  # cholesterol
    (_analyte("885.4"), "2571-8 14927-8"),  # triglycerides, as triolein
    (_analyte("168.11"), "3084-1 14933-6"),  # urate
    (_analyte("55.845"), "2498-4 14798-3"),  # iron
    (_analyte("22.98977", 1), "2951-2 2947-0"),  # sodium
    (_analyte("39.0983", 1), "2823-3 6298-4"),  # potassium
    (_analyte("35.453", 1), "2075-0 2069-3"),  # chloride
    (_analyte(None, 1), "1963-8 1959-6 1960-4 1961-2 2028-9 2024-8"),  # bicarbonate, carbon dioxide
    (_analyte(None, 1), "33037-3 1863-0 10466-1 41276-7 1925-7 1922-4 11555-0"),  # anion gap, base excess
]
_BY_CODE = {code: analyte for analyte, codes in _TABLE for code in codes.split()}


def analyte(code: str | None) -> Analyte | None:
    """The analyte of an event code such as "LOINC//2345-7"; None when it is not declared."""
    if code is None or not code.startswith("LOINC//"):
        return None
    return _BY_CODE.get(code.split("//")[1])
