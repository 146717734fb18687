"""The ledger beside a keyring: who did what with it, in order, signed, and without a patient in it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bedside.cli.group import bedside
from bedside.cli.keyring import VERBS
from bedside.core.errors import BedsideError, Misconfigured, Refused, Unusable
from bedside.core.ids import pseudonym
from bedside.core.receipt import Receipt
from bedside.deidentify import custody_ask, custody_backup, custody_stream
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import KnownIdentifiers, MapState, Name, PatientMap, Subject
from bedside.ledger.log import Ledger
from bedside.study import custody, custody_folders, custody_keys, custody_people, doctor
from bedside.study.verify import verify

WORDS = "four patient geese walk slowly"
PATIENT = ("Quillfeather", "Zebulon", "70707071", "1932-05-17")
WHY = "critical result, ward 3"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ring = Keyring.create(tmp_path / "h.keyring")
    known = KnownIdentifiers(names={Name(("Zebulon",), "Quillfeather")}, births={"1932-05-17"}, records={"70707071"})
    ring.map = PatientMap(MapState(next_number=2, subjects=[Subject(0, ring.code_of(0, []), {"mrn|70707071"}, known), Subject(1, ring.code_of(1, []), {"mrn|2"})]))
    ring.save()
    return ring.path


@pytest.fixture(autouse=True)
def _silence():
    yield
    custody_ask.forget()


def name_of(path: Path, at: int = 0) -> str:
    return pseudonym(Keyring.open(path).map.subjects[at].code)


def steps(path: Path) -> list[str]:
    return [entry.receipt.step for entry in custody.entries(path)]


def ledger_bytes(path: Path) -> bytes:
    return b"".join(one.read_bytes() for folder in custody.folders(path) for one in folder.iterdir())


def asked(*words: object) -> Result:
    return CliRunner().invoke(bedside, [str(word) for word in words])


def told(*words: object) -> dict:
    done = asked(*words, "--json")
    assert done.exit_code == 0, done.output or done.exception
    return json.loads(done.stdout)


# --- who is behind a name --------------------------------------------------------------------------


def test_who_asked_for_whom_and_why_is_written_before_anybody_is_named(path, monkeypatch):
    seen = []
    monkeypatch.setattr(custody_people, "identities", lambda *_, **__: seen.append(steps(path)) or [])
    custody_people.reidentify(path, [name_of(path)], reason=WHY, who="Dr. Ottoline Vandersnoot")
    assert seen == [["reidentify"]]
    entry = custody.entries(path)[0].receipt
    assert (entry.parameters["who"], entry.parameters["reason"], entry.parameters["pseudonyms"]) == ("Dr. Ottoline Vandersnoot", WHY, [name_of(path)])


def test_the_person_is_told_and_the_ledger_holds_nothing_of_them(path):
    found = told("keyring", "reidentify", path, name_of(path), "--reason", WHY)
    assert found["identities"][0]["names"] == ["Zebulon Quillfeather"]
    assert not any(word.encode() in ledger_bytes(path) for word in PATIENT)


def test_who_is_the_account_of_this_machine_when_nobody_is_named(path):
    custody_people.reidentify(path, [name_of(path)], reason=WHY)
    assert custody.entries(path)[0].receipt.parameters["who"] == custody.user()


@pytest.mark.parametrize("reason", ["", "   ", "x", "Zebulon Quillfeather asked", "MRN 70707071"])
def test_without_a_reason_or_with_one_that_names_the_patient_nobody_is_told_anything(path, reason):
    with pytest.raises(Refused) as refused:
        custody_people.reidentify(path, [name_of(path)], reason=reason)
    assert not any(word in str(refused.value) for word in PATIENT)
    assert steps(path) == []


def test_an_answer_may_go_to_a_file_that_only_its_owner_reads(path, tmp_path):
    (tmp_path / "asked").write_text(f"{name_of(path)}\n{name_of(path, 1)}\n")
    record = told("keyring", "reidentify", path, "--from", tmp_path / "asked", "--out", tmp_path / "answer", "--reason", WHY)
    assert record == {"asked": 2, "found": 2, "out": str(tmp_path / "answer")}
    assert stat.S_IMODE((tmp_path / "answer").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "answer").read_text())[0]["records"] == ["70707071"]


def test_a_name_of_another_keyring_is_not_found_and_is_exit_1(path):
    done = asked("keyring", "reidentify", path, "P000000000000", "--reason", WHY)
    assert (done.exit_code, "P000000000000  not found" in done.output) == (1, True)
    assert isinstance(asked("keyring", "reidentify", path, "70707071", "--reason", WHY).exception, Misconfigured)


# --- disclosures -----------------------------------------------------------------------------------


def disclosed(path: Path, **more: object) -> None:
    custody_people.disclose(path, **{"recipient": "State registry", "what": "trauma records", "purpose": "public health reporting", "day": date(2026, 11, 1),
                                     "subjects": [name_of(path)]} | more)  # type: ignore[arg-type]  # fmt: skip


def test_the_account_of_a_subject_has_what_164_528_asks_for(path):
    disclosed(path, address="1 Capitol Sq")
    disclosed(path, recipient="Another", subjects=[name_of(path, 1)])
    (line,) = custody_people.account(path, name_of(path), today=date(2026, 11, 25))
    one = line.disclosure
    assert (one.date, one.recipient, one.address, one.what, one.purpose, line.sure) == (
        "2026-11-01", "State registry", "1 Capitol Sq", "trauma records", "public health reporting", True)  # fmt: skip


def test_a_disclosure_that_names_too_few_may_have_told_of_anybody(path):
    disclosed(path, subjects=[name_of(path, 1)], count=40)
    (line,) = custody_people.account(path, name_of(path), today=date(2026, 11, 25))
    assert not line.sure


@pytest.mark.parametrize(("day", "lines"), [(date(2020, 11, 24), 0), (date(2020, 11, 25), 1)])
def test_an_account_goes_back_six_years(path, day, lines):
    disclosed(path, day=day)
    assert len(custody_people.account(path, name_of(path), today=date(2026, 11, 25))) == lines


def test_a_limited_data_set_is_logged_with_its_agreement_and_in_no_account(path):
    with pytest.raises(Misconfigured, match="data use agreement"):
        disclosed(path, limited_data_set=True)
    disclosed(path, limited_data_set=True, agreement="DUA-7", subjects=[], count=12)
    assert custody_people.disclosures(path)[0].agreement == "DUA-7"
    assert custody_people.account(path, name_of(path), today=date(2026, 11, 25)) == []


def test_a_subject_is_found_under_every_name_it_ever_bore(path):
    first = name_of(path)
    disclosed(path)
    custody_keys.rotate(path, reason="the secret was seen")
    second = name_of(path)
    disclosed(path, recipient="Second")
    assert first != second
    for name in (first, second):
        assert [line.disclosure.recipient for line in custody_people.account(path, name, today=date(2026, 11, 25))] == ["State registry", "Second"]


WRONG = {
    "nobody received it": {"recipient": " "}, "for nothing": {"purpose": ""}, "nothing": {"what": ""}, "tomorrow": {"day": date(2999, 1, 1)},
    "of nobody": {"subjects": []}, "fewer than named": {"count": 1, "subjects": ["P000000000000", "P000000000001"]}, "a raw number": {"subjects": ["70707071"]},
    "another keyring's": {"subjects": ["P000000000000"]}, "names the patient": {"recipient": "Zebulon Quillfeather"},
}  # fmt: skip


@pytest.mark.parametrize("more", WRONG.values(), ids=WRONG)
def test_a_disclosure_that_lacks_something_or_names_a_patient_is_not_written(path, more):
    with pytest.raises(BedsideError) as wrong:
        disclosed(path, **more)
    assert not any(word in str(wrong.value) for word in PATIENT)
    assert steps(path) == []


def test_disclosures_on_the_command_line(path):
    words = ("--to", "State registry", "--what", "trauma records", "--purpose", "public health reporting", "--subject", name_of(path))
    assert told("keyring", "disclose", path, *words)["count"] == 1
    assert told("keyring", "disclosures", path, "--subject", name_of(path))["disclosures"][0]["recipient"] == "State registry"
    assert "State registry" in asked("keyring", "disclosures", path).stdout


# --- another secret, backup, passphrase ------------------------------------------------------------


def test_the_ledger_goes_on_under_the_new_key_and_verify_proves_both(path):
    disclosed(path)
    custody_keys.rotate(path, reason="the secret was seen")
    custody_keys.rotate(path, reason="it was seen again")
    assert steps(path) == ["disclose", "rotate", "rotated", "rotate", "rotated"]
    verdict = verify(path)
    assert (verdict.ok, verdict.entries, verdict.notes) == (True, 5, [])
    assert verify(path.with_name("h.keyring.ledger")).ok


@pytest.mark.parametrize("what", ["a changed entry", "a ledger taken away", "a former ledger cut short", "a file added"])
def test_what_was_done_to_the_record_is_found(path, what):
    disclosed(path)
    disclosed(path)
    custody_keys.rotate(path, reason="the secret was seen")
    former = path.with_name("h.keyring.ledger.1")
    if what == "a changed entry":
        (former / "entries.jsonl").write_bytes((former / "entries.jsonl").read_bytes().replace(b"State registry", b"Other registry", 1))
    elif what == "a ledger taken away":
        former.rename(former.with_name("elsewhere"))
    elif what == "a file added":
        (former / "more").write_text("")
    else:
        for name, lines in (("entries.jsonl", 1), ("checkpoints.txt", 5)):
            (former / name).write_bytes(b"".join((former / name).read_bytes().splitlines(keepends=True)[:lines]))
    verdict = verify(path)
    assert not verdict.ok
    assert asked("verify", path).exit_code == 1


def test_a_rotation_cut_off_after_its_entry_is_finished_with_its_ledger(path, monkeypatch):
    from bedside.deidentify import custody_rotate

    def dies(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(custody_rotate, "_into_place", dies)
        with pytest.raises(KeyboardInterrupt):
            custody_keys.rotate(path, reason="the secret was seen")
    with pytest.raises(Refused, match="--resume"):
        Keyring.open(path)
    assert told("keyring", "rotate", path, "--resume") == {"rotated": True}
    assert steps(path) == ["rotate", "rotated"]
    assert verify(path).ok


def test_a_ledger_of_another_keyring_is_not_written_on(path):
    disclosed(path)
    for name in ("h.keyring", "h.keyring.map"):
        path.with_name(name).unlink()
    with pytest.raises(Refused, match=r"the keyring of h\.keyring\.ledger is gone.*\n.*\n.*another name"):
        Keyring.create(path)
    other = Keyring.create(path.with_name("other.keyring")).path
    for name in ("", ".map"):
        other.with_name(other.name + name).rename(path.with_name(path.name + name))
    with pytest.raises(Refused, match="signed by another"):
        custody_people.reidentify(path, ["P000000000000"], reason=WHY)


def test_two_processes_do_not_write_one_ledger(path):
    with custody.held(path), pytest.raises(Refused, match="another process"), custody.held(path):
        pass


def test_a_crosswalk_is_pseudonyms_only_and_on_demand(path, tmp_path):
    with pytest.raises(Refused, match="never rotated"):
        custody_keys.crosswalk(path, tmp_path / "walk.csv", reason="old tables")
    old = name_of(path)
    custody_keys.rotate(path, reason="the secret was seen")
    assert told("keyring", "crosswalk", path, "--out", tmp_path / "walk.csv", "--reason", "old tables")["rows"] == 2
    text = (tmp_path / "walk.csv").read_text()
    assert f"{old},{name_of(path)}" in text
    assert not any(word in text for word in PATIENT)
    assert stat.S_IMODE((tmp_path / "walk.csv").stat().st_mode) == 0o600


def given(tmp_path: Path, *lines: str) -> list[object]:
    """`--passphrase-fd` for a file of these lines, opened for as long as this process runs."""
    (tmp_path / "words").write_text("\n".join(lines) + "\n")
    return ["--passphrase-fd", os.open(tmp_path / "words", os.O_RDONLY)]


def test_backup_and_restore_on_the_command_line(path, tmp_path):
    disclosed(path)
    assert asked(*given(tmp_path, WORDS), "keyring", "backup", path, "--out", tmp_path / "copy", "--reason", "monthly").exit_code == 0
    before = Keyring.open(path)
    checked = told(*given(tmp_path, WORDS), "keyring", "restore", tmp_path / "copy", "--check")
    assert (checked["keyring"], checked["subjects"], checked["restored"]) == (before.id, 2, None)
    told(*given(tmp_path, WORDS), "keyring", "restore", tmp_path / "copy", "--key", tmp_path / "back")
    assert Keyring.open(tmp_path / "back").map.encode() == before.map.encode()
    assert steps(tmp_path / "back") == ["disclose", "restore"]
    assert verify(tmp_path / "back").ok
    assert steps(path) == ["disclose", "backup"]


def test_a_passphrase_is_set_asked_for_and_taken_off(path, tmp_path):
    assert asked(*given(tmp_path, WORDS), "keyring", "passphrase", path, "--reason", "laptop travels").exit_code == 0
    custody_ask.forget()
    assert isinstance(asked("keyring", "passphrase", path, "--remove", "--reason", "at home again").exception, Refused)
    assert verify(path).notes == ["the keyring was not opened (a passphrase is needed, and there is no terminal to ask for it): the ledger was "
                                  "checked against its own public key"]  # fmt: skip
    assert told(*given(tmp_path, WORDS), "keyring", "passphrase", path, "--remove", "--reason", "at home again") == {"locked": False}
    assert Keyring.open(path).locked is None
    assert steps(path) == ["passphrase", "passphrase"]


# --- folders and their end -------------------------------------------------------------------------


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "Quillfeather.txt").write_text("Seen Zebulon")
    return tmp_path / "raw"


def test_a_folder_is_encrypted_opened_and_disposed_of_and_the_ledger_tells_no_name(path, raw, tmp_path):
    assert told("keyring", "encrypt", path, raw, "--out", tmp_path / "locked", "--reason", "at rest")["files"] == 1
    told("keyring", "decrypt", path, tmp_path / "locked", "--out", tmp_path / "open", "--reason", "to read")
    assert (tmp_path / "open" / "Quillfeather.txt").read_text() == "Seen Zebulon"
    gone = told("keyring", "dispose", path, raw, tmp_path / "open", "--reason", "retention over", "--confirm", Keyring.open(path).id)
    assert (gone["files"], raw.exists(), (tmp_path / "open").exists()) == (2, False, False)
    assert "copy-on-write" in gone["honest"]
    assert steps(path) == ["encrypt", "decrypt", "dispose", "disposed"]
    assert not any(word.encode() in ledger_bytes(path) for word in PATIENT)


def test_without_the_keyrings_id_nothing_goes(path, raw):
    for confirm in ("", "yes", "0" * 16):
        with pytest.raises(Refused, match="not confirmed"):
            custody_folders.dispose(path, [raw], keyring=True, confirm=confirm, reason="retention over")
    assert raw.exists()
    assert path.exists()
    assert steps(path) == []
    assert isinstance(asked("keyring", "dispose", path, raw, "--reason", "retention over").exception, Refused)


def test_the_secret_goes_first_and_its_ledger_outlives_it(path, raw, tmp_path, monkeypatch):
    custody_folders.encrypt(path, raw, tmp_path / "locked", reason="at rest")
    order, shred = [], custody_folders.custody_dispose.shred
    monkeypatch.setattr(custody_folders.custody_dispose, "shred", lambda place: order.append(place.name) or shred(place))
    custody_folders.dispose(path, [raw], keyring=True, confirm=Keyring.open(path).id, reason="study over")
    assert order == ["h.keyring", "h.keyring.map", "raw"]
    assert not path.exists()
    verdict = verify(path.with_name("h.keyring.ledger"))
    assert (verdict.ok, steps(path)) == (True, ["encrypt", "dispose", "disposed"])
    assert verdict.notes[0].startswith("the keyring was not opened (no keyring here)")
    with pytest.raises(Refused, match="another keyring"):
        custody_folders.decrypt(Keyring.create(tmp_path / "new").path, tmp_path / "locked", tmp_path / "open", reason="to try")


def test_a_disposal_that_stops_half_way_says_how_far_it_came(path, raw, tmp_path, monkeypatch):
    (tmp_path / "second").mkdir()
    shred = custody_folders.custody_dispose.shred

    def dies(place: Path) -> int:
        if place.name == "second":
            raise OSError(5, "Input/output error")
        return shred(place)

    monkeypatch.setattr(custody_folders.custody_dispose, "shred", dies)
    with pytest.raises(OSError, match="Input/output"):
        custody_folders.dispose(path, [raw, tmp_path / "second"], keyring=False, confirm=Keyring.open(path).id, reason="study over")
    assert custody.entries(path)[-1].receipt.parameters["files"] == 1


@pytest.mark.parametrize("place", ["keyring", "map", "ledger", "a folder above", "home", "gone"])
def test_what_must_not_go_is_refused(path, tmp_path, place, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    places = {"keyring": path, "map": path.with_name("h.keyring.map"), "ledger": path.with_name("h.keyring.ledger"), "a folder above": tmp_path,
              "home": tmp_path / "home", "gone": tmp_path / "nothing"}  # fmt: skip
    with pytest.raises(BedsideError):
        custody_folders.dispose(path, [places[place]], keyring=False, confirm=Keyring.open(path).id, reason="study over")
    assert path.exists()
    assert steps(path) == []


@pytest.mark.parametrize(("today", "goes"), [(date(2032, 11, 24), False), (date(2032, 11, 25), True)])
def test_a_ledger_stays_for_six_years(path, tmp_path, today, goes, monkeypatch):
    monkeypatch.setattr("bedside.ledger.log._now", lambda: "2026-11-25T12:00:00Z")
    study = tmp_path / "study"
    Ledger(study / "ledger", key=Keyring.open(path).signing_key).append(Receipt("deidentify"))
    (row,) = custody_folders.retention(path, [study], today=today)
    assert (row.may_go, row.now) == ("2032-11-25", goes)
    ask = {"keyring": False, "confirm": Keyring.open(path).id, "reason": "study over", "today": today}
    if goes:
        custody_folders.dispose(path, [study], **ask)
    else:
        with pytest.raises(Refused, match="must stay until 2032-11-25"):
            custody_folders.dispose(path, [study], **ask)
    assert study.exists() != goes


def test_retention_counts_from_the_newest_entry_of_each_ledger(path, monkeypatch):
    for number, time in enumerate(["2026-01-01T00:00:00Z", "2026-02-28T00:00:00Z", "2027-03-01T00:00:00Z"]):
        monkeypatch.setattr("bedside.ledger.log._now", lambda time=time: time)
        disclosed(path) if number != 1 else custody_keys.rotate(path, reason="the secret was seen")
    rows = custody_folders.retention(path, today=date(2026, 11, 25))
    assert [(row.what, row.may_go) for row in rows] == [("h.keyring.ledger.1", "2032-02-28"), ("h.keyring.ledger", "2033-03-01")]
    assert told("keyring", "retention", path)["records"][1]["may_go"] == "2033-03-01"


def test_a_keyring_says_what_it_is_and_nothing_of_its_patients(path):
    disclosed(path)
    found = told("keyring", "show", path)
    assert (found["id"], found["naming"], found["subjects"], found["passphrase"], found["entries"]) == (Keyring.open(path).id, "sealed", 2, False, 1)
    assert not any(word in asked("keyring", "show", path).output for word in PATIENT)


# --- the order of things ---------------------------------------------------------------------------


def acts(path: Path, raw: Path, tmp_path: Path) -> dict[str, Callable[[str], object]]:
    """Every verb that writes something, ready to be done for a reason."""
    custody_keys.rotate(path, reason="the secret was seen")
    custody_folders.encrypt(path, raw, tmp_path / "lies", reason="at rest")
    custody_keys.backup(path, tmp_path / "kept", WORDS, reason="monthly")
    subject, out = name_of(path), tmp_path / "out"
    return {
        "reidentify": lambda why: custody_people.reidentify(path, [subject], reason=why),
        "disclose": lambda why: custody_people.disclose(path, recipient="Registry", what="records", purpose=why, day=date(2026, 11, 1), subjects=[subject]),
        "encrypt": lambda why: custody_folders.encrypt(path, raw, out, reason=why),
        "decrypt": lambda why: custody_folders.decrypt(path, tmp_path / "lies", out, reason=why),
        "backup": lambda why: custody_keys.backup(path, out, WORDS, reason=why),
        "crosswalk": lambda why: custody_keys.crosswalk(path, out, reason=why),
        "passphrase": lambda why: custody_keys.set_passphrase(path, None, reason=why),
        "rotate": lambda why: custody_keys.rotate(path, reason=why),
        "restore": lambda why: custody_keys.restore(tmp_path / "kept", tmp_path / "back" / "k", WORDS, reason=why),
        "dispose": lambda why: custody_folders.dispose(path, [raw], keyring=False, confirm=Keyring.open(path).id, reason=why),
    }


ACTS = ["reidentify", "disclose", "encrypt", "decrypt", "backup", "crosswalk", "passphrase", "rotate", "restore", "dispose"]


def lying(top: Path) -> dict[str, bytes]:
    return {str(one.relative_to(top)): one.read_bytes() for one in sorted(top.rglob("*")) if one.is_file()}


@pytest.mark.parametrize("verb", ACTS)
@pytest.mark.parametrize("reason", ["test", "for Zebulon Quillfeather"])
def test_a_reason_that_cannot_stand_is_refused_before_anything_is_written_and_a_good_one_then_works(path, raw, tmp_path, verb, reason):
    act = acts(path, raw, tmp_path)[verb]
    before = lying(tmp_path)
    with pytest.raises(Refused):
        act(reason)
    assert lying(tmp_path) == before
    act(WHY)
    assert lying(tmp_path) != before
    assert verify(path).ok


@pytest.mark.parametrize("verb", ["encrypt", "decrypt", "backup", "crosswalk"])
def test_what_is_there_already_is_told_before_the_ledger_says_that_it_was_done(path, raw, tmp_path, verb):
    act = acts(path, raw, tmp_path)[verb]
    (tmp_path / "out").write_text("taken")
    before = lying(tmp_path)
    with pytest.raises(Refused, match="already"):
        act(WHY)
    assert lying(tmp_path) == before
    (tmp_path / "out").unlink()
    act(WHY)
    assert steps(path)[-1] == verb


@pytest.mark.parametrize("verb", ["encrypt", "decrypt", "backup", "crosswalk", "passphrase"])
def test_the_entry_comes_before_the_act_and_one_that_failed_may_be_tried_again(path, raw, tmp_path, verb, monkeypatch):
    act, seen = acts(path, raw, tmp_path)[verb], []

    def full(*_: object, **__: object) -> None:
        seen.append(steps(path)[-1])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(custody_stream, "_staging", full)
        patched.setattr(custody_keys, "write_private", full)
        patched.setattr(Keyring, "lock", full)
        with pytest.raises(OSError, match="No space"):
            act(WHY)
    assert seen == [verb]
    failed = custody.entries(path)[-1].receipt.parameters
    assert (failed["act"], failed["error"]) == (verb, "OSError")
    act(WHY)
    assert steps(path)[-3:] == [verb, "failed", verb]
    assert verify(path).ok


@pytest.mark.parametrize("stopped", [1, 2, 3, 4, 5])
def test_a_restore_that_fails_leaves_nothing_and_one_that_goes_on_has_its_entry_first(path, tmp_path, stopped, monkeypatch):
    disclosed(path)
    custody_keys.backup(path, tmp_path / "kept", WORDS, reason="monthly")
    back, write, done = tmp_path / "back" / "k", custody_backup.write_private, []

    def fails(place: Path, data: bytes, **more: bool) -> None:
        done.append(place.name)
        if len(done) == stopped:
            raise OSError(28, "No space left on device")
        if place == back:
            assert steps(back) == ["disclose", "restore"]
        write(place, data, **more)

    monkeypatch.setattr(custody_backup, "write_private", fails)
    with pytest.raises(OSError, match="No space"):
        custody_keys.restore(tmp_path / "kept", back, WORDS, reason=WHY)
    assert not lying(tmp_path / "back")
    custody_keys.restore(tmp_path / "kept", back, WORDS, reason=WHY)
    assert done[-2:] == ["k.map", "k"]
    assert (steps(back), verify(back).ok) == (["disclose", "restore"], True)


def test_a_purpose_that_cannot_stand_is_told_by_its_own_name(path):
    with pytest.raises(Refused) as told_of:
        disclosed(path, purpose="test")
    assert told_of.value.where == "--purpose"


def test_nobody_is_told_who_is_behind_a_name_where_the_answer_has_no_place(path, tmp_path):
    (tmp_path / "answer").write_text("an older one")
    for out, kind in (("answer", Refused), ("nowhere/answer", Unusable)):
        assert isinstance(asked("keyring", "reidentify", path, name_of(path), "--reason", WHY, "--out", tmp_path / out).exception, kind)
    assert steps(path) == []
    told("keyring", "reidentify", path, name_of(path), "--reason", WHY, "--out", tmp_path / "another")


def test_what_a_killed_decryption_left_open_goes_with_the_next(path, raw, tmp_path):
    custody_folders.encrypt(path, raw, tmp_path / "locked", reason="at rest")
    (tmp_path / ".open.part").mkdir()
    (tmp_path / ".open.part" / "Quillfeather.txt").write_text("Seen")
    custody_folders.decrypt(path, tmp_path / "locked", tmp_path / "open", reason="to read")
    assert not (tmp_path / ".open.part").exists()


# --- all verbs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_a_keyring_explains_itself_and_takes_json(verb):
    done = asked("keyring", verb, "--help")
    assert (done.exit_code, "--json" in done.output) == (0, True)


def test_the_group_lists_its_verbs_and_corrects_a_misspelt_one():
    assert all(verb in asked("keyring", "--help").output for verb in VERBS)
    assert "did you mean 'rotate'" in asked("keyring", "rotat").output


def test_a_study_whose_keyring_was_rotated_is_noticed_by_verify_and_run(tmp_path):
    from bedside.study.new import new
    from bedside.study.study import Study

    root = new(tmp_path / "study").root
    study = Study(root)
    study.record(Receipt("serve"))
    custody_keys.rotate(study.keyring_path(), reason="the secret was seen")
    verdict = verify(root, without_raw=True)
    assert "it is not the key of this study's keyring" in [finding.detail for finding in verdict.findings]
    assert any("rotated since this study began" in note for note in verdict.notes)
    with pytest.raises(Refused, match="the keyring was rotated since this study began"):
        study.record(Receipt("serve"))


def test_a_study_whose_keyring_is_lost_says_what_cannot_be_done(tmp_path):
    from bedside.study.new import new
    from bedside.study.study import Study

    study = Study(new(tmp_path / "study").root)
    study.record(Receipt("serve"))
    study.keyring_path().unlink()
    with pytest.raises(Misconfigured, match="keyring restore"):
        study.keyring()
    assert not study.keyring_path().exists()


def test_doctor_says_who_can_read_keyring_map_and_ledger(tmp_path):
    from bedside.study.new import new
    from bedside.study.study import Study

    study = Study(new(tmp_path / "study").root)
    study.keyring()
    with custody.held(study.keyring_path()):
        pass
    found = {finding.what: finding for finding in doctor.examine(study.root)}
    assert (found["keyring"].ok, found["disk encryption"].seen[:8]) == (True, "not seen")
    folder = study.keyring_path().with_name("study.keyring.ledger")
    folder.chmod(0o755)
    assert not next(finding for finding in doctor.examine(study.root) if finding.what == "keyring").ok


@pytest.mark.parametrize("made", [False, True])
def test_doctor_names_raw_and_safe_folders_that_every_user_can_read(tmp_path, made, monkeypatch):
    from bedside.study.new import new
    from bedside.study.study import Study

    root = new(tmp_path / "study").root
    text = (root / "study.toml").read_text()
    (root / "study.toml").write_text(("made = true\n" if made else "") + text)
    study = Study(root)
    (root / study.file.source[0].path).mkdir(parents=True)
    (root / "safe").mkdir()
    monkeypatch.setattr(doctor, "readable_by_everyone", lambda path: path.name != "safe")
    found = {finding.what: finding.ok for finding in doctor.examine(root)}
    assert found[f"raw files of {study.file.source[0].name}"] is made
    assert found["safe"]
