"""Documents inside a message (ED): decoded to plain text where they are text, else not at all.

In        the type, subtype, encoding and data of an ED, and what scrubs a text
Out       the same as plain text without identifiers; None for what is no text, and is removed: PDF, images, archives, XML and JSON documents,
          whose elements name people without saying so in words; for a text that holds base64 of another; and for what is longer than `MOST_BYTES`
Markup    RTF and HTML come back as plain text: a name may be cut by markup anywhere, and comments, attributes and fonts hold more
Source    HL7 v2.8.2 section 2.A.24 (ED), tables 0191, 0291, 0299; RTF 1.9.1
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from html.parser import HTMLParser

from bedside.deidentify.attachments import holds_more

MOST_BYTES = 8 << 20
_BLANK = re.compile(r"\s+|\\(?:\.br|X0[AD](?:0[AD])?)\\")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_HTML = re.compile(r"\s*(?:<!doctype\s+html|<(?:html|head|body|div|p|table|span|pre|br|b|h\d)\b)", re.IGNORECASE)
_TOKEN = re.compile(r"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)", re.IGNORECASE | re.DOTALL)
_HIDDEN = frozenset(["fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "datastore", "themedata", "listtable", "generator", "xmlnstbl", "rsidtbl"])
_BREAKS = {"par": "\n", "line": "\n", "sect": "\n", "page": "\n", "row": "\n", "tab": "\t", "cell": "\t", "emdash": "-", "endash": "-", "bullet": "-",
           "lquote": "'", "rquote": "'", "ldblquote": '"', "rdblquote": '"'}  # fmt: skip
_SKIPPED = frozenset({"script", "style", "head", "title"})
_LINES = frozenset(["p", "div", "br", "tr", "li", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "section", "ul", "ol"])


def scrubbed(encoding: str, data: str, scrub: Callable[[str], str]) -> tuple[str, str] | None:
    """Encoding and data of a text without identifiers, the same bytes where there were none; None when it cannot be kept.

    >>> scrubbed("A", "seen by Ann", lambda text: text.replace("Ann", "[NAME]"))
    ('A', 'seen by [NAME]')
    >>> scrubbed("Base64", "e1xydGYxIFxiIEFcYjAgbm59", lambda text: text.replace("Ann", "[NAME]"))
    ('Base64', 'W05BTUVd')
    """
    if len(data) > MOST_BYTES * 2:
        return None
    raw = _decoded(encoding, data)
    said = None if raw is None else _text(raw)
    if raw is None or said is None:
        return None
    text = rtf_text(said) if said.lstrip().startswith("{\\rtf") else html_text(said) if _HTML.match(said) else said
    if (text is said and said.lstrip()[:1] in ("<", "{", "[")) or holds_more(text):
        return None
    new = scrub(text)
    if new == said:
        return encoding, data
    return ("A", new) if encoding.upper() in ("A", "") else ("Base64", b64encode(new.encode()).decode())


def rtf_text(said: str) -> str:
    """The text of a document in RTF, without fonts, pictures and the document's properties."""
    parts, hidden, stack, skip = list[str](), False, list[tuple[bool, int]](), 0
    after = 1
    for word, number, byte, sign, brace, plain in _TOKEN.findall(said):
        if brace == "{":
            stack.append((hidden, after))
        elif brace == "}":
            hidden, after = stack.pop() if stack else (False, 1)
        elif sign == "*" or word.lower() in _HIDDEN:
            hidden = True
        elif word == "uc":
            after = int(number or 1)
        elif hidden:
            continue
        elif word == "u" and number:
            parts.append(chr(int(number) % 65536))
            skip = after
        elif byte:
            parts.append("" if skip else bytes.fromhex(byte).decode("cp1252", "replace"))
            skip = max(0, skip - 1)
        else:
            parts.append(plain[skip:] or _BREAKS.get(word.lower(), "") or (sign if sign in "\\{}" else {"~": " ", "_": "-"}.get(sign, "")))
            skip = 0
    return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip("\n")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts, self.skipped = list[str](), 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipped += tag in _SKIPPED
        if tag in _LINES:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append("\t")

    def handle_endtag(self, tag: str) -> None:
        self.skipped = max(0, self.skipped - (tag in _SKIPPED))
        if tag in _LINES:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.parts.append(data)


def html_text(said: str) -> str:
    """The words of a page, one line a block."""
    page = _Words()
    page.feed(said)
    page.close()
    return re.sub(r"[ \t]*\n\s*", "\n", "".join(page.parts)).strip()


def _decoded(encoding: str, data: str) -> bytes | None:
    """The bytes of the data, None where they are not in the encoding that they claim, or are too many."""
    kind = encoding.strip().lower()
    try:
        if kind == "base64":
            raw = b64decode(_BLANK.sub("", data), validate=True)
        elif kind == "hex":
            raw = bytes.fromhex(_BLANK.sub("", data))
        elif kind in ("a", ""):
            raw = data.encode()
        else:
            return None
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) <= MOST_BYTES else None


def _text(raw: bytes) -> str | None:
    """The bytes as text, in UTF-8 or as Windows writes Western Europe; None for anything else."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            text = raw.decode("utf-16")
        except UnicodeDecodeError:
            return None
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
    return None if _CONTROLS.search(text) or "\ufffd" in text or text.startswith("%PDF") or not text.strip() else text
