"""Words that two feeds must spell alike: sex, race, ethnicity, places, local names, and numbers as float32.

In        what the standard carries (a FHIR coding, an HL7 v2 table value)
Out       the last part of an event code, so that FHIR and HL7 v2 say the same fact with the same code
Source    FHIR AdministrativeGender; HL7 v2 table 0001; CDC race and ethnicity, OID 2.16.840.1.113883.6.238.
"""

from __future__ import annotations

import math
import re
import struct
from functools import lru_cache

SEX = {
    "male": "male", "female": "female", "other": "other", "unknown": "unknown",
    "m": "male", "f": "female", "o": "other", "u": "unknown", "a": "other", "n": "unknown",
}  # fmt: skip
RACE = {
    "1002-5": "american-indian-or-alaska-native",
    "2028-9": "asian",
    "2054-5": "black-or-african-american",
    "2076-8": "native-hawaiian-or-other-pacific-islander",
    "2106-3": "white",
    "2131-1": "other-race",
}
ETHNICITY = {"2135-2": "hispanic-or-latino", "2186-5": "not-hispanic-or-latino",
             "H": "hispanic-or-latino", "N": "not-hispanic-or-latino"}  # fmt: skip
_BREAK = re.compile(r"[\W_]+")
_INTENSIVE = re.compile(r"\b\w{0,4}ICU\b|\bCCU\b|\bITU\b|intensive care|critical care", re.IGNORECASE)
_PHYSICAL = {
    "bd": "BED", "ro": "ROOM", "wa": "WARD", "wi": "WING", "bu": "BUILDING", "si": "SITE", "lvl": "LEVEL", "co": "CORRIDOR",
    "ve": "VEHICLE", "ho": "HOUSE", "ca": "CABINET", "rd": "ROAD", "area": "AREA", "jdn": "JURISDICTION", "vi": "VIRTUAL",
}  # fmt: skip
_SINGLE = struct.Struct("<f")
_LONGEST_SLUG = 60


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """A text as one lower-case word.

    >>> slug("Heart rate (monitor)")
    'heart-rate-monitor'
    """
    return _BREAK.sub("-", text.lower()).strip("-")[:_LONGEST_SLUG].strip("-") or "unnamed"


def is_sex(text: str) -> bool:
    return text.strip().lower() in SEX


def sex_code(text: str) -> str:
    return "SEX//" + SEX.get(text.strip().lower(), "unknown")


def race_code(code: str | None, text: str | None) -> str:
    """
    >>> race_code("2106-3", "White"), race_code(None, "Mixed heritage")
    ('RACE//white', 'RACE//mixed-heritage')
    """
    return "RACE//" + (RACE.get(code or "") or slug(text or code or "unknown"))


def ethnicity_code(code: str | None, text: str | None) -> str:
    return "ETHNICITY//" + (ETHNICITY.get(code or "") or slug(text or code or "unknown"))


def location_code(*words: str | None) -> str | None:
    """Event code of a place from the words that describe it, best first; None when there is no word.

    Any word that says intensive care gives ICU. A FHIR physical type such as `bd` (bed) says little, so a name goes before it.

    >>> location_code("ICU"), location_code("wa", "Medical intensive care, bed 3")
    ('LOCATION//ICU', 'LOCATION//ICU')
    >>> location_code("bd", "Bed 4E-07"), location_code("wa")
    ('LOCATION//BED-4E-07', 'LOCATION//WARD')
    """
    said = [word for word in words if word and word.strip()]
    if any(_INTENSIVE.search(word) for word in said):
        return "LOCATION//ICU"
    named = [word for word in said if word not in _PHYSICAL]
    if named:
        return "LOCATION//" + slug(named[0]).upper()
    return "LOCATION//" + _PHYSICAL[said[0]] if said else None


def single(value: float) -> float | None:
    """The nearest float32, as the lake stores it, so that a live value and a stored one are the same number; None beyond its range.

    >>> single(0.1), single(1e300)
    (0.10000000149011612, None)
    """
    try:
        nearest: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    except (OverflowError, struct.error):  # struct.error: an integer of more digits than a double holds
        return None
    return nearest if math.isfinite(nearest) else None
