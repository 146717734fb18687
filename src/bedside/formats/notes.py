"""Plain-text notes: a short header of `Key: value` lines, one empty line, the text; or JSON lines, one note a line.

In        one note a file, UTF-8 (with or without byte order mark), lines ended by LF, CRLF or CR; or a line an object
          {"id", "text", "subject"?, "encounter"?, "date"?, "type"?, "title"?, "author"?}, the same facts under other names
Out       `Note`: header, body, and enough of the layout that an unedited note gives the same bytes
Source    ours; the header is that of RFC 5322 section 2.2 without folding. Keys that place a note: Patient-ID, Encounter-ID,
          Date, Type, Author, Title. A file that begins with none of them is a note with an empty header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from bedside.core.errors import Malformed
from bedside.formats.piece import Piece

KEYS: tuple[str, ...] = ("Patient-ID", "Encounter-ID", "Date", "Type", "Author", "Title")
_LONGEST_HEAD, _FIRST_LINES = 2000, 20
# What senders of JSON lines call what the header calls by its key.
_JSON_NAMES = {
    "Note-ID": ("id", "note_id", "noteid", "row_id", "document_id"),
    "Patient-ID": ("subject", "subject_id", "patient", "patient_id", "patientid", "person_id", "mrn"),
    "Encounter-ID": ("encounter", "encounter_id", "hadm_id", "visit_id"),
    "Date": ("date", "time", "charttime", "note_date", "datetime"),
    "Type": ("type", "note_type", "category"),
    "Title": ("title",),
    "Author": ("author", "provider"),
}
_KEY_OF = {name: key for key, names in _JSON_NAMES.items() for name in names}
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
    names     JSON lines: what the sender calls each key of the header, in the sender's order, and "text" for the body
    """

    header: dict[str, str]
    body: str
    newline: str = "\n"
    bom: bool = False
    raw: bytes = b""
    names: dict[str, str] = {}


def pieces(data: bytes) -> Iterator[Piece]:
    """The one piece of a note file: all of it; of JSON lines, each line."""
    if not are_lines(data):
        yield Piece("note", data)
        return
    for number, line in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        if line.strip():
            yield Piece(f"line {number}", line.strip())


def rebuild(data: bytes, replacements: Sequence[bytes | None]) -> bytes:
    """The file with its pieces replaced in order; None takes one out."""
    kept = [new for new in replacements if new is not None]
    return b"".join(new + b"\n" for new in kept) if are_lines(data) else b"".join(kept)


def are_lines(data: bytes) -> bool:
    """Whether the bytes are JSON lines of notes rather than one note.

    >>> are_lines(b'{"id": "1", "text": "Seen."}\\n'), are_lines(b"{Seen} today"), are_lines(b"Patient-ID: 1")
    (True, False, False)
    """
    body = data.removeprefix(_BOM).lstrip()
    return body.startswith(b"{") and any(_object(line) is not None for line in _first(body))


def _first(body: bytes) -> Iterator[bytes]:
    at = 0
    for _ in range(_FIRST_LINES):
        stop = body.find(b"\n", at)
        yield body[at : len(body) if stop < 0 else stop]
        if stop < 0:
            return
        at = stop + 1


def _object(line: bytes) -> dict[str, Any] | None:
    """The object of a line that is a note, None for anything else."""
    try:
        said = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return said if isinstance(said, dict) and isinstance(said.get("text"), str) and "resourceType" not in said else None


def parse(raw: bytes, *, where: str, line: bool = False) -> Note:
    """A note of bytes. Raises `Malformed` when they are not plain UTF-8 text (a PDF, RTF, HTML, ...), or a header key stands twice.

    line   the bytes are a line of JSON lines, and nothing else will do

    >>> note = parse(b"Patient-ID: 17\\n\\nSeen today.\\n", where="x")
    >>> note.header, note.body
    ({'Patient-ID': '17'}, 'Seen today.\\n')
    """
    if line or (raw.lstrip().startswith(b"{") and are_lines(raw)):
        return _of_json(raw, where)
    text = _text(raw.removeprefix(_BOM), where)
    found = _BLANK.search(text)
    lines = _NEWLINE.split(text[: found.start()]) if found else []
    header = _header(lines, where)
    first = _NEWLINE.search(text)
    body = text[found.end() :] if header and found else text
    _refuse_foreign(body, where)
    return Note(header, body, first.group() if first else "\n", raw.startswith(_BOM), raw)


def dump(note: Note) -> bytes:
    """The note as bytes: those it was read from when header and body are still the same.

    >>> dump(Note({"Patient-ID": "17"}, "Seen today."))
    b'Patient-ID: 17\\n\\nSeen today.'
    """
    if note.raw and _same(note):
        return note.raw
    if note.names:
        said = {name: note.body if key == "text" else note.header[key] for key, name in note.names.items() if key == "text" or key in note.header}
        return msgspec.json.encode(said)
    head = "".join(f"{key}: {_one_line(value)}{note.newline}" for key, value in note.header.items())
    text = f"{head}{note.newline}{note.body}" if head else note.body
    return (_BOM if note.bom else b"") + text.encode()


def _of_json(raw: bytes, where: str) -> Note:
    """A note of one JSON object; numbers as identifiers are read as they are written, names that are not known are left out."""
    said = _object(raw.removeprefix(_BOM))
    if said is None:
        raise Malformed('not a note: a JSON object with a "text"', where=where, do='write one {"id", "text", "subject"} a line')
    names = {"text" if name == "text" else _KEY_OF[name.lower()]: name for name in said if name == "text" or name.lower() in _KEY_OF}
    header = {key: str(said[name]) for key, name in names.items() if key != "text" and isinstance(said[name], (str, int))}
    _refuse_foreign(said["text"], where)
    return Note(header, said["text"], raw=raw, names=names)


def _refuse_foreign(body: str, where: str) -> None:
    for sign, what in _FOREIGN:
        if sign.match(body):
            raise Malformed(f"note {what}: it is not plain text", where=where, do="export the note as plain text")


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
    if note.names and len(msgspec.json.decode(note.raw.removeprefix(_BOM))) != len(note.names):
        return False
    return before.header == note.header and list(before.header) == list(note.header) and before.body == note.body


def _one_line(value: str) -> str:
    return " ".join(_NEWLINE.split(value))
