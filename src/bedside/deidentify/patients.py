"""The patient map: who is who over all sources, and what is known of each. It lives encrypted, or in memory.

A subject is found by (authority, value): the medical record number of a hospital, the Patient.id of a FHIR server.
What the structure knows of a subject (names, phones, numbers) is kept so that text must not tell it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec

from bedside.core.time import wall_time
from bedside.deidentify.folding import fold, written_out

SCHEMA_NAME = "bedside.patient-map/1"
RECORD_AUTHORITY = "mrn"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


class Key(NamedTuple):
    """One identifier: whose number it is, and the number."""

    authority: str
    value: str

    @property
    def text(self) -> str:
        return f"{self.authority}|{self.value}"


class Name(msgspec.Struct, frozen=True, order=True):
    """A person's name as the structure gave it: given names in order, then the family name."""

    given: tuple[str, ...]
    family: str

    def writings(self) -> set[Name]:
        """The name without marks, in both habits: Müller as Muller and as Mueller."""
        return {
            Name(tuple(fold(habit(part)) for part in self.given), fold(habit(self.family))) for habit in (str, written_out)
        }


class KnownIdentifiers(msgspec.Struct):
    """What the structured records of one person tell, in the sender's writing."""

    names: set[Name] = msgspec.field(default_factory=set)
    births: set[str] = msgspec.field(default_factory=set)
    records: set[str] = msgspec.field(default_factory=set)
    numbers: set[str] = msgspec.field(default_factory=set)
    phones: set[str] = msgspec.field(default_factory=set)
    emails: set[str] = msgspec.field(default_factory=set)
    ssns: set[str] = msgspec.field(default_factory=set)
    streets: set[str] = msgspec.field(default_factory=set)
    cities: set[str] = msgspec.field(default_factory=set)
    zips: set[str] = msgspec.field(default_factory=set)

    def add(self, other: KnownIdentifiers) -> None:
        """Take in what another record of the same person tells."""
        for name in self.__struct_fields__:
            getattr(self, name).update(getattr(other, name))

    def note(self, kind: str, value: str | None) -> None:
        """One more value of a kind; blanks tell nothing."""
        text = (value or "").strip()
        if text:
            getattr(self, kind).add(text)

    def name(self, given: Iterable[str], family: str | None) -> None:
        """One more name of the person."""
        first = tuple(part.strip() for part in given if part and part.strip())
        last = (family or "").strip()
        if first or last:
            self.names.add(Name(first, last))


class Subject(msgspec.Struct):
    """One person: running number of first appearance, code (60 bits), keys, and what is known."""

    number: int
    code: int
    keys: set[str] = msgspec.field(default_factory=set)
    known: KnownIdentifiers = msgspec.field(default_factory=KnownIdentifiers)
    first_us: int | None = None
    last_us: int | None = None
    encounter_us: int | None = None
    former: set[int] = msgspec.field(default_factory=set)

    def saw(self, first: int | None, last: int | None) -> None:
        """Widen the span of this subject's events."""
        self.first_us = earliest(self.first_us, first)
        self.last_us = latest(self.last_us, last)


class Rotation(msgspec.Struct, frozen=True):
    """What is kept of a secret that was replaced: its keyring's public name and key, when, old names to new, and the key of encrypted folders."""

    keyring: str
    public_key: str
    time: str
    names: dict[str, str]
    rest_key: bytes


class MapState(msgspec.Struct):
    schema: str = SCHEMA_NAME
    authorities: dict[str, str] = msgspec.field(default_factory=dict)
    subjects: list[Subject] = msgspec.field(default_factory=list)
    clinicians: KnownIdentifiers = msgspec.field(default_factory=KnownIdentifiers)
    encounter_years: dict[str, int] = msgspec.field(default_factory=dict)
    owners: dict[str, str] = msgspec.field(default_factory=dict)
    next_number: int = 0
    rotations: list[Rotation] = msgspec.field(default_factory=list)


class PatientMap:
    """Look-ups over the surveyed people. Frozen between surveys: `survey` makes the next one."""

    def __init__(self, state: MapState | None = None) -> None:
        self.state = state or MapState()
        self.memo: dict[object, object] = {}  # what others derive from a frozen map, compiled once

    @classmethod
    def decode(cls, plain: bytes) -> PatientMap:
        return cls(msgspec.msgpack.decode(plain, type=MapState))

    def encode(self) -> bytes:
        """Bytes of the map, the same for the same content."""
        return _ENCODER.encode(self.state)

    @property
    def subjects(self) -> list[Subject]:
        return self.state.subjects

    @property
    def clinicians(self) -> KnownIdentifiers:
        return self.state.clinicians

    @cached_property
    def _by_key(self) -> dict[str, Subject]:
        return {key: subject for subject in self.subjects for key in subject.keys}

    @cached_property
    def _by_code(self) -> dict[int, Subject]:
        codes = {code: subject for subject in self.subjects for code in subject.former}
        return codes | {subject.code: subject for subject in self.subjects}

    @cached_property
    def name_tokens(self) -> frozenset[str]:
        """Every part of every surveyed name, patients' and staff's, casefolded."""
        people = [subject.known for subject in self.subjects] + [self.clinicians]
        names = (name for known in people for name in known.names)
        said = (text for name in names for one in name.writings() for text in (*one.given, one.family))
        return frozenset(part for text in said for part in words(text) if len(part) > 1)

    @cached_property
    def tokens(self) -> frozenset[str]:
        """Every word of every name, street, city and address of mail in the map."""
        people = [subject.known for subject in self.subjects] + [self.clinicians]
        texts = (text for known in people for values in (known.streets, known.cities, known.emails) for text in values)
        return self.name_tokens | frozenset(word for text in texts for word in words(text))

    def find(self, key: Key) -> Subject | None:
        """The subject of an identifier, None when the survey has not seen it."""
        return self._by_key.get(key.text)

    def owner(self, document: str) -> Subject | None:
        """The subject of a FHIR Binary that another resource attached to them."""
        key = self.state.owners.get(document)
        return self._by_key.get(key) if key else None

    def known(self, subject_id: int) -> KnownIdentifiers | None:
        subject = self._by_code.get(subject_id)
        return subject.known if subject else None

    def true_year(self, subject_id: int, encounter: str | None = None) -> int | None:
        """Calendar year, unshifted, in which an encounter (by its pseudonym) or the subject's first encounter began.

        Falls back to the first event of any kind; None for a subject without any.
        """
        if encounter is not None and encounter in self.state.encounter_years:
            return self.state.encounter_years[encounter]
        subject = self._by_code.get(subject_id)
        if subject is None:
            return None
        start = subject.encounter_us if subject.encounter_us is not None else subject.first_us
        return None if start is None else wall_time(start).year

    def record_key(self, value: str, *, source: str, stated: str | None = None) -> Key:
        """Key of a medical record number. Without declared authorities a study is one hospital with one numbering.

        stated   the authority as the sender wrote it: PID-3.4, Identifier.system, IssuerOfPatientID
        """
        declared = self.state.authorities
        return Key(declared.get(stated or "", declared.get(f"source:{source}", RECORD_AUTHORITY)), value.strip())

    def fhir_key(self, patient_id: str, *, source: str) -> Key:
        """Key of a Patient.id: of its server, or of the world when it is a UUID."""
        if _UUID.match(patient_id):
            return Key("uuid", patient_id.lower())
        return Key(self.state.authorities.get(f"fhir:{source}", f"fhir:{source}"), patient_id)

    def __iter__(self) -> Iterator[Subject]:
        return iter(self.subjects)


def words(text: str) -> list[str]:
    """The words of a text, casefolded and without marks.

    >>> words("Anna-Maria O'Neil"), words("Ångström")
    (['anna', 'maria', 'o', 'neil'], ['angstrom'])
    """
    return _WORD.findall(fold(text).casefold())


def earliest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def latest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
