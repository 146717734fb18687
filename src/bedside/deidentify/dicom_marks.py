"""What an instance says of its de-identification, and the file around it.

In        a clean data set, the rules, whether its pixels were read
Out       (0012,0062) YES; (0012,0063) Bedside, policy, digest; (0012,0064) the codes of what was done and of nothing else; (0028,0303);
          (0028,0301) NO where the pixels were read; file meta information and preamble written anew: they name who wrote the file
Source    DICOM PS3.15 E.1.1 points 6 and 7; PS3.16 CID 7050; PS3.10 section 7.1
"""

from __future__ import annotations

import struct

from bedside.core.errors import Malformed
from bedside.deidentify.dicom_rules import CODES, MODIFIED, Rules
from bedside.deidentify.dicom_stream import DEFLATED, Coding, Element, Level, Part10
from bedside.deidentify.dicom_write import chunks_of, deflated, written

IMPLEMENTATION = "2.25.212378255363029749940578635220234726015"
"""The implementation class UID of Bedside (PS3.7 D.3.3.2): a number of 128 bits drawn once."""
_VERSION = b"BEDSIDE"
_SOP_CLASS, _SOP_INSTANCE, _BURNED_IN = 0x00080016, 0x00080018, 0x00280301
_REMOVED, _METHOD, _METHOD_CODES, _TIMES = 0x00120062, 0x00120063, 0x00120064, 0x00280303
_OPTIONS_OF_PIXELS = "pixels"


def mark(level: Level, rules: Rules, *, pixels_read: bool) -> None:
    """Say in the data set what was done to it."""
    done = [name for name in CODES if name in rules.options or (name == _OPTIONS_OF_PIXELS and pixels_read)]
    level.put(_REMOVED, "CS", b"YES")
    level.put(_METHOD, "LO", rules.method.encode("ascii", "replace"))
    level.put(_TIMES, "CS", MODIFIED[rules.times].encode("ascii"))
    if pixels_read:
        level.put(_BURNED_IN, "CS", b"NO")
    sequence = level.elements[_METHOD_CODES] = Element(_METHOD_CODES, "SQ", 0, 0, 0, False)
    sequence.items = [_code(level, *CODES[name]) for name in done]
    if not done:
        level.remove(_METHOD_CODES)
    level.touched = True


def _code(level: Level, value: str, meaning: str) -> Level:
    item = Level(b"", level.coding, level.depth + 1, False)
    item.put(0x00080100, "SH", value.encode("ascii"))
    item.put(0x00080102, "SH", b"DCM")
    item.put(0x00080104, "LO", meaning.encode("ascii"))
    return item


def file(part: Part10, where: str) -> bytes:
    """The bytes of the file."""
    meta = Level(b"", Coding(False, True), 0, False)
    meta.put(0x00020001, "OB", b"\0\1")
    meta.put(0x00020002, "UI", part.level.text(_SOP_CLASS).encode("latin-1"))
    meta.put(0x00020003, "UI", part.level.text(_SOP_INSTANCE).encode("latin-1"))
    meta.put(0x00020010, "UI", part.syntax.encode("latin-1"))
    meta.put(0x00020012, "UI", IMPLEMENTATION.encode("ascii"))
    meta.put(0x00020013, "SH", _VERSION)
    try:
        around, inside = written(meta), chunks_of(part.level)
    except struct.error:
        raise Malformed("a value is too long for its representation", where=where, do="fetch the instance again") from None
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(around))
    data = [deflated(b"".join(inside))] if part.syntax == DEFLATED else inside
    return b"".join((bytes(128), b"DICM", length, around, *data))
