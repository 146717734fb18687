"""A made hospital on disk: the same patients in five formats, and a study.toml that is ready to run.

In        how many patients, and a seed; nothing else: no clock, no network
Out       <out>/raw/{fhir,hl7v2,tables,dicom,notes}/, <out>/study.toml, and what was made in a `Made`
Elsewhere courses: `courses.py`; deteriorations: `drift.py`; identities: `people.py`; one file a format: `as_*.py`
"""

from __future__ import annotations

from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import msgspec

from bedside.core.errors import Misconfigured, Refused
from bedside.core.progress import track
from bedside.demo import as_dicom, as_notes, broken
from bedside.demo.as_fhir import FhirFolder
from bedside.demo.as_hl7v2 import Hl7Folder
from bedside.demo.as_tables import TableFolder
from bedside.demo.casting import FEWEST, SMALL, cast
from bedside.demo.courses import DEFAULT_SEED
from bedside.demo.records import Person

_FEW = (f"# A small hospital: patients who deteriorate were preferred until {FEWEST} did, so that its rate of outcomes is made as well,\n"
        "# and its figures show how a report reads, nothing more.")  # fmt: skip
FORMATS = ("fhir", "hl7v2", "tables", "dicom", "notes")


class Made(msgspec.Struct, frozen=True):
    """What was made.

    broken       records that must be quarantined, by format
    burnt        of `images`, those with a name burnt into the pixels
    duplicates   messages sent twice
    """

    patients: int
    stays: int
    deteriorated: int
    deaths: int
    images: int
    burnt: int
    notes: int
    broken: dict[str, int]
    duplicates: int


def write(out: Path, *, patients: int | None = None, seed: int = DEFAULT_SEED) -> Made:
    """Make the hospital in `out`; the same arguments give the same bytes.

    patients   all that are shipped when None; fewer with the default seed: a subset of them
    Raises `Refused` when `out` holds a raw folder, `Misconfigured` for less than one patient.
    """
    if patients is not None and patients < 1:
        raise Misconfigured("a hospital needs at least one patient", where="patients",
                            do="give a number of 1 or more, or none for all")  # fmt: skip
    if (out / "raw").exists():
        raise Refused("the folder holds raw data already", where=str(out), do="give another folder, or empty it")
    hospital = _Hospital(out / "raw", seed)
    with hospital:
        for person in track(cast(patients, seed), "making patients", total=patients):
            hospital.add(person)
    text = files("bedside.demo").joinpath("study.toml").read_text(encoding="utf-8")
    if patients is not None and patients < SMALL:
        text = text.replace("\n", f"\n{_FEW}\n", 1)
    (out / "study.toml").write_text(text.replace("seed = 1", f"seed = {seed}", 1), encoding="utf-8")
    return hospital.made()


class _Hospital(ExitStack):
    """All open folders, and the counts."""

    def __init__(self, raw: Path, seed: int) -> None:
        super().__init__()
        self.raw, self.seed = raw, seed
        for name in FORMATS:
            (raw / name).mkdir(parents=True)
        self.fhir = self.enter_context(FhirFolder(raw / "fhir"))
        self.hl7 = self.enter_context(Hl7Folder(raw / "hl7v2"))
        self.tables = self.enter_context(TableFolder(raw / "tables", seed))
        self.patients = self.stays = self.deteriorated = self.deaths = self.images = self.burnt = self.notes = 0
        self.broken: dict[str, int] = {}

    def add(self, person: Person) -> None:
        """One person in every format; the first with laboratory results lends the records that are broken on purpose."""
        image = as_dicom.planned(person, self.seed)
        if image is not None:
            as_dicom.add(self.raw / "dicom", person, image)
        self.fhir.add(person, image)
        self.hl7.add(person)
        self.tables.add(person)
        self.notes += as_notes.add(self.raw / "notes", person)
        self._count(person, image is not None)
        if not self.broken and {"adt", "oru"} <= self.hl7.first.keys() and any(stay.draws for stay in person.stays):
            self.broken = broken.plant(person, self.fhir, self.hl7, self.tables, self.raw / "notes", self.raw / "dicom")

    def _count(self, person: Person, pictured: bool) -> None:
        self.patients += 1
        self.stays += sum(stay.kind == "IMP" for stay in person.stays)
        self.deteriorated += person.deteriorated
        self.deaths += person.died is not None
        self.images += pictured
        self.burnt += pictured and as_dicom.burnt(person)

    def made(self) -> Made:
        return Made(self.patients, self.stays, self.deteriorated, self.deaths, self.images, self.burnt, self.notes, self.broken, 1
                    if self.broken else 0)  # fmt: skip
