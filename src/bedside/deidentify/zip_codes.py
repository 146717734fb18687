"""How much of a United States zip code may stand: all, the first three digits where over 20,000 people live, or nothing.

In        a zip code as somebody wrote it, and how many digits the policy lets stand
Out       the code, its first three digits, or 000 where too few live in their area, nobody does, or it is no zip code
Table     `policies/zip3.toml`, of the 2010 census; a policy may name a newer one (`zip3 = "file.toml"`): the rule asks for currently available counts
Source    45 CFR 164.514(b)(2)(i)(B)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from importlib.resources import files

import msgspec

SCHEMA_NAME = "bedside.zip3/2"
_NOBODY = "000"
_CODE = re.compile(r"(\d{3})(?:\d{2}(?:[- ]?\d{4})?-?)?\Z", re.ASCII)
_RANGE = re.compile(r"(\d{3})(?:-(\d{3}))?\Z", re.ASCII)


class Zip3(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A table of three-digit areas.

    census       the count that it is of, as "2010"
    populated    areas in which somebody lives: "006-007", "203"
    restricted   those of them with 20,000 people or fewer
    """

    schema: str
    census: str
    populated: list[str]
    restricted: list[str]

    @cached_property
    def standing(self) -> frozenset[str]:
        """Areas whose digits may stand."""
        return areas(self.populated) - areas(self.restricted) - {_NOBODY}

    def faults(self) -> list[tuple[str, str]]:
        """What is wrong with the table: key, and what."""
        found = [(name, f"{text!r} is no area and no range of areas") for name in ("populated", "restricted") for text in getattr(self, name) if not _ordered(text)]
        if self.schema != SCHEMA_NAME:
            found.append(("schema", f"must be {SCHEMA_NAME!r}"))
        if not re.fullmatch(r"\d{4}", self.census, re.ASCII):
            found.append(("census", "must be the year of a census, as \"2010\""))
        if not found and areas(self.restricted) - areas(self.populated):
            found.append(("restricted", "holds areas in which nobody lives by this table"))
        if not found and not self.standing:
            found.append(("populated", "lets no area stand"))
        return found


def areas(ranges: Iterable[str]) -> frozenset[str]:
    """Every area of some ranges.

    >>> sorted(areas(["006-008", "203"]))
    ['006', '007', '008', '203']
    """
    ends = [(found[1], found[2] or found[1]) for text in ranges if (found := _RANGE.match(text))]
    return frozenset(f"{area:03d}" for low, high in ends for area in range(int(low), int(high) + 1))


def zip_code(text: str, digits: int, table: Zip3 | None = None) -> str:
    """A zip code as the policy lets it stand; 000 where too few live, or where the area or the code is not known to be one.

    >>> zip_code("02139-4307", 3), zip_code("03601", 3), zip_code("SW1A 1AA", 3), zip_code("02139", 0)
    ('021', '000', '000', '')
    >>> zip_code("00100", 3), zip_code("10115 Berlin", 3)
    ('000', '000')
    """
    if digits == 5 or not text:
        return text
    if digits == 0:
        return ""
    found = _CODE.match(text.strip())
    return found[1] if found and found[1] in (table or shipped()).standing else _NOBODY


@lru_cache(maxsize=1)
def shipped() -> Zip3:
    """The table that comes with Bedside."""
    return msgspec.toml.decode(files("bedside.deidentify").joinpath("policies", "zip3.toml").read_bytes(), type=Zip3)


def _ordered(text: str) -> bool:
    found = _RANGE.match(text)
    return found is not None and found[1] <= (found[2] or found[1])
