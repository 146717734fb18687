"""The text of a PDF as far as it can be had without a renderer, and word of what cannot.

In        bytes of a PDF
Out       texts: what its content streams show, string by string, and everything inflated; and why some text may be hidden
Source    ISO 32000-1: 7.3.4 (strings), 7.4.4 (FlateDecode), 7.6 (encryption), 9.4.3 (text-showing operators)
Limits    text that is a picture, or is coded by a font's own glyph numbers, is not read: then the file is told as not searched
"""

from __future__ import annotations

import re
import zlib

from bedside.deidentify.residue_plain import decoded, wide

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_SHOWN = re.compile(
    rb"\[((?:\((?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*\)|<[0-9A-Fa-f\s]*>|[^\]()<>])*)\]\s*TJ|(\((?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*\)|<[0-9A-Fa-f\s]+>)\s*(?:Tj|'|\")",
    re.DOTALL,
)
_STRING = re.compile(rb"\(((?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*)\)|<([0-9A-Fa-f\s]*)>|(-?\d+(?:\.\d+)?)", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|\r?\n|.)", re.DOTALL)
_SIGNS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_WORD_GAP, _MOST_INFLATED = -180.0, 1 << 28


def pdf_texts(data: bytes) -> tuple[list[str], str]:
    """The texts of a PDF, and why some may be hidden ("" when none is)."""
    if b"/Encrypt" in data:
        return [], "the PDF is encrypted"
    texts, hidden, drawn = list[str](), "", False
    for found in _STREAM.finditer(data):
        inside = _inflated(found[1])
        if inside is None:
            drawn = drawn or b"/Image" in data[max(0, found.start() - 400) : found.start()]
            continue
        shown, coded = _shown(inside)
        hidden = hidden or ("its text is coded by glyph numbers of a font" if coded else "")
        texts += [decoded(inside, wide(inside[:4096])).replace("\r", "\n"), *([shown] if shown else [])]
    texts += [_literal(one[1]) for one in _STRING.finditer(data) if one[1]]
    return ["\n".join(texts)] if texts else [], hidden or ("it shows pictures, which may hold text" if drawn else "")


def _inflated(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, _MOST_INFLATED)
    except zlib.error:
        return data if b" Tf" in data or b"BT" in data[:200] else None


def _shown(stream: bytes) -> tuple[str, bool]:
    """The strings that a content stream shows, each operator's as one; whether some are glyph numbers."""
    said, coded = list[str](), False
    for found in _SHOWN.finditer(stream):
        parts = list[str]()
        for one in _STRING.finditer(found[0]):
            if one[3] is not None:
                parts.append(" " if float(one[3]) < _WORD_GAP else "")
            elif one[1] is not None:
                parts.append(_literal(one[1]))
            else:
                parts.append(_hex(one[2]))
        said.append("".join(parts))
        coded = coded or any(ord(sign) < 9 for sign in said[-1])
    return "\n".join(said) + "\n" + " ".join(said), coded


def _literal(data: bytes) -> str:
    plain = _ESCAPED.sub(
        lambda found: (
            bytes([int(found[1], 8) & 255])
            if found[1][:1].isdigit()
            else _SIGNS.get(found[1], b"" if found[1].endswith(b"\n") else found[1])
        ),
        data,
    )
    return plain.decode("utf-16", "replace") if plain[:2] in (b"\xfe\xff", b"\xff\xfe") else plain.decode("utf-8", "bedside-latin")


def _hex(data: bytes) -> str:
    digits = re.sub(rb"\s", b"", data)
    plain = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    return plain.decode("utf-16", "replace") if plain[:2] in (b"\xfe\xff", b"\xff\xfe") else plain.decode("latin-1")
