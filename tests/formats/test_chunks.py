"""A big file in parts says the same as the whole: no record lost, none cut, every place as in the file."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.formats import fhir, hl7v2, notes, tables
from bedside.formats.chunks import chunks, whole
from bedside.formats.files import RawFile

_WORD = st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\x00\ufeff', exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
_CELL = st.one_of(_WORD.filter(lambda text: "," not in text and text.strip()), st.builds(lambda a, b: f'"{a}\n{b}, ""x"""', _WORD, _WORD))


def _file(tmp_path_factory, data: bytes, format: str, name: str) -> RawFile:
    place = tmp_path_factory.mktemp("part") / name
    place.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return RawFile("s", format, place, name, name)


@given(st.lists(_WORD, min_size=1, max_size=40), st.integers(20, 200), st.booleans())
def test_resources_of_an_ndjson_file_stand_where_they_stand_in_the_whole(tmp_path_factory, texts, part, packed):
    data = b"\n".join(fhir.dump({"resourceType": "Basic", "id": text}) for text in texts) + b"\n"
    file = _file(tmp_path_factory, data, "fhir", "a.ndjson.gz" if packed else "a.ndjson")
    found = [(one.place(piece.place), piece.raw) for one in chunks(file, part) for piece in fhir.pieces(one.read())]
    assert [raw for _, raw in found] == [piece.raw for piece in fhir.pieces(data)]
    if len(texts) > 1 and len(list(chunks(file, part))) > 1:
        assert [place for place, _ in found] == [f"line {n}" for n in range(1, len(texts) + 1)]


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=30), st.integers(20, 200))
def test_rows_of_a_table_keep_their_line_even_where_a_field_holds_a_line_break(tmp_path_factory, rows, part):
    data = ("one,two\n" + "".join(",".join(row) + "\n" for row in rows)).encode()
    file = _file(tmp_path_factory, data, "tables", "a.csv")
    all_rows = tables.read(file)
    found = [(one.place(table.place(at)), table.frame.row(at)) for one in chunks(file, part) for table in [tables.read(one)] for at in range(table.frame.height)]
    assert found == [(all_rows.place(at), all_rows.frame.row(at)) for at in range(all_rows.frame.height)]


@given(st.lists(_WORD.filter(lambda text: "MSH" not in text), min_size=1, max_size=30), st.integers(40, 300), st.sampled_from(["\r", "\n", "\r\n"]))
def test_messages_of_a_batch_are_never_cut(tmp_path_factory, texts, part, newline):
    data = newline.join(line for text in texts for line in (f"MSH|^~\\&|A|B|||2026||ADT^A01|{len(text)}|P|2.5", "PID|1||7", f"NTE|1||{text.replace('|', '')}", "")).encode()
    file = _file(tmp_path_factory, data, "hl7v2", "a.hl7")
    found = [(one.place(piece.place), piece.raw) for one in chunks(file, part) for piece in hl7v2.pieces(one.read())]
    assert [(place, raw.strip()) for place, raw in found] == [(piece.place, piece.raw.strip()) for piece in hl7v2.pieces(data)]


def test_a_line_over_the_limit_is_never_held_and_never_lost(tmp_path_factory):
    lines = [b'{"id":"1","text":"a"}', b'{"id":"2","text":"' + b"x" * 5000 + b'"}', b'{"id":"3","text":"c"}']
    file = _file(tmp_path_factory, b"\n".join(lines) + b"\n", "notes", "a.jsonl")
    parts = list(chunks(file, part=64, most=512))
    assert [one.place(piece.place) for one in parts for piece in (notes.pieces(one.read()) if not one.too_large else ())] == ["line 1", "line 3"]
    assert sum(one.too_large > 0 for one in parts) == 1
    assert max(len(one.read()) for one in parts) < 1024


def test_a_pretty_printed_document_is_one_part(tmp_path_factory):
    data = b'{\n  "resourceType": "Bundle",\n  "entry": [\n' + b'    {"resource":\n{"resourceType":"Basic"}},\n' * 50 + b'    {"resource":{"resourceType":"Basic"}}]}'
    assert len(list(chunks(_file(tmp_path_factory, data, "fhir", "a.json"), part=200))) == 1


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path_factory):
    file = _file(tmp_path_factory, b"\0" * (1 << 20), "dicom", "a.dcm.gz")
    with pytest.raises(Malformed, match="gzip holds more"):
        whole(file, most=1 << 16)


def test_a_broken_gzip_gives_what_came_before_the_break(tmp_path_factory):
    file = _file(tmp_path_factory, b"".join(b'{"resourceType":"Basic","id":"%d"}\n' % n for n in range(50_000)), "fhir", "a.ndjson.gz")
    file.path.write_bytes(file.path.read_bytes()[:-200])
    parts = []
    with pytest.raises(Malformed, match="truncated"):
        parts.extend(one for one in chunks(file, part=1 << 16))
