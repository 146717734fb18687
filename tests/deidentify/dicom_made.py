"""DICOM files made byte by byte, so that what is wrong in them is wrong on purpose."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from bedside.deidentify.dicom_rules import ACTIONS
from bedside.deidentify.dicom_stream import vr_of

EXPLICIT, IMPLICIT, BIG, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
CT, SUBJECT = "1.2.840.10008.5.1.4.1.1.2", "70707071"
_LONG = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
UNDEFINED = 0xFFFFFFFF
_BINARY = {"US": "<H", "SS": "<h", "UL": "<I", "SL": "<i", "FL": "<f", "FD": "<d"}


def element(tag: int, vr: str, value: bytes, *, syntax: str = EXPLICIT, length: int | None = None) -> bytes:
    """One element; `length` when it should say another one than it has."""
    order = ">" if syntax == BIG else "<"
    value += (b"\0" if vr in ("UI", "OB", "UN", "OW") else b" ") * (len(value) % 2)
    size = len(value) if length is None else length
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack(order + "I", size) + value
    return head + vr.encode() + (struct.pack(order + "HI", 0, size) if vr in _LONG else struct.pack(order + "H", size)) + value


def item(content: bytes, *, undefined: bool = False, syntax: str = EXPLICIT) -> bytes:
    order = ">" if syntax == BIG else "<"
    head = struct.pack(order + "HHI", 0xFFFE, 0xE000, UNDEFINED if undefined else len(content))
    return head + content + (struct.pack(order + "HHI", 0xFFFE, 0xE00D, 0) if undefined else b"")


def sequence(tag: int, *contents: bytes, undefined: bool = False, vr: str = "SQ", syntax: str = EXPLICIT) -> bytes:
    """A sequence of data sets, with known or unknown lengths."""
    inside_syntax = IMPLICIT if vr == "UN" else syntax
    inside = b"".join(item(one, undefined=undefined, syntax=inside_syntax) for one in contents)
    if not undefined:
        return element(tag, vr, inside, syntax=syntax)
    order = ">" if inside_syntax == BIG else "<"
    return element(tag, vr, b"", syntax=syntax, length=UNDEFINED) + inside + struct.pack(order + "HHI", 0xFFFE, 0xE0DD, 0)


def part10(elements: Iterable[bytes], *, syntax: str = EXPLICIT, preamble: bytes = bytes(128), level: bytes | None = None) -> bytes:
    """A file of elements, sorted by their tags, around the few that every instance needs. `level`: a data set as it should stand."""
    order = "HH" if syntax != BIG else ">HH"
    given = {struct.unpack_from("<" + order if syntax != BIG else order, one): one for one in [*_needed(syntax), *elements]}
    data = b"".join(given[tag] for tag in sorted(given)) if level is None else level
    meta = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", CT.encode()) + element(0x00020003, "UI", b"1.2.3.4.5")
    meta += element(0x00020010, "UI", syntax.encode())
    return preamble + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + data


def _needed(syntax: str) -> list[bytes]:
    return [
        element(tag, vr, value.encode(), syntax=syntax)
        for tag, vr, value in (
            (0x00080016, "UI", CT), (0x00080018, "UI", "1.2.3.4.5"), (0x00080060, "CS", "CT"), (0x00100010, "PN", "Quillfeather^Zebulon"),
            (0x00100020, "LO", SUBJECT), (0x00280301, "CS", "NO"),
        )
    ]  # fmt: skip


def planted(number: int, tag: int) -> tuple[str, bytes]:
    """A value that only this attribute has, in the attribute's representation, and that no option lets stand."""
    vr = vr_of(tag)
    vr = "LO" if vr == "UN" else vr
    if vr == "SQ":
        return vr, item(element(0x00081030, "LO", f"ZQ{number:04d}SEQ".encode()))
    if vr in _BINARY:
        return vr, struct.pack(_BINARY[vr], 7)
    text = {
        "DA": f"19{10 + number % 40:02d}{1 + number % 12:02d}{1 + number % 28:02d}", "DT": f"19{10 + number % 40:02d}0{1 + number % 9}11101112.{number:06d}",
        "TM": f"101112.{number:06d}", "UI": f"1.2.826.9.{number}.77", "AS": "093Y", "DS": f"98765{number:03d}.5"[:16], "IS": f"98{number:06d}",
        "UR": f"http://zq{number:04d}.example",
    }.get(vr, f"ZQ{number:04d}X")  # fmt: skip
    return vr, text.encode()


ROWS = sorted(ACTIONS)
