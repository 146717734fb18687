"""From a note to the lake and to FHIR: whose fact it is, when it was known, where it stands, and that a denial is never a presence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bedside.core.events import NOT_PRESENT, rows
from bedside.core.ids import subject_number
from bedside.core.time import iso_instant
from bedside.formats.files import RawFile
from bedside.lake.store import Lake, write
from bedside.pillars.text.events import code_of, stating
from bedside.pillars.text.fact import Fact
from bedside.pillars.text.fhir import ASSERTION, DERIVATION, resource
from bedside.pillars.text.rules import RuleExtractor
from bedside.readers.fhir import resource_notes
from bedside.readers.read import read
from bedside.readers.reading import NoteRow

RULES = RuleExtractor()
NOTE = (
    "Patient-ID: P000000000017\nEncounter-ID: E1\nDate: 2026-03-08T10:00:00-05:00\nType: 11506-3 Progress note\n\n"
    "No chest pain. Possible pneumonia. History of stroke. Father had gout. Return if fever.\n"
    "Heart failure. Creatinine 1.4 mg/dL. BP 164/92. Lisinopril 20 mg PO daily. Aspirin was stopped.\n"
)


def note(text: str, **changes: object) -> NoteRow:
    told = {"note_id": "N1", "subject_id": 17, "encounter_id": "E1", "time": 1_000_000, "known_at": 2_000_000, "code": "NOTE//11506-3", "text": text, "source": "k#1"} | changes
    return NoteRow(**told)  # type: ignore[arg-type]


def lake_of(folder: Path, body: str = NOTE) -> Lake:
    (folder / "n.txt").write_text(body, encoding="utf-8")
    file = RawFile("notes", "notes", folder / "n.txt", "n.txt", "n.txt")
    write([read(file, states=stating(RULES))], folder / "lake", name="made", made=True)
    return Lake(folder / "lake")


def resources(text: str) -> dict[str, dict]:
    return {fact.text: told for fact in RULES.extract(text) if (told := resource(fact, note(text), RULES.name)) is not None}


def test_facts_of_a_note_are_events_of_its_patient_at_its_time(tmp_path: Path) -> None:
    lake = lake_of(tmp_path)
    events = [event for event in rows(lake.events()) if not event.code.startswith("NOTE//")]
    assert {(event.subject_id, event.time, event.encounter_id) for event in events} == {
        (subject_number("P000000000017"), iso_instant("2026-03-08T10:00:00-05:00", where="test").us, "E1")}  # fmt: skip
    assert {event.code for event in events} == {
        "ICD10CM//R07.9//negated", "ICD10CM//J18.9//uncertain", "ICD10CM//I63.9//historical", "ICD10CM//M10.9//family", "ICD10CM//R50.9//hypothetical",
        "ICD10CM//I50.9//noted", "LOINC//2160-0//noted", "LOINC//8480-6//noted", "LOINC//8462-4//noted", "RXNORM//29046//noted", "RXNORM//1191//stopped"}  # fmt: skip
    (creatinine,) = [event for event in events if event.code.startswith("LOINC//2160-0")]
    assert (round(creatinine.numeric_value or 0, 3), creatinine.unit, creatinine.lexeme) == (1.4, "mg/dL", "1.4")


def test_an_event_leads_back_to_its_place_in_the_note(tmp_path: Path) -> None:
    lake = lake_of(tmp_path)
    (text,) = lake.notes()["text"]
    for event in rows(lake.events()):
        if "@" in event.source:
            start, end = map(int, event.source.split("@")[1].split("-"))
            assert text[start:end] in lake.facts()["text"].to_list()
    for row in lake.facts().iter_rows(named=True):
        assert text[row["start"] : row["end"]] == row["text"]
        for part in json.loads(row["attributes"]).values():
            assert text[part["start"] : part["end"]] == part["text"]


def test_what_a_note_denies_is_no_plain_code_and_below_none(tmp_path: Path) -> None:
    lake = lake_of(tmp_path)
    told = dict(lake.codes().select("code", "parent_codes").iter_rows())
    assert all(code.count("//") == 2 for code in told if not code.startswith("NOTE//"))
    assert told["ICD10CM//R07.9//negated"] is None
    assert told["ICD10CM//I50.9//noted"] == ["ICD10CM//I50.9"]


@pytest.mark.parametrize("kind", ["problem", "medication", "procedure", "histology"])
@pytest.mark.parametrize("axes", [
    {"negated": True}, {"uncertain": True}, {"temporality": "historical"}, {"temporality": "hypothetical"}, {"experiencer": "family"},
    {"experiencer": "family", "negated": True}, {"negated": True, "temporality": "historical"}, {"experiencer": "other", "uncertain": True}])  # fmt: skip
def test_every_way_of_not_being_present_has_a_qualifier_that_says_so(kind: str, axes: dict) -> None:
    fact = Fact(kind, 0, 1, "x", code="ICD10CM//I10", **axes)  # type: ignore[arg-type]
    assert not fact.present
    assert code_of(fact).split("//")[2] in NOT_PRESENT


def test_facts_are_asked_in_sql(tmp_path: Path) -> None:
    answer = lake_of(tmp_path).sql("select text from facts where kind = 'problem' and negated")
    assert answer["text"].to_list() == ["chest pain"]


def test_a_lake_without_facts_has_none(tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text(NOTE, encoding="utf-8")
    write([read(RawFile("notes", "notes", tmp_path / "n.txt", "n.txt", "n.txt"))], tmp_path / "lake", name="made", made=True)
    lake = Lake(tmp_path / "lake")
    assert (lake.facts().height, lake.events().height, (tmp_path / "lake/facts.parquet").exists()) == (0, 1, False)


def test_the_same_note_through_two_feeds_states_its_facts_once(tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text(NOTE, encoding="utf-8")
    files = [RawFile(source, "notes", tmp_path / "n.txt", "n.txt", "n.txt") for source in ("a", "b")]
    write([read(file, states=stating(RULES)) for file in files], tmp_path / "lake", name="made", made=True)
    alone = lake_of(tmp_path / "one" if (tmp_path / "one").mkdir() is None else tmp_path)
    both = Lake(tmp_path / "lake")
    assert both.facts().height == alone.facts().height
    assert both.events().drop("source").equals(alone.events().drop("source"))


def test_a_note_without_a_time_gives_rows_and_no_events() -> None:
    stated = stating(RULES)(note("Heart failure.", time=None, known_at=None))
    assert (stated.events, len(stated.facts)) == ([], 1)


def test_a_live_note_states_what_the_lake_says(tmp_path: Path) -> None:
    import base64

    body = NOTE.split("\n\n", 1)[1]
    live = {"resourceType": "DocumentReference", "id": "d1", "status": "current", "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
            "subject": {"reference": "Patient/P000000000017"}, "date": "2026-03-08T10:00:00-05:00",
            "content": [{"attachment": {"contentType": "text/plain", "data": base64.b64encode(body.encode()).decode()}}]}  # fmt: skip
    (one,) = resource_notes(live, source="prefetch")
    told = [(event.code, event.numeric_value, event.time) for event in stating(RULES)(one).events]
    stored = [(event.code, event.numeric_value, event.time) for event in rows(lake_of(tmp_path).events()) if "@" in event.source]
    assert sorted(told) == sorted(stored)


def test_a_fact_with_a_day_of_its_own_is_dated_to_it_and_known_with_its_note() -> None:
    day, written = iso_instant("2019-03-14", where="test").us, iso_instant("2020-01-01", where="test").us
    row = note("Colonoscopy on 3/14/2019. Appendectomy in 2009. MRI yesterday. Biopsy 3/14/2031.", time=written, known_at=written)
    assert [(event.time, event.known_at) for event in stating(RULES)(row).events] == [(day, written), (written, written), (written, written), (written, written)]
    told = resources(row.text)
    assert [told[name].get("performedDateTime") for name in ("Colonoscopy", "Appendectomy", "MRI")] == ["2019-03-14", "2009", None]


# --- FHIR ------------------------------------------------------------------------------------------


def test_each_way_of_speaking_has_its_status_in_fhir() -> None:
    text = NOTE.split("\n\n", 1)[1]
    told = resources(text)
    status = {name: one["verificationStatus"]["coding"][0]["code"] for name, one in told.items() if one["resourceType"] == "Condition"}
    assert status == {"chest pain": "refuted", "pneumonia": "unconfirmed", "stroke": "confirmed", "fever": "unconfirmed", "Heart failure": "confirmed"}
    assert told["stroke"]["clinicalStatus"]["coding"][0]["code"] == "inactive"
    assert told["gout"]["resourceType"] == "FamilyMemberHistory"
    assert told["fever"]["modifierExtension"] == [{"url": ASSERTION, "valueCode": "hypothetical"}]
    assert (told["Lisinopril"]["status"], told["Aspirin"]["status"]) == ("active", "stopped")
    assert told["Lisinopril"]["dosage"][0]["doseAndRate"][0]["doseQuantity"] == {"value": 20.0, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    assert "clinicalStatus" not in told["chest pain"]


def test_a_resource_says_where_it_was_read() -> None:
    text = "Seen today. Creatinine 1.4 mg/dL."
    told = resources(text)["Creatinine"]
    place = {part["url"]: next(value for key, value in part.items() if key != "url") for part in told["extension"][0]["extension"]}
    assert (told["extension"][0]["url"], place["reference"]) == (DERIVATION, {"reference": "DocumentReference/N1"})
    assert text[place["offset"] : place["offset"] + place["length"]] == "Creatinine"
    assert told["valueQuantity"] == {"value": 1.4, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}


def test_a_comparator_stays_beside_its_number() -> None:
    assert resources("eGFR >90")["eGFR"]["valueQuantity"] == {"value": 90.0, "comparator": ">"}


def test_blood_pressure_has_two_components() -> None:
    parts = resources("BP 164/92")["BP"]["component"]
    assert [(part["code"]["coding"][0]["code"], part["valueQuantity"]["value"]) for part in parts] == [("8480-6", 164.0), ("8462-4", 92.0)]


# --- notes that are none ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "note is a PDF: it is not plain text"),
        (NOTE.split("\n\n")[0].encode() + b"\n\n%PDF-1.4 text only", "note is a PDF: it is not plain text"),
        (NOTE.split("\n\n")[0].encode() + b"\n\n{\\rtf1\\ansi Seen today}", "note is RTF: it is not plain text"),
        (NOTE.split("\n\n")[0].encode() + b"\n\n<html><body>Seen today</body></html>", "note is HTML: it is not plain text"),
        (b"\x00\x01\x02" * 9, "note holds NUL bytes: it is not plain text"),
        (b"\xff\xfe\x80" * 9, "note is not text in UTF-8"),
    ],
)
def test_a_note_that_is_no_plain_text_is_quarantined_with_its_reason(tmp_path: Path, body: bytes, reason: str) -> None:
    (tmp_path / "n.txt").write_bytes(body)
    found = read(RawFile("notes", "notes", tmp_path / "n.txt", "n.txt", "n.txt"), states=stating(RULES))
    assert (found.tally.read, found.tally.quarantined, found.facts, found.notes) == (1, {reason: 1}, [], [])
    assert found.rejects[0].reason == reason


def test_a_note_without_text_is_counted(tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text(NOTE.split("\n\n")[0] + "\n\n \n", encoding="utf-8")
    found = read(RawFile("notes", "notes", tmp_path / "n.txt", "n.txt", "n.txt"), states=stating(RULES))
    assert (found.tally.reconciles, found.tally.ignored, found.facts) == (True, {"a note without text": 1}, [])


def test_neither_log_nor_reason_holds_the_words_of_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    canary = "Zyxwvutsson has chest pain. K 4.1."
    (tmp_path / "n.txt").write_bytes(b"Patient-ID: 1\n\n" + canary.encode())
    found = read(RawFile("notes", "notes", tmp_path / "n.txt", "n.txt", "n.txt"), states=stating(RULES))
    stated = stating(RULES)(note(canary))
    seen = capsys.readouterr()
    assert "Zyxwvutsson" not in seen.out + seen.err + caplog.text + str(found.tally) + str(found.rejects) + str(found.problems)
    assert all("Zyxwvutsson" not in event.code for event in stated.events)
