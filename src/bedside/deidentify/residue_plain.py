"""A text out of its wrapping: escapes of JSON, HL7 v2, RTF and URLs resolved, entities read, tags and JSON keys taken out.

In        a text as it stands in a file, or bytes of unknown encoding
Out       the same text as a reader would see it, line for line; and what lies in it as base64
Source    RFC 8259 section 7; HL7 v2.5.1 section 2.7; HTML Living Standard section 13.5; RFC 3986 section 2.1; RFC 4648 section 4
"""

from __future__ import annotations

import binascii
import codecs
import re
from base64 import b64decode
from collections.abc import Iterator
from html import unescape

_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|'([0-9a-fA-F]{2})|X([0-9A-Fa-f]{2,60})\\|([FSTRE])\\|\.[a-zA-Z]{2}[+-]?\d*\\|[HN]\\|[nrtbf/\"\\])"
)
_BESIDE = re.compile(r"\\[\\XFSTREHN.]")
_BLANKS = 'nrtbf/"'
_HL7 = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_SPLIT_WORD = re.compile(
    r"</w:t></w:r>(?:<w:(?!br|tab|cr|p\b)[^<>\n]{0,200}>|</w:(?!p>)[^<>\n]{0,40}>){0,12}?<w:t(?:\s[^<>\n]{0,80})?>"
)
_TAG = re.compile(r"<[/!?a-zA-Z][^<>\n]{0,400}>")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*")
_KEY = re.compile(r'"[^"\\\n]{1,64}"\s*:')
_MOJIBAKE = re.compile(r"[ÂÃÄÅ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}(?:(?:\r?\n|\\r\\n|\\n|\\\.br\\)[A-Za-z0-9+/]{4,})*={0,2}")
_SIGNS = {code: "a" if chr(code).isalnum() or chr(code) in "+/" else " " for code in range(128)}
_SIXTEEN = 16 * "a"
_DATA = re.compile(r'"data"\s*:\s*"([A-Za-z0-9+/=]{8,40})"')
_JOINT = re.compile(r"\r?\n|\\r\\n|\\n|\\\.br\\")
_WIDE = re.compile(rb"(?:[\x20-\x7e\xa0-\xff]\x00){4,}|(?:\x00[\x20-\x7e\xa0-\xff]){4,}")
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD, _CONTROL = 4096, bytes({*range(9), 11, 12, *range(14, 32), 127})
_MARKED = (b"\x1f\x8b", b"PK\x03\x04", b"%PDF-", b"PAR1", b"BZh", b"\xfd7zXZ")
_VISIBLE = bytes(code if 32 <= code < 127 or code in (9, 10, 13) else code if code >= 0xC0 else 32 for code in range(256))


def _as_latin(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 are read as Latin-1, where a name of a western hospital then stands."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("bedside-latin", _as_latin)


def wide(head: bytes) -> str | None:
    """The encoding of a text of two or four bytes a letter, None for any other."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0:_HEAD:2].count(0), head[1:_HEAD:2].count(0)
    half = len(head[:_HEAD]) // 2
    if half > 3 and odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if half > 3 and even > 0.7 * half and odd < 0.1 * half else None


def decoded(data: bytes, encoding: str | None = None) -> str:
    """Bytes as text, whatever they are: nothing raises, and nothing that is ASCII is lost."""
    if encoding:
        return data.decode(encoding, "replace")
    if b"\x00" not in data:
        return data.decode("utf-8", "bedside-latin")
    runs = (found[0].replace(b"\x00", b"") for found in _WIDE.finditer(data))
    return data.translate(_VISIBLE).decode("latin-1") + "\x20" + " ".join(one.decode("latin-1") for one in runs).replace("\n", " ")


def unwrapped(text: str) -> str | None:
    """The text without its wrapping, as many lines as before; None where there is none.

    >>> unwrapped('{"family":"O\\\\u0027Neil","given":["Ann"]}'), unwrapped("Ann O&#39;Neil"), unwrapped("plain")
    ('{ "O\\'Neil", ["Ann"]}', "Ann O'Neil", None)
    """
    new = _KEY.sub(" ", text) if '":' in text or '" :' in text else text
    if "\\" in new:
        new = _escaped(new)
    if "&" in new:
        new = _ENTITY.sub(lambda found: _flat(unescape(found[0])), new)
    if "<" in new:
        new = _TAG.sub(" ", _SPLIT_WORD.sub("", new) if "</w:t>" in new else new)
    if "%" in new:
        new = _PERCENT.sub(lambda found: _flat(bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "bedside-latin")), new)
    if not new.isascii() and _MOJIBAKE.search(new):
        new = _MOJIBAKE.sub(lambda found: _twice(found[0]), new)
    return None if new == text else new


def _escaped(text: str) -> str:
    """Escapes resolved. Those of JSON alone depend on nothing beside them, unless a backslash is escaped or may end one of HL7."""
    if _BESIDE.search(text):
        return "\n".join(_escaped(one) for one in text.split("\n")) if "\n" in text else _ESCAPE.sub(_resolved, text)
    for letter in _BLANKS:
        text = text.replace("\\" + letter, " ")
    return _ESCAPE.sub(_resolved, text) if "\\" in text else text


def json_keys(text: str) -> str | None:
    """The different keys of a JSON text; None for one that holds more wrapping than JSON's own."""
    if any(one.search(text) for one in (_TAG, _PERCENT, _ENTITY)):
        return None
    return " ".join(sorted(set(_KEY.findall(text))))


def _resolved(found: re.Match[str]) -> str:
    if found[1]:
        return _flat(chr(int(found[1], 16)))
    if found[2] or found[3]:
        code = found[2] or found[3]
        return _flat(bytes.fromhex(code[: len(code) // 2 * 2]).decode("utf-8", "bedside-latin"))
    return _HL7.get(found[4], " ") if found[4] else " "


def _flat(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")


def _twice(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def embedded(text: str, *, torn: bool = False) -> Iterator[tuple[int, bytes]]:
    """What lies in a text as base64 and is text or a file itself: (line, bytes).

    torn   the text begins inside a line, perhaps inside base64: every alignment is tried
    """
    text = text.replace("\\/", "/") if "\\/" in text else text
    for found in (*_runs(text), *_DATA.finditer(text)):
        run = found[found.lastindex or 0]
        pieces = _JOINT.split(run)
        shifts = range(4) if torn and found.start() < 4 else (0,)
        for one in {"".join(pieces), *pieces} if len(pieces) > 1 else pieces:
            for shift in shifts:
                data = _bytes(one[shift:])
                if data and _tells(data):
                    yield text.count("\n", 0, found.start()), data


def _runs(text: str) -> Iterator[re.Match[str]]:
    """All that may be base64, found by its first sixteen signs: most texts have no word so long."""
    signs = (text if text.isascii() else text.encode("ascii", "replace").decode("ascii")).translate(_SIGNS)
    at = signs.find(_SIXTEEN)
    while at >= 0 and (found := _BASE64.match(text, at)):
        yield found
        at = signs.find(_SIXTEEN, found.end())


def _bytes(run: str) -> bytes:
    body = run.rstrip("=")
    try:
        return b64decode(body[: len(body) // 4 * 4] + (body[len(body) // 4 * 4 :] + "==" if len(body) % 4 > 1 else ""))
    except (binascii.Error, ValueError):
        return b""


def _tells(data: bytes) -> bool:
    """Whether bytes are text or a file that can be opened, and not chance."""
    if data.startswith(_MARKED) or data[128:132] == b"DICM" or wide(data):
        return True
    head = data[:_HEAD]
    beyond = len(head.translate(None, bytes(range(128))))
    return len(head.translate(None, _CONTROL)) > 0.95 * len(head) and beyond <= 0.2 * len(head)
