"""The keyring: secrets that only their owner reads, and a map that opens with nothing else."""

from __future__ import annotations

import os
import stat

import pytest

from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.ids import keyed
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import Subject


def test_a_keyring_opens_again_with_the_same_keys(tmp_path):
    made = Keyring.create(tmp_path / "k")
    again = Keyring.open(tmp_path / "k")
    assert (again.id, again.file_key, again.label_key, again.signing_key, again.public_key) == (
        made.id,
        made.file_key,
        made.label_key,
        made.signing_key,
        made.public_key,
    )
    assert len({made.file_key, made.label_key, made.signing_key, made.number_key, made.code_key, made.shift_key}) == 6
    assert [len(key) for key in (made.label_key, made.signing_key, made.public_key)] == [32, 32, 32]


def test_both_files_are_for_the_owner_only(tmp_path):
    Keyring.create(tmp_path / "k")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("k", "k.map")] == [0o600, 0o600]


def test_a_keyring_that_others_can_read_is_refused(tmp_path):
    Keyring.create(tmp_path / "k")
    os.chmod(tmp_path / "k", 0o644)
    with pytest.raises(Refused, match="read by others"):
        Keyring.open(tmp_path / "k")


def test_the_map_is_encrypted_and_equal_maps_are_equal_bytes(tmp_path):
    ring = Keyring.create(tmp_path / "k", seed=b"1", made=True)
    ring.map.subjects.append(Subject(0, 17, {"mrn|40012345"}))
    ring.save()
    first = (tmp_path / "k.map").read_bytes()
    ring.save()
    assert b"40012345" not in first
    assert (tmp_path / "k.map").read_bytes() == first
    assert Keyring.open(tmp_path / "k").map.subjects[0].keys == {"mrn|40012345"}


@pytest.mark.parametrize("at", [0, 20, -1])
def test_one_changed_byte_of_the_map_is_noticed(tmp_path, at):
    Keyring.create(tmp_path / "k")
    data = bytearray((tmp_path / "k.map").read_bytes())
    data[at] ^= 1
    (tmp_path / "k.map").write_bytes(data)
    with pytest.raises(Malformed, match="changed"):
        _ = Keyring.open(tmp_path / "k").map


def test_a_keyring_is_never_written_over(tmp_path):
    Keyring.create(tmp_path / "k")
    with pytest.raises(Refused, match="there already"):
        Keyring.create(tmp_path / "k")


def test_a_seed_is_for_made_hospitals_only(tmp_path):
    with pytest.raises(Refused, match="not made"):
        Keyring.create(tmp_path / "k", seed=b"guess me")
    assert Keyring.create(tmp_path / "a", seed=b"1", made=True).id == Keyring.create(tmp_path / "b", seed=b"1", made=True).id


def test_a_missing_or_broken_keyring_says_what_to_do(tmp_path):
    with pytest.raises(Misconfigured, match="no keyring"):
        Keyring.open(tmp_path / "none")
    (tmp_path / "bad").write_text("{}")
    (tmp_path / "bad").chmod(0o600)
    with pytest.raises(Malformed, match="not a keyring"):
        Keyring.open(tmp_path / "bad")


def test_no_key_is_a_plain_digest_of_another(tmp_path):
    ring = Keyring.create(tmp_path / "k")
    assert keyed(ring.file_key, "labels") != ring.label_key


def test_a_patient_map_that_others_can_read_is_refused(tmp_path):
    Keyring.create(tmp_path / "k.keyring")
    (tmp_path / "k.keyring.map").chmod(0o644)
    with pytest.raises(Refused, match="read by others"):
        Keyring.open(tmp_path / "k.keyring")
