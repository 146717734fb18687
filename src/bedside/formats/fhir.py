"""FHIR R4 JSON: a file to resources and back, numbers kept digit by digit.

In        one resource, a Bundle of any type, or NDJSON (one resource or Bundle a line)
Out       pieces (resource bytes), resources as dicts with `decimal.Decimal` for every number that has a point
Source    FHIR R4 (4.0.1) sections 2.6.2 (JSON), 2.36 (Bundle); Bulk Data 2.0.0 (NDJSON). FHIR decimals keep their precision:
          3.70 is not 3.7 (section 2.24.0.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from bedside.core.errors import Malformed
from bedside.formats.piece import Piece, Span, splice

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class _Typed(msgspec.Struct, rename="camel", gc=False):
    resource_type: str | None = None


class _Entry(msgspec.Struct, rename="camel"):
    resource: msgspec.Raw = msgspec.Raw(b"")
    full_url: str | None = None
    request: dict[str, Any] | None = None
    search: dict[str, Any] | None = None

    @property
    def is_filled(self) -> bool:
        return bytes(memoryview(self.resource)[:1]) == b"{"


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str
    entry: list[_Entry] = []
    type: str | None = None
    total: int | None = None


_TYPED = msgspec.json.Decoder(_Typed)
_BUNDLE = msgspec.json.Decoder(_Bundle)


def pieces(data: bytes) -> Iterator[Piece]:
    """Every resource of a file with its place; what is not JSON is a piece too, and `parse` refuses it.

    >>> [p.place for p in pieces(b'{"resourceType":"Patient"}\\nhello\\n')]
    ['line 1', 'line 2']
    """
    return (Piece(span.place, data[span.start : span.end]) for span in _spans(data))


def parse(raw: bytes, *, where: str) -> dict[str, Any]:
    """One resource. Raises `Malformed` for anything that is not a JSON object with a resourceType.

    >>> parse(b'{"resourceType":"Observation","valueQuantity":{"value":3.70}}', where="x")["valueQuantity"]
    {'value': Decimal('3.70')}
    """
    try:
        resource = _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise Malformed("not a JSON object", where=where, do="a FHIR resource is one JSON object") from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"not JSON in UTF-8: {_reason(error)}", where=where, do="fetch the file again from its sender") from None
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not kind:
        raise Malformed("a JSON object without resourceType", where=where, do="send FHIR resources only")
    return resource


def dump(resource: dict[str, Any]) -> bytes:
    """Compact JSON of a resource, decimals with the digits that they came with.

    >>> dump({"resourceType": "Observation", "valueQuantity": {"value": Decimal("3.70")}})
    b'{"resourceType":"Observation","valueQuantity":{"value":3.70}}'
    """
    return _ENCODER.encode(resource)


def rebuild(data: bytes, replacements: list[bytes | None]) -> bytes:
    """The file with its pieces replaced in order; None takes one out. Nothing replaced gives the same bytes.

    A Bundle with any change is written anew around its resources: `type`, `total`, and for each entry the new
    resource's own URL, method and search mode. Identifier, timestamp, links and signature are not carried
    over, since they may name a patient or a true date.
    """
    spans = list(_spans(data))
    if len(spans) != len(replacements):
        raise ValueError("rebuild needs one replacement for each piece")
    if all(new == data[span.start : span.end] for span, new in zip(spans, replacements, strict=True)):
        return data
    if not any("entry" in span.place for span in spans):
        return splice(data, spans, replacements)
    return _rebuild_bundles(data, spans, replacements)


def full_urls(data: bytes) -> dict[str, str]:
    """`fullUrl` of each Bundle entry to its resource's "Type/id": what a reference by urn:uuid points at."""
    found = {}
    for start, end, _ in _documents(data):
        bundle = _bundle(data, start, end)
        for entry in bundle.entry if bundle else ():
            local = _local(bytes(entry.resource)) if entry.is_filled and entry.full_url else None
            if local:
                found[str(entry.full_url)] = local
    return found


def _spans(data: bytes) -> Iterator[Span]:
    alone = _is_one_document(data)
    for number, (start, end, stop) in enumerate(_documents(data, alone), 1):
        if end == start:
            continue
        place = "resource" if alone else f"line {number}"
        bundle = _bundle(data, start, end)
        if bundle is None:
            yield Span(place, start, end, stop)
        else:
            yield from _entry_spans(data, bundle, "" if alone else f"{place}, ")


def _documents(data: bytes, alone: bool | None = None) -> Iterator[tuple[int, int, int]]:
    """(start, end, start of the next) of the one document, or of every line; blank lines are empty spans."""
    at = len(_BOM) if data.startswith(_BOM) else 0
    if alone if alone is not None else _is_one_document(data):
        body = data[at:]
        start = at + len(body) - len(body.lstrip(_BLANK))
        yield start, max(start, at + len(body.rstrip(_BLANK))), len(data)
        return
    size = len(data)
    while at < size:
        found = data.find(b"\n", at)
        stop = size if found < 0 else found + 1
        line = data[at:stop]
        start = at + len(line) - len(line.lstrip(_BLANK))
        yield start, max(start, at + len(line.rstrip(_BLANK))), stop
        at = stop


def _is_one_document(data: bytes) -> bool:
    """Whether the file is one JSON value, or the torso of one, rather than lines of them."""
    body = data.removeprefix(_BOM)
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return bool(body.strip(_BLANK)) and not any(_is_resource(line) for line in _first_lines(body))
    return True


def _first_lines(body: bytes, limit: int = 1000) -> Iterator[bytes]:
    at = 0
    for _ in range(limit):
        found = body.find(b"\n", at)
        yield body[at : len(body) if found < 0 else found]
        if found < 0:
            return
        at = found + 1


def _is_resource(line: bytes) -> bool:
    try:
        return _TYPED.decode(line).resource_type is not None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _bundle(data: bytes, start: int, end: int) -> _Bundle | None:
    """The document as a Bundle of entries, None when it is another resource or broken (and so a piece itself)."""
    if data.find(b'"Bundle"', start, end) < 0:
        return None
    try:
        bundle = _BUNDLE.decode(memoryview(data)[start:end])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return bundle if bundle.resource_type == "Bundle" and any(e.is_filled for e in bundle.entry) else None


def _entry_spans(data: bytes, bundle: _Bundle, prefix: str) -> Iterator[Span]:
    base = _address(data)
    for number, entry in enumerate(bundle.entry, 1):
        if entry.is_filled:
            start = _address(entry.resource) - base
            end = start + len(memoryview(entry.resource))
            yield Span(f"{prefix}entry {number}", start, end, end)


def _address(view: bytes | msgspec.Raw) -> int:
    """Where a buffer lies in memory: a `Raw` is a view of the bytes it was decoded from, so differences are offsets."""
    import numpy as np

    return int(np.frombuffer(memoryview(view), np.uint8).__array_interface__["data"][0])


def _rebuild_bundles(data: bytes, spans: list[Span], replacements: list[bytes | None]) -> bytes:
    fresh = iter(replacements)
    parts, at = [], 0
    for start, end, stop in _documents(data):
        bundle = _bundle(data, start, end)
        if end == start:
            new: bytes | None = b""
        else:
            new = next(fresh) if bundle is None else _written_bundle(bundle, fresh)
        if new is not None:
            parts += [data[at:start], new, data[end:stop]]
        at = stop
    return b"".join(parts)


def _written_bundle(bundle: _Bundle, fresh: Iterator[bytes | None]) -> bytes:
    entries = []
    for entry in bundle.entry:
        new = next(fresh) if entry.is_filled else None
        if new is not None:
            entries.append(_written_entry(entry, new))
    envelope: dict[str, object] = {"resourceType": "Bundle"}
    if bundle.type is not None:
        envelope["type"] = bundle.type
    if bundle.total is not None:
        envelope["total"] = bundle.total - sum(e.is_filled for e in bundle.entry) + len(entries)
    return _ENCODER.encode(envelope | {"entry": entries})


def _written_entry(entry: _Entry, new: bytes) -> dict[str, object]:
    local = _local(new)
    written: dict[str, object] = {}
    if local and entry.full_url and entry.full_url.startswith("http") and entry.full_url.count("/") > 4:
        written["fullUrl"] = "/".join([*entry.full_url.split("/")[:-2], local])
    written["resource"] = msgspec.Raw(new)
    if entry.search and "mode" in entry.search:
        written["search"] = {"mode": entry.search["mode"]}
    if entry.request and local:
        method = entry.request.get("method")
        written["request"] = {"method": method, "url": local.split("/")[0] if method == "POST" else local}
    return written


class _Identified(msgspec.Struct, rename="camel"):
    resource_type: str
    id: str | None = None


def _local(raw: bytes) -> str | None:
    """"Type/id" of a resource, None when it has no id."""
    try:
        known = msgspec.json.decode(raw, type=_Identified)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return f"{known.resource_type}/{known.id}" if known.id else None


def _reason(error: Exception) -> str:
    """The decoder's own words, which name a byte offset and never content."""
    return str(error).split(":")[-1].strip() if isinstance(error, msgspec.DecodeError) else "bytes are not UTF-8"
