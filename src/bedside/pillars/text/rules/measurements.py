"""Laboratory results and vital signs: what stands behind the name of a test.

In        the place of a test's name, and how far its sentence reaches
Out       attributes with their places: value (its number, and the unit in UCUM), unit, flag, reference; of a blood pressure systolic and
          diastolic. None when no value follows: a test that is only named says nothing.
Units     as written, in one spelling by `codes.units`; of a number without one the unit that goes without saying is not invented here.
          A temperature above 45 is taken as Fahrenheit.
"""

from __future__ import annotations

import re

from bedside.codes.units import spelling
from bedside.pillars.text.fact import Attribute
from bedside.pillars.text.rules.note import Note
from bedside.pillars.text.rules.terms import Term

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,4})?|\d{1,6}(?:\.\d{1,4})?|\.\d{1,4}"
_LINK_WORDS = (
    r"levels?|values?|counts?|results?|readings?|titer|percentage|was|is|were|are|of|at|to|today|now|noted|measured|repeat|repeated|initial|initially|came back|returned|"
    r"has been|had been|remains?|remained|stable|up|down|peaked|peak|rose|fell|increased|decreased|elevated|low|high|normal|only|about|around|approximately|approx|"
    r"trended|improved|admission|on admission|currently|averaging|in the|range|ranges?|ranging|ranged|from|between|orally|oral|tympanic|sitting|standing|supine|lying|"
    r"resting|this morning|yesterday|registered|serum|on arrival|and|w|rechecked|went|comes? back|back"
)
_LINK = rf"(?:[\s:=,~|*-]|(?:{_LINK_WORDS})(?![^\W_])|\([a-z%0-9 ]{{1,12}}\)){{0,9}}"
_UNITS = (
    r"mmol/mol|mmol/l|µmol/l|μmol/l|umol/l|micromol/l|nmol/l|pmol/l|mosm/kg|meq/l|mg/dl|mg/l|mg/g|g/g|mg/mg|mg/mmol|g/dl|gm/dl|gms?%|g%|g/l|ug/dl|mcg/dl|ug/l|mcg/l|ug/g|µg/l|μg/l|ug/ml|"
    r"mcg/ml|ng/ml|ng/dl|ng/l|pg/ml|pg/dl|iu/l|iu/ml|miu/l|miu/ml|uiu/ml|µiu/ml|μiu/ml|u/l|u/ml|ku/l|units/l|mm/h|mm/hr|mm/hour|ml/min(?:/1\.73 ?m(?:2|²|\^2))?|k/ul|k/mcl|k/mm3|k/cumm|"
    r"x ?10\^?[39]/l|x ?10e[39]/l|10\^[39]/l|10\^3/ul|x10\^?[36]/ul|10\*3/ul|thou/ul|/ul|/mcl|/mm3|/cumm|/hpf|/lpf|cells/ul|million/ul|m/ul|"
    r"fl|pg|sec(?:onds?)?|s(?=[\s,;.)]|\Z)|mm ?hg|mmhg|kpa|%|percent|percentile|mmol|mg|kg/m2|kg/m²|kg|kgs|kilograms?|lbs?|pounds?|cm|centimeters?|inches|in(?=[\s,;.)]|\Z)|ft|"
    r"°\s?[cf]|degrees(?: (?:celsius|fahrenheit|c|f))?|deg ?[cf]|celsius|fahrenheit|[cf](?=[\s,;.)]|\Z)|bpm|beats/min(?:ute)?|beats per minute|breaths/min(?:ute)?|breaths per minute|"
    r"per minute|/min(?:ute)?|a minute|copies/ml|10\^9/l"
)
_FLAG = r"\(?(?P<flag>HH|LL|H|L|\*|[Hh]igh|[Ll]ow|[Ee]levated|[Cc]ritical|[Nn]ormal|[Aa]bnormal|HIGH|LOW|CRITICAL|ABNORMAL)\)?(?![^\W_])"
_REFERENCE = r"[\(\[]\s?(?:ref(?:erence)?(?: range)?:?\s?|normal:?\s?|nl:?\s?)?(?P<reference>[<>]?\s?\d[\d.,]{0,8}(?:\s?(?:-|to|–)\s?\d[\d.,]{0,8})?)[^()\[\]\n]{0,14}[\)\]]"
_VALUE = re.compile(
    rf"{_LINK}(?P<value>(?P<sign>[<>≤≥]=?|less than |greater than )?\s?(?P<number>{_NUMBER}))(?![\d,]*\d)(?!/\d)(?!\.\d)(?:(?:\s?[-|]\s?|\s)?(?P<unit>{_UNITS})(?![^\W_]))?"
)
_TRAIL = re.compile(rf"\s?(?:{_FLAG})?\s?(?:{_REFERENCE})?\s?(?:{_FLAG.replace('flag', 'late')})?")
_WORD = re.compile(
    rf"{_LINK}(?P<value>not detected|none detected|non-?reactive|reactive|detected|positive|negative|pos|neg|trace|small|moderate|large|present|absent|"
    r"\+\+\+\+?|\+\+|[1-4]\+|\+|no growth(?: to date)?|undetectable|1:\d{1,5})(?![^\W_])"
)
_PRESSURE = re.compile(rf"{_LINK}(?P<systolic>\d{{2,3}})\s?(?:/|over)\s?(?P<diastolic>\d{{2,3}})(?![\d/])\s?(?P<unit>mm ?hg)?")
_PAIR = re.compile(r"(?<![\d/.])(?P<systolic>\d{2,3})/(?P<diastolic>\d{2,3})(?![\d/.%])")
_REACH = 70
_FEVER_FAHRENHEIT = 45.0


def laboratory(note: Note, term: Term, start: int, end: int, stop: int) -> dict[str, Attribute] | None:
    """The result of the test whose name stands at [start, end), None when none is said."""
    reach = min(stop, end + _REACH)
    found = _VALUE.match(note.low, end, reach)
    short = end - start <= 2
    word = _WORD.match(note.low, end, reach)
    if word and not (found and found.start("number") <= word.start("value")):
        return None if short else {"value": note.attribute(*word.span("value"), normal=word["value"])}
    if found is None or (short and found.start("value") - end > 5) or note.low[found.end("number") : found.end("number") + 1] == ":":
        return None
    return _told(note, found, reach)


def concentration(note: Note, end: int, stop: int) -> bool:
    """Whether a value with a unit of so much in so much follows: what is measured in blood and also taken as a drug is a result only then."""
    found = _VALUE.match(note.low, end, min(stop, end + _REACH))
    return found is not None and found["unit"] is not None and ("/" in found["unit"] or found["unit"] == "%")


def vital(note: Note, term: Term, start: int, end: int, stop: int) -> dict[str, Attribute] | None:
    """The vital sign whose name stands at [start, end), None when no plausible value is said."""
    reach = min(stop, end + _REACH)
    if term.unit == "mm[Hg]" and term.name == "blood pressure":
        pair = _PRESSURE.match(note.low, end, reach)
        return _pressure(note, pair) if pair and _plausible(pair) else None
    found = _VALUE.match(note.low, end, reach)
    if found is None or (end - start <= 2 and found.start("value") - end > 3):
        return None
    number = _number(found["number"])
    if number is None or not term.low <= number <= (term.high if term.name not in ("weight", "height") else 800):
        return None
    told = _told(note, found, reach)
    if term.name == "temperature" and "unit" not in told:
        told["value"] = note.attribute(*found.span("value"), number=number, unit="[degF]" if number > _FEVER_FAHRENHEIT else "Cel")
    elif "unit" not in told and term.unit and term.name not in ("weight", "height", "waist circumference"):
        told["value"] = note.attribute(*found.span("value"), number=number, unit=term.unit)
    return told


def bare_pressures(note: Note, start: int, end: int) -> list[tuple[int, int, dict[str, Attribute]]]:
    """Blood pressures without a name in [start, end), where vital signs stand."""
    found = (pair for pair in _PAIR.finditer(note.low, start, end) if _plausible(pair))
    return [(pair.start(), pair.end(), _pressure(note, pair)) for pair in found]


def _plausible(pair: re.Match[str]) -> bool:
    systolic, diastolic = int(pair["systolic"]), int(pair["diastolic"])
    return 50 <= systolic <= 300 and 20 <= diastolic <= 200 and systolic > diastolic


def _pressure(note: Note, pair: re.Match[str]) -> dict[str, Attribute]:
    return {side: note.attribute(*pair.span(side), number=float(pair[side]), unit="mm[Hg]") for side in ("systolic", "diastolic")}


def _told(note: Note, found: re.Match[str], reach: int) -> dict[str, Attribute]:
    unit = found["unit"]
    spelled = _unit(note.text[found.start("unit") : found.end("unit")]) if unit else None
    number = _number(found["number"])
    told = {"value": note.attribute(*found.span("value"), number=number, unit=spelled)}
    if unit:
        told["unit"] = note.attribute(*found.span("unit"), normal=spelled)
    trail = _TRAIL.match(note.text, found.end(), reach)
    for name, part in (("flag", "flag"), ("reference", "reference"), ("flag", "late")):
        if trail and trail[part] and name not in told:
            told[name] = note.attribute(*trail.span(part), normal=_flag(trail[part]) if name == "flag" else None)
    return told


def _unit(text: str) -> str:
    low = text.lower().replace(" ", "")
    if low in ("c", "°c", "degc", "celsius", "degreescelsius", "degreesc"):
        return "Cel"
    if low in ("f", "°f", "degf", "fahrenheit", "degreesfahrenheit", "degreesf"):
        return "[degF]"
    return spelling(text)


def _flag(text: str) -> str:
    """H, L, HH, LL, N or A, as HL7 table 0078 has them."""
    low = text.lower()
    return {"high": "H", "elevated": "H", "low": "L", "normal": "N", "abnormal": "A", "*": "A", "critical": "AA"}.get(low, text.upper())


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
