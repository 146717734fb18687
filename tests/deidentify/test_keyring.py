"""The keyring: secrets that only their owner reads, and a map that opens with nothing else."""

from __future__ import annotations

import base64
import json
import os
import stat

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Misconfigured, Refused
from bedside.core.ids import keyed
from bedside.deidentify import custody_ask
from bedside.deidentify.custody_seal import MAGIC, lock, seal, unlock, unseal
from bedside.deidentify.keyring import FIRST_SCHEMA, Keyring
from bedside.deidentify.patients import PatientMap, Subject

WORDS = "four patient geese walk slowly"


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


def _first_version(path, secret: bytes = bytes(range(32))) -> None:
    """A keyring and a map as version 1 wrote them."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    told = {"schema": FIRST_SCHEMA, "naming": "sealed", "made": False, "secret": base64.b64encode(secret).decode()}
    path.write_text(json.dumps(told))
    found = PatientMap()
    found.subjects.append(Subject(0, 17, {"mrn|40012345"}))
    nonce = bytes(12)
    sealed = nonce + ChaCha20Poly1305(keyed(secret, "key", "map")).encrypt(nonce, found.encode(), FIRST_SCHEMA.encode())
    path.with_name(path.name + ".map").write_bytes(sealed)
    path.chmod(0o600)
    path.with_name(path.name + ".map").chmod(0o600)


def test_a_keyring_of_the_first_version_opens_and_is_written_anew(tmp_path):
    _first_version(tmp_path / "k")
    ring = Keyring.open(tmp_path / "k")
    before = (ring.id, ring.file_key, ring.map.subjects[0].code)
    ring.save()
    assert (tmp_path / "k.map").read_bytes().startswith(MAGIC)
    assert json.loads((tmp_path / "k").read_text())["schema"] == "bedside.keyring/2"
    again = Keyring.open(tmp_path / "k")
    assert (again.id, again.file_key, again.map.subjects[0].code) == before


@given(one=st.binary(max_size=200), other=st.binary(max_size=200))
def test_a_nonce_never_meets_two_contents_under_one_key(one, other):
    """Equal contents are equal bytes; others have another salt, and so another key and nonce."""
    key, salt = bytes(32), slice(len(MAGIC), len(MAGIC) + 32)
    first, second = seal(key, one, "map"), seal(key, other, "map")
    assert (first == second) == (one == other) == (first[salt] == second[salt])
    assert unseal(key, first, "map") == one


@pytest.mark.parametrize(("key", "context"), [(b"\1" * 32, "map"), (bytes(32), "other")])
def test_a_seal_opens_with_its_key_and_for_its_purpose_only(key, context):
    with pytest.raises(ValueError, match="does not open"):
        unseal(key, seal(bytes(32), b"content", "map"), context)


def test_a_passphrase_hides_the_secret_and_opens_the_same_keys(tmp_path):
    ring = Keyring.create(tmp_path / "k")
    plain = json.loads((tmp_path / "k").read_text())["secret"]
    ring.lock(WORDS)
    assert plain.encode() not in (tmp_path / "k").read_bytes()
    assert Keyring.open(tmp_path / "k", passphrase=lambda _: WORDS).file_key == ring.file_key
    with pytest.raises(Refused, match="does not open"):
        Keyring.open(tmp_path / "k", passphrase=lambda _: WORDS + "!")
    ring.lock(None)
    assert Keyring.open(tmp_path / "k").file_key == ring.file_key


def test_a_survey_saves_a_locked_keyring_without_asking_again(tmp_path):
    Keyring.create(tmp_path / "k").lock(WORDS)
    ring = Keyring.open(tmp_path / "k", passphrase=lambda _: WORDS)
    locked = (tmp_path / "k").read_bytes()
    ring.map.subjects.append(Subject(0, 17, {"mrn|40012345"}))
    ring.save()
    assert (tmp_path / "k").read_bytes() == locked
    assert len(Keyring.open(tmp_path / "k", passphrase=lambda _: WORDS).map.subjects) == 1


def test_a_short_passphrase_is_refused(tmp_path):
    with pytest.raises(Refused, match="fewer than 15"):
        Keyring.create(tmp_path / "k").lock("geese")


def test_a_passphrase_is_one_whatever_keyboard_wrote_its_accents():
    locked = lock(b"secret", "vier ge\u0301ante Ga\u0308nse", "k", work=2**14)
    assert unlock(locked, "vier g\u00e9ante G\u00e4nse", "k", where="k") == b"secret"


@pytest.mark.parametrize("work", [1, 2**14 + 1, 2**40])
def test_a_lock_that_would_cost_nothing_or_all_memory_is_refused(work):
    locked = lock(b"secret", WORDS, "k", work=2**14)
    with pytest.raises(Malformed, match="does not know"):
        unlock(msgspec.structs.replace(locked, work=work), WORDS, "k", where="k")


def test_without_a_terminal_a_passphrase_comes_from_a_descriptor_or_not_at_all(tmp_path):
    Keyring.create(tmp_path / "k").lock(WORDS)
    with pytest.raises(Refused, match="passphrase-fd"):
        Keyring.open(tmp_path / "k")
    (tmp_path / "words").write_text(WORDS + "\n")
    try:
        with (tmp_path / "words").open() as stream:
            custody_ask.from_descriptor(stream.fileno())
            assert Keyring.open(tmp_path / "k").id == Keyring.open(tmp_path / "k").id
            with pytest.raises(Misconfigured, match="no further passphrase"):
                custody_ask.passphrase("another")
    finally:
        custody_ask.forget()


def test_a_keyring_replaced_while_it_is_in_use_is_noticed(tmp_path):
    ring = Keyring.create(tmp_path / "k")
    assert ring.changed() is None
    for name in ("k", "k.map"):
        (tmp_path / name).unlink()
    Keyring.create(tmp_path / "k")
    assert ring.changed() == "the keyring"
    with pytest.raises(Refused, match="replaced while it was in use"):
        ring.must_be_same(where="between survey and transform")
    with pytest.raises(Refused, match="replaced"):
        ring.save()
    for left in (b"\xff", b'{"schema":"bedside.keyring/1","naming":"sealed","made":false,"secret":"\xc3\xa9"}', None):
        (tmp_path / "k").unlink() if left is None else (tmp_path / "k").write_bytes(left)
        assert ring.changed() == "the keyring"


def test_of_two_surveys_at_once_none_loses_what_the_other_found(tmp_path):
    one, other = Keyring.create(tmp_path / "k"), Keyring.open(tmp_path / "k")
    other.map.subjects.append(Subject(0, 17, {"mrn|1"}))
    one.map.subjects.append(Subject(0, 17, {"mrn|2"}))
    one.save()
    with pytest.raises(Refused, match="the patient map was replaced"):
        other.save()
    assert Keyring.open(tmp_path / "k").map.subjects[0].keys == {"mrn|2"}


def test_a_keyring_is_made_where_none_is_and_opened_where_one_is(tmp_path):
    made = Keyring.at(tmp_path / "k")
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    assert Keyring.at(tmp_path / "k").id == made.id


def test_a_lost_keyring_is_told_and_no_other_takes_its_place(tmp_path):
    """The map is still there: a new keyring would orphan every name that was made with the old one."""
    Keyring.create(tmp_path / "k")
    (tmp_path / "k").unlink()
    with pytest.raises(Misconfigured, match="no name can be undone"):
        Keyring.open(tmp_path / "k")
    with pytest.raises(Refused, match=r"the keyring of k\.map is gone.*\n.*\n.*bedside keyring restore"):
        Keyring.at(tmp_path / "k")


def test_a_write_that_fails_leaves_the_old_keyring_and_no_rest(tmp_path, monkeypatch):
    ring = Keyring.create(tmp_path / "k")
    before = (tmp_path / "k").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ring.save()
    assert (tmp_path / "k").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k", "k.map"]


def test_a_keyring_behind_a_link_stays_where_it_is(tmp_path):
    (tmp_path / "vault").mkdir()
    Keyring.create(tmp_path / "vault" / "k")
    for name in ("k", "k.map"):
        (tmp_path / name).symlink_to(tmp_path / "vault" / name)
    ring = Keyring.open(tmp_path / "k")
    ring.map.subjects.append(Subject(0, 17, {"mrn|1"}))
    ring.save()
    assert all((tmp_path / name).is_symlink() for name in ("k", "k.map"))
    assert len(Keyring.open(tmp_path / "vault" / "k").map.subjects) == 1
