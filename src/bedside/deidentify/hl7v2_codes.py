"""Coded elements: which part is what, which systems are published, and what their codes look like.

A published system's code of the right shape is a concept and nobody's number; under the name of a system anything may be written, so the shape is asked.
Source    HL7 v2.8.2 section 2.A.14 (CWE), table 0396 (coding systems); object identifiers of published systems: HL7 OID registry
"""

from __future__ import annotations

import re
from functools import lru_cache

# What each component of a CWE is, and at which index its coding system stands.
PARTS: tuple[tuple[str, int], ...] = (
    ("code", 2), ("words", 2), ("system", 2), ("code", 5), ("words", 5), ("system", 5), ("version", -1), ("version", -1), ("words", -1),
    ("code", 11), ("words", 11), ("system", 11), ("version", -1), ("oid", -1), ("oid", -1), ("removed", -1), ("oid", -1), ("oid", -1), ("removed", -1),
    ("oid", -1), ("oid", -1), ("removed", -1),
)  # fmt: skip
_ICD10 = r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?|[0-9A-HJ-NP-Z]{7}"
_ICD9 = r"[VE]?\d{2,4}(?:\.\d{1,2})?|\d{3,5}"
_SHAPES = {
    "LN": r"(?:L[APLG])?\d{1,7}-\d|LOINC", "SCT": r"\d{6,18}", "SNM": r"[A-Z]-?[0-9A-F]{4,6}", "RXNORM": r"\d{1,8}", "I10": _ICD10, "I9": _ICD9,
    "C4": r"\d{4}[0-9A-Z](?:-?[0-9A-Z]{2})?", "HCPCS": r"[A-Z]\d{4}(?:-?[0-9A-Z]{2})?", "NDC": r"\d{4,5}-\d{3,4}-\d{1,2}|\d{9,11}",
    "CVX": r"\d{1,3}", "MVX": r"[A-Z]{2,3}", "UCUM": r"[A-Za-z0-9%/*.\[\]{}'()^+-]{1,30}", "CDCREC": r"[0-9A-Z]{1,5}(?:[-.][0-9A-Z]{1,3})*",
    "HL7": r"[A-Za-z0-9_.+-]{1,20}",
}  # fmt: skip
_SAME = {"LOINC": "LN", "SNOMED": "SCT", "I10C": "I10", "I10P": "I10", "ICD-10-CM": "I10", "ICD10CM": "I10", "ICD-10": "I10", "I9C": "I9", "I9CDX": "I9",
         "I9CP": "I9", "ICD-9-CM": "I9", "CPT": "C4", "CPT4": "C4", "HCPT": "HCPCS", "ISO+": "UCUM", "ISO": "UCUM", "ANS+": "UCUM"}  # fmt: skip
_PATTERNS = {name: re.compile(rf"(?:{shape})\Z", re.IGNORECASE) for name, shape in _SHAPES.items()}
_TABLE = re.compile(r"HL7[0-9]{0,4}\Z")
# Published vocabularies hang below these arcs; anybody may own a number elsewhere.
_OID = re.compile(r"2\.16\.840\.1\.(?:113883\.(?:5|6|11|12|18|21)\.[\d.]{1,40}|114222\.4\.(?:5|11)\.[\d.]{1,20})\Z")


@lru_cache(maxsize=4096)
def is_published(system: str) -> bool:
    """Whether a name in capitals is one of a published coding system.

    >>> is_published("LN"), is_published("HL70125"), is_published("L"), is_published("HL7 SMITH")
    (True, True, False, False)
    """
    return system in _SHAPES or system in _SAME or _TABLE.match(system) is not None


@lru_cache(maxsize=16384)
def is_code(text: str, system: str) -> bool:
    """Whether a text has the shape of that system's codes.

    >>> is_code("8867-4", "LN"), is_code("QUILLFEATHER", "LN"), is_code("E11.9", "I10")
    (True, False, True)
    """
    return _PATTERNS["HL7" if system.startswith("HL7") else _SAME.get(system, system)].match(text) is not None


def is_oid(text: str) -> bool:
    """Whether an object identifier is a published vocabulary's.

    >>> is_oid("2.16.840.1.113883.6.1"), is_oid("2.16.840.1.113883.3.1234")
    (True, False)
    """
    return _OID.match(text) is not None
