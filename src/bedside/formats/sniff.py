"""What a file is, told by its content: a folder of raw files need not say which format is where.

In        the first bytes of a file (of what is inside, where it is gzip), and its name as a hint where content cannot tell
Out       one of the five formats, or None: nothing of ours, and so never copied
Source    DICOM PS3.10 7.1 (preamble and DICM); HL7 v2.5.1 2.5.4 (MSH and its delimiters); FHIR R4 2.6.2 (resourceType);
          Apache Parquet (PAR1)
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from bedside.formats import notes
from bedside.formats.files import Format

_HEAD = 1 << 16
_BOM = b"\xef\xbb\xbf"
_MESSAGE = re.compile(rb"[\x0b\s]*(?:MSH|FHS|BHS)[^A-Za-z0-9\s]")
_RESOURCE = re.compile(rb'"resourceType"\s*:\s*"')
# A group 0008 or 0002 element first: a data set without preamble, little endian (explicit or not) or big.
_BARE_DICOM = re.compile(rb"(?:[\x02\x08]\x00.\x00(?:[A-Z]{2}|..\x00\x00)|\x00[\x02\x08]\x00.[A-Z]{2})", re.DOTALL)
_SEPARATORS = (b",", b"\t", b"|", b";")
_TABLE_NAMES = (".csv", ".tsv", ".psv", ".tab")
_TEXT_NAMES = (".txt", ".md", ".text", ".note")
_OTHERS = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"GIF8", b"II*\0", b"MM\0*", b"\x7fELF", b"SQLite")
_FEWEST_LINES = 2


def format_of(path: Path) -> Format | None:
    """The format of a file, None when it is none of ours."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    name = path.name.lower()
    if head[:2] == b"\x1f\x8b":
        head, name = _inside(head), name.removesuffix(".gz")
    return format_of_bytes(head, name)


def format_of_bytes(head: bytes, name: str = "") -> Format | None:
    """The format of a file's first bytes; the name decides only between a table and a text.

    >>> format_of_bytes(b"MSH|^~\\\\&|LAB"), format_of_bytes(b'{"resourceType":"Patient"}'), format_of_bytes(b"a,b\\n1,2\\n"), format_of_bytes(b"%PDF-1.7")
    ('hl7v2', 'fhir', 'tables', None)
    """
    if head[128:132] == b"DICM" or _BARE_DICOM.match(head):
        return "dicom"
    if head.startswith(b"PAR1"):
        return "tables"
    body = head.removeprefix(_BOM).lstrip()
    if not body or body.startswith(_OTHERS):
        return None
    if _MESSAGE.match(body):
        return "hl7v2"
    if body.startswith((b"{", b"[")):
        return "fhir" if _RESOURCE.search(head) else "notes" if notes.are_lines(head) or _cut_note(body) else _other_json(name)
    if b"\0" in head[:1024] and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return None
    return "tables" if name.endswith(_TABLE_NAMES) or (not name.endswith(_TEXT_NAMES) and _is_table(body)) else "notes"


def _cut_note(body: bytes) -> bool:
    """Whether the head is the beginning of one long note of JSON lines."""
    return b"\n" not in body and re.match(rb'\{.{0,4000}"text"\s*:\s*"', body, re.DOTALL) is not None


def _other_json(name: str) -> Format | None:
    """Braces may open a text ("{seen today}"), or be JSON that is no resource: that goes to FHIR, whose quarantine says so."""
    return "notes" if name.endswith(_TEXT_NAMES) else "fhir"


def _is_table(body: bytes) -> bool:
    """Whether the first lines are cut alike by one separator."""
    lines = [line for line in re.split(rb"\r\n|\n|\r", body[:8192])[:20] if line.strip()]
    lines = lines[:-1] if len(body) > 8192 and len(lines) > _FEWEST_LINES else lines
    if len(lines) < _FEWEST_LINES:
        return False
    counts = ([line.count(mark) for line in lines] for mark in _SEPARATORS)
    return any(one[0] > 0 and sum(count >= one[0] for count in one) >= 0.8 * len(one) for one in counts)


def _inside(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        return b""


