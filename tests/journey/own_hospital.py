"""A small hospital that is nobody's format: three CSV tables with their own column names, and the same patients as FHIR NDJSON."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from bedside.study.new import new

PATIENTS = 60

MAPPING = """schema = "bedside.mapping/1"
name = "our-hospital"

[tables.persons]
files = ["persons.csv"]
subject = "PatNo"
roles = { PatNo = "subject", Surname = "family", Born = "birth_date", Gender = "keep" }
[[tables.persons.events]]
code = "MEDS_BIRTH"
time = "Born"
[[tables.persons.events]]
code = "SEX//{Gender|sex}"
static = true

[tables.stays]
files = ["stays.csv"]
subject = "PatNo"
encounter = "StayNo"
roles = { PatNo = "subject", StayNo = "encounter", In = "datetime", Out = "datetime", ToICU = "datetime" }
[[tables.stays.events]]
code = "ENCOUNTER_START//IMP"
time = "In"
[[tables.stays.events]]
code = "ENCOUNTER_END//IMP"
time = "Out"
[[tables.stays.events]]
code = "LOCATION//ICU"
time = "ToICU"

[tables.vitals]
files = ["vitals.csv"]
subject = "PatNo"
encounter = "StayNo"
roles = { PatNo = "subject", StayNo = "encounter", At = "datetime", Pulse = "keep", Resp = "keep" }
[[tables.vitals.events]]
time = "At"
columns.Pulse = { code = "LOINC//8867-4", ucum = "/min", label = "Heart rate" }
columns.Resp = { code = "LOINC//9279-1", ucum = "/min", label = "Respiratory rate" }
"""


_SOURCE = '[[source]]\nname = "ours"\nformat = "{}"\npath = "raw"\n{}\n'


def csv_study(root: Path) -> Path:
    """The default study, its five sources replaced by these CSV tables and their mapping."""
    _edited(root, _SOURCE.format("tables", 'mapping = "our-mapping.toml"\n'))
    write_csv(root / "raw")
    (root / "our-mapping.toml").write_text(MAPPING)
    return root


def fhir_study(root: Path) -> Path:
    """The default study, its five sources replaced by the same patients as FHIR."""
    _edited(root, _SOURCE.format("fhir", ""))
    write_fhir(root / "raw")
    return root


def _edited(root: Path, source: str) -> None:
    path = new(root).root / "study.toml"
    head, _, rest = path.read_text().partition("[[source]]")
    path.write_text(head + source + "[deidentify]" + rest.partition("[deidentify]")[2])


class Stay(NamedTuple):
    patient: str
    stay: str
    surname: str
    born: str
    gender: str
    start: datetime
    end: datetime
    icu: datetime | None
    vitals: list[tuple[datetime, int, int]]


def stays(seed: int = 5) -> list[Stay]:
    """Sixty stays; every third patient breathes faster and faster until intensive care."""
    source = random.Random(seed)
    return [_stay(number, source) for number in range(PATIENTS)]


def _stay(number: int, source: random.Random) -> Stay:
    start = datetime(2024, 3, 4, 8, tzinfo=UTC) + timedelta(hours=7 * number)
    hours = source.randrange(30, 70)
    icu = start + timedelta(hours=source.randrange(20, hours - 4)) if number % 3 == 0 else None
    vitals = []
    for hour in range(0, hours, 2):
        at = start + timedelta(hours=hour)
        worse = max(0, 12 - (icu - at) // timedelta(hours=1)) if icu and at < icu else 0
        vitals.append((at, source.randrange(65, 95) + 3 * worse, source.randrange(12, 20) + worse))
    born = f"{source.randrange(1940, 1990)}-0{source.randrange(1, 10)}-1{source.randrange(10)}"
    return Stay(f"90{number:04d}", f"S{number:05d}", f"Quimby{number:02d}", born, source.choice("MF"), start, start + timedelta(hours=hours), icu, vitals)


def write_csv(folder: Path) -> None:
    told = stays()
    folder.mkdir(parents=True)
    _table(folder / "persons.csv", ["PatNo", "Surname", "Born", "Gender"], [[s.patient, s.surname, s.born, s.gender] for s in told])
    _table(folder / "stays.csv", ["PatNo", "StayNo", "In", "Out", "ToICU"], [[s.patient, s.stay, _local(s.start), _local(s.end), _local(s.icu)] for s in told])
    _table(folder / "vitals.csv", ["PatNo", "StayNo", "At", "Pulse", "Resp"],
           [[s.patient, s.stay, _local(at), pulse, resp] for s in told for at, pulse, resp in s.vitals])  # fmt: skip


def _local(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M") if at else ""


def _table(path: Path, head: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])


def write_fhir(folder: Path) -> None:
    folder.mkdir(parents=True)
    told = stays()
    _ndjson(folder / "Patient.ndjson", [_patient(s) for s in told])
    _ndjson(folder / "Encounter.ndjson", [_encounter(s) for s in told])
    _ndjson(folder / "Observation.ndjson", [one for s in told for one in _observations(s)])


def _ndjson(path: Path, resources: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in resources))


def _patient(s: Stay) -> dict[str, object]:
    return {"resourceType": "Patient", "id": f"p{s.patient}", "identifier": [{"system": "urn:our:mrn", "value": s.patient}],
            "name": [{"family": s.surname}], "gender": {"M": "male", "F": "female"}[s.gender], "birthDate": s.born}  # fmt: skip


def _encounter(s: Stay) -> dict[str, object]:
    ward = {"location": {"display": "Ward 3"}, "period": {"start": s.start.isoformat(), "end": (s.icu or s.end).isoformat()}}
    unit = {"location": {"display": "Medical ICU"}, "period": {"start": s.icu.isoformat(), "end": s.end.isoformat()}} if s.icu else None
    return {"resourceType": "Encounter", "id": f"e{s.stay}", "status": "finished", "subject": {"reference": f"Patient/p{s.patient}"},
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "period": {"start": s.start.isoformat(), "end": s.end.isoformat()}, "location": [ward, *([unit] if unit else [])]}  # fmt: skip


def _observations(s: Stay) -> list[dict[str, object]]:
    return [
        {"resourceType": "Observation", "id": f"o{s.stay}-{number}-{code}", "status": "final", "subject": {"reference": f"Patient/p{s.patient}"},
         "encounter": {"reference": f"Encounter/e{s.stay}"}, "effectiveDateTime": at.isoformat(), "issued": at.isoformat(),
         "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
         "valueQuantity": {"value": value, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}}
        for number, (at, pulse, resp) in enumerate(s.vitals) for code, value in (("8867-4", pulse), ("9279-1", resp))
    ]  # fmt: skip
