"""The made hospital as extracts: labs.csv, pharmacy.csv, claims.csv; the column `made` says so in every row.

In        persons, one after another
Out       comma-separated, header line, UTF-8, LF; wall-clock times without offset
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from random import Random
from typing import TextIO

from bedside.demo import people
from bedside.demo.records import Person, Stay
from bedside.demo.times import DAY, clear, day, plain
from bedside.demo.vocabulary import MADE_COLUMN, TESTS

LABS = ("mrn", "encounter", "accession", "collected", "resulted", "loinc", "test_name", "value", "unit", "flag", "comment",
        "performed_by", "made")  # fmt: skip
PHARMACY = ("mrn", "patient_name", "encounter", "order", "rxcui", "drug", "dose", "dose_unit", "route", "frequency", "ordered",
            "dispensed", "prescriber",
            "prescriber_npi", "pharmacy_phone", "made")  # fmt: skip
CLAIMS = ("claim", "member_id", "mrn", "patient_name", "birth_date", "sex", "street", "city", "state", "zip", "phone", "payer",
          "encounter", "service_from",
          "service_to", "filed", "icd10_1", "icd10_2", "icd10_3", "icd10_4", "cpt_1", "cpt_2", "charge_usd", "provider",
          "provider_npi", "made")  # fmt: skip
_HEADERS = {"labs": LABS, "pharmacy": PHARMACY, "claims": CLAIMS}


class TableFolder:
    """The three open extracts; use as a context."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.seed = seed
        self._files: dict[str, TextIO] = {name: (folder / f"{name}.csv").open("w", newline="", encoding="utf-8")
                                          for name in _HEADERS}  # fmt: skip
        self._writers = {name: csv.writer(stream, lineterminator="\n") for name, stream in self._files.items()}

    def __enter__(self) -> TableFolder:
        for name, header in _HEADERS.items():
            self._writers[name].writerow(header)
        return self

    def __exit__(self, *problem: object) -> None:
        for stream in self._files.values():
            stream.close()

    def write_raw(self, name: str, line: str) -> None:
        self._files[name].write(line + "\n")

    def add(self, person: Person) -> None:
        for stay in person.stays:
            for row in lab_rows(person, stay):
                self._writers["labs"].writerow(row)
            for row in _pharmacy_rows(person, stay):
                self._writers["pharmacy"].writerow(row)
            self._writers["claims"].writerow(_claim(person, stay, self.seed))


def lab_rows(person: Person, stay: Stay) -> list[list[str]]:
    """One row a result."""
    return [[person.who.mrn, stay.number, draw.accession, plain(draw.at), plain(draw.known), TESTS[result.test].loinc,
             TESTS[result.test].name, result.text,
             TESTS[result.test].unit, result.flag, draw.comment, draw.technician, MADE_COLUMN]
            for draw in stay.draws for result in draw.results]  # fmt: skip


def as_line(row: list[str]) -> str:
    """One row as CSV text, without its line end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue()


def _pharmacy_rows(person: Person, stay: Stay) -> list[list[str]]:
    who, doctor = person.who, stay.doctor
    pharmacist = people.clinicians()["PharmD"][person.index % 3]
    return [[who.mrn, f"{who.family}, {who.given}", stay.number, order.number, order.rxcui or "", order.drug, order.dose,
             order.unit, order.route,
             order.frequency, plain(order.at), plain(order.dispensed), doctor.name, doctor.npi, pharmacist.phone, MADE_COLUMN]
            for order in stay.orders]  # fmt: skip


def _claim(person: Person, stay: Stay, seed: int) -> list[str]:
    who, draw = person.who, Random(f"bedside claim {seed} {stay.number}")
    home, filed = who.address, clear(stay.end + draw.randrange(5, 40) * DAY)
    codes = [code for code, _ in stay.diagnoses] + [code for code, _ in person.chronic]
    icd = (list(dict.fromkeys(codes)) + [""] * 4)[:4]
    cpt = (list(dict.fromkeys(code for _, code in stay.procedures)) + [""] * 2)[:2]
    charge = 140 + draw.randrange(300) if stay.kind != "IMP" else 2400 + (stay.end - stay.start) // 60 * draw.randrange(60, 160)
    return [f"CLM{draw.randrange(10**9):09d}", who.member, who.mrn, f"{who.family}, {who.given}", who.birth_date, who.sex,
            home.street, home.city, home.state,
            home.postal_code, who.phone, who.payer, stay.number, day(stay.start), day(stay.end), day(filed), *icd, *cpt,
            f"{charge}.00", stay.doctor.name,
            stay.doctor.npi, MADE_COLUMN]  # fmt: skip
