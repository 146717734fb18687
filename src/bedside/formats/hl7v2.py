"""HL7 v2 ER7: a file to messages and back; fields are cut only when asked for.

In        messages one after another, bare, in MLLP frames or in FHS/BHS batches; segments ended by CR, LF or CRLF
Out       pieces (message bytes) and `Message`: read and set by "PID-5.1"; untouched, it encodes to the same bytes
Source    HL7 v2.5.1 sections 2.5.4 (delimiters), 2.7 (escapes), 2.10.3 (batches), 2.15.9.18 (MSH-18, table 0211);
          MLLP release 1. v2.7 adds the truncation character (section 2.5.5.2), read here and never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from bedside.core.errors import Malformed, shape_of
from bedside.formats.piece import Piece, Span, splice

NULL = '""'
"""What a sender writes in a field to say "delete what you have": present, and empty."""

_HEADS = (b"MSH", b"FHS", b"BHS", b"BTS", b"FTS")
_BARE_TRAILERS = frozenset({b"BTS", b"FTS"})
_FRAMING = b"\r\n\x0b\x1c\x00"
_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}\Z")
_PATH = re.compile(r"(?:([A-Z][A-Z0-9]{2})-)?(\d+)(?:\.(\d+))?(?:\.(\d+))?\Z")
_DO = "fix the sender, or fetch the message again"

# HL7 table 0211, and the spellings that senders use for the same thing. ASCII is read as UTF-8, which holds it.
_CHARSETS = {
    "": "utf-8", "ASCII": "utf-8", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8", "UNICODE": "utf-8",
    "ISO-8859-1": "latin-1", "ISO8859-1": "latin-1", "WINDOWS-1252": "cp1252", "GB 18030-2000": "gb18030", "BIG-5": "big5",
    "KS X 1001": "euc_kr", "ISO IR14": "iso2022_jp", "ISO IR87": "iso2022_jp", "ISO IR159": "iso2022_jp_1",
} | {f"8859/{part}": f"iso8859-{part}" for part in (*range(1, 10), 15)}  # fmt: skip


class Delimiters(NamedTuple):
    """MSH-1 and MSH-2. A character that the sender does not declare is the empty string."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str
    truncation: str = ""


class _Place(NamedTuple):
    segment: str | None
    field: int
    component: int | None
    subcomponent: int | None


def pieces(data: bytes) -> Iterator[Piece]:
    """Every message of a file; text that is no message is a piece too, and `Message.parse` refuses it.

    A frame that is never closed keeps its MLLP start byte, and a batch without trailer ends in an empty piece:
    both say that the file is cut off, and both are refused by `Message.parse`.

    >>> [p.place for p in pieces(b"MSH|^~\\\\&|A\\rPID|1\\rMSH|^~\\\\&|B\\r")]
    ['message 1', 'message 2']
    """
    return (Piece(span.place, data[span.start : span.end]) for span in _spans(data))


def rebuild(data: bytes, replacements: list[bytes | None], *, bare_envelope: bool = False) -> bytes:
    """The file with its messages replaced in order, framing as it was; None takes a message out with its frame.

    bare_envelope   of FHS and BHS keep only the delimiters, of BTS and FTS only the count, recounted: sender,
                    file name and comment may say who or when. De-identification asks for it.
    """
    spans = list(_spans(data))
    if len(spans) != len(replacements):
        raise ValueError("rebuild needs one replacement for each piece")
    whole = splice(data, spans, replacements)
    return _bare(whole) if bare_envelope else whole


class Message:
    """One message. Cutting a field out of its segment happens at the first question about that segment."""

    __slots__ = ("_changed", "_ends", "_raw", "_segments", "charset", "delimiters", "where")

    def __init__(self, raw: bytes, charset: str, delimiters: Delimiters, lines: list[str], ends: list[str], where: str) -> None:
        self._raw, self._ends, self._changed = raw, ends, False
        self.charset, self.delimiters, self.where = charset, delimiters, where
        self._segments = [Segment(self, line) for line in lines]

    @classmethod
    def parse(cls, raw: bytes, *, where: str) -> Message:
        """A message of bytes. Raises `Malformed` for what has no MSH, strange delimiters or segments, or broken text."""
        delimiters, charset = _header(raw, where)
        try:
            text = raw.decode(charset)
        except UnicodeDecodeError:
            raise Malformed(f"bytes are not {charset}, which MSH-18 says or leaves to default", where=where,
                            do="declare the character set in MSH-18") from None  # fmt: skip
        lines, ends = _lines(text)
        mark = delimiters.field
        for number, line in enumerate(lines, 1):
            if not _is_name(line[:3]) or line[3:4] not in (mark, ""):
                raise Malformed(f"not a segment: {shape_of(line[:40])}", where=f"{where}, segment {number}", do=_DO)
        return cls(raw, charset, delimiters, lines, ends, where)

    @property
    def segments(self) -> list[Segment]:
        """All segments in order."""
        return self._segments

    def all(self, name: str) -> list[Segment]:
        """The segments of that name, in order."""
        return [segment for segment in self._segments if segment.name == name]

    def segment(self, name: str, index: int = 0) -> Segment | None:
        """The `index`-th segment of that name, None when there are fewer."""
        for segment in self._segments:
            if segment.name == name:
                if index == 0:
                    return segment
                index -= 1
        return None

    def get(self, path: str, rep: int = 0, segment_index: int = 0) -> str | None:
        """Unescaped text of "PID-3.1" in the `segment_index`-th PID; None when absent or empty, `NULL` when nulled."""
        segment = self.segment(path[:3], segment_index)
        return None if segment is None else segment.get(path, rep)

    def repetitions(self, path: str, segment_index: int = 0) -> list[str]:
        """Raw repetitions of "PID-3"; empty when the field is absent or empty."""
        segment = self.segment(path[:3], segment_index)
        return [] if segment is None else segment.repetitions(_place(path).field)

    def set(self, path: str, text: str, *, rep: int | None = 0, segment_index: int = 0) -> None:
        """Write text, escaped, at "PID-5.1". Raises `Malformed` when the message has no such segment."""
        segment = self.segment(path[:3], segment_index)
        if segment is None:
            raise Malformed(f"the message has no {path[:3]} segment to write to", where=self.where, do="test for the segment first")
        segment.set(path, text, rep=rep)

    def remove(self, segment: Segment) -> None:
        """Take one segment out, with its line end."""
        at = next(i for i, one in enumerate(self._segments) if one is segment)
        del self._segments[at], self._ends[at]
        self._changed = True

    def encode(self) -> bytes:
        """The bytes as they came when nothing was written, else written anew in the same character set."""
        if not self._changed:
            return self._raw
        text = "".join(part for s, end in zip(self._segments, self._ends, strict=True) for part in (s.text, end))
        try:
            return text.encode(self.charset)
        except UnicodeEncodeError:
            raise Malformed(f"new text cannot be written in {self.charset}", where=self.where,
                            do="set MSH-18 to UNICODE UTF-8 at the sender") from None  # fmt: skip


class Segment:
    """One segment of a message, cut into fields at the first question."""

    __slots__ = ("_fields", "_message", "_text", "name")

    def __init__(self, message: Message, text: str) -> None:
        self._message, self._text, self.name = message, text, text[:3]
        self._fields: list[str] | None = None

    @property
    def text(self) -> str:
        """The segment as it is written."""
        return self._text

    def __len__(self) -> int:
        """Number of the last field that is written."""
        return len(self._cut()) - 1

    def field(self, n: int, rep: int = 0) -> str:
        """Repetition `rep` of field n as written, "" when absent. MSH-1 is the field separator itself."""
        fields = self._fields or self._cut()
        whole = fields[n] if n < len(fields) else ""
        mark = self._message.delimiters.repetition
        if not whole or not mark or mark not in whole or self._verbatim(n):
            return whole if rep == 0 else ""
        found = whole.split(mark)
        return found[rep] if rep < len(found) else ""

    def repetitions(self, n: int) -> list[str]:
        """Raw repetitions of field n; empty when the field is absent or empty."""
        fields = self._cut()
        whole = fields[n] if n < len(fields) else ""
        mark = self._message.delimiters.repetition
        if not mark or self._verbatim(n):
            return [whole] if whole else []
        return whole.split(mark) if whole else []

    def get(self, path: str, rep: int = 0) -> str | None:
        """Unescaped text at "PID-3.1" or "3.1": all of what is addressed; None when absent or empty."""
        _, n, component, subcomponent = _place(path)
        text = self.field(n, rep)
        if not text or (n <= 2 and self._verbatim(n)):
            return text or None
        marks = self._message.delimiters
        if component is not None:
            text = _part(text, marks.component, component)
            if subcomponent is not None:
                text = _part(text, marks.subcomponent, subcomponent)
        if marks.escape and marks.escape in text:
            text = unescape(text, marks, self._message.charset)
        return text or None

    def set(self, path: str, text: str, *, rep: int | None = 0) -> None:
        """Write text, escaped, at "PID-5.1" or "5.1". `rep` None replaces every repetition of the field by one."""
        place, marks = _place(path), self._message.delimiters
        if self._verbatim(place.field):
            raise ValueError("MSH-1 and MSH-2 are the delimiters and stay as they came")
        self._write(place, escape(text, marks) if text != NULL else text, rep, marks)

    def set_raw(self, n: int, text: str) -> None:
        """Write field n as it stands, delimiters and all: for a field that was put together by hand."""
        if any(mark in text for mark in (self._message.delimiters.field, "\r", "\n")):
            raise ValueError("a field cannot hold a field separator or a line end")
        self._write(_Place(None, n, None, None), text, None, self._message.delimiters)

    def _write(self, place: _Place, text: str, rep: int | None, marks: Delimiters) -> None:
        fields = self._cut()
        fields.extend([""] * (place.field + 1 - len(fields)))
        if rep is None:
            fields[place.field] = _put_inside("", place, text, marks)
        else:
            all_reps = fields[place.field].split(marks.repetition) if marks.repetition else [fields[place.field]]
            all_reps.extend([""] * (rep + 1 - len(all_reps)))
            all_reps[rep] = _put_inside(all_reps[rep], place, text, marks)
            fields[place.field] = marks.repetition.join(all_reps)
        joined = [self.name, *fields[2:]] if self._is_header() else fields
        self._text = marks.field.join(joined)
        self._message._changed = True

    def _cut(self) -> list[str]:
        """Fields by number; entry 0 is the segment name."""
        if self._fields is None:
            mark = self._message.delimiters.field
            self._fields = self._text.split(mark)
            if self._is_header():
                self._fields.insert(1, mark)
        return self._fields

    def _is_header(self) -> bool:
        return self.name == "MSH"

    def _verbatim(self, n: int) -> bool:
        return n <= 2 and self.name == "MSH"


def escape(text: str, marks: Delimiters) -> str:
    r"""Text with delimiters, line ends and MLLP bytes as escape sequences (section 2.7.1).

    >>> escape("5|6\n", Delimiters("|", "^", "~", "\\", "&"))
    '5\\F\\6\\.br\\'
    """
    table, special = _escapes(marks)
    if not special.search(text):
        return text
    if not marks.escape:
        raise Malformed("text needs an escape character, and MSH-2 declares none", where="HL7 v2 text", do="declare one in MSH-2")
    return special.sub(lambda found: table[found.group()], text)


def unescape(text: str, marks: Delimiters, charset: str = "utf-8") -> str:
    r"""Text with its escape sequences resolved. Unknown ones stay; highlighting and alignment marks go.

    >>> unescape("A\\T\\B\\X0D\\\\.br\\", Delimiters("|", "^", "~", "\\", "&"))
    'A&B\r\n'
    """
    if not marks.escape or marks.escape not in text:
        return text
    return _sequences(marks.escape).sub(lambda found: _resolved(found.group(1), found.group(), marks, charset), text)


def _resolved(inner: str, whole: str, marks: Delimiters, charset: str) -> str:
    named = {"F": marks.field, "S": marks.component, "R": marks.repetition, "E": marks.escape,
             "T": marks.subcomponent, "P": marks.truncation or "#", "H": "", "N": "", ".br": "\n"}.get(inner)  # fmt: skip
    if named is not None:
        return named
    if inner[:1] == "X":
        return _hexadecimal(inner[1:], whole, charset)
    command = inner[:3].lower()
    if command in (".br", ".sp", ".sk"):
        count = int(inner[3:].strip(" +") or 1) if inner[3:].strip(" +").isdigit() or not inner[3:].strip(" +") else 1
        return (" " if command == ".sk" else "\n") * min(count, 1000)
    return "" if command in (".fi", ".nf", ".in", ".ti", ".ce") else whole


def _hexadecimal(digits: str, whole: str, charset: str) -> str:
    try:
        return bytes.fromhex(digits).decode(charset)
    except (ValueError, UnicodeDecodeError):
        return whole


@lru_cache(maxsize=32)
def _sequences(mark: str) -> re.Pattern[str]:
    quoted = re.escape(mark)
    return re.compile(rf"{quoted}([FSTREPHN]|X(?:[0-9A-Fa-f]{{2}})+|\.[A-Za-z]{{2}}[ +]?-?\d{{0,4}}){quoted}")


@lru_cache(maxsize=32)
def _escapes(marks: Delimiters) -> tuple[dict[str, str], re.Pattern[str]]:
    e = marks.escape
    named = {marks.field: "F", marks.component: "S", marks.repetition: "R", e: "E", marks.subcomponent: "T",
             "\n": ".br", "\r": "X0D", "\x0b": "X0B", "\x1c": "X1C"}  # fmt: skip
    table = {character: f"{e}{name}{e}" for character, name in named.items() if character}
    return table, re.compile("[" + "".join(map(re.escape, table)) + "]")


@lru_cache(maxsize=2048)
def _place(path: str) -> _Place:
    found = _PATH.match(path)
    if found is None or any(part is not None and int(part) < 1 for part in found.groups()[1:]):
        raise ValueError(f"{path!r} is not a place such as PID-5.1")
    name, *numbers = found.groups()
    field, component, subcomponent = (int(part) if part else None for part in numbers)
    return _Place(name, field or 1, component, subcomponent)


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return _NAME.match(name) is not None


def _part(text: str, mark: str, n: int) -> str:
    if not mark or mark not in text:
        return text if n == 1 else ""
    parts = text.split(mark)
    return parts[n - 1] if n <= len(parts) else ""


def _put(text: str, mark: str, n: int, new: str) -> str:
    if not mark:
        if n > 1:
            raise Malformed("MSH-2 declares no character for this part", where="HL7 v2 text", do="declare it in MSH-2")
        return new
    parts = text.split(mark)
    parts.extend([""] * (n - len(parts)))
    parts[n - 1] = new
    return mark.join(parts)


def _put_inside(text: str, place: _Place, new: str, marks: Delimiters) -> str:
    if place.component is None:
        return new
    if place.subcomponent is not None:
        new = _put(_part(text, marks.component, place.component), marks.subcomponent, place.subcomponent, new)
    return _put(text, marks.component, place.component, new)


def _header(raw: bytes, where: str) -> tuple[Delimiters, str]:
    """Delimiters and character set, from the first segment's bytes."""
    if raw.startswith(b"\x0b"):
        raise Malformed("an MLLP frame that is never closed: the message is cut off", where=where, do=_DO)
    if not raw.startswith(b"MSH") or len(raw) < 8:
        what = "text that is no HL7 message" if raw.strip() else "the batch ends without its trailer: the file is cut off"
        raise Malformed(what, where=where, do=_DO)
    first = raw[: _line_end(raw, 0, len(raw))].decode("latin-1")
    delimiters = _delimiters(first, where)
    fields = first.split(delimiters.field)
    declared = fields[17].split(delimiters.repetition or None)[:1] if len(fields) > 17 else []
    name = declared[0].strip().upper() if declared else ""
    if name not in _CHARSETS:
        raise Malformed("MSH-18 names a character set that HL7 table 0211 does not have or that is not supported",
                        where=f"{where}, MSH-18", do="send 8859/1 or UNICODE UTF-8")  # fmt: skip
    return delimiters, _CHARSETS[name]


def _delimiters(first: str, where: str) -> Delimiters:
    if len(first) <= 4:
        raise Malformed("MSH ends before its delimiters", where=f"{where}, MSH-2", do=_DO)
    marks = first[4:].split(first[3], 1)[0]
    every = first[3] + marks
    if not 1 <= len(marks) <= 5 or len(set(every)) != len(every) or any(m.isalnum() or m.isspace() or ord(m) > 126 for m in every):
        raise Malformed("MSH-1 and MSH-2 do not declare distinct delimiters", where=f"{where}, MSH-2", do=_DO)
    return Delimiters(first[3], *marks, *[""] * (4 - len(marks)))


def _lines(text: str) -> tuple[list[str], list[str]]:
    """Segments and their line ends; an LF inside text whose segments end in CR is part of the text.

    Empty lines go with the line end before them.
    """
    one = "\r" if "\n" not in text else "\n" if "\r" not in text else ""
    if one and one + one not in text:
        lines = text.split(one)
        ends = [one] * (len(lines) - 1) + [""]
        return (lines, ends) if lines[-1] else (lines[:-1], ends[:-1])
    if "\n" not in text or "\r" not in text:
        pattern = _ANY
    else:
        first = min(text.index("\r"), text.index("\n"))
        pattern = _CR_ONLY if text[first] == "\r" and text[first + 1 : first + 2] != "\n" else _ANY
    parts = pattern.split(text)
    lines, ends = parts[::2], [*parts[1::2], ""]
    if not lines[-1]:
        del lines[-1], ends[-1]
    return lines, ends


_END = re.compile(rb"[\r\n\x1c]")
_ANY = re.compile(r"([\r\n]+)")
_CR_ONLY = re.compile(r"(\r[\r\n]*|\n(?=[A-Z][A-Z0-9]{2}[^A-Za-z0-9\s])|\n\Z)")


def _spans(data: bytes) -> Iterator[Span]:
    """Messages and stray text between the framing: newlines, MLLP bytes, byte order mark, batch envelopes."""
    at, messages, open_batches = len(_BOM) if data.startswith(_BOM) else 0, 0, 0
    starts = _starts(data, at)
    if not starts or starts[0] > at:
        yield from _stray(data, at, starts[0] if starts else len(data))
    for start, stop in zip(starts, [*starts[1:], len(data)], strict=False):
        kind = data[start : start + 3]
        if kind == b"MSH":
            messages += 1
            yield from _message_spans(data, start, stop, f"message {messages}")
        else:
            open_batches += 1 if kind in (b"FHS", b"BHS") else -1
            line_end = _line_end(data, start, stop)
            yield from _stray(data, line_end, stop)
    if open_batches > 0:
        yield Span("end of file", len(data), len(data), len(data))


def _starts(data: bytes, at: int) -> list[int]:
    """Where messages and batch envelopes begin. Looked for by their names: a pattern would try every byte of a large file."""
    found = []
    for name in _HEADS:
        place = data.find(name, at)
        while place >= 0:
            if _begins(data, place, name):
                found.append(place)
            place = data.find(name, place + len(name))
    return sorted(found)


def _begins(data: bytes, place: int, name: bytes) -> bool:
    """Whether a name stands at the beginning of a line or frame and before a field separator; a trailer may stand alone."""
    before, after = data[max(0, place - 1) : place], data[place + 3 : place + 4]
    if before not in b"\r\n\x0b\x1c\xbf":
        return False
    if after and not after.isalnum() and not after.isspace():
        return True
    return name in _BARE_TRAILERS and before in b"\r\n" and after in b"\r\n"


def _message_spans(data: bytes, start: int, stop: int, place: str) -> Iterator[Span]:
    framed = start > 0 and data[start - 1] == 0x0B
    close = data.find(b"\x1c", start, stop)
    if framed and close < 0:
        yield Span(place, start - 1, _trimmed(data, start, stop), stop)
        return
    end = _trimmed(data, start, stop if close < 0 else close)
    yield Span(place, start, end, _after_framing(data, end, stop), start - 1 if framed else None)
    if close >= 0:
        yield from _stray(data, close, stop)


def _stray(data: bytes, start: int, stop: int) -> Iterator[Span]:
    start += stop - start - len(data[start:stop].lstrip(_FRAMING + b" "))
    if data[start:stop].replace(_BOM, b"").strip(_FRAMING):
        end = _trimmed(data, start, stop)
        line = len(re.findall(rb"\r\n|\r|\n", data[:start])) + 1
        yield Span(f"line {line}", start, end, _after_framing(data, end, stop))


def _trimmed(data: bytes, start: int, stop: int) -> int:
    """Where a piece ends: before the framing, and before the byte order mark of a file that was appended."""
    text = data[start:stop].rstrip(_FRAMING)
    return start + len(text.removesuffix(_BOM).rstrip(_FRAMING))


def _after_framing(data: bytes, end: int, stop: int) -> int:
    while end < stop and data[end] in b"\r\n\x1c":
        end += 1
    return end


def _line_end(data: bytes, start: int, stop: int) -> int:
    found = _END.search(data, start, stop)
    return found.start() if found else stop


def _bare(data: bytes) -> bytes:
    """The file with its batch headers and trailers cut down to delimiters and counts."""
    parts, at, messages = [], 0, 0
    for start in _starts(data, 0):
        kind = data[start : start + 3]
        messages = 0 if kind == b"BHS" else messages + (kind == b"MSH")
        if kind != b"MSH":
            end = _line_end(data, start, len(data))
            parts += [data[at:start], _bare_segment(data[start:end], kind, messages)]
            at = end
    return b"".join([*parts, data[at:]])


def _bare_segment(segment: bytes, kind: bytes, messages: int) -> bytes:
    fields = segment.split(segment[3:4]) if len(segment) > 3 else [kind]
    if kind == b"BTS" and len(fields) > 1:
        fields[1] = str(messages).encode()
    if kind == b"FTS" and len(fields) > 1 and not fields[1].isdigit():
        fields[1] = b""
    return segment[3:4].join(fields[:2])
