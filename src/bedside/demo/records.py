"""What the made hospital knows before any format is written: patients, stays, rounds, draws, orders, notes.

Times are whole minutes of UTC since 1970; `times.py` turns them into text. Numbers are already rounded as they will be sent,
so that one result has the same digits in every format.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

Kind = Literal["IMP", "EMER", "AMB"]


class Clinician(msgspec.Struct, frozen=True):
    """Somebody who signs. `npi` looks like a National Provider Identifier and is none."""

    id: str
    npi: str
    family: str
    given: str
    credential: str
    phone: str

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}, {self.credential}"


class Address(msgspec.Struct, frozen=True):
    street: str
    city: str
    state: str
    postal_code: str


class Identity(msgspec.Struct, frozen=True):
    """Who a made person is. `merged_mrn` is the number used before two records of the person were merged."""

    fhir_id: str
    mrn: str
    clinic_mrn: str | None
    merged_mrn: str | None
    ssn: str
    member: str
    family: str
    given: str
    middle: str
    sex: Literal["F", "M"]
    birth_date: str
    race: tuple[str, str]
    ethnicity: tuple[str, str]
    marital: str
    phone: str
    mobile: str
    email: str
    address: Address
    new_address: Address | None
    kin_name: str
    kin_phone: str
    payer: str

    @property
    def name(self) -> str:
        return f"{self.given} {self.middle} {self.family}"


class Round(NamedTuple):
    """One round of vital signs as charted; temperature, oxygen and alertness are not written down every time."""

    at: int
    known: int
    heart: int
    breath: int
    saturation: int
    celsius: float | None
    systolic: int
    diastolic: int
    oxygen: float | None
    awake: str | None


class Result(NamedTuple):
    test: str
    text: str
    flag: str


class Draw(msgspec.Struct, frozen=True):
    """One specimen: its accession number, when it was taken, when its results were known, and the results."""

    accession: str
    at: int
    known: int
    results: list[Result]
    comment: str = ""
    technician: str = ""


class Order(msgspec.Struct, frozen=True):
    """One drug order, its dispensing and its administrations."""

    number: str
    drug: str
    rxcui: str | None
    dose: str
    unit: str
    route: str
    frequency: str
    at: int
    start: int
    end: int
    dispensed: int
    given: list[int]


class Move(NamedTuple):
    """A patient in a place from one minute to another."""

    place: str
    bed: str
    start: int
    end: int


class Note(msgspec.Struct, frozen=True):
    """One clinical note: LOINC type, author, body."""

    id: str
    at: int
    known: int
    loinc: str
    title: str
    author: Clinician
    body: str


class Stay(msgspec.Struct):
    """One encounter. `died` and `end` are the same minute when the patient died in it."""

    number: str
    kind: Kind
    start: int
    end: int
    department: str
    complaint: str
    diagnoses: list[tuple[str, str]]
    doctor: Clinician
    moves: list[Move] = []
    died: int | None = None
    rounds: list[Round] = []
    draws: list[Draw] = []
    orders: list[Order] = []
    procedures: list[tuple[int, str]] = []
    notes: list[Note] = []

    @property
    def icu(self) -> int | None:
        """When the patient was first moved to intensive care."""
        return next((move.start for move in self.moves if move.place == "ICU"), None)


class Person(msgspec.Struct):
    """One patient with everything that happened, in order of time."""

    index: int
    who: Identity
    chronic: list[tuple[str, str]]
    stays: list[Stay]

    @property
    def deteriorated(self) -> bool:
        return any(stay.kind == "IMP" and (stay.icu is not None or stay.died is not None) for stay in self.stays)

    @property
    def died(self) -> int | None:
        return next((stay.died for stay in self.stays if stay.died is not None), None)
