"""What the values of a column look like, in shares of its different values: dates, numbers, names, addresses, codes, sentences.

In        the different values of a column (a sample of them)
Out       `Shape`: shares between 0 and 1, lengths, and the date format that fits. No value is kept.
Source    shapes of identifiers: 45 CFR 164.514(b)(2)(i); of codes: LOINC, ICD-10-CM, NDC, CPT; words: `lexicon.py`
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from bedside.deidentify.folding import fold
from bedside.deidentify.lexicon import Word, listed, meanings
from bedside.deidentify.table_columns import PACKED
from bedside.deidentify.text import spans_of

FORMATS = (
    "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d", "%m-%d-%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y",
    "%B %d, %Y", "%d%b%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%y %H:%M", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d-%b-%Y %H:%M:%S",
    "%d%b%Y:%H:%M:%S", "%d-%b-%y", "%b %d %Y %I:%M%p",
)  # fmt: skip
_ISO = re.compile(r"\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?)?\Z")
_STREET = (
    r"st|street|ave|avenue|rd|road|dr|drive|ln|lane|blvd|boulevard|ct|court|pl|place|way|ter|terrace|cir|circle|pkwy|parkway|hwy|highway|mews|gate|sq|"
    r"square|row|close|crescent|trail|loop|path|walk|alley|plaza|po box|p\.o\. box|apt|suite|unit"
)
_ABROAD = (  # a street, with its number: "Hauptstr. 5", "12 rue de la Paix", "Calle Mayor, 3", "Kerkstraat 4"
    r"[^\W\d]*(?:str\.|stra(?:ß|ss)e|gasse|allee|platz|weg|damm|ufer|straat|laan|gracht|gatan|gata|vägen|vej)\s*\d+\s*[a-z]?\b|[^\W\d]+str\s+\d|"
    r"(?:\d+\s*,?\s*(?:bis|ter)?\s*)(?:rue|av|bd|impasse|chemin|all[ée]e|quai|route|cours|passage)\b.*\w|"
    r"(?:rue|impasse|chemin|all[ée]e|quai|route|calle|c/|avda|avenida|paseo|camino|carrera|via|viale|piazza|corso|rua|travessa|ul|ulica)\b\.?\s.*\d"
)
_SHAPES: dict[str, re.Pattern[str]] = {
    "email": re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+\Z"),
    "url": re.compile(r"(?:https?|ftp)://\S+\Z|www\.\S+\Z", re.IGNORECASE),
    "ip": re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z|(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\Z|(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}\Z", re.IGNORECASE),
    "ssn": re.compile(r"\d{3}-\d{2}-\d{4}\Z"),
    "phone": re.compile(r"(?:\+?\d{1,3}[ .-]?)?(?:\(\d{3}\)\s?|\d{3}[ .-])\d{3}[ .-]?\d{4}(?:\s?(?:x|ext\.?)\s?\d+)?\Z|\+\d{1,3}[ \d-]{8,14}\Z", re.IGNORECASE),
    "zip": re.compile(r"\d{5}(?:-\d{4})?\Z"),
    "postal": re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\Z|[A-Z]\d[A-Z]\s?\d[A-Z]\d\Z|(?:[A-Z]{1,2}-)\d{4,6}\Z"),
    "uid": re.compile(r"[0-2](?:\.\d+){5,}\Z"),
    "uuid": re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z", re.IGNORECASE),
    "iso": _ISO,
    "clock": re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AP]M)?\Z", re.IGNORECASE),
    "integer": re.compile(r"[+-]?\d+\Z"),
    "number": re.compile(r"[<>=~]{0,2}\s*[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+|\d*)(?:[.,]\d*)?(?:[eE][+-]?\d+)?\s*%?\Z"),
    "year": re.compile(r"(?:18|19|20|21)\d{2}\Z"),
    "age": re.compile(r"(?:1[0-3]\d|\d{1,2})(?:\.\d+)?(?:\s*(?:y|yrs?|years?|yo|m|mo|months?|w|d|days?))?\Z", re.IGNORECASE),
    "state": re.compile(r"[A-Z]{2}\Z"),
    "coordinate": re.compile(r"-?1?\d{1,2}\.\d{4,}\Z"),
    "street": re.compile(rf"{_ABROAD}|\d+[A-Za-z]?\s+\w.*\b(?:{_STREET})\b|(?:{_STREET})\b.*\d", re.IGNORECASE),
    "loinc": re.compile(r"\d{1,5}-\d\Z"),
    "icd": re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?\Z|[VE]\d{2}\.\d\Z"),
    "ndc": re.compile(r"\d{4,5}-\d{3,4}-\d{1,2}\Z"),
    "range": re.compile(r"[<>]?\d{1,3}(?:\.\d+)?\s?(?:-|–|to)\s?\d{1,3}(?:\.\d+)?\Z"),
    "mixed": re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9_./-]{4,}\Z"),
    "word": re.compile(r"[^\W\d_]+\Z"),
}
_NAME = re.compile(r"(?:(?:dr|mr|mrs|ms|prof)\.?\s+)?[^\W\d_]['’.\w-]*(?:,?\s+[^\W\d_]['’.\w-]*){0,4}(?:,\s*[A-Za-z.-]{2,8})?\Z", re.IGNORECASE)
_SHORT_NUMBER = re.compile(r"[\d.,+-]{1,8}\Z")
_LAND = frozenset(
    ["new york", "new jersey", "new hampshire", "new mexico", "north carolina", "south carolina", "north dakota", "south dakota", "rhode island", "west virginia",
     "district of columbia", "puerto rico", "united states", "united kingdom", "new zealand", "south africa", "south korea"]
)  # fmt: skip
_SHORTENED = frozenset({"emer", "surg", "hosp", "dept", "amb", "elec", "transf", "outpt", "inpt"})
_MEDICAL = re.compile(r"(?:olog[iy][ea]?|urgi[ea]|iatri[ea]|pathi[ea]|medi[zc]in[ae]?|medecine|s[ck]opi[ea]|gra(?:ph|f)i[ea]|therapi[ea]|terapia|itis|emi[ea])\Z")  # of several languages
_WORD = re.compile(r"[^\W\d_]{2,}")
_LONG_DIGITS, _MANY_DIGITS, _SHORT_WORD = 6, 4, 3


class Shape(msgspec.Struct, frozen=True):
    """Shares of the different values (`share`), and what else tells: rows, how many are filled and different, lengths, dates.

    given, family, place   share of values that are words of those lists and hardly anything else
    width     of how many signs all values are, 0 where they differ
    told      share of values in which the text rules find an identifier
    strange   share of values with a word that no list of ordinary or clinical words has, or that is a town's
    named     share of values with such a word that is listed as a name or a town
    land      share of values that are states or countries
    doubtful  share of values that are nothing but words which are names as well ("Brown", "King")
    facility  share of values in which the text rules find a place of care or a town
    digits    share of values with four digits or more
    """

    rows: int
    filled: int
    different: int
    share: dict[str, float]
    length: float
    words: float
    date_format: str = ""
    timed: bool = False
    given: float = 0.0
    family: float = 0.0
    person: float = 0.0
    place: float = 0.0
    told: float = 0.0
    long_digits: float = 0.0
    repeats: float = 0.0
    strange: float = 0.0
    named: float = 0.0
    land: float = 0.0
    doubtful: float = 0.0
    facility: float = 0.0
    digits: float = 0.0
    width: int = 0

    def has(self, kind: str, least: float = 0.9) -> bool:
        return self.share.get(kind, 0.0) >= least


def shape_of(values: Sequence[str], *, rows: int, filled: int, different: int) -> Shape:
    """The shape of some different, filled values of a column."""
    n = max(1, len(values))
    share = {name: sum(1 for value in values if pattern.match(value)) / n for name, pattern in _SHAPES.items()}
    form, timed = date_format(values) if share["iso"] < 1 else ("ISO", any(":" in value for value in values))
    lower = [[word for word in re.findall(r"[^\W\d_]+", fold(value).lower()) if len(word) > 1] for value in values]
    return Shape(
        rows, filled, different, share, sum(map(len, values)) / n, sum(len(value.split()) for value in values) / n, form, timed,
        given=_named(lower, values, Word.GIVEN | Word.GIVEN_WORLD, "first_names"), family=_named(lower, values, Word.FAMILY | Word.FAMILY_WORLD, "surnames"),
        person=sum(1 for value, words in zip(values, lower, strict=True) if _is_person(value, words)) / n,
        place=sum(1 for words in lower if words and _flag(" ".join(words)) & Word.CITY) / n,
        told=sum(1 for value in values if _tells(value)) / n,
        strange=sum(1 for value in values if any(strange(word) for word in _WORD.findall(fold(value)))) / n,
        named=sum(1 for value in values if any(strange(word) and _flag(word.lower()) for word in _WORD.findall(fold(value)))) / n,
        land=sum(1 for words in lower if " ".join(words) in _LAND or (words and all(_flag(word) & Word.LAND for word in words))) / n,
        doubtful=sum(1 for words in lower if 0 < len(words) <= 3 and all(_doubtful(word) for word in words)) / n,
        facility=sum(1 for value in values if any(span.kind in ("CITY", "HOSPITAL") for span in spans_of(value))) / n,
        digits=sum(1 for value in values if sum(map(str.isdigit, value)) >= _MANY_DIGITS) / n,
        width=len(values[0]) if values and len({len(value) for value in values}) == 1 else 0,
        long_digits=sum(1 for value in values if sum(map(str.isdigit, value.split(".")[0])) >= _LONG_DIGITS) / n,
        repeats=filled / max(1, different),
    )  # fmt: skip


def date_format(values: Sequence[str]) -> tuple[str, bool]:
    """The first format that reads nine in ten of the values, "" when none does, and whether it has a time of day.

    >>> date_format(["01/13/2026", "02/01/2026"]), date_format(["13/01/2026", "02/01/2026"])
    (('%m/%d/%Y', False), ('%d/%m/%Y', False))
    """
    sample = [value.strip() for value in values[:200]]
    for form in FORMATS:
        if sample and sum(1 for value in sample if _reads(value, form)) >= 0.9 * len(sample) and all(_reads(value, form) for value in sample if value[:1].isdigit()):
            return form, "%H" in form or "%I" in form
    return "", False


@lru_cache(maxsize=65536)
def _reads(value: str, form: str) -> bool:
    if len(value) != PACKED.get(form, len(value)):
        return False
    try:
        said = datetime.strptime(value, form)
    except ValueError:
        return False
    return 1800 < said.year < 2200


def _named(lower: list[list[str]], values: Sequence[str], flag: int, typed: str) -> float:
    """Share of values of one or two words, all of which may be names of that kind and of which one is hardly anything else."""
    hits = sum(1 for words in lower if 0 < len(words) <= 2 and all(_flag(word) & flag for word in words) and any(_mostly_name(word, typed) for word in words))
    return hits / max(1, len(values))


def _mostly_name(word: str, typed: str) -> bool:
    flags = _flag(word)
    return word in listed(typed) or not flags & (Word.PLAIN | Word.ENGLISH | Word.CLINICAL | Word.LAND)


def _is_person(value: str, words: list[str]) -> bool:
    """Whether a value is the name of a person, in either order, with titles."""
    if not _NAME.match(value.strip()) or not 2 <= len(words) <= 6 or value.islower():
        return False
    named = [word for word in words if _flag(word) & (Word.GIVEN | Word.GIVEN_WORLD | Word.FAMILY | Word.FAMILY_WORLD)]
    first = any(_flag(word) & (Word.GIVEN | Word.GIVEN_WORLD) and not _flag(word) & Word.CLINICAL for word in words)
    return first and 2 * len(named) >= len(words) + 1


def strange(word: str) -> bool:
    """Whether a word may be somebody's or some place's: an abbreviation of a few letters that is no common name may not.

    >>> [strange(word) for word in ("Male", "plasma", "mmol", "QD", "Harkonnen", "Springfield", "Anna")]
    [False, False, False, False, True, True, True]
    """
    flags = _flag(word.lower())
    if _MEDICAL.search(word.lower()) or word.lower() in _SHORTENED:
        return False
    if flags & Word.CITY and not flags & (Word.ENGLISH | Word.PLAIN):
        return True
    if flags & (Word.ENGLISH | Word.CLINICAL | Word.LAND | Word.PLAIN):
        return False
    if flags & (Word.GIVEN | Word.FAMILY):
        return True
    return (flags > 0 and word.istitle()) or len(word) > _SHORT_WORD + (not flags and (word.isupper() or word.islower()))


def _doubtful(word: str) -> bool:
    flags = _flag(word)
    return bool(flags & (Word.GIVEN | Word.FAMILY | Word.AMBIGUOUS)) and not flags & Word.NOT_NAME


def _flag(word: str) -> int:
    return meanings().get(word, 0)


def _tells(value: str) -> bool:
    """Whether the text rules find somebody. A short number alone tells nobody."""
    return not _SHORT_NUMBER.match(value) and any(span.kind not in ("CITY", "HOSPITAL", "DATE") for span in spans_of(value))
