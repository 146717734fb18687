"""What is broken on purpose is broken, counted, and nothing else is."""

from __future__ import annotations

import json

import pydicom
import pytest
from tests.demo.made_hospital import Hospital

from bedside.core.errors import Malformed
from bedside.formats import hl7v2, notes


def test_two_fhir_lines_are_no_json(small: Hospital) -> None:
    bad = 0
    for path in (small.folder / "raw" / "fhir").iterdir():
        for line in path.read_bytes().splitlines():
            try:
                json.loads(line)
            except ValueError:
                bad += 1
    assert bad == small.made.broken["fhir"]


def test_two_messages_do_not_parse_and_one_comes_twice(small: Hospital) -> None:
    files = sorted((small.folder / "raw" / "hl7v2").iterdir())
    found = [piece.raw for path in files for piece in hl7v2.pieces(path.read_bytes())]
    assert sum(not _parses(raw) for raw in found) == small.made.broken["hl7v2"]
    assert len(found) - len(set(found)) == small.made.duplicates


def _parses(raw: bytes) -> bool:
    try:
        hl7v2.Message.parse(raw, where="message")
    except Malformed:
        return False
    return True


def test_a_row_is_short_a_date_is_none_and_a_unit_is_strange(small: Hospital) -> None:
    text = (small.folder / "raw" / "tables" / "labs.csv").read_text().splitlines()
    assert sum(line.count(",") < 12 for line in text) == 1
    assert sum("2026-02-31" in line for line in text) == 1
    assert sum("drops/bucket" in line for line in text) == 1


def test_one_note_is_not_utf8(small: Hospital) -> None:
    with pytest.raises(Malformed):
        notes.parse((small.folder / "raw" / "notes" / "unreadable.txt").read_bytes(), where="note")


def test_one_image_is_cut_off(small: Hospital) -> None:
    data = (small.folder / "raw" / "dicom" / "cut-off.dcm").read_bytes()
    assert data[128:132] == b"DICM"
    with pytest.raises((EOFError, OSError, AttributeError, KeyError, pydicom.errors.InvalidDicomError)):
        pydicom.dcmread(small.folder / "raw" / "dicom" / "cut-off.dcm").PatientID  # noqa: B018 - reading it is the test
