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
_NOWHERE = "http://deidentified.invalid/fhir"  # the sender's address may name a hospital or hold anything (RFC 2606: .invalid)
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class _Typed(msgspec.Struct, rename="camel", gc=False):
    resource_type: str | None = None


class _Entry(msgspec.Struct, rename="camel"):
    """What surrounds a resource; of any type, so that a fault in the envelope costs no resource."""

    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    full_url: Any = None
    request: Any = None
    search: Any = None

    @property
    def method(self) -> Any:
        return self.request.get("method") if isinstance(self.request, dict) else None


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str
    entry: list[msgspec.Raw] = []
    type: Any = None
    total: Any = None


class _Part(msgspec.Struct):
    """One entry that is a record: its place in the Bundle, its bytes, and its envelope where the bytes are a resource."""

    number: int
    raw: msgspec.Raw
    entry: _Entry | None


_TYPED = msgspec.json.Decoder(_Typed)
_BUNDLE = msgspec.json.Decoder(_Bundle)
_ENTRY = msgspec.json.Decoder(_Entry)


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
    if kind == "Bundle" and not _is_empty(resource.get("entry", [])):
        raise Malformed("a Bundle whose entries cannot be taken apart", where=where, do="send its entry as a list of objects")
    return resource


def _is_empty(entries: object) -> bool:
    """Whether nothing of a Bundle's entry could be a resource."""
    return isinstance(entries, list) and all(isinstance(one, dict) and "resource" not in one for one in entries)


def dump(resource: dict[str, Any]) -> bytes:
    """Compact JSON of a resource, decimals with the digits that they came with.

    >>> dump({"resourceType": "Observation", "valueQuantity": {"value": Decimal("3.70")}})
    b'{"resourceType":"Observation","valueQuantity":{"value":3.70}}'
    """
    return _ENCODER.encode(resource)


def rebuild(data: bytes, replacements: list[bytes | None]) -> bytes:
    """The file with its pieces replaced in order; None takes one out. Nothing replaced gives the same bytes.

    A Bundle with any change is written anew around its resources: `type`, `total`, and for each entry a URL of
    the new resource on a server that is none, method and search mode. Identifier, timestamp, links and signature are not carried
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
    found = dict[str, str]()
    for start, end, _ in _documents(data):
        bundle = _bundle(data, start, end)
        found |= _urls(data, bundle) if bundle else {}
    return found


def _urls(data: bytes, bundle: _Bundle) -> dict[str, str]:
    found = dict[str, str]()
    for part in _parts(bundle):
        local = _local(bytes(part.raw)) if part.entry and isinstance(part.entry.full_url, str) else None
        if part.entry and local:
            found[part.entry.full_url] = local
        inner = _inside(data, part)
        found |= _urls(data, inner) if inner else {}
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
    return bundle if bundle.resource_type == "Bundle" and any(True for _ in _parts(bundle)) else None


def _parts(bundle: _Bundle) -> Iterator[_Part]:
    """The entries that are records. One that only answers or asks for something (a status, a GET) is framing."""
    for number, raw in enumerate(bundle.entry, 1):
        try:
            entry = _ENTRY.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield _Part(number, raw, None)
            continue
        if isinstance(entry.resource, msgspec.Raw):
            filled = bytes(memoryview(entry.resource)[:1]) == b"{"
            yield _Part(number, entry.resource if filled else raw, entry if filled else None)
        elif entry.method not in (None, "GET", "HEAD"):
            yield _Part(number, raw, None)


def _inside(data: bytes, part: _Part) -> _Bundle | None:
    """The Bundle that an entry holds, None when it holds another resource."""
    start = _address(part.raw) - _address(data)
    return _bundle(data, start, start + len(memoryview(part.raw))) if part.entry else None


def _entry_spans(data: bytes, bundle: _Bundle, prefix: str) -> Iterator[Span]:
    base = _address(data)
    for part in _parts(bundle):
        start, inner = _address(part.raw) - base, _inside(data, part)
        end = start + len(memoryview(part.raw))
        if inner is None:
            yield Span(f"{prefix}entry {part.number}", start, end, end)
        else:
            yield from _entry_spans(data, inner, f"{prefix}entry {part.number}, ")


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
            new = next(fresh) if bundle is None else _written_bundle(data, bundle, fresh)
        if new is not None:
            parts += [data[at:start], new, data[end:stop]]
        at = stop
    return b"".join(parts)


def _written_bundle(data: bytes, bundle: _Bundle, fresh: Iterator[bytes | None]) -> bytes:
    entries, parts = list[object](), list(_parts(bundle))
    for part in parts:
        inner = _inside(data, part)
        new = next(fresh) if inner is None else _written_bundle(data, inner, fresh)
        if new is not None:
            entries.append(_written_entry(part.entry, new) if part.entry else msgspec.Raw(new))
    envelope: dict[str, object] = {"resourceType": "Bundle"}
    if isinstance(bundle.type, str):
        envelope["type"] = bundle.type
    if isinstance(bundle.total, int):
        envelope["total"] = bundle.total - len(parts) + len(entries)
    return _ENCODER.encode(envelope | {"entry": entries})


def _written_entry(entry: _Entry, new: bytes) -> dict[str, object]:
    local = _local(new)
    written: dict[str, object] = {}
    url, search = entry.full_url, entry.search
    if local and isinstance(url, str) and url.startswith("http") and url.count("/") > 4:
        written["fullUrl"] = f"{_NOWHERE}/{local}"
    written["resource"] = msgspec.Raw(new)
    if isinstance(search, dict) and search.get("mode") in ("match", "include", "outcome"):
        written["search"] = {"mode": search["mode"]}
    if entry.method in ("POST", "PUT", "PATCH", "DELETE") and local:
        written["request"] = {"method": entry.method, "url": local.split("/")[0] if entry.method == "POST" else local}
    return written


class _Identified(msgspec.Struct, rename="camel"):
    resource_type: str
    id: str | None = None


def _local(raw: bytes) -> str | None:
    """`Type/id` of a resource, None when it has no id."""
    try:
        known = msgspec.json.decode(raw, type=_Identified)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return f"{known.resource_type}/{known.id}" if known.id else None


def _reason(error: Exception) -> str:
    """The decoder's own words, which name a byte offset and never content."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).split(":")[-1].strip() if isinstance(error, msgspec.DecodeError) else "bytes are not UTF-8"
