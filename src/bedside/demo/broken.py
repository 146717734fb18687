"""Records broken on purpose, so that a quarantine has something to show; each is counted.

In        the open folders and the first persons
Out       bad lines, messages, rows and files among the good ones; counts a kind of source
"""

from __future__ import annotations

from pathlib import Path

from bedside.demo.as_fhir import FhirFolder
from bedside.demo.as_hl7v2 import Hl7Folder
from bedside.demo.as_tables import TableFolder, as_line, lab_rows
from bedside.demo.records import Person
from bedside.demo.vocabulary import MADE, MADE_COLUMN


def plant(person: Person, fhir: FhirFolder, hl7: Hl7Folder, tables: TableFolder, notes: Path, dicom: Path) -> dict[str, int]:
    """Plant one of each kind; how many records of each source must be quarantined."""
    _fhir(fhir, person)
    _tables(tables, person)
    head = f"Patient-ID: {person.who.mrn}\nDate: 2026-01-09 08:00:00\nType: 11506-3 Progress note\n\n"
    (notes / "unreadable.txt").write_bytes(head.encode() + b"Temp\xe9rature stable. \xff\xfe " + MADE.encode() + b"\n")
    (dicom / "cut-off.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00\xc8\x00\x00\x00" + MADE.encode())
    return {"fhir": 2, "hl7v2": _messages(hl7), "tables": 2, "notes": 1, "dicom": 1}


def _fhir(folder: FhirFolder, person: Person) -> None:
    cut = '{"resourceType":"Observation","meta":{"tag":[{"code":"HTEST"}]},"subject":{"reference":"Patient/' + person.who.fhir_id
    folder.write_raw("Observation", cut.encode())
    folder.write_raw("Condition", b"<Condition><!-- " + MADE.encode() + b" --></Condition>")


def _messages(folder: Hl7Folder) -> int:
    """Segments with other delimiters than their MSH, one message cut off, and one sent twice (which is no defect)."""
    whole = folder.first["oru"]
    head, _, rest = whole.partition(b"\r")
    folder.write_raw("oru", head + b"\r" + rest.replace(b"|", b"#"))
    folder.write_raw("adt", folder.first["adt"].partition(b"\r")[0] + b"\rZMD|" + MADE.encode() + b"\rPI")
    folder.write_raw("oru", whole)
    return 2


def _tables(folder: TableFolder, person: Person) -> None:
    stay = next(stay for stay in person.stays if stay.draws)
    row = lab_rows(person, stay)[0]
    folder.write_raw("labs", f"{row[0]},{row[1]},{MADE_COLUMN}")
    folder.write_raw("labs", as_line([*row[:3], "2026-02-31 09:00:00", *row[4:]]))
    folder.write_raw("labs", as_line([*row[:8], "drops/bucket", *row[9:]]))
