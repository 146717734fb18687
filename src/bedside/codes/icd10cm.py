"""ICD-10-CM, whole: every code's title, and the terms that the tabular list includes under it.

In        icd10cm.tsv.xz beside this file
Out       `Diagnosis` records in the order of the tabular list
Source    ICD-10-CM tabular list, April 2026 release, National Center for Health Statistics and CMS: a work of the United States
          government, in the public domain. Read from the PyPI package simple-icd-10-cm 1.5.0 (MIT), whose file
          icd10c-tabular-April-1-2026.xml has SHA-256 f161f8182aff3ce3a2a78e202f8259c08eaee2c670a9e45b0072445c52302935.
          Codes extended by a seventh character (initial encounter, ...) are not listed: their title is that of the code they extend.
"""

from __future__ import annotations

import lzma
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

import msgspec

from bedside.core.errors import Malformed

DIGEST = "f68d9c6201bc1c7a4fd3060d5453cbe72e033e34db53ca0895d71df4e361007a"


class Diagnosis(msgspec.Struct, frozen=True):
    """One code with its point ("E11.9"). `is_leaf`: no code below it is listed."""

    code: str
    title: str
    includes: tuple[str, ...]
    is_leaf: bool


@lru_cache(maxsize=1)
def diagnoses() -> tuple[Diagnosis, ...]:
    """Every code of the tabular list.

    >>> next(one for one in diagnoses() if one.code == "I10").title
    'Essential (primary) hypertension'
    """
    packed = files("bedside.codes").joinpath("icd10cm.tsv.xz").read_bytes()
    if sha256(packed).hexdigest() != DIGEST:
        raise Malformed("the ICD-10-CM table is not the one that was shipped", where="bedside/codes/icd10cm.tsv.xz", do="install bedside again")
    rows = [line.split("\t") for line in lzma.decompress(packed).decode().splitlines()]
    below = [*(row[0] for row in rows[1:]), ""]
    return tuple(Diagnosis(code, title, tuple(more), not after.startswith(code)) for (code, title, *more), after in zip(rows, below, strict=True))


@lru_cache(maxsize=1)
def titles() -> dict[str, str]:
    """Title of each code.

    >>> titles()["E11.9"]
    'Type 2 diabetes mellitus without complications'
    """
    return {one.code: one.title for one in diagnoses()}
