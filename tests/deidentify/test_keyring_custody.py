"""Backup, another secret, the way back to a person, and disposal."""

from __future__ import annotations

import gzip
import json
import os
import stat
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import BedsideError, Malformed, Misconfigured, Refused, Unusable
from bedside.core.ids import pseudonym
from bedside.deidentify import custody_backup, custody_dispose, custody_names, custody_rotate
from bedside.deidentify.custody_backup import SCHEMA_NAME
from bedside.deidentify.custody_files import write_private
from bedside.deidentify.custody_stream import open_index
from bedside.deidentify.desk import desk
from bedside.deidentify.keyring import Keyring, map_path, rotating_path
from bedside.deidentify.patients import KnownIdentifiers, MapState, Name, PatientMap, Subject
from bedside.deidentify.policy import policy

WORDS, OTHER = "four patient geese walk slowly", "five hasty geese run to water"
TIME = "2026-11-25T12:00:00Z"


def _of_two(ring: Keyring) -> Keyring:
    known = KnownIdentifiers(names={Name(("Zebulon", "Q"), "Quillfeather")}, births={"1932-05-17"}, records={"70707071"}, numbers={"V7700011122"},
                             phones={"212-555-0147"})  # fmt: skip
    ring.map = PatientMap(MapState(next_number=2, subjects=[
        Subject(0, ring.code_of(0, ["mrn|70707071"]), {"mrn|70707071"}, known),
        Subject(1, ring.code_of(1, ["mrn|80"]), {"mrn|80"}, KnownIdentifiers(names={Name(("May",), "Brown")}), former={4711}),
    ]))  # fmt: skip
    ring.save()
    return ring


@pytest.fixture
def ring(tmp_path):
    return _of_two(Keyring.create(tmp_path / "k"))


# --- backup ----------------------------------------------------------------------------------------


def test_a_lost_keyring_comes_back_from_its_backup_with_map_and_ledger(ring, tmp_path):
    ledger = tmp_path / "k.ledger"
    ledger.mkdir()
    (ledger / "entries.jsonl").write_bytes(b"{}\n")
    before = (ring.id, ring.number_key, ring.map.encode())
    custody_backup.backup(ring, tmp_path / "copy", WORDS, time=TIME)
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    for path in (ring.path, map_path(ring.path), ledger / "entries.jsonl"):
        path.unlink()
    ledger.rmdir()
    _, back = custody_backup.restore(tmp_path / "copy", tmp_path / "k", WORDS)
    assert (back.id, back.number_key, back.map.encode()) == before
    assert (ledger / "entries.jsonl").read_bytes() == b"{}\n"
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("k", "k.map", "k.ledger")] == [0o600, 0o600, 0o700]


def test_a_backup_opens_with_its_own_passphrase_and_tells_nothing(ring, tmp_path):
    ring.lock(OTHER)
    custody_backup.backup(ring, tmp_path / "copy", WORDS, time=TIME)
    assert not any(word in (tmp_path / "copy").read_bytes() for word in (b"Quillfeather", b"70707071", ring._secret))
    with pytest.raises(Refused, match="does not open"):
        custody_backup.read(tmp_path / "copy", OTHER)
    head, _ = custody_backup.read(tmp_path / "copy", WORDS)
    assert head.keyring == ring.id


@pytest.mark.parametrize("where", ["head", "middle", "end", "cut"])
def test_a_damaged_backup_is_told(ring, tmp_path, where):
    custody_backup.backup(ring, tmp_path / "copy", WORDS, time=TIME)
    data = bytearray((tmp_path / "copy").read_bytes())
    at = {"head": data.index(ring.id.encode()), "middle": len(data) // 2 + 200, "end": len(data) - 1, "cut": len(data) - 1}[where]
    data = data[:at] if where == "cut" else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    (tmp_path / "copy").write_bytes(data)
    with pytest.raises((Refused, Malformed)):
        custody_backup.restore(tmp_path / "copy", tmp_path / "elsewhere", WORDS)
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_written_over_by_a_backup_or_a_restore(ring, tmp_path):
    custody_backup.backup(ring, tmp_path / "copy", WORDS, time=TIME)
    with pytest.raises(Refused, match="there already"):
        custody_backup.backup(ring, tmp_path / "copy", WORDS, time=TIME)
    with pytest.raises(Refused, match=r"k, k\.map is there already"):
        custody_backup.restore(tmp_path / "copy", tmp_path / "k", WORDS)


def test_a_file_that_is_no_backup_is_told(tmp_path):
    (tmp_path / "copy").write_bytes(b'{"schema":"x"}\n')
    (tmp_path / "copy").chmod(0o600)
    with pytest.raises(Malformed, match="not a backup"):
        custody_backup.read(tmp_path / "copy", WORDS)


# --- rotation --------------------------------------------------------------------------------------


def rotated(ring: Keyring) -> Keyring:
    custody_rotate.replace(ring, custody_rotate.prepared(ring, time=TIME))
    return Keyring.open(ring.path)


def test_after_rotation_every_key_and_name_is_another_and_the_people_are_the_same(ring):
    new = rotated(ring)
    assert new.id != ring.id
    assert not {new.file_key, new.number_key, new.shift_key, new.rest_key} & {ring.file_key, ring.number_key, ring.shift_key, ring.rest_key}
    assert [one.keys for one in new.map] == [one.keys for one in ring.map]
    assert not {one.code for one in new.map} & {one.code for one in ring.map}
    assert ring._secret not in new.map.encode() + ring.path.read_bytes()


@pytest.mark.parametrize("naming", ["sealed", "keyed"])
def test_the_crosswalk_leads_from_every_former_name_to_todays(tmp_path, naming):
    first = _of_two(Keyring.create(tmp_path / "k", naming=naming))
    second = rotated(first)
    third = rotated(second)
    rows = {(ring, old): new for ring, old, new in custody_rotate.crosswalk(third)}
    today = [pseudonym(one.code) for one in third.map]
    assert [rows[first.id, pseudonym(one.code)] for one in first.map] == today
    assert [rows[second.id, pseudonym(one.code)] for one in second.map] == today
    assert rows[first.id, pseudonym(4711)] == today[1]
    assert len(rows) == 5


def test_a_survey_after_a_rotation_keeps_the_way_back(hospital):
    old = {key: pseudonym(one.code) for one in hospital.keyring.map for key in one.keys}
    hospital.keyring = rotated(hospital.keyring)
    codes = {one.code for one in hospital.keyring.map}
    hospital.survey()
    assert {one.code for one in hospital.keyring.map} == codes
    assert {row[1] for row in custody_rotate.crosswalk(hospital.keyring)} >= set(old.values())


@pytest.mark.parametrize("stopped", ["before the keyring lies aside", "before the map moves", "before the keyring moves"])
def test_a_rotation_cut_off_leaves_a_pair_that_fits_or_says_what_to_do(ring, monkeypatch, stopped):
    new = custody_rotate.prepared(ring, time=TIME)
    kill = {"before the keyring lies aside": ("write_private", 2), "before the map moves": ("replace", 1), "before the keyring moves": ("replace", 2)}
    name, at = kill[stopped]
    calls = []

    def dying(call):
        def run(*args, **named):
            calls.append(name)
            if len(calls) == at:
                raise KeyboardInterrupt
            return call(*args, **named)

        return run

    with monkeypatch.context() as patch:
        if name == "write_private":
            patch.setattr(custody_rotate, "write_private", dying(custody_rotate.write_private))
        else:
            patch.setattr(custody_rotate, "_into_place", lambda path: _moves(path, dying(os.replace)))
        with pytest.raises(KeyboardInterrupt):
            custody_rotate.replace(ring, new)
    if rotating_path(ring.path).exists():
        with pytest.raises(Refused, match=r"cut off.*\n.*\n.*--resume"):
            Keyring.open(ring.path)
    assert custody_rotate.resume(ring.path) == (stopped != "before the keyring lies aside")
    again = Keyring.open(ring.path)
    assert again.id == (ring.id if stopped == "before the keyring lies aside" else new.id)
    assert len(again.map.subjects) == 2
    with pytest.raises(Unusable, match="no rotation"):
        custody_rotate.resume(ring.path)


def _moves(path, move):
    side = rotating_path(path)
    move(map_path(side), map_path(path))
    move(side, path)


def test_a_keyring_with_a_passphrase_is_not_rotated_into_one_without(ring):
    ring.lock(WORDS)
    with pytest.raises(Refused, match="would have none"):
        custody_rotate.prepared(ring, time=TIME)


# --- the way back to a person ----------------------------------------------------------------------


def test_a_subjects_name_leads_back_to_the_person(ring):
    (told,) = custody_names.identities(ring, [pseudonym(ring.map.subjects[0].code)])
    assert (told.found, told.names, told.births, told.records, told.now) == (True, ["Zebulon Q Quillfeather"], ["1932-05-17"], ["70707071"], "")


def test_a_name_no_longer_borne_leads_to_todays_and_one_of_a_replaced_keyring_says_so(ring):
    former = custody_names.identities(ring, [pseudonym(4711)])[0]
    assert (former.found, former.now, former.keyring) == (True, pseudonym(ring.map.subjects[1].code), "")
    new = rotated(rotated(ring))
    told = custody_names.identities(new, [pseudonym(ring.map.subjects[0].code)])[0]
    assert (told.names, told.now, told.keyring) == (["Zebulon Q Quillfeather"], pseudonym(new.map.subjects[0].code), ring.id)


def test_a_number_is_found_in_the_map_or_in_the_raw_files_that_are_given(ring, tmp_path):
    table = desk(ring, policy("expert-determination"))
    asked = [table.number("V7700011122"), table.number("ACC 900/1"), table.uid("1.2.3.4.5"), "N000000000000"]
    told = custody_names.identities(ring, asked)
    assert [one.value for one in told] == ["V7700011122", "", "", ""]
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "oru.hl7").write_bytes(b"OBR|1|ORD1|ACC 900/1|x\r")
    (tmp_path / "raw" / "uids.gz").write_bytes(gzip.compress(b"\x08\0\x18\0UI\x0a\x001.2.3.4.5\0"))
    told = custody_names.identities(ring, asked, raw=[tmp_path / "raw"])
    assert [(one.found, one.value) for one in told] == [(True, "V7700011122"), (True, "ACC 900/1"), (True, "1.2.3.4.5"), (False, "")]


@given(st.integers(0, (1 << 20) + 200))
def test_a_number_is_found_wherever_it_stands_in_a_big_file(tmp_path_factory, at):
    place = tmp_path_factory.mktemp("big") / "raw"
    place.write_bytes(b"." * at + b"|V42-17|" + b"." * 300)
    assert "V42-17" in set(custody_names._texts(place))


def test_what_is_no_pseudonym_is_not_repeated(ring):
    with pytest.raises(Misconfigured) as told:
        custody_names.identities(ring, ["70707071"])
    assert "70707071" not in str(told.value)


@pytest.mark.parametrize("text", ["for Zebulon Quillfeather", "see MRN 70707071.", "call (212) 555-0147", "QUILLFEATHER, ZEBULON asked", "visit v7700011122"])
def test_a_reason_that_names_a_patient_is_refused_without_repeating_it(ring, text):
    with pytest.raises(Refused, match="names a patient") as told:
        custody_names.refuse_identities(ring.map, {"--reason": text})
    assert not any(word in str(told.value) for word in ("Quill", "Zeb", "707", "212", "7700"))


@given(st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_key_or_a_digest_is_no_telephone_number(text):
    found = PatientMap(MapState(subjects=[Subject(0, 1, {"mrn|1"}, KnownIdentifiers(phones={f"555{number:04d}" for number in range(1000, 1200)}))]))
    runs = "".join(text.split())
    if not any(f"555{number:04d}" in runs for number in range(1000, 1200)):
        custody_names.refuse_identities(found, {"--reason": text})


@pytest.mark.parametrize("text", ["critical result of May 2026 to be told to the ward", "brown field study 80", "IRB 2026-114, Dr. Smith"])
def test_a_reason_in_plain_words_stands(ring, text):
    custody_names.refuse_identities(ring.map, {"--reason": text})


# --- disposal --------------------------------------------------------------------------------------


def test_disposal_counts_and_leaves_nothing(ring, tmp_path):
    top = tmp_path / "raw"
    (top / "a" / "b").mkdir(parents=True)
    for name in ("a/b/one", "a/two", "three"):
        (top / name).write_bytes(b"Zebulon" * 100)
        (top / name).chmod(0o400)
    told = custody_dispose.looked_at(top, ring.file_key)
    assert (told.files, told.bytes) == (3, 2100)
    assert custody_dispose.looked_at(top, ring.file_key) == told
    assert custody_dispose.shred(top) == 3
    assert not top.exists()


def test_the_bytes_are_written_over_before_the_name_goes(tmp_path, monkeypatch):
    path, seen = tmp_path / "one", []
    path.write_bytes(b"Zebulon" * 100)
    sync = os.fsync

    def look(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            seen.append(path.read_bytes())
        sync(handle)

    monkeypatch.setattr(os, "fsync", look)
    custody_dispose.shred(path)
    assert [len(one) for one in seen] == [700]
    assert b"Zebulon" not in seen[0]


@pytest.mark.parametrize("make", [lambda path, one: path.symlink_to(one), lambda path, one: path.hardlink_to(one), lambda path, _: os.mkfifo(path)],
                         ids=["link", "hard link", "pipe"])  # fmt: skip
def test_what_has_another_name_elsewhere_is_refused_and_nothing_goes(tmp_path, make):
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "plain").write_bytes(b"plain")
    make(tmp_path / "top" / "Quillfeather", tmp_path / "kept")
    with pytest.raises(Refused, match="1 things are links") as told:
        custody_dispose.shred(tmp_path / "top")
    assert "Quillfeather" not in str(told.value)
    assert (tmp_path / "top" / "plain").read_bytes() == b"plain"


def test_an_encrypted_folder_is_gone_with_its_key_and_comes_through_a_rotation(ring, tmp_path):
    from bedside.deidentify.custody_stream import decrypt_folder, encrypt_folder, key_id

    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "one").write_bytes(b"Zebulon")
    encrypt_folder(tmp_path / "raw", tmp_path / "out", ring.rest_key)
    new = rotated(ring)
    decrypt_folder(tmp_path / "out", tmp_path / "back", new.rest_keys)
    assert (tmp_path / "back" / "one").read_bytes() == b"Zebulon"
    assert key_id(ring.rest_key) in new.rest_keys
    with pytest.raises(Refused, match="another keyring"):
        decrypt_folder(tmp_path / "out", tmp_path / "again", Keyring.create(tmp_path / "other").rest_keys)


def test_a_map_of_before_rotations_opens(ring):
    bare = {key: value for key, value in msgspec.msgpack.decode(ring.map.encode()).items() if key != "rotations"}
    assert PatientMap.decode(msgspec.msgpack.encode(bare)).state.rotations == []


# --- files that are none ---------------------------------------------------------------------------

LOCKED = {"kdf": "scrypt", "work": 1 << 40, "block": 8, "lanes": 1, "salt": "AA==", "sealed": "AA=="}
DAMAGED = st.one_of(
    st.binary(max_size=80),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([LOCKED, "sealed", "bedside.keyring/2", SCHEMA_NAME]),
                 lambda inner: st.dictionaries(st.sampled_from(["schema", "naming", "made", "secret", "id", "locked", "keyring", "time"]), inner, max_size=8), max_leaves=12)
    .map(lambda tree: json.dumps(tree).encode() + b"\n"),
)  # fmt: skip


@given(data=DAMAGED)
def test_whatever_lies_in_place_of_a_keyring_a_backup_or_an_index_is_told_and_never_a_crash(data):
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "k"
        write_private(path, data)
        write_private(path.with_name("index.sealed"), data)
        for opens in (lambda: Keyring.open(path, passphrase=lambda _: WORDS), lambda: custody_backup.read(path, WORDS), lambda: open_index(Path(place), {"": bytes(32)})):
            with pytest.raises(BedsideError):
                opens()
