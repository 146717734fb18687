"""Names of places inside a hospital: a ward, a unit, a class of beds. The name of the hospital itself is geography smaller than a state.

In        what a record calls a place
Out       whether it is nothing but words that every hospital has, and short numbers: then it stays, else it goes
Holds     no map and no person, so that the bedside, which knows of neither, decides as training did
Source    45 CFR 164.514(b)(2)(i)(B); `words/wards.txt`
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from bedside.deidentify.policy import Policy

_PART = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+")
_SIGNS = re.compile(r"[\w\s'.,:;/&()#+-]*\Z")
_DATE = re.compile(r"\d\s*[/.-]\s*\d+\s*[/.-]\s*\d")
_SIDES = frozenset(["north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest", "central", "ne", "nw", "se", "sw"])
_LONGEST, _LONGEST_NUMBER, _MOST_NUMBERS, _MOST_IN_CODE, _MOST_LETTERS = 80, 2, 3, 2, 2


def is_kept(name: str, policy: Policy) -> bool:
    """Whether a policy lets the name of a place stand: any where it lets towns stand, else that of a ward."""
    return policy.city or is_ward(name)


@lru_cache(maxsize=16384)
def is_ward(name: str) -> bool:
    """Whether a name is a ward's, a unit's, a bed's or a kind of place's, and so of no hospital in particular.

    >>> [is_ward(name) for name in ("Medical ICU", "Bed 4E-07", "4 West", "Labor & Delivery", "Hospital")]
    [True, True, True, True, True]
    >>> [is_ward(name) for name in ("SWEDISH ISSAQUAH", "REDMOND URGENT CARE", "West Medical Center", "PCP155681", "Room 4127")]
    [False, False, False, False, False]
    """
    said = " ".join(name.replace("’", "'").replace("_", " ").lower().split())
    if not said or len(said) > _LONGEST or not _SIGNS.match(said) or _DATE.search(said):
        return False
    own, beside, whole = _words()
    parts = _PART.findall(said)
    numbers = [part for part in parts if part.isdigit()]
    letters = [part for part in parts if len(part) == 1 and part.isalpha()]
    if len(numbers) > _MOST_NUMBERS or len(letters) > _MOST_LETTERS or any(len(number) > _LONGEST_NUMBER for number in numbers):
        return False
    if not own.isdisjoint(parts):
        return all(part in own or part in beside or part.isdigit() or len(part) == 1 for part in parts)
    return said in whole or (0 < len(numbers) <= _MOST_IN_CODE and _SIDES.issuperset(part for part in parts if not part.isdigit() and len(part) > 1))


@lru_cache(maxsize=1)
def _words() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Words that name a ward; words that may stand beside them; whole names."""
    lines = [line for line in files("bedside.deidentify").joinpath("words", "wards.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    own = frozenset(word for line in lines if line[:1] not in ("~", "=") for word in line.split())
    beside = frozenset(word for line in lines if line.startswith("~") for word in line[1:].split())
    whole = frozenset(name.strip() for line in lines if line.startswith("=") for name in line[1:].split(";"))
    return own, beside, whole
