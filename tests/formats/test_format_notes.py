"""A note is a short header and a body; unedited it keeps its bytes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.formats import notes
from bedside.formats.notes import Note

_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=15).map(str.strip)
_NAMES = st.sampled_from([*notes.KEYS, "Service", "Ward"])
_HEADER = st.dictionaries(_NAMES, _WORDS, min_size=1).filter(lambda header: set(header) & set(notes.KEYS))
_BODY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@given(st.binary(max_size=80) | _BODY.map(str.encode) | st.text("Date: \r\n.x", max_size=40).map(str.encode))
def test_an_unedited_note_gives_its_own_bytes(raw: bytes) -> None:
    try:
        note = notes.parse(raw, where="x")
    except Malformed:
        return
    assert notes.dump(note) == raw


@given(_HEADER, _BODY, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_a_written_note_is_read_back(header: dict[str, str], body: str, newline: str, bom: bool) -> None:
    if newline == "\r" and body.startswith("\n"):
        body = "x" + body
    again = notes.parse(notes.dump(Note(header, body, newline, bom)), where="x")
    assert (again.header, again.body, again.bom) == (header, body, bom)


def test_an_edited_note_keeps_its_line_ends() -> None:
    note = notes.parse(b"\xef\xbb\xbfPatient-ID: 17\r\nDate: 2026-01-13\r\n\r\nSeen.\r\nWell.\r\n", where="x")
    edited = msgspec.structs.replace(note, header={**note.header, "Patient-ID": "P1"})
    assert notes.dump(edited) == b"\xef\xbb\xbfPatient-ID: P1\r\nDate: 2026-01-13\r\n\r\nSeen.\r\nWell.\r\n"


def test_a_note_without_header_is_all_body() -> None:
    note = notes.parse(b"Chief complaint: chest pain\n\nSince this morning.\n", where="x")
    assert note.header == {}
    assert note.body.startswith("Chief complaint")


def test_a_header_may_stand_alone() -> None:
    assert notes.parse(b"Patient-ID: 17\n", where="x").header == {"Patient-ID": "17"}


@pytest.mark.parametrize("raw", ["Patient-ID: 1\n\nMüller".encode("latin-1"), "Patient-ID: 1".encode("utf-16"), b"a\0b",
                                 b"Patient-ID: 1\nPatient-ID: 2\n\nbody"])  # fmt: skip
def test_what_is_no_plain_text_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        notes.parse(raw, where="x")


def test_a_note_file_is_one_piece() -> None:
    assert [(piece.place, piece.raw) for piece in notes.pieces(b"x")] == [("note", b"x")]
