"""The record: chained, signed, provable, and honest about a killed writer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Refused
from bedside.core.receipt import Figure, Item, Receipt
from bedside.ledger import merkle, seal, verify
from bedside.ledger.log import CHECKPOINTS, ENTRIES, Ledger, public_key

KEY = bytes(range(32))


def written(folder: Path, count: int = 5) -> Ledger:
    ledger = Ledger(folder, key=KEY)
    for number in range(count):
        ledger.append(
            Receipt(f"step-{number}", outputs=[Item(f"out/{number}", "ab" * 32)], figures=[Figure("f", 0.5, 0.4, 0.6, 10)])
        )
    return ledger


def test_the_tree_of_rfc_6962_has_its_published_roots():
    # the eight leaves and roots of the reference implementation's test (certificate-transparency, merkle_tree_test)
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [merkle.leaf(bytes.fromhex(d)) for d in data]
    assert merkle.root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(leaves[:2]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert merkle.root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert merkle.root(leaves[:8]).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.integers(1, 40), st.data())
def test_every_leaf_proves_that_it_is_in_the_tree(size, data):
    leaves = [merkle.leaf(str(n).encode()) for n in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion(leaves, index)
    assert merkle.included(path, leaves[index], index, size) == merkle.root(leaves)
    assert merkle.included(path, merkle.leaf(b"another"), index, size) != merkle.root(leaves)


def test_a_ledger_reads_back_what_was_appended(tmp_path):
    written(tmp_path)
    entries = Ledger(tmp_path).entries()
    assert [entry.receipt.step for entry in entries] == [f"step-{n}" for n in range(5)]
    assert entries[1].prev == hashlib.sha256((tmp_path / ENTRIES).read_bytes().splitlines()[0]).hexdigest()
    assert verify.record(Ledger(tmp_path), public_key(KEY)) == []


@pytest.mark.parametrize("name", [ENTRIES, CHECKPOINTS, "key.pub"])
def test_any_flipped_byte_of_the_record_is_found(tmp_path, name):
    written(tmp_path, 3)
    path = tmp_path / name
    whole = path.read_bytes()
    for position in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert verify.record(Ledger(tmp_path), public_key(KEY)), f"byte {position} of {name}"


def test_a_record_signed_anew_with_another_key_is_found(tmp_path):
    ledger = Ledger(tmp_path, key=bytes(32))
    ledger.append(Receipt("forged"))
    assert verify.record(Ledger(tmp_path)) == []
    assert verify.record(Ledger(tmp_path), public_key(KEY))[0].name == "ledger/key.pub"


def test_a_truncated_record_is_found_because_its_checkpoint_signs_more(tmp_path):
    written(tmp_path, 3)
    lines = (tmp_path / ENTRIES).read_bytes().splitlines(keepends=True)
    (tmp_path / ENTRIES).write_bytes(b"".join(lines[:2]))
    assert verify.record(Ledger(tmp_path))[0].kind == "ledger"
    with pytest.raises(Refused):
        Ledger(tmp_path, key=KEY)


@pytest.mark.parametrize("lost", [1, 30, 150])
def test_what_a_killed_writer_left_unsigned_is_dropped_and_the_record_goes_on(tmp_path, lost):
    written(tmp_path, 3)
    signed = (tmp_path / CHECKPOINTS).read_bytes()
    (tmp_path / CHECKPOINTS).write_bytes(signed[:-lost])
    ledger = Ledger(tmp_path, key=KEY)
    assert len(ledger.entries()) == 2
    ledger.append(Receipt("again"))
    assert verify.record(Ledger(tmp_path)) == []


def test_a_reader_cannot_append(tmp_path):
    with pytest.raises(Refused):
        Ledger(tmp_path).append(Receipt("x"))


def test_files_changed_added_missing_and_renamed_are_told_apart(tmp_path):
    def item(name: str) -> Item:
        return Item(name, hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())

    for name in "abcd":
        (tmp_path / name).write_text(name)
    expected = {name: (item(name), 1) for name in "abc"}
    (tmp_path / "a").write_text("A")
    (tmp_path / "b").unlink()
    (tmp_path / "c").rename(tmp_path / "e")
    found = {(f.kind, f.name) for f in verify.files(tmp_path, expected, ["a", "d", "e"])}
    assert found == {("changed", "a"), ("missing", "b"), ("renamed", "c"), ("added", "d")}


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_seal_opens_only_whole_and_in_its_context(data, position):
    sealed = seal.seal(data, KEY, context="plan 1")
    assert seal.unseal(sealed, KEY, context="plan 1") == data
    broken = bytearray(sealed)
    broken[position % len(sealed)] ^= 1
    for bad, context in ((bytes(broken), "plan 1"), (sealed, "plan 2"), (b"", "plan 1")):
        with pytest.raises(Malformed):
            seal.unseal(bad, KEY, context=context)
