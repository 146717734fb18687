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

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bedside.core.errors import Malformed
from bedside.deidentify.collect import Collector, People
from bedside.deidentify.patients import Key, KnownIdentifiers, MapState, PatientMap, Subject, earliest
from bedside.formats.chunks import Chunk, chunks
from bedside.formats.files import RawFile

if TYPE_CHECKING:
    from bedside.deidentify.keyring import Keyring

KNOWN = "files"  # the source that a list of known people speaks for: all raw files of one delivery


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


Known = Sequence[tuple[str | None, KnownIdentifiers]]


def survey(
    files: Sequence[RawFile],
    keyring: Keyring,
    *,
    mappings: Mapping[str, dict[str, Any]] | None = None,
    timezones: Mapping[str, str | None] | None = None,
    authorities: Mapping[str, str] | None = None,
    known: Known = (),
) -> SurveyResult:
    """Survey files into the keyring's map and save it.

    authorities   what a sender writes (PID-3.4, Identifier.system, "source:<name>", "fhir:<source>") -> whose numbers they are
    known         people known from elsewhere, with the number that their records are under
    """
    base = begin(keyring, authorities)
    parts = (collect(chunk, base, keyring, mappings or {}, timezones or {}) for file in files for chunk in parts_of(file))
    return settle(parts, keyring, base, known)


class Part(NamedTuple):
    """What one part of a file told."""

    source: str
    people: People
    records: int
    unreadable: int


def begin(keyring: Keyring, authorities: Mapping[str, str] | None = None) -> PatientMap:
    """The map that a survey goes out from: the keyring's, with the authorities of this survey."""
    before = keyring.map.state
    return PatientMap(msgspec.structs.replace(before, authorities=dict(authorities) if authorities is not None else before.authorities))


def parts_of(file: RawFile) -> Iterator[Chunk]:
    """The parts of a file as far as they can be read; the transform counts what cannot."""
    try:
        yield from chunks(file)
    except (Malformed, OSError):
        return


def collect(
    chunk: Chunk, base: PatientMap, keyring: Keyring, mappings: Mapping[str, dict[str, Any]], timezones: Mapping[str, str | None],
    *, nobody: bool = False,
) -> Part:  # fmt: skip
    """What one part of a file tells of people. Pure: parts may be read in any place, and are joined in the order of the files.

    nobody   an instance need not say whose it is
    """
    people = People(PatientMap(MapState(authorities=base.state.authorities)), empty=True)
    reader = Collector(chunk, people, keyring, timezones.get(chunk.source), mappings.get(chunk.source), nobody=nobody)
    if chunk.too_large:
        reader.unreadable = 1
    else:
        reader.read()
    return Part(chunk.source, people, reader.records, reader.unreadable)


def settle(parts: Iterable[Part], keyring: Keyring, base: PatientMap, known: Known = ()) -> SurveyResult:
    """Join the parts in order, give everyone a code, and save the next map."""
    people = People(base)
    for subject in base.subjects:
        handle = people.see(sorted(subject.keys))
        if handle is not None:
            people.facts[handle] = msgspec.msgpack.decode(msgspec.msgpack.encode(subject), type=Subject)
    _take_in(known, people, base)
    records, unreadable = Counter[str](), Counter[str]()
    for part in parts:
        people.join(part.people)
        records[part.source] += part.records
        unreadable[part.source] += part.unreadable
    return _settle(people, keyring, base, dict(records), dict(unreadable))


def _take_in(known: Known, people: People, base: PatientMap) -> None:
    """People known from elsewhere: under the number of their record, and under their medical record numbers."""
    for at, (subject, identifiers) in enumerate(known):
        numbers = dict.fromkeys([*([subject] if subject else []), *sorted(identifiers.records)])
        keys = [base.record_key(number, source=KNOWN) for number in numbers]
        keys += [base.fhir_key(subject, source=KNOWN)] if subject else []
        people.of(people.see(keys or [Key(KNOWN, str(at))]) or "").known.add(identifiers)


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
        subject.code = old[0].code if old and keyring.naming == "sealed" else keyring.code_of(subject.number, keys)
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
            rotations=known.state.rotations,
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
