"""Folders that lie encrypted: whole and in order, or not at all."""

from __future__ import annotations

import io
import os
import stat
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Refused, Unusable
from bedside.deidentify.custody_stream import CHUNK, INDEX, decrypt, decrypt_folder, encrypt, encrypt_folder, key_id

KEY, OTHER = bytes(range(32)), bytes(32)
KEYS = {key_id(KEY): KEY}
LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 17]


def sealed(data: bytes, name: str = "n") -> bytes:
    out = io.BytesIO()
    encrypt(io.BytesIO(data), out, KEY, name)
    return out.getvalue()


def opened(data: bytes, name: str = "n", key: bytes = KEY) -> bytes:
    out = io.BytesIO()
    decrypt(io.BytesIO(data), out, key, name)
    return out.getvalue()


@pytest.mark.parametrize("length", LENGTHS)
def test_every_length_comes_back_as_it_was(length):
    data = bytes(at % 251 for at in range(length))
    assert opened(sealed(data)) == data


@given(st.data())
@settings(max_examples=60)
def test_no_changed_cut_or_added_byte_goes_unnoticed(data):
    whole = sealed(b"Quillfeather " * (data.draw(st.sampled_from([0, 3, 6000]))))
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    for broken in (changed, whole[:at], whole + b"\0", whole[:at] + whole[at + 1 :]):
        with pytest.raises(Malformed):
            opened(broken)


def test_chunks_have_an_order_and_an_end():
    """Chunks swapped, and a file cut exactly between two chunks: each chunk is genuine, and the whole is not."""
    step, data = CHUNK + 16, os.urandom(3 * CHUNK)
    whole = sealed(data)
    head, chunks = whole[: len(whole) - 3 * step], [whole[len(whole) - at * step :][:step] for at in (3, 2, 1)]
    assert opened(head + b"".join(chunks)) == data
    for wrong in ([chunks[1], chunks[0], chunks[2]], chunks[:2], [chunks[0], chunks[2]], [*chunks, chunks[2]]):
        with pytest.raises(Malformed):
            opened(head + b"".join(wrong))


def test_a_file_under_another_name_or_key_does_not_open():
    with pytest.raises(Malformed):
        opened(sealed(b"x", "one"), "two")
    with pytest.raises(Malformed):
        opened(sealed(b"x"), key=OTHER)


def test_memory_does_not_grow_with_the_file(tmp_path):
    (tmp_path / "big").write_bytes(bytes(8 << 20))
    tracemalloc.start()
    try:
        with (tmp_path / "big").open("rb") as source, (tmp_path / "out").open("wb") as target:
            encrypt(source, target, KEY, "n")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    top = tmp_path / "raw"
    for name, data in {"fhir/Patient.ndjson": b"{}", "notes/Quillfeather_Zebulon.txt": b"Seen today", "notes/empty.txt": b""}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    return top


def contents(top: Path) -> dict[str, bytes]:
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_a_folder_comes_back_and_says_nothing_while_it_lies_encrypted(raw, tmp_path):
    encrypt_folder(raw, tmp_path / "out", KEY)
    told = "".join(sorted(os.listdir(tmp_path / "out"))).encode() + b"".join(contents(tmp_path / "out").values())
    assert not any(word in told for word in (b"Quillfeather", b"Patient", b"Seen", b"notes"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    decrypt_folder(tmp_path / "out", tmp_path / "back", KEYS)
    assert contents(tmp_path / "back") == contents(raw)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "back").rglob("*") if path.is_file()} == {0o600}


@given(st.dictionaries(st.text("abÅ .-_", min_size=1, max_size=8).filter(lambda name: name.strip(". ")), st.binary(max_size=300), max_size=5))
@settings(max_examples=25)
def test_whatever_files_a_folder_holds_they_come_back(found):
    with tempfile.TemporaryDirectory() as place:
        top = Path(place) / "top"
        top.mkdir()
        for name, data in found.items():
            (top / name).write_bytes(data)
        encrypt_folder(top, Path(place) / "out", KEY)
        decrypt_folder(Path(place) / "out", Path(place) / "back", KEYS)
        assert contents(Path(place) / "back") == found


def _swap(out: Path) -> None:
    one, other = sorted(path for path in out.iterdir() if path.name != INDEX)[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _older(out: Path) -> None:
    """A file of an earlier encryption of the same folder, genuine and under its own name."""
    one = next(path for path in sorted(out.iterdir()) if path.name != INDEX)
    encrypt_folder(out.parent / "raw", out.parent / "earlier", KEY)
    one.write_bytes((out.parent / "earlier" / one.name).read_bytes())


DAMAGE = {
    "a byte": lambda out: next(one for one in out.iterdir() if one.name != INDEX).write_bytes(b"bedside.at-rest/1\nx"),
    "a file missing": lambda out: next(one for one in out.iterdir() if one.name != INDEX).unlink(),
    "a file added": lambda out: (out / "more.sealed").write_bytes(b""),
    "two files swapped": _swap,
    "a file of an earlier time": _older,
    "a byte of the index": lambda out: (out / INDEX).write_bytes((out / INDEX).read_bytes()[:-1] + b"\0"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_folder_is_told_by_pseudonym_and_nothing_of_it_appears(raw, tmp_path, damage):
    encrypt_folder(raw, tmp_path / "out", KEY)
    damage(tmp_path / "out")
    with pytest.raises(Malformed) as told:
        decrypt_folder(tmp_path / "out", tmp_path / "back", KEYS)
    assert "Quillfeather" not in str(told.value)
    assert sorted(path.name for path in tmp_path.iterdir()) in (["out", "raw"], ["earlier", "out", "raw"])


def test_another_keyring_and_a_plain_folder_are_refused_with_what_to_do(raw, tmp_path):
    encrypt_folder(raw, tmp_path / "out", KEY)
    with pytest.raises(Refused, match="another keyring"):
        decrypt_folder(tmp_path / "out", tmp_path / "back", {key_id(OTHER): OTHER})
    with pytest.raises(Unusable, match="no index"):
        decrypt_folder(raw, tmp_path / "back", KEYS)


def test_a_link_is_refused_and_nothing_is_written_over(raw, tmp_path):
    with pytest.raises(Refused, match="inside the old one"):
        encrypt_folder(raw, raw / "out", KEY)
    (tmp_path / "there").mkdir()
    with pytest.raises(Refused, match="there already"):
        encrypt_folder(raw, tmp_path / "there", KEY)
    (raw / "Quillfeather").symlink_to(raw / "fhir")
    with pytest.raises(Refused, match="1 things in it are links") as told:
        encrypt_folder(raw, tmp_path / "out", KEY)
    assert "Quillfeather" not in str(told.value)
