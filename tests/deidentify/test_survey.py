"""Who is who: numbers that one record, a link or a merge message says are one person's end as one subject."""

from __future__ import annotations

import json

from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import Key
from bedside.deidentify.survey import survey

from .conftest import ZONE


def _patients(*rows: dict) -> bytes:
    return b"".join(json.dumps({"resourceType": "Patient"} | row).encode() + b"\n" for row in rows)


def _adt(number: str, *, event: str = "A01", merge: str = "") -> bytes:
    tail = f"MRG|{merge}^^^H^MR\r" if merge else ""
    return f"MSH|^~\\&|||||20260113100000||ADT^{event}|c|T|2.5\rPID|1||{number}\r{tail}".encode()


def _groups(hospital) -> set[frozenset[str]]:
    return {frozenset(subject.keys) for subject in hospital.keyring.map.subjects}


def test_repetitions_of_pid_3_are_one_person(empty):
    empty.put("hl7v2", "adt.hl7", _adt("100^^^HOSP^MR~C-9^^^CLIN^MR") + _adt("200^^^HOSP^MR"))
    assert empty.survey().subjects == 2
    assert _groups(empty) == {frozenset({"mrn|100", "mrn|C-9"}), frozenset({"mrn|200"})}


def test_a_merge_message_makes_one_person_and_a_moved_account_does_not(empty):
    empty.put("hl7v2", "a.hl7", _adt("100^^^H^MR", event="A40", merge="101") + _adt("200^^^H^MR", event="A44", merge="201"))
    empty.survey()
    assert frozenset({"mrn|100", "mrn|101"}) in _groups(empty)
    assert frozenset({"mrn|200"}) in _groups(empty)
    assert frozenset({"mrn|201"}) in _groups(empty)


def test_a_shared_social_security_number_links_nobody(empty):
    empty.put("hl7v2", "a.hl7", _adt("100^^^H^MR~999-99-9999^^^SSA^SS") + _adt("200^^^H^MR~999-99-9999^^^SSA^SS"))
    assert empty.survey().subjects == 2


def test_linked_patients_and_their_identifiers_are_one_person(empty):
    link = [{"type": "replaced-by", "other": {"reference": "Patient/b"}}]
    rows = ({"id": "a", "identifier": [{"value": "100"}], "link": link}, {"id": "b", "identifier": [{"value": "101"}]}, {"id": "c"})
    empty.put("fhir", "Patient.ndjson", _patients(*rows))
    assert empty.survey().subjects == 2
    assert frozenset({"fhir:fhir|a", "fhir:fhir|b", "mrn|100", "mrn|101"}) in _groups(empty)


def test_a_record_replaced_by_another_is_merged_and_its_references_follow(empty):
    link = [{"type": "replaced-by", "other": {"reference": "Patient/b"}}]
    file = empty.put("fhir", "Patient.ndjson", _patients({"id": "a", "link": link}, {"id": "b", "gender": "male"}))
    empty.survey()
    done = empty.transform(file)
    assert (done.tally.read, done.tally.written, sum(done.tally.merged.values())) == (2, 1, 1)
    assert done.tally.reconciles


def test_the_same_patient_id_on_two_servers_is_two_people_unless_declared(empty):
    empty.put("fhir", "one.ndjson", _patients({"id": "1"}), source="east")
    empty.put("fhir", "two.ndjson", _patients({"id": "1"}), source="west")
    assert empty.survey().subjects == 2
    other = Keyring.create(empty.root / "other", seed=b"o", made=True)
    assert survey(empty.files, other, authorities={"fhir:west": "fhir:east"}).subjects == 1


def test_declared_authorities_keep_equal_numbers_of_two_hospitals_apart(empty):
    empty.put("hl7v2", "a.hl7", _adt("100^^^EAST^MR") + _adt("100^^^WEST^MR"))
    assert empty.survey().subjects == 1
    other = Keyring.create(empty.root / "other", seed=b"o", made=True)
    assert survey(empty.files, other, authorities={"EAST": "east", "WEST": "west"}).subjects == 2


def test_codes_are_reproducible_and_outlive_later_surveys(empty):
    first = empty.put("hl7v2", "b.hl7", _adt("100^^^H^MR") + _adt("200^^^H^MR"))
    empty.survey()
    codes = {key: one.code for one in empty.keyring.map.subjects for key in one.keys}
    twin = Keyring.create(empty.root / "twin", seed=b"canary", made=True)
    survey([first], twin, timezones={"hl7v2": ZONE})
    assert {key: one.code for one in twin.map.subjects for key in one.keys} == codes
    empty.put("hl7v2", "a.hl7", _adt("050^^^H^MR"))
    again = empty.survey()
    later = {key: one.code for one in Keyring.open(empty.keyring.path).map.subjects for key in one.keys}
    assert (again.new, later["mrn|100"], later["mrn|200"]) == (1, codes["mrn|100"], codes["mrn|200"])


def test_a_sealed_code_is_not_derived_from_the_number_and_a_keyed_one_is(empty):
    def codes(naming: str, number: str) -> int:
        ring = Keyring.create(empty.root / f"{naming}{number}", naming=naming, seed=b"s", made=True)
        survey([empty.put("hl7v2", "a.hl7", _adt(f"{number}^^^H^MR"))], ring)
        return ring.map.subjects[0].code

    assert codes("sealed", "100") == codes("sealed", "999")
    assert codes("keyed", "100") != codes("keyed", "999")


def test_sites_that_met_merged_people_in_another_order_agree_on_their_keyed_code(empty):
    """One site knows 900 first and learns of 100 later, one the other way round, one meets both at once."""

    def code(site: str, *messages: bytes) -> int:
        ring = Keyring.create(empty.root / site, naming="keyed", seed=b"s", made=True)
        for number in range(len(messages)):
            survey([empty.put("hl7v2", f"{site}{one}.hl7", messages[one]) for one in range(number + 1)], ring)
        (subject,) = ring.map.subjects
        assert ring.map.find(Key("mrn", "900")) is ring.map.find(Key("mrn", "100"))
        assert subject.code not in subject.former
        return subject.code

    merge = _adt("100^^^H^MR", event="A40", merge="900")
    orders = [(_adt("900^^^H^MR"), _adt("100^^^H^MR"), merge), (_adt("100^^^H^MR"), merge), (merge,), (_adt("900^^^H^MR"), merge)]
    codes = {code(f"site{at}", *messages) for at, messages in enumerate(orders)}
    assert len(codes) == 1


def test_a_person_who_turns_out_to_have_a_smaller_key_bears_another_keyed_name_and_the_old_one_is_remembered(empty):
    ring = Keyring.create(empty.root / "keyed", naming="keyed", seed=b"s", made=True)
    first = empty.put("hl7v2", "a.hl7", _adt("900^^^H^MR"))
    survey([first], ring)
    before = ring.map.subjects[0].code
    found = survey([first, empty.put("hl7v2", "b.hl7", _adt("100^^^H^MR", event="A40", merge="900"))], ring)
    (subject,) = ring.map.subjects
    assert (found.subjects, found.new, found.merged) == (1, 0, 1)
    assert subject.former == {before}
    assert subject.code != before
    assert ring.map.known(before) is subject.known


def test_people_known_apart_who_turn_out_one_keep_the_first_code(empty):
    empty.put("hl7v2", "a.hl7", _adt("100^^^H^MR") + _adt("101^^^H^MR"))
    empty.survey()
    first, second = (one.code for one in empty.keyring.map.subjects)
    empty.put("hl7v2", "b.hl7", _adt("100^^^H^MR", event="A40", merge="101"))
    assert empty.survey().merged == 1
    subject = empty.keyring.map.subjects[0]
    assert (subject.code, subject.former) == (first, {second})
    assert empty.keyring.map.known(second) is subject.known


def test_everything_the_structure_knows_is_gathered(hospital):
    known = hospital.keyring.map.subjects[0].known
    assert {name.family for name in known.names} == {"Quillfeather"}
    assert "1932-05-17" in known.births
    assert "912-04-4321" in known.ssns
    assert "zeb@quill.example" in known.emails
    assert {"70707071", "70707072"} <= known.records
    assert "V7700011122" in known.numbers
    assert "14 Kestrel Mews" in known.streets
    assert "10301" in known.zips
    assert {name.family for name in hospital.keyring.map.clinicians.names} == {"Vandersnoot"}


def test_records_that_break_are_counted_and_skipped(empty):
    empty.put("fhir", "x.ndjson", _patients({"id": "a"}) + b"not json\n")
    result = empty.survey()
    assert (result.subjects, result.unreadable) == (1, {"fhir": 1})


def test_surveying_the_same_files_again_changes_nothing(hospital):
    first = hospital.keyring.map.encode()
    sealed = hospital.keyring.path.with_name("k.keyring.map").read_bytes()
    hospital.survey()
    assert hospital.keyring.map.encode() == first
    assert hospital.keyring.path.with_name("k.keyring.map").read_bytes() == sealed
