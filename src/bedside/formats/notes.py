"""Plain-text notes: a short header of `Key: value` lines, one empty line, the text.

In        one note a file, UTF-8 (with or without byte order mark), lines ended by LF, CRLF or CR
Out       `Note`: header, body, and enough of the layout that an unedited note gives the same bytes
Source    ours; the header is that of RFC 5322 section 2.2 without folding. Keys that place a note: Patient-ID, Encounter-ID,
          Date, Type, Author, Title. A file that begins with none of them is a note with an empty header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from bedside.core.errors import Malformed
from bedside.formats.piece import Piece

KEYS: tuple[str, ...] = ("Patient-ID", "Encounter-ID", "Date", "Type", "Author", "Title")
_LONGEST_HEAD = 2000
_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)\Z", re.DOTALL)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_FOREIGN = (
    (re.compile(r"\s*%PDF-"), "is a PDF"),
    (re.compile(r"\s*\{\\rtf"), "is RTF"),
    (re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!doctype html|<html|<head>|<body)", re.IGNORECASE), "is HTML"),
    (re.compile(r"\s*(?:PK\x03\x04|\xd0\xcf\x11\xe0)"), "is an office document"),
)
_BLANK = re.compile(r"(?>\r\n|\r|\n)(?>\r\n|\r|\n|\Z)|\Z")


class Note(msgspec.Struct, frozen=True):
    """One note. `raw` is what it was read from; a note made by hand has none.

    newline   the header's line end; the body keeps its own
    bom       whether the file began with a byte order mark
    """

    header: dict[str, str]
    body: str
    newline: str = "\n"
    bom: bool = False
    raw: bytes = b""


def pieces(data: bytes) -> Iterator[Piece]:
    """The one piece of a note file: all of it."""
    yield Piece("note", data)


def parse(raw: bytes, *, where: str) -> Note:
    """A note of bytes. Raises `Malformed` when they are not plain UTF-8 text (a PDF, RTF, HTML, ...), or a header key stands twice.

    >>> note = parse(b"Patient-ID: 17\\n\\nSeen today.\\n", where="x")
    >>> note.header, note.body
    ({'Patient-ID': '17'}, 'Seen today.\\n')
    """
    text = _text(raw.removeprefix(_BOM), where)
    found = _BLANK.search(text)
    lines = _NEWLINE.split(text[: found.start()]) if found else []
    header = _header(lines, where)
    first = _NEWLINE.search(text)
    body = text[found.end() :] if header and found else text
    for sign, what in _FOREIGN:
        if sign.match(body):
            raise Malformed(f"note {what}: it is not plain text", where=where, do="export the note as plain text")
    return Note(header, body, first.group() if first else "\n", raw.startswith(_BOM), raw)


def dump(note: Note) -> bytes:
    """The note as bytes: those it was read from when header and body are still the same.

    >>> dump(Note({"Patient-ID": "17"}, "Seen today."))
    b'Patient-ID: 17\\n\\nSeen today.'
    """
    if note.raw and _same(note):
        return note.raw
    head = "".join(f"{key}: {_one_line(value)}{note.newline}" for key, value in note.header.items())
    text = f"{head}{note.newline}{note.body}" if head else note.body
    return (_BOM if note.bom else b"") + text.encode()


def _text(raw: bytes, where: str) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        if b"%PDF-" in raw[:_LONGEST_HEAD]:
            raise Malformed("note is a PDF: it is not plain text", where=where, do="export the note as plain text") from None
        raise Malformed("note is not text in UTF-8", where=where, do="convert the file to UTF-8 at its source") from None
    if "\0" in text:
        raise Malformed("note holds NUL bytes: it is not plain text", where=where, do="export the note as plain text")
    return text


def _header(lines: list[str], where: str) -> dict[str, str]:
    """Keys and values when every line is `Key: value` and at least one key is ours, else nothing."""
    found = [_LINE.match(line) for line in lines]
    pairs = [(match.group(1), match.group(2)) for match in found if match]
    if len(pairs) != len(lines) or not {key for key, _ in pairs} & set(KEYS):
        return {}
    if len({key for key, _ in pairs}) != len(pairs):
        raise Malformed("a header key stands twice", where=f"{where}, header", do="give each note one header")
    return dict(pairs)


def _same(note: Note) -> bool:
    before = parse(note.raw, where="note")
    return before.header == note.header and list(before.header) == list(note.header) and before.body == note.body


def _one_line(value: str) -> str:
    return " ".join(_NEWLINE.split(value))
