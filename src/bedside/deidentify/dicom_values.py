"""The values of elements: from bytes to text in their character set and back, and the dummies of each representation.

In        the bytes of a value, the character sets that hold where it stands
Out       the same in text, or bytes of the same coding; what cannot be written in the character set becomes a question mark
Source    DICOM PS3.5 section 6.1 (character sets), Table 6.2-1 (representations, lengths)
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache

LENGTHS = {"AE": 16, "AS": 4, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "DA": 8, "TM": 14, "DT": 26}
SINGLE = frozenset({"ST", "LT", "UT", "UR"})
TEXTS = frozenset({"LO", "SH", "UC", "ST", "LT", "UT"})
STRINGS = TEXTS | {"PN", "AE", "CS", "UR", "UI"}
NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"})
BLOBS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
TIMES = frozenset({"DA", "TM", "DT"})
_FAMILIES = (STRINGS - {"UI"} | {"DS", "IS", "AS"}, TIMES, NUMBERS - {"AT"}, BLOBS | {"US", "SS"})
DECIMAL = re.compile(rb"[ 0-9+\-.eE\\\0]*\Z")
AGE = re.compile(r"(\d{3})([DWMY])\Z")
DATE, TIME_OF_DAY, OFFSET = (
    re.compile(r"\d{8}\Z"),
    re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?\Z"),
    re.compile(r"[+-]\d{4}\Z"),
)
_OLD_DATE, _OLD_TIME = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})\Z"), re.compile(r"(\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\Z")
_SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "AT": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8}
_DUMMIES = {
    "DA": b"19000101", "TM": b"000000", "DT": b"19000101000000+0000", "DS": b"0", "IS": b"1", "AS": b"000Y", "PN": b"Anonymous",
    "UR": b"about:blank", "CS": b"REMOVED", "UI": b"2.25.0",
}  # fmt: skip
# Enumerated values, where REMOVED is none: PS3.3 C.12.1.1.9.
_OF_TAGS = {0x04000565: b"COERCE"}
_LETTERS = bytes(range(0x41, 0x5B)) + bytes(range(0x61, 0x7B)) + b" ^=,.'-0123456789_/:@\0"
_FEWEST_LETTERS = 8
Texts = Sequence[str]
ASCII: Texts = ()


def dummy(vr: str, tag: int) -> bytes:
    """A value that no type forbids and that tells nothing."""
    known = _OF_TAGS.get(tag) or _DUMMIES.get(vr)
    if known is not None:
        return known
    return bytes(_SIZES.get(vr, 2)) if vr in _SIZES or vr in BLOBS or vr == "UN" else b"REMOVED"


@lru_cache(maxsize=256)
def character_sets(said: str) -> Texts:
    """Python's names of the character sets of (0008,0005); an unknown one reads as UTF-8 or Latin-1."""
    from pydicom.charset import convert_encodings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tuple(convert_encodings([one.strip() for one in said.split("\\")]))
        except (LookupError, ValueError, TypeError):
            return ("utf_8",)


def decoded(value: bytes, sets: Texts) -> str:
    """Text without its padding."""
    value = value.rstrip(b" \0")
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    for charset in (*sets[:1], "utf_8"):
        try:
            return value.decode(charset) if b"\x1b" not in value else _escaped(value, sets)
        except (UnicodeError, LookupError):
            continue
    return value.decode("latin-1")


def _escaped(value: bytes, sets: Texts) -> str:
    """ISO 2022: several character sets in one value."""
    from pydicom.charset import decode_bytes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(decode_bytes(value, list(sets), {"\r", "\n", "\t", "\f", "\\", "^", "="}))


def encoded(text: str, sets: Texts) -> bytes:
    """Bytes of a text in the character sets that hold."""
    if text.isascii():
        return text.encode("ascii")
    if len(sets) > 1 or any("2022" in one for one in sets):
        return _encoded_2022(text, sets)
    try:
        return text.encode(sets[0] if sets else "ascii", "replace")
    except LookupError:
        return text.encode("ascii", "replace")


def _encoded_2022(text: str, sets: Texts) -> bytes:
    from pydicom.charset import encode_string

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bytes(encode_string(text, list(sets)))
        except (UnicodeError, LookupError, ValueError):
            return text.encode("ascii", "replace")


def each(text: str, vr: str, change: Callable[[str], str]) -> str:
    """Every value of an element changed; one that no longer has the length of its representation reads REMOVED."""
    most = LENGTHS.get(vr, 0)
    changed = [change(one) for one in ([text] if vr in SINGLE else text.split("\\"))]
    return "\\".join(one if not most or len(one) <= most or one in text else "REMOVED" for one in changed)


def plain_date(text: str) -> str:
    """A date as the standard writes it, from ACR-NEMA's writing too; empty when it is none."""
    old = _OLD_DATE.match(text)
    text = "".join(old.groups()) if old else text
    return text if DATE.match(text) else ""


def plain_time(text: str) -> str:
    old = _OLD_TIME.match(text)
    text = "".join(part for part in old.groups() if part) if old else text
    return text if TIME_OF_DAY.match(text) else ""


def agree(kind: str, vr: str) -> bool:
    """Whether an attribute of one representation may come in another: texts in texts, numbers in numbers, bytes in words."""
    return vr == "UN" or any(kind in family and vr in family for family in _FAMILIES)


def whole(vr: str, length: int) -> bool:
    """Whether so many bytes are a whole number of binary numbers."""
    return length % _SIZES.get(vr, 1) == 0


def tells(value: bytes) -> bool:
    """Whether binary numbers read as words: text in an element of the wrong kind."""
    return len(value) >= _FEWEST_LETTERS and not value.translate(None, _LETTERS) and len(value[:64].replace(b"\0", b"")) >= min(len(value), 64) - 1
