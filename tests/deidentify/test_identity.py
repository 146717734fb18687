"""Who is one person: random graphs of links over every kind of record; whoever is connected is one, and nobody else is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.ids import pseudonym
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.patients import Key
from bedside.deidentify.survey import survey
from bedside.formats.files import RawFile

from .conftest import LABS, Hospital, dicom_bytes, note_text, patient

NUMBERS = st.integers(0, 11)
LINKS = st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["pid3", "a40", "fhir", "link"])), max_size=10)
NAMINGS = pytest.mark.parametrize("naming", ["sealed", "keyed"])


def components(links: Sequence[tuple[int, int, str]]) -> set[frozenset[int]]:
    """The connected numbers of a graph, in the plainest way there is."""
    groups: list[set[int]] = []
    for one, other, _ in links:
        met = [group for group in groups if group & {one, other}]
        groups = [group for group in groups if group not in met] + [set.union({one, other}, *met)]
    return {frozenset(group) for group in groups}


def written(link: tuple[int, int, str], at: int) -> tuple[str, bytes]:
    """One link as a record that says it: format, bytes."""
    one, other, how = f"M{link[0]:02d}", f"M{link[1]:02d}", link[2]
    if how in ("pid3", "a40"):
        pid = f"{one}^^^H^MR~{other}^^^H^MR" if how == "pid3" else f"{one}^^^H^MR"
        tail = f"MRG|{other}^^^H^MR\r" if how == "a40" else ""
        return "hl7v2", f"MSH|^~\\&|||||20260113100000||ADT^{'A40' if tail else 'A01'}|c|T|2.5\rPID|1||{pid}\r{tail}".encode()
    if how == "fhir":
        rows = [{"resourceType": "Patient", "id": f"f{at}", "identifier": [{"value": one}, {"value": other}]}]
    else:
        rows = [{"resourceType": "Patient", "id": f"a{at}", "identifier": [{"value": one}], "link": [{"type": "seealso", "other": {"reference": f"Patient/b{at}"}}]},
                {"resourceType": "Patient", "id": f"b{at}", "identifier": [{"value": other}]}]  # fmt: skip
    return "fhir", b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def surveyed(top: Path, links: Sequence[tuple[int, int, str]], ring: Keyring) -> None:
    files, records = [], [written(link, at) for at, link in enumerate(links)]
    for kind, name in (("fhir", "all.ndjson"), ("hl7v2", "all.hl7")):
        (top / name).write_bytes(b"".join(data for format, data in records if format == kind))
        files.append(RawFile(kind, kind, top / name, name, name))  # type: ignore[arg-type]
    survey(files, ring, timezones=dict.fromkeys(("fhir", "hl7v2"), "UTC"))


def people(ring: Keyring) -> dict[frozenset[int], int]:
    """Codes by the record numbers of each person."""
    return {frozenset(int(key[5:]) for key in one.keys if key.startswith("mrn|M")): one.code for one in ring.map}


@NAMINGS
@given(links=LINKS)
@settings(max_examples=30)
def test_two_numbers_are_one_person_exactly_when_records_connect_them(naming, links):
    with tempfile.TemporaryDirectory() as place:
        ring = Keyring.create(Path(place) / "k", naming=naming, seed=b"s", made=True)
        surveyed(Path(place), links, ring)
        found = people(ring)
        assert set(found) == components(links)
        assert len(set(found.values())) == len(found)
        for numbers in found:
            assert len({ring.map.find(Key("mrn", f"M{number:02d}")).code for number in numbers}) == 1


@NAMINGS
@given(links=LINKS)
@settings(max_examples=20)
def test_codes_are_the_same_after_every_further_survey_of_the_same_files(naming, links):
    with tempfile.TemporaryDirectory() as place:
        ring = Keyring.create(Path(place) / "k", naming=naming, seed=b"s", made=True)
        surveyed(Path(place), links, ring)
        first = people(ring)
        again = Keyring.open(Path(place) / "k")
        surveyed(Path(place), links, again)
        assert people(again) == first
        assert all(not one.former for one in again.map)


@NAMINGS
@given(links=LINKS, later=LINKS)
@settings(max_examples=20)
def test_later_files_join_people_and_every_name_that_was_ever_given_still_leads_to_its_person(naming, links, later):
    with tempfile.TemporaryDirectory() as place:
        ring = Keyring.create(Path(place) / "k", naming=naming, seed=b"s", made=True)
        surveyed(Path(place), links, ring)
        first = people(ring)
        surveyed(Path(place), [*links, *later], ring)
        assert set(people(ring)) == components([*links, *later])
        for numbers, code in first.items():
            (now,) = {ring.map.find(Key("mrn", f"M{number:02d}")).code for number in numbers}
            known = ring.map._by_code[code]
            assert known.code == now
            assert code == now or code in known.former


@given(links=LINKS, seed=st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_keyed_names_do_not_depend_on_the_order_in_which_records_came(links, seed):
    shuffled = list(links)
    seed.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as place:
        found = []
        for name, order in (("one", links), ("other", shuffled)):
            (Path(place) / name).mkdir()
            ring = Keyring.create(Path(place) / f"{name}.k", naming="keyed", seed=b"s", made=True)
            surveyed(Path(place) / name, [link for link in order if link[2] in ("pid3", "a40")], ring)  # ids of FHIR files differ with the order
            found.append(people(ring))
        assert found[0] == found[1]


def test_two_patients_of_one_name_and_one_birthday_stay_two(empty):
    same = {"resourceType": "Patient", "name": [{"family": "Brown", "given": ["May"]}], "birthDate": "1970-01-01"}
    rows = [same | {"id": name, "identifier": [{"value": number}]} for name, number in (("a", "100"), ("b", "200"))]
    file = empty.put("fhir", "Patient.ndjson", b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    assert empty.survey().subjects == 2
    done = [json.loads(line)["id"] for line in empty.safe(file).splitlines()]
    assert len(set(done)) == 2


@NAMINGS
def test_the_same_number_in_every_format_is_one_name(tmp_path, naming):
    place = Hospital(tmp_path)
    place.keyring = Keyring.create(tmp_path / "other", naming=naming, seed=b"s", made=True)
    place.put("fhir", "Patient.ndjson", json.dumps(patient()).encode() + b"\n")
    place.put("hl7v2", "adt.hl7", b"MSH|^~\\&|||||20260113100000||ADT^A01|c|T|2.5\rPID|1||70707071^^^H^MR\r")
    place.put("tables", "labs.csv", LABS.replace("70707072", "70707071").encode())
    place.put("dicom", "ct.dcm", dicom_bytes())
    place.put("notes", "one.txt", note_text())
    place.survey()
    (subject,) = place.keyring.map.subjects
    assert all(pseudonym(subject.code).encode() in place.safe(file) for file in place.files)
