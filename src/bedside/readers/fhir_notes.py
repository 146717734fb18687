"""The texts that FHIR carries: DocumentReference attachments, and what a DiagnosticReport says in prose.

In        a resource and the event that says that it exists
Out       note rows; none, with a counted problem, when the text is elsewhere (a URL) or is no text (a PDF)
Source    HL7 FHIR R4 Attachment, 2.24.0.9: data is base64, contentType a MIME type with charset.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re

from bedside.core.events import Event
from bedside.readers.fhir_elements import Json, text_of
from bedside.readers.pieces import Context
from bedside.readers.reading import NoteRow

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_FOREIGN = re.compile(r"\s*(?:%PDF-|\{\\rtf)")
_TAG = re.compile(r"<[^>]*>")


def notes_of(resource: Json, events: list[Event], context: Context) -> list[NoteRow]:
    """The note rows of a resource whose first event is given; text that cannot be had is counted, never an error."""
    kind = resource.get("resourceType")
    if not events or kind not in ("DocumentReference", "DiagnosticReport"):
        return []
    try:
        text = _document(resource, context) if kind == "DocumentReference" else _report(resource, context)
    except (TypeError, AttributeError, KeyError, IndexError):
        context.problem("an attachment of the wrong shape, its text left out")
        return []
    return [_row(resource, events[0], text)] if text else []


def _document(resource: Json, context: Context) -> str:
    texts = [_attached(content.get("attachment") or {}, context) for content in resource.get("content") or ()]
    return "\n\n".join(filter(None, texts))


def _report(resource: Json, context: Context) -> str:
    texts = [_attached(form, context) for form in resource.get("presentedForm") or ()]
    return "\n\n".join(filter(None, [*texts, text_of(resource.get("conclusion") or "")]))


def _attached(attachment: Json, context: Context) -> str:
    """Text of an attachment, empty when it has none that we read."""
    data, kind = attachment.get("data"), text_of(attachment.get("contentType") or "text/plain").lower()
    if not data:
        context.problem("an attachment without data, its text left out")
        return ""
    if not kind.startswith(("text/", "application/xhtml")):
        context.problem("an attachment that is no text, left out")
        return ""
    try:
        text = base64.b64decode(text_of(data), validate=False).decode(_charset(kind))
    except (binascii.Error, ValueError, LookupError):
        context.problem("an attachment that does not decode, left out")
        return ""
    if _FOREIGN.match(text):
        context.problem("an attachment that is no text, left out")
        return ""
    return _TAG.sub(" ", text).strip() if "html" in kind else text.strip()


def _charset(kind: str) -> str:
    found = _CHARSET.search(kind)
    try:
        return codecs.lookup(found[1]).name if found else "utf-8"
    except LookupError:
        return "utf-8"


def _row(resource: Json, event: Event, text: str) -> NoteRow:
    name = resource.get("id")
    note_id = name if isinstance(name, str) and name else event.source
    return NoteRow(note_id, event.subject_id, event.encounter_id, event.time, event.known_at, event.code, text, event.source)
