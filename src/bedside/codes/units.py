"""One spelling for a unit, and the way from one unit to another.

In        units as monitors, laboratories and registries write them; the event code, for what only the analyte can tell
Out       UCUM text, and (scale, offset) so that new = old * scale + offset, or None: a conversion nobody declared
Source    UCUM 2.1; UCUM's table of commonly used units in healthcare, version 1.5, for the spellings;
          IFCC to NGSP for HbA1c: Hoelzel et al., Clin Chem 2004;50:166-74 (NGSP = 0.09148 IFCC + 2.152).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from bedside.codes.analytes import Analyte, analyte
from bedside.codes.ucum import Dimension, Unit, unit

_HBA1C = frozenset({"LOINC//4548-4", "LOINC//17856-6", "LOINC//59261-8", "LOINC//4549-2"})
_NGSP_SLOPE, _NGSP_OFFSET = Fraction("0.09148"), Fraction("2.152")

# Spellings that mean something else in UCUM, or nothing. Exact case first, then any case.
_EXACT = {
    "C": "Cel", "F": "[degF]", "K/uL": "10*3/uL", "K/mcL": "10*3/uL", "K/mm3": "10*3/uL", "K/cumm": "10*3/uL", "k/uL": "10*3/uL",
    "M/uL": "10*6/uL", "m/uL": "10*6/uL", "M/mcL": "10*6/uL", "M/mm3": "10*6/uL", "G/L": "10*9/L", "T/L": "10*12/L",
    "#/uL": "/uL", "#/hpf": "/[HPF]", "/hpf": "/[HPF]", "#/lpf": "/[LPF]", "/lpf": "/[LPF]", "in": "[in_i]", "ft": "[ft_i]",
    "1/min": "/min", "min-1": "/min", "sec": "s", "Ratio": "1", "units": "1", "unit": "1", "U": "U", "fraction": "1",
}  # fmt: skip
_ANY_CASE = {
    "bpm": "/min", "beats/min": "/min", "beats per minute": "/min", "breaths/min": "/min", "breaths per minute": "/min",
    "br/min": "/min", "insp/min": "/min", "resp/min": "/min", "rpm": "/min", "per minute": "/min", "/minute": "/min",
    "degc": "Cel", "deg c": "Cel", "deg. c": "Cel", "°c": "Cel", "celsius": "Cel", "cel": "Cel", "degrees c": "Cel",
    "degf": "[degF]", "deg f": "[degF]", "deg. f": "[degF]", "°f": "[degF]", "fahrenheit": "[degF]", "degrees f": "[degF]",
    "mmhg": "mm[Hg]", "mm hg": "mm[Hg]", "mm(hg)": "mm[Hg]", "torr": "mm[Hg]", "cmh2o": "cm[H2O]", "cm h2o": "cm[H2O]",
    "percent": "%", "pct": "%", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "minute": "min", "minutes": "min",
    "mins": "min", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "wk", "weeks": "wk",
    "month": "mo", "months": "mo", "year": "a", "years": "a", "yr": "a", "yrs": "a", "lb": "[lb_av]", "lbs": "[lb_av]",
    "pound": "[lb_av]", "pounds": "[lb_av]", "oz": "[oz_av]", "inch": "[in_i]", "inches": "[in_i]", "kgs": "kg", "lpm": "L/min",
    "thou/ul": "10*3/uL", "thousand/ul": "10*3/uL", "th/ul": "10*3/uL", "1000/ul": "10*3/uL", "thou/mm3": "10*3/uL",
    "mil/ul": "10*6/uL", "mill/ul": "10*6/uL", "million/ul": "10*6/uL", "cells/ul": "/uL", "ratio": "1", "score": "1",
    "k/ul": "10*3/uL", "k/mm3": "10*3/uL", "k/cumm": "10*3/uL", "m/ul": "10*6/uL", "m/mm3": "10*6/uL", "m/cumm": "10*6/uL",
    "thous/ul": "10*3/uL", "thous/mm3": "10*3/uL", "/hpf": "/[HPF]", "/lpf": "/[LPF]", "mm/hg": "mm[Hg]", "cmh20": "cm[H2O]",
    "units/h": "[iU]/h", "units/kg/h": "[iU]/kg/h", "inr": "1", "sq m": "m2",
    "ph": "[pH]", "ph units": "[pH]", "gram": "g", "grams": "g", "gm": "g", "cc": "mL", "mosm/kg": "mosm/kg",
}  # fmt: skip
_COMMON = (
    "mg/dL", "g/dL", "ug/dL", "ng/dL", "ng/mL", "pg/mL", "ug/mL", "ug/L", "mg/L", "g/L", "ng/L", "mmol/L", "umol/L", "nmol/L",
    "pmol/L", "meq/L", "U/L", "[iU]/L", "m[iU]/L", "m[iU]/mL", "u[iU]/mL", "[iU]/mL", "U/mL", "mL", "L", "mL/min", "mL/h", "L/min",
    "kPa", "kg", "g", "mg", "ug", "cm", "mm", "m", "s", "min", "h", "fL", "pg", "mm/h", "mg/g", "mg/mg", "mosm/kg", "mmol/mol",
    "10*3/uL", "10*6/uL", "10*9/L", "10*12/L",
)  # fmt: skip
_LOWER = {text.lower(): text for text in _COMMON}
_MICRO = re.compile("[\u00b5\u03bc]|(?i:mc)(?=[gGlL]|(?i:mol))")
_POWER = re.compile(r"\b[xX]?\s*10\s*(?:\^|\*\*|\*|[eE](?=[+-]?\d)|\((?=\d+\))|(?<=\s)(?=\d))\s*([+-]?\d+)\)?")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RAISED_TEN = re.compile("10(?=[⁰¹²³⁴-⁹])")
_DEGREE_SIGNS = str.maketrans({"℃": "°C", "℉": "°F", "º": "°"})
_BODY_SURFACE = re.compile(r"/1\.73(?:m2|m\^2|m\*\*2|sqm|m²)")
_SHOUTED = re.compile(r"(?<![A-Za-z\[])M([LMS])(?![A-Za-z\]])")  # no ward measures in megalitres, megametres or megaseconds
_EQUIVALENT = re.compile(r"(?i)\bmeq\b")
_INTERNATIONAL = re.compile(r"(?<![A-Za-z\[])([munkMUNK]?)[iI][uU](?![A-Za-z\]])")
_WORDS = {"hr": "h", "hour": "h", "hours": "h", "sec": "s", "minute": "min", "day": "d", "gm": "g", "mm3": "uL", "cumm": "uL",
          "kilogram": "kg", "cm3": "mL", "mEq": "meq", "Osm": "osm", "mOsm": "mosm"}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+\d?")


@lru_cache(maxsize=4096)
def spelling(text: str) -> str:
    """A unit in UCUM's spelling; a text that no rule knows comes back as it is, without outer spaces.

    >>> spelling("K/uL"), spelling("mmHg"), spelling("10^9/L"), spelling("\u00b5mol/L"), spelling("bpm")
    ('10*3/uL', 'mm[Hg]', '10*9/L', 'umol/L', '/min')
    """
    bare = _plain(text)
    known = _EXACT.get(bare) or _ANY_CASE.get(bare.lower())
    if known or unit(bare) is not None:
        return known or _usual_case(bare)
    rewritten = _rewritten(bare)
    if unit(rewritten) is not None:
        return _usual_case(rewritten)
    return _EXACT.get(rewritten) or _ANY_CASE.get(rewritten.lower()) or _LOWER.get(rewritten.lower()) or bare


def _plain(text: str) -> str:
    """Without needless spaces, a full stop at the end, raised digits, the many signs for a degree, and megalitres."""
    bare = " ".join(text.split()).rstrip(".").translate(_DEGREE_SIGNS)
    bare = _SHOUTED.sub(lambda found: "m" + (found[1] if found[1] == "L" else found[1].lower()), bare)
    return _RAISED_TEN.sub("10*", bare).translate(_RAISED).replace("10^", "10*")


def _usual_case(known: str) -> str:
    """A litre is l or L in UCUM: of two spellings of one unit, the common one."""
    usual = _LOWER.get(known.lower())
    return usual if usual is not None and unit(usual) == unit(known) else known


@lru_cache(maxsize=4096)
def is_known(text: str) -> bool:
    """Whether UCUM has the unit, in this or in its own spelling.

    >>> is_known("K/uL"), is_known("drops/bucket")
    (True, False)
    """
    return unit(spelling(text)) is not None


@lru_cache(maxsize=16384)
def factor(from_unit: str, to_unit: str, code: str | None = None) -> tuple[float, float] | None:
    """(scale, offset) from one unit to another; None when no rule leads there.

    code   event code such as "LOINC//2345-7": mass and substance convert only for a declared analyte

    >>> factor("[degF]", "Cel") == (5 / 9, -160 / 9), factor("mg/dL", "mmol/L")
    (True, None)
    >>> round(factor("mg/dL", "mmol/L", "LOINC//2345-7")[0], 5)
    0.05551
    """
    before, after = spelling(from_unit), spelling(to_unit)
    if before == after:
        return 1.0, 0.0
    source, target = unit(before), unit(after)
    if source is None or target is None:
        return None
    if code in _HBA1C and (special := _hba1c(before, after)):
        return special
    known = analyte(code)
    if source.dimension != target.dimension and known is not None:
        source, target = _weighed(source, known), _weighed(target, known)
    if source.dimension != target.dimension:
        return None
    scale = source.scale / target.scale
    return float(scale), float(source.offset * scale - target.offset)


def _hba1c(before: str, after: str) -> tuple[float, float] | None:
    if (before, after) == ("mmol/mol", "%"):
        return float(_NGSP_SLOPE), float(_NGSP_OFFSET)
    if (before, after) == ("%", "mmol/mol"):
        return float(1 / _NGSP_SLOPE), float(-_NGSP_OFFSET / _NGSP_SLOPE)
    return None


def _weighed(told: Unit, known: Analyte) -> Unit:
    """The unit with equivalents as moles, and moles as grams, as far as the analyte declares them."""
    scale, powers = told.scale, dict(told.dimension)
    if known.charge and (power := powers.pop("eq", 0)):
        scale /= Fraction(known.charge) ** power
        powers["mol"] = powers.get("mol", 0) + power
    if known.molar and (power := powers.pop("mol", 0)):
        scale *= known.molar**power
        powers["g"] = powers.get("g", 0) + power
    return Unit(scale, _dimension(powers), told.offset)


def _dimension(powers: dict[str, int]) -> Dimension:
    return tuple(sorted((base, power) for base, power in powers.items() if power))


def _rewritten(bare: str) -> str:
    """The text with common habits undone: micro signs, x10^3, IU, mEq, hr, mm3."""
    text = _POWER.sub(r"10*\1", _MICRO.sub("u", bare)).replace(" per ", "/").replace(" ", "")
    text = _BODY_SURFACE.sub("/{1.73_m2}", text).replace("/24hr", "/d").replace("/24h", "/d")
    text = _INTERNATIONAL.sub(lambda found: found[1].lower() + "[iU]", _EQUIVALENT.sub("meq", text))
    return _WORD.sub(lambda found: _WORDS.get(found.group(), found.group()), text)
