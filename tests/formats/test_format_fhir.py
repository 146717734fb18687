"""FHIR files come apart into resources and go together again without losing a digit or a byte."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.formats import fhir
from bedside.formats.piece import Piece

_LEAF = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
_VALUE = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8
)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    extra = draw(st.dictionaries(st.text(max_size=6).filter(lambda key: key not in {"resourceType", "id"}), _VALUE, max_size=4))
    kind = draw(st.sampled_from(["Patient", "Observation", "Encounter"]))
    return {"resourceType": kind, "id": draw(st.from_regex(r"[A-Za-z0-9\-.]{1,12}", fullmatch=True)), **extra}


def _same(left: object, right: object) -> bool:
    """Equal, where a whole decimal may have come back as an integer: JSON knows one kind of number."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return left == right


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"https://ehr.example/fhir/{resource['resourceType']}/{resource['id']}", "resource": resource}


def _bundle(*found: dict[str, Any], **more: object) -> bytes:
    return fhir.dump({"resourceType": "Bundle", "type": "collection", **more, "entry": [_entry(one) for one in found]})


@given(resources())
def test_a_resource_survives_writing_and_reading(resource: dict[str, Any]) -> None:
    assert _same(fhir.parse(fhir.dump(resource), where="x"), resource)


@pytest.mark.parametrize("lexeme", ["3.70", "0.10", "100.0", "3.7000000000000002", "1.0E+3", "-0.0", "12345678901234567890.5"])
def test_a_decimal_keeps_the_digits_it_was_sent_with(lexeme: str) -> None:
    raw = f'{{"resourceType":"Observation","valueQuantity":{{"value":{lexeme}}}}}'.encode()
    resource = fhir.parse(raw, where="x")
    assert isinstance(resource["valueQuantity"]["value"], Decimal)
    assert fhir.dump(resource) == raw


@given(st.lists(resources(), max_size=6), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans(), st.booleans())
def test_unedited_ndjson_is_rebuilt_byte_for_byte(found: list[dict[str, Any]], newline: str, bom: bool, ends: bool) -> None:
    data = newline.encode().join(map(fhir.dump, found)) + (newline.encode() if ends and found else b"")
    data = b"\xef\xbb\xbf" + data if bom else data
    cut = list(fhir.pieces(data))
    assert [piece.raw for piece in cut] == [fhir.dump(one) for one in found]
    assert fhir.rebuild(data, [piece.raw for piece in cut]) == data


@given(st.lists(resources(), min_size=1, max_size=5), st.integers(0, 4))
def test_unedited_bundles_are_rebuilt_byte_for_byte(found: list[dict[str, Any]], indent: int) -> None:
    data = msgspec.json.format(_bundle(*found), indent=indent)
    cut = list(fhir.pieces(data))
    assert [piece.place for piece in cut] == [f"entry {n}" for n in range(1, len(found) + 1)]
    assert all(_same(fhir.parse(piece.raw, where="x"), one) for piece, one in zip(cut, found, strict=True))
    assert fhir.rebuild(data, [piece.raw for piece in cut]) == data


@given(st.lists(resources(), min_size=1, max_size=5), st.data())
def test_an_edited_bundle_holds_the_new_resources_in_order(found: list[dict[str, Any]], data: st.DataObject) -> None:
    raw = _bundle(*found)
    keep = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    new = [fhir.dump(one | {"language": "en"}) if kept else None for one, kept in zip(found, keep, strict=True)]
    there = [piece.raw for piece in fhir.pieces(fhir.rebuild(raw, list(new))) if piece.place != "resource"]
    assert there == [one for one in new if one]


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_cutting_of_a_file(data: bytes) -> None:
    for piece in fhir.pieces(data):
        try:
            fhir.parse(piece.raw, where=piece.place)
        except Malformed as error:
            assert error.where == piece.place
    assert fhir.rebuild(data, [piece.raw for piece in fhir.pieces(data)]) == data


def test_a_line_that_is_not_json_costs_only_itself() -> None:
    data = b'{"resourceType":"Patient","id":"1"}\nhello\n{"resourceType":"Patient","id":"3"}\n'
    places = [piece.place for piece in fhir.pieces(data)]
    assert places == ["line 1", "line 2", "line 3"]
    with pytest.raises(Malformed, match="line 2"):
        fhir.parse(list(fhir.pieces(data))[1].raw, where="line 2")


def test_a_first_line_that_is_not_json_does_not_hide_the_others() -> None:
    data = b'hello\n{"resourceType":"Patient","id":"2"}\n'
    assert [fhir.parse(piece.raw, where="x")["id"] for piece in list(fhir.pieces(data))[1:]] == ["2"]


def test_a_file_cut_off_in_its_last_line_loses_that_line() -> None:
    data = b'{"resourceType":"Patient","id":"1"}\n{"resourceType":"Pati'
    first, last = fhir.pieces(data)
    assert fhir.parse(first.raw, where="x")["id"] == "1"
    with pytest.raises(Malformed, match="truncated"):
        fhir.parse(last.raw, where=last.place)


def test_a_bundle_cut_off_is_one_broken_record() -> None:
    one, two = {"resourceType": "Patient", "id": "1"}, {"resourceType": "Patient", "id": "2"}
    data = msgspec.json.format(_bundle(one, two), indent=2)[:-40]
    (piece,) = fhir.pieces(data)
    with pytest.raises(Malformed):
        fhir.parse(piece.raw, where=piece.place)


@pytest.mark.parametrize("raw", [b"[]", b"17", b"{}", b'{"resourceType":7}', b'{"resourceType":""}', b"", b"\xff\xfe{\x00}\x00",
                                 b'{"resourceType":"Patient","id":"\xe9"}', b'{"a":' * 5000])  # fmt: skip
def test_what_is_no_resource_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        fhir.parse(raw, where="x")


def test_an_error_never_shows_the_patient() -> None:
    raw = b'{"resourceType":"Patient","name":[{"family":"Featherstonehaugh"}],"birthDate":"1931-04-17" oops}'
    with pytest.raises(Malformed) as caught:
        fhir.parse(raw, where="line 1")
    assert "Feather" not in str(caught.value)
    assert "1931" not in str(caught.value)


def test_a_bundle_a_line_gives_its_entries() -> None:
    one, two = {"resourceType": "Patient", "id": "1"}, {"resourceType": "Encounter", "id": "2"}
    data = _bundle(one, two) + b"\n" + fhir.dump(one) + b"\n"
    assert [piece.place for piece in fhir.pieces(data)] == ["line 1, entry 1", "line 1, entry 2", "line 2"]
    assert fhir.rebuild(data, [piece.raw for piece in fhir.pieces(data)]) == data


def test_the_same_resource_twice_in_a_bundle_is_two_pieces_at_two_places() -> None:
    twin = fhir.dump({"resourceType": "Patient", "id": "1"})
    data = b'{"resourceType":"Bundle","entry":[{"response":{"outcome":' + twin + b'}},{"resource":' + twin + b"}]}"
    assert list(fhir.pieces(data)) == [Piece("entry 2", twin)]
    assert fhir.rebuild(data, [fhir.dump({"resourceType": "Patient", "id": "9"})]).count(b'"9"') == 1


def test_an_edited_bundle_keeps_nothing_that_names_the_patient_or_a_date() -> None:
    raw = _bundle({"resourceType": "Patient", "id": "mrn-4711"}, timestamp="2031-04-17T08:00:00Z", identifier={"value": "4711"},
                  link=[{"relation": "self", "url": "Patient/mrn-4711"}], total=1)  # fmt: skip
    new = fhir.rebuild(raw, [b'{"resourceType":"Patient","id":"P1"}'])
    assert b"4711" not in new
    assert b"2031" not in new
    bundle = msgspec.json.decode(new)
    assert bundle["total"] == 1
    assert bundle["entry"][0]["fullUrl"] == "http://deidentified.invalid/fhir/Patient/P1"


def test_a_transaction_entry_asks_for_its_new_name() -> None:
    entry = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "a"},
             "request": {"method": "PUT", "url": "Patient/a"}}  # fmt: skip
    raw = fhir.dump({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    written = msgspec.json.decode(fhir.rebuild(raw, [b'{"resourceType":"Patient","id":"P1"}']))["entry"][0]
    assert written["request"] == {"method": "PUT", "url": "Patient/P1"}
    assert "fullUrl" not in written
    assert fhir.full_urls(raw) == {"urn:uuid:1": "Patient/a"}


def test_a_dropped_line_leaves_no_empty_line() -> None:
    data = b'{"resourceType":"Patient","id":"1"}\n{"resourceType":"Patient","id":"2"}\n'
    assert fhir.rebuild(data, [None, list(fhir.pieces(data))[1].raw]) == b'{"resourceType":"Patient","id":"2"}\n'


def test_a_fault_in_the_envelope_costs_no_resource() -> None:
    twin = fhir.dump({"resourceType": "Patient", "id": "1"})
    entry = b'{"fullUrl":7,"request":"x","search":[],"resource":' + twin + b"}"
    data = b'{"resourceType":"Bundle","total":"many","type":3,"entry":[' + entry + b"]}"
    assert list(fhir.pieces(data)) == [Piece("entry 1", twin)]
    assert fhir.parse(fhir.rebuild(data, [None]), where="x") == {"resourceType": "Bundle", "entry": []}


@pytest.mark.parametrize("entry", [b'{"resource":"Patient"}', b'{"resource":[]}', b"17", b"null", b'"x"',
                                   b'{"request":{"method":"DELETE","url":"Observation/1"}}'])  # fmt: skip
def test_an_entry_that_holds_no_resource_is_a_record_all_the_same(entry: bytes) -> None:
    twin = fhir.dump({"resourceType": "Patient", "id": "1"})
    data = b'{"resourceType":"Bundle","entry":[' + entry + b',{"resource":' + twin + b'},{"response":{"status":"200"}}]}'
    odd, sound = fhir.pieces(data)
    assert (odd.raw, sound) == (entry, Piece("entry 2", twin))
    with pytest.raises(Malformed):
        fhir.parse(odd.raw, where=odd.place)
    assert [piece.raw for piece in fhir.pieces(fhir.rebuild(data, [None, fhir.dump({"resourceType": "Patient"})]))] == [
        b'{"resourceType":"Patient"}'
    ]


def test_a_bundle_inside_a_bundle_gives_its_entries() -> None:
    one, two = {"resourceType": "Patient", "id": "1"}, {"resourceType": "Encounter", "id": "2"}
    data = _bundle({**msgspec.json.decode(_bundle(one, two)), "id": "3"}, two)
    assert [piece.place for piece in fhir.pieces(data)] == ["entry 1, entry 1", "entry 1, entry 2", "entry 2"]
    fresh = [fhir.dump({"resourceType": "Patient", "id": "9"}), None, fhir.dump(two)]
    new = fhir.rebuild(data, fresh)
    assert [(piece.place, piece.raw) for piece in fhir.pieces(new)] == [("entry 1, entry 1", fresh[0]), ("entry 2", fresh[2])]


@pytest.mark.parametrize("entries", [b'"x"', b'{"resource":{"resourceType":"Patient"}}', b"7"])
def test_a_bundle_whose_entries_are_no_list_is_refused(entries: bytes) -> None:
    (piece,) = fhir.pieces(b'{"resourceType":"Bundle","entry":' + entries + b"}")
    with pytest.raises(Malformed, match="taken apart"):
        fhir.parse(piece.raw, where=piece.place)
