"""What a policy keeps, moves and takes away. The four shipped ones are `policies/*.toml`.

Source    45 CFR 164.514(b)(1) expert determination, (b)(2) safe harbor, (e) limited data set. A shifted date is not
          safe harbor, so `safe-harbor` counts time from the subject's first event and `expert-determination` shifts.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Literal

import msgspec

from bedside.core.errors import Misconfigured

SCHEMA_NAME = "bedside.policy/1"
NAMES = ("expert-determination", "safe-harbor", "limited-data-set", "as-received")


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One policy.

    dates        shift: whole weeks, 1 to `shift_weeks`, per subject; relative: from the day of the subject's first event; keep
    birth_date   full: moved like the other dates; year: its year only, after the move
    age_cap      an age above this reads `age_cap` + 1, the birth date included; None keeps ages
    zip_digits   5 keeps, 3 keeps three where over 20,000 people live (else 000), 0 removes
    characteristics   DICOM: sex, age, size and weight stay (PS3.15 Retain Patient Characteristics)
    """

    schema: str
    name: str
    title: str
    basis: str
    unchanged: bool
    dates: Literal["shift", "relative", "keep"]
    shift_weeks: int
    birth_date: Literal["full", "year"]
    age_cap: int | None = None
    zip_digits: Literal[0, 3, 5] = 3
    city: bool = False
    characteristics: bool = True
    narrative: Literal["remove", "scrub"] = "remove"


@lru_cache(maxsize=8)
def policy(name: str) -> Policy:
    """The shipped policy of that name; `Misconfigured` when there is none."""
    if name not in NAMES:
        raise Misconfigured(
            "no such de-identification policy", where="study.toml, [deidentify] policy", do=f"choose one of {', '.join(NAMES)}"
        )
    text = files("bedside.deidentify").joinpath("policies", f"{name}.toml").read_bytes()
    return msgspec.toml.decode(text, type=Policy)


@lru_cache(maxsize=1)
def restricted_zips() -> tuple[frozenset[str], str]:
    """Three-digit zip areas with 20,000 people or fewer, and the census they were counted in."""
    table = msgspec.toml.decode(files("bedside.deidentify").joinpath("policies", "zip3.toml").read_bytes())
    return frozenset(table["restricted"]), str(table["census"])


def zip_code(text: str, digits: int) -> str:
    """A zip code as the policy lets it stand; 000 where too few live or the code is not known to be one.

    >>> zip_code("02139-4307", 3), zip_code("03601", 3), zip_code("SW1A 1AA", 3), zip_code("02139", 0)
    ('021', '000', '000', '')
    """
    if digits == 5 or not text:
        return text
    if digits == 0:
        return ""
    plain = text.strip()
    known = len(plain) >= 5 and plain[:5].isascii() and plain[:5].isdigit()
    return plain[:3] if known and plain[:3] not in restricted_zips()[0] and plain[:3] != "000" else "000"
