"""FHIR attachments: base64 in the character set that their content type says, to text and back in UTF-8.

In        an Attachment or a Binary: `contentType` and `data`
Out       its text and what the new content type says; None when it is no text that can be read
Source    FHIR R4 2.24.0.9 (Attachment), 2.24.0.1 (base64Binary, white space allowed); RFC 2045 section 5.1, RFC 2046 section 4.1.2
"""

from __future__ import annotations

import binascii
import codecs
import re
from base64 import b64decode
from typing import Any, NamedTuple

_TEXT_TYPES = ("text/plain", "text/markdown", "text/html", "application/xhtml+xml", "application/xhtml")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*\Z")
_BLANK = re.compile(r"\s+")


class Attached(NamedTuple):
    """The text, what it was written in, and whether that was said."""

    text: str
    charset: str
    said: bool


def attached(node: dict[str, Any]) -> Attached | None:
    """The text of an attachment, None when it is none, or not in the character set that it claims.

    >>> attached({"contentType": "text/plain; charset=ISO-8859-1", "data": "RmnodnJl"})
    Attached(text='Fi\xe8vre', charset='iso8859-1', said=True)
    """
    kind, data = node.get("contentType"), node.get("data")
    if content_type(kind) not in _TEXT_TYPES or not isinstance(data, str):
        return None
    found = _CHARSET.search(str(kind))
    try:
        charset = codecs.lookup(found[1]).name if found else "utf-8"
        return Attached(b64decode(_BLANK.sub("", data), validate=True).decode(charset), charset, found is not None)
    except (binascii.Error, ValueError, LookupError):
        return None


def content_type(said: object) -> str | None:
    """The MIME type without parameters, which may hold a file's name; None when it is none.

    >>> content_type('Text/Plain; name="smith.txt"'), content_type("Mrs Smith")
    ('text/plain', None)
    """
    kind = str(said).split(";")[0].strip().lower()
    return kind if _TYPE.match(kind) else None
