"""What the name of a column says that it holds, and whether its values agree.

In        the name of a column, in any of the ways that systems write them (pt_last_nm, PatientLastName, PATIENT LAST NAME), and the shape of its values
Out       a kind, "" where the name says nothing; a role with its confidence and reason, None where the values must say it alone
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bedside.deidentify.folding import fold
from bedside.deidentify.profile_shapes import Shape
from bedside.deidentify.profile_words import FACILITY, KIN, KINDS, NAME, OWNER, STAFF, SYSTEMS, TRADE

_SURE, _LIKELY, _POSSIBLE = 0.95, 0.8, 0.6
_CUT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=\d)")
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in KINDS)
_STAFF_NAME, _KIN_NAME = re.compile(rf"(?:^| )(?:{STAFF})(?: |$)"), re.compile(rf"(?:^| )(?:{KIN})(?: |$)")
_PERSON_NAME = re.compile(rf"(?:^| )(?:full ?)?{NAME}(?: |$)")
_THING_NAME = re.compile(r"(?:^| )(?:drug|test|medication|med|product|lab|component|procedure|diagnosis|dx|department|dept|payer|plan|generic|brand|unit|analyte|code|proc|panel|"
                         r"ingredient|vaccine|site|file|table|column|variable|feature|item|care|concept)(?: |$)|(?:drug|test|lab|proc|file|brand|generic|unit)name")  # fmt: skip
_OWNER, _FACILITY = re.compile(rf"(?:(?:{OWNER}) )+"), re.compile(rf"(?:^|.* )?{FACILITY}")
_SYSTEMS = tuple((re.compile(rf"(?:\w+ )?(?:{name})\Z"), value) for name, value in SYSTEMS)
_NUMBERED = re.compile(r"(?:^| )(?:id|no|nr|nbr|num|(?<!as )number|key|sk|uuid|guid|identifier|nummer|numero)\Z")
_CLASS = re.compile(r"(?:^| )(?:drug|test|procedure|proc|diagnosis|dx|component|analyte|lab|medication|product|vaccine|unit|type|status|class|category|dept|department|ward|code) (?:id|no|nr|key|sk)\Z")
_PART = re.compile(r"(?<!\w)address (?:\d )?(city|state|country|county|district|zip|postal)")
_HEADS = frozenset({"amount", "amt", "charge", "charges", "count", "qty", "quantity", "date", "dt", "datetime", "dttm", "flag", "status", "type", "price", "cost", "paid", "unit", "units"})
_TRADE = re.compile(TRADE)
_HARDLY = frozenset({"code", "cd", "num", "no", "nr", "nbr", "number", "key", "id", "line"})  # "patient code" is a number of the patient


def plain(name: str) -> str:
    """A column's name as words in small letters.

    >>> plain("PatientLastName"), plain("PT_DOB"), plain("pat_enc_csn_id"), plain("Straße")
    ('patient last name', 'pt dob', 'pat enc csn id', 'strasse')
    """
    return " ".join(part for part in _CUT.split(fold(name)) if part).lower()


def kind_of(name: str) -> str:
    """What a column's name says it holds.

    >>> [kind_of(one) for one in ("pt_dob", "PatientLastName", "AttendingProvider", "hr", "MRN", "x7", "visit_start_date", "ndc", "Fallnummer")]
    ['birth_date', 'family', 'staff', 'number', 'subject', '', 'date', 'system', 'encounter']
    """
    words = plain(name)
    if system_of(words):
        return "system"
    kind = _kind(words)
    about_staff, about_kin = _STAFF_NAME.search(words) is not None, _KIN_NAME.search(words) is not None
    if kind in ("subject", "encounter", "plan") and _PERSON_NAME.search(words):
        kind = "name"
    if kind in ("name", "") and about_staff and not words.startswith(("drug", "test")):
        return "staff"
    if kind in ("name", "given", "family", "") and about_kin:
        return "name"
    if kind == "name" and _THING_NAME.search(words):
        return "code"
    if kind == "subject" and about_kin:
        return "identifier"
    if kind == "code" and _TRADE.search(words):
        return "trade"
    return "key" if kind == "identifier" and words.endswith((" id", " key", " sk", "uuid", "guid")) else kind


def is_member(name: str) -> bool:
    """Whether a column's name says that it holds the number of somebody insured."""
    return re.search(r"(?:^| )(?:member|mbr|mem|beneficiary|bene|medicare|medicaid|mbi)(?: |$)", plain(name)) is not None


def system_of(name: str) -> str:
    """What the values of a published code look like, as a pattern, "" where a name names none."""
    words = plain(name)
    if words.endswith(("date", "dt", "dttm", "time", "by", "name", "desc", "description", "text", "note", "notes")):
        return ""
    return next((value for pattern, value in _SYSTEMS if pattern.match(words)), "")


def _kind(words: str) -> str:
    """By what the name ends in where it begins with whose it is, else by the first kind that has a word of it."""
    if _FACILITY.match(words):
        return "facility"
    words = _PART.sub(r"\1", words)
    last = words.rsplit(" ", 1)[-1]
    if last in _HEADS and _first(words) != "birth_date":
        return _first(last)
    owner = _OWNER.match(words)
    rest = words[owner.end() :] if owner else ""
    inner = _first(rest) if rest and rest not in _HARDLY and not _NUMBERED.search(rest) else ""
    if inner and inner not in ("identifier", "name", "subject") and not rest.startswith("source value"):
        return inner
    kind = _first(words)
    if kind in ("code", "number", "text", "state") and _NUMBERED.search(words) and not (kind == "number" and words.endswith("num")):
        return "class" if _CLASS.search(words) else "identifier"
    return kind


def _first(words: str) -> str:
    return next((kind for kind, pattern in _COMPILED if pattern.search(words)), "")


def told_by(said: str, shape: Shape) -> tuple[str, float, str] | None:
    """The role that a name asks for: surest where the values agree; what identifies needs no proof, what stays does."""
    named = "named as a key" if said == "key" else f"named as {said.replace('_', ' ')}"
    if said in ("ssn", "email", "url", "ip", "phone"):
        return said, _SURE if shape.has(said, 0.5) else _LIKELY, named
    if said in ("address", "city"):
        return said, _SURE if max(shape.share["street"], shape.place) >= 0.5 else _LIKELY, named
    if said in ("name", "given", "family", "staff"):
        return _name(said, shape, named)
    if said == "zip":
        return ("zip", _SURE if shape.has("zip", 0.8) else _LIKELY, named)
    if said == "county":
        return "drop", _LIKELY, "named as an area smaller than a state"
    if said in ("birth_date", "date", "year"):
        return _date(said, shape, named)
    if said == "age":
        return ("age", _SURE, named) if shape.has("age", 0.8) else None
    if said in ("subject", "encounter", "identifier", "key", "plan", "uid"):
        return _number(said, shape, named, joins=said == "key")
    if said == "text" and (shape.words >= 1.5 or shape.told >= 0.9):
        if shape.words < 3 and max(shape.strange, shape.given, shape.family) >= (0.4 if shape.words >= 1.5 else 0.5):
            return None
        return "text", _SURE if shape.words >= 3 else _LIKELY, named
    if said == "state" and (shape.has("state", 0.8) or shape.land >= 0.8) and shape.told == 0:
        return "keep", _SURE if shape.has("state") else _LIKELY, "named as a state or country"
    if said == "number" and shape.has("number", 0.8) and shape.long_digits < 0.2 and shape.told == 0 and shape.strange < 0.05:
        return "keep", _SURE, "named as a measurement, and its values are numbers"
    if said == "facility":
        return ("identifier" if shape.has("number", 0.8) else "drop"), _LIKELY, "named as a place of care or of work"
    if said == "class":
        return ("keep", _LIKELY, f"{named}, few kinds that repeat") if shape.repeats >= 3 and shape.length <= 10 and shape.told == 0 and shape.strange < 0.1 else _number("identifier", shape, named)
    if said in ("code", "trade"):
        return _code(shape, trade=said == "trade")
    return None


def published(column: str, values: Sequence[str]) -> tuple[str, float, str] | None:
    """A column named as a published code stays where nearly all of its values look like codes of that kind."""
    pattern = system_of(column)
    if not pattern or not values:
        return None
    form = re.compile(rf"(?:{pattern})\Z")
    share = sum(1 for value in values if form.match(value)) / len(values)
    return ("keep", _SURE, f"named as a published code, and {share:.0%} of the values are of its form") if share >= 0.95 else None


def _name(said: str, shape: Shape, named: str) -> tuple[str, float, str] | None:
    if said == "staff":
        if shape.has("number", 0.8) or shape.has("mixed", 0.8):
            return "identifier", _POSSIBLE, "named as staff, and its values are numbers"
        return "drop", _LIKELY, "named as staff"
    sure = {"name": shape.person, "given": shape.given, "family": shape.family}[said]
    if shape.has("number", 0.8):
        return None
    return said, _SURE if sure >= 0.5 else _LIKELY, named


def _date(said: str, shape: Shape, named: str) -> tuple[str, float, str] | None:
    if shape.date_format:
        role = "birth_date" if said == "birth_date" else "datetime" if shape.timed else "date"
        return role, _SURE, f"{named}, and its values are dates ({shape.date_format})"
    if shape.has("clock"):
        return ("drop" if said == "birth_date" else "keep"), _LIKELY, f"{named}, and its values are times of day"
    if shape.has("year"):
        return ("birth_date" if said == "birth_date" else "year"), _SURE, f"{named}, and its values are years"
    return ("drop", _POSSIBLE, f"{named}, and its values cannot be read as dates") if said == "birth_date" or shape.share["iso"] > 0.2 else None


def _number(said: str, shape: Shape, named: str, *, joins: bool = False) -> tuple[str, float, str] | None:
    said = "identifier" if said == "key" else said
    few = said == "identifier" and shape.different <= 12 and shape.repeats >= 4 and shape.length <= 3 and not joins
    if said == "uid":
        return ("uid" if shape.has("uid", 0.8) else "identifier"), _LIKELY, named
    if shape.date_format and said == "identifier":
        return None
    if shape.person >= 0.5 and shape.words >= 1.7:
        return "name", _LIKELY, f"{named}, but {shape.person:.0%} of the values are names of people"
    if shape.words >= 3:
        return "text", _POSSIBLE, f"{named}, but its values are texts"
    if few:
        return None
    return said, _SURE if shape.has("mixed", 0.8) or shape.has("integer", 0.8) or shape.has("uuid", 0.8) else _LIKELY, named


def _code(shape: Shape, *, trade: bool) -> tuple[str, float, str] | None:
    """A column named as a code stays where its values repeat, are words that are nobody's name, or are codes that are published."""
    if shape.date_format or any(shape.has(kind, 0.2) for kind in ("email", "phone", "ssn", "uuid", "street", "postal", "ip", "url")) or shape.has("zip", 0.8):
        return None
    if shape.words >= 6:
        return "text", _LIKELY, "named as a code, but its values are texts"
    if shape.has("loinc") or shape.has("icd") or shape.has("ndc") or shape.has("range"):
        return "keep", _SURE, "named as a code, and its values have the form of published ones"
    if shape.told > 0.02 or shape.person >= 0.3 or (shape.place >= 0.4 and (shape.different > 3 or shape.repeats < 5)):
        return None
    closed = trade and shape.repeats >= 5 and shape.different <= 30 and shape.named <= 0.1  # words of another language or a trade, but no name that is listed
    if (shape.strange > 0.5 and not closed) or (shape.doubtful >= 0.5 and (shape.different > 3 or shape.repeats < 5)):
        return None
    if shape.facility > 0.1:
        return "text", _LIKELY, "named as a code, but some of its values name a place of care"
    plain = shape.digits < 0.1 and shape.strange <= 0.1
    few = shape.repeats >= 3 and shape.different <= 200 and shape.long_digits < 0.1 and (trade or shape.digits < 0.1)
    if few or (plain and (shape.different <= 200 or shape.repeats >= 5)):
        return "keep", _SURE if shape.different <= 30 else _LIKELY, f"named as a code, {shape.different} kinds"
    if shape.repeats >= 1.5 and shape.different <= 60 and shape.digits < 0.1:
        return "keep", _POSSIBLE, f"named as a code, {shape.different} kinds that repeat"
    return ("identifier", _POSSIBLE, "named as a code, but of too many kinds with too many digits") if shape.digits > 0.5 and shape.words < 2 else None
