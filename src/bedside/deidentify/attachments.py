"""FHIR attachments: base64 in the character set that their content type says, to text and back in UTF-8.

In        an Attachment or a Binary: `contentType` and `data`
Out       its text and what the new content type says; None when it is no text that can be read
Markup    HTML, RTF and XML are read as the text that they show, so that no mark stands between the parts of a name; HTML and XHTML
          come back as plain paragraphs, RTF and XML as plain text. A CDA document is not text: what its header holds is for a reader of
          CDA, and it goes
Refuses   what is compressed: nothing is ever expanded, so that a small attachment cannot become a large one; a text that holds base64 of
          another text or file, which nobody has read
Source    FHIR R4 2.24.0.9 (Attachment), 2.24.0.1 (base64Binary, white space allowed); RFC 2045 section 5.1, RFC 2046 section 4.1.2
"""

from __future__ import annotations

import binascii
import codecs
import re
from base64 import b64decode
from html import escape
from html.parser import HTMLParser
from typing import Any, NamedTuple

from bedside.deidentify.residue_plain import embedded

_PLAIN = ("text/plain", "text/markdown", "text/csv", "text/tab-separated-values")
_HTML = ("text/html", "application/xhtml+xml", "application/xhtml")
_XML, _RTF = ("text/xml", "application/xml"), ("text/rtf", "application/rtf", "application/x-rtf")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*\Z")
_BLANK, _LINES = re.compile(r"\s+"), re.compile(r"\n{2,}")
_CDA = re.compile(r"<(?:\w+:)?ClinicalDocument[\s>]")
_HIDDEN = ("script", "style", "head", "template", "object", "svg")
_BLOCKS = frozenset("p div br tr li ul ol table h1 h2 h3 h4 h5 h6 section article header footer dt dd pre blockquote caption hr title".split())  # noqa: SIM905
_FOREIGN = ("%PDF-", "PK\x03\x04", "\x1f\x8b", "{\\rtf")
_RTF_WORD = re.compile(r"\\'([0-9a-fA-F]{2})|\\u(-?\d+)\s?\??|\\([a-z]+)(-?\d+)? ?|\\([^a-z])|([{}])|[\r\n]+")
_RTF_HIDDEN = frozenset({"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "generator", "themedata", "datastore", "header", "footer"})
_RTF_BREAKS = {"par": "\n", "line": "\n", "tab": "\t", "row": "\n", "cell": "\t", "sect": "\n", "page": "\n"}


class Attached(NamedTuple):
    """The text, what it was written in, whether that was said, and as which type it can be written back."""

    text: str
    charset: str
    said: bool
    kind: str = "text/plain"


def attached(node: dict[str, Any]) -> Attached | None:
    """The text of an attachment, None when it is none, or not in the character set that it claims.

    >>> attached({"contentType": "text/plain; charset=ISO-8859-1", "data": "RmnodnJl"})
    Attached(text='Fi\xe8vre', charset='iso8859-1', said=True, kind='text/plain')
    """
    kind, data = content_type(node.get("contentType")), node.get("data")
    if kind not in (*_PLAIN, *_HTML, *_XML, *_RTF) or not isinstance(data, str):
        return None
    found = _CHARSET.search(str(node.get("contentType")))
    try:
        charset = codecs.lookup(found[1]).name if found else "utf-8"
        text = b64decode(_BLANK.sub("", data), validate=True).decode(charset)
    except (binascii.Error, ValueError, LookupError):
        return None
    shown = _shown(text, kind)
    return None if shown is None or holds_more(shown) else Attached(shown, charset, found is not None, kind if kind in (*_PLAIN, *_HTML) else "text/plain")


def written(text: str, kind: str) -> str:
    """A text as its type writes it: paragraphs for HTML, itself for plain text."""
    return html_of(text) if kind in _HTML else text


def content_type(said: object) -> str | None:
    """The MIME type without parameters, which may hold a file's name; None when it is none.

    >>> content_type('Text/Plain; name="smith.txt"'), content_type("Mrs Smith")
    ('text/plain', None)
    """
    kind = str(said).split(";")[0].strip().lower()
    return kind if _TYPE.match(kind) else None


def holds_more(text: str) -> bool:
    """Whether a text holds base64 of another text or file.

    >>> holds_more("TXIuIEhhcmtvbm5lbiBzYXcgTXIuIFBvdHRsZXN3b3J0aCBhZ2Fpbi4="), holds_more("Mr. Harkonnen was seen again today.")
    (True, False)
    """
    return next(embedded(text), None) is not None


def _shown(text: str, kind: str) -> str | None:
    """What a reader sees of a text of a type; None where it is something else than its type says."""
    if kind in _RTF:
        return rtf_text(text) if text.lstrip().startswith("{\\rtf") else None
    if "\0" in text or text.lstrip().startswith(_FOREIGN):
        return None
    if kind in _XML:
        return None if _CDA.search(text) else html_text(text)
    return html_text(text) if kind in _HTML else text


class _Shown(HTMLParser):
    """Collects what a page shows, a line a block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" \t")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def html_text(text: str) -> str:
    """What HTML, XHTML or XML shows: its text, a line a block, without comments, scripts and attributes.

    >>> html_text("<p>Mr. Qu&#105;ll<b>feather</b><!-- MRN 1 --></p><script>x</script>")
    'Mr. Quillfeather'
    """
    parser = _Shown()
    parser.feed(text)
    parser.close()
    return _LINES.sub("\n", "".join(parser.parts)).strip()


def html_of(text: str) -> str:
    """A text as paragraphs of XHTML, a line a paragraph.

    >>> html_of("a < b")
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b</p></div>'
    """
    lines = "".join(f"<p>{escape(line, quote=False)}</p>" for line in text.split("\n") if line.strip()) or "<p>-</p>"
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>'


def rtf_text(text: str) -> str:
    r"""What an RTF document shows, in the characters of Windows-1252 and Unicode that it writes.

    >>> rtf_text(r"{\rtf1{\fonttbl{\f0 Arial;}}\f0 Mr. Qu\'edll\par seen}")
    'Mr. Quíll\nseen'
    """
    parts: list[str] = []
    hidden, depth, at = list[int](), 0, 0
    for found in _RTF_WORD.finditer(text):
        if not hidden:
            parts.append(text[at : found.start()])
        at = found.end()
        byte, character, word, _, sign, brace = found.groups()
        depth += {"{": 1, "}": -1}.get(brace or "", 0)
        while hidden and depth < hidden[-1]:
            hidden.pop()
        if word in _RTF_HIDDEN or sign == "*":
            hidden.append(depth)
        elif not hidden:
            parts.append(_rtf_sign(byte, character, word, sign))
    return "".join([*parts, text[at:]]).strip()


def _rtf_sign(byte: str | None, character: str | None, word: str | None, sign: str | None) -> str:
    if byte:
        return bytes([int(byte, 16)]).decode("cp1252", errors="replace")
    if character:
        code = int(character) % 0x10000
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
    return {"~": " ", "_": "-"}.get(sign, sign if sign in ("\\", "{", "}") else "") if sign else _RTF_BREAKS.get(word or "", "")
