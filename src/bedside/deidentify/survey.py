"""Pass one: read every raw file, find out who is who, and what the structure knows of each, into the patient map.

In        raw files in a fixed order, the keyring (its map may hold earlier surveys), mappings of tables, zones, authorities
Out       the keyring's map, saved; a `SurveyResult` of counts
Identity  two numbers are one person when one record gives both (identifiers of a Patient, repetitions of PID-3), when a Patient
          links another, or when a merge message (A40 and its like) says so. SSN and insurance numbers link nobody: they are shared.
          Without declared authorities all medical record numbers are of one hospital.
Codes     sealed: of new people in order of first appearance; people known before keep theirs; when two known people turn out to
          be one, the lower running number stays. Keyed: of a person's smallest key, whatever came first, so that all sites agree.
          A code that a person no longer bears is remembered.
Skips     records that cannot be parsed: the transform quarantines them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bedside.core.ids import keyed
from bedside.deidentify.collect import Collector, People
from bedside.deidentify.patients import KnownIdentifiers, MapState, PatientMap, Subject, earliest
from bedside.formats.files import RawFile

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

_BITS = 60


class SurveyResult(msgspec.Struct, frozen=True):
    """What the survey found, in counts.

    merged      people of earlier surveys that turned out to be another one, and so bear another name now
    conflicts   people whose records give more than one birth date: worth a look by those who know the source
    """

    subjects: int
    new: int
    merged: int
    linked: int
    conflicts: int
    staff: int
    records: dict[str, int]
    unreadable: dict[str, int]


def survey(
    files: Sequence[RawFile],
    keyring: Keyring,
    *,
    mappings: Mapping[str, dict[str, Any]] | None = None,
    timezones: Mapping[str, str | None] | None = None,
    authorities: Mapping[str, str] | None = None,
) -> SurveyResult:
    """Survey files into the keyring's map and save it.

    authorities   what a sender writes (PID-3.4, Identifier.system, "source:<name>", "fhir:<source>") -> whose numbers they are
    """
    before = keyring.map
    known = PatientMap(
        msgspec.structs.replace(
            before.state, authorities=dict(authorities) if authorities is not None else before.state.authorities
        )
    )
    people = People(known)
    for subject in known.subjects:
        handle = people.see(sorted(subject.keys))
        if handle is not None:
            people.facts[handle] = msgspec.msgpack.decode(msgspec.msgpack.encode(subject), type=Subject)
    records, unreadable = dict[str, int](), dict[str, int]()
    for file in files:
        reader = Collector(file, people, keyring, (timezones or {}).get(file.source), (mappings or {}).get(file.source))
        reader.read()
        records[file.source] = records.get(file.source, 0) + reader.records
        unreadable[file.source] = unreadable.get(file.source, 0) + reader.unreadable
    return _settle(people, keyring, known, records, unreadable)


def _settle(
    people: People, keyring: Keyring, known: PatientMap, records: dict[str, int], unreadable: dict[str, int]
) -> SurveyResult:
    """Give every person a code, and make the next map."""
    number, subjects, merged, linked = known.state.next_number, list[Subject](), 0, 0
    for keys in people.groups().values():
        facts = [people.facts[key] for key in keys if key in people.facts]
        old = sorted((one for one in facts if one.number >= 0), key=lambda one: one.number)
        subject = _whole(facts, set(keys))
        subject.number = old[0].number if old else number
        number += not old
        subject.code = old[0].code if old and keyring.naming == "sealed" else _code(keyring, subject.number, keys)
        gone = {one.code for one in old} - {subject.code}
        subject.former = (subject.former | gone) - {subject.code}
        merged, linked = merged + len(gone), linked + (len(keys) > 1)
        subjects.append(subject)
    staff = msgspec.msgpack.decode(msgspec.msgpack.encode(known.clinicians), type=KnownIdentifiers)
    staff.add(people.staff)
    keyring.map = PatientMap(
        MapState(
            authorities=known.state.authorities,
            subjects=sorted(subjects, key=lambda one: one.number),
            clinicians=staff,
            encounter_years=people.years,
            owners=people.owners,
            next_number=number,
        )
    )
    keyring.save()
    conflicts = sum(len({birth[:10] for birth in one.known.births}) > 1 for one in subjects)
    return SurveyResult(
        len(subjects), number - known.state.next_number, merged, linked, conflicts, len(staff.names), records, unreadable
    )


def _whole(facts: Iterable[Subject], keys: set[str]) -> Subject:
    whole = Subject(-1, -1, keys=keys)
    for one in facts:
        whole.known.add(one.known)
        whole.saw(one.first_us, one.last_us)
        whole.encounter_us = earliest(whole.encounter_us, one.encounter_us)
        whole.former |= one.former
    return whole


def _code(keyring: Keyring, number: int, keys: list[str]) -> int:
    """Sealed: drawn from the running number, and so from nothing of the person. Keyed: from their first number in sorted order."""
    said = ("sealed", str(number)) if keyring.naming == "sealed" else ("keyed", min(keys))
    return int.from_bytes(keyed(keyring.code_key, *said)[:8], "big") >> (64 - _BITS)
