"""HL7 v2 messages become events, and say the same facts as FHIR does."""

from __future__ import annotations

import polars as pl
import pytest
from tests.readers.written import clinical, codes, message, ndjson, observation, reading

from bedside.core.time import iso_instant

VISIT = "PV1|1|I|ICU^12^1^H|||||||||||||||| V7||||||||||||||||||||||||| 20260308080000+0000".replace(" ", "")


def us(text: str) -> int:
    return iso_instant(text, where="test").us


def test_an_admission_starts_a_stay_in_a_place(tmp_path):
    found = reading(tmp_path, "hl7v2", message("ADT^A01^ADT_A01", "EVN|A01|20260308080100+0000", VISIT))
    assert codes(found) == ["ENCOUNTER_START//IMP", "LOCATION//ICU", "MEDS_BIRTH", "SEX//female"]
    assert clinical(found)["encounter_id"].unique().to_list() == ["V7"]
    assert clinical(found)["time"].to_physical().unique().to_list() == [us("2026-03-08T08:00:00Z")]


def test_a_transfer_is_dated_when_it_happened_and_a_discharge_when_it_is_said(tmp_path):
    moved = message("ADT^A02", "EVN|A02|20260309010500+0000||||20260309010000+0000", VISIT)
    left = message("ADT^A03", "EVN|A03|20260312090500+0000", VISIT + "|20260312090000+0000", number="2")
    found = clinical(reading(tmp_path, "hl7v2", moved + left))
    assert found["code"].to_list() == ["LOCATION//ICU", "ENCOUNTER_END//IMP"]
    assert found["time"].to_physical().to_list() == [us("2026-03-09T01:00:00Z"), us("2026-03-12T09:00:00Z")]


@pytest.mark.parametrize(
    ("trigger", "code"), [("A11", "ENCOUNTER_START//IMP"), ("A12", "LOCATION//ICU"), ("A13", "ENCOUNTER_END//IMP")]
)
def test_a_cancellation_retracts_what_it_cancels(tmp_path, trigger, code):
    found = clinical(
        reading(tmp_path, "hl7v2", message(f"ADT^{trigger}", f"EVN|{trigger}|20260308090000+0000", VISIT + "|20260312090000+0000"))
    )
    assert found.select("code", "status").rows() == [(code, "retracted")]


def test_a_sex_that_no_table_has_is_unknown_and_counted(tmp_path):
    odd = message("ADT^A01", "EVN|A01|20260308080100+0000", VISIT).replace(b"|F|", b"|[NAME]|", 1)
    found = reading(tmp_path, "hl7v2", odd)
    assert "SEX//unknown" in codes(found)
    assert found.problems == {"sex in a word that no table has, kept as unknown": 1}


def test_who_the_patient_is_is_told_once_a_file(tmp_path):
    update = message("ADT^A08", "EVN|A08|20260308090000+0000", VISIT, number="2")
    found = reading(tmp_path, "hl7v2", message("ADT^A01", "EVN|A01|20260308080100+0000", VISIT) + update)
    assert codes(found).count("SEX//female") == 1
    assert found.tally.merged == {"tells only what an earlier message told": 1}
    assert found.tally.reconciles


def obx(value: str, kind: str = "NM", status: str = "F", unit: str = "mmol/L", more: str = "") -> str:
    return f"OBX|1|{kind}|2823-3^Potassium^LN||{value}|{unit}|||||{status}|||{more}"


OBR = "OBR|1|||24323-8^Panel^LN|||20260308100000+0000|||||||||||||||20260308104500+0000"


@pytest.mark.parametrize(
    ("segment", "number", "text"),
    [
        (obx("4.10"), 4.1, None),
        (obx("<^0.01", "SN"), 0.01, "<0.01"),
        (obx("^1^:^128", "SN"), None, "1:128"),
        (obx("4.10", "ST"), 4.1, None),
        (obx("<0.01", "ST"), 0.01, "<0.01"),
        (obx(">60"), 60.0, ">60"),
        (obx("haemolysed", "ST"), None, "haemolysed"),
        (obx("haemolysed"), None, "haemolysed"),
        (obx("248234008^Alert^SCT", "CWE"), None, "Alert"),
        (obx("A~B", "TX"), None, "A\nB"),
    ],
)
def test_every_kind_of_result_is_read(tmp_path, segment, number, text):
    found = clinical(reading(tmp_path, "hl7v2", message("ORU^R01^ORU_R01", OBR, segment)))
    assert found["numeric_value"].to_list() == [pytest.approx(number) if number is not None else None]
    assert found["text_value"].to_list() == [text]


def test_a_result_is_dated_by_the_sample_and_known_when_it_is_reported(tmp_path):
    found = clinical(reading(tmp_path, "hl7v2", message("ORU^R01", OBR, obx("4.1"))))
    assert found["time"].to_physical().to_list() == [us("2026-03-08T10:00:00Z")]
    assert found["known_at"].to_physical().to_list() == [us("2026-03-08T10:45:00Z")]
    taken = clinical(reading(tmp_path, "hl7v2", message("ORU^R01", OBR, obx("4.1", more="20260308095000+0000"))))
    assert taken["time"].to_physical().to_list() == [us("2026-03-08T09:50:00Z")]


def test_a_result_without_a_time_of_its_own_is_dated_by_its_message_and_counted(tmp_path):
    told = reading(tmp_path, "hl7v2", message("ORU^R01", "OBR|1|||2524-7^Lactate^LN", obx("4.1")))
    (fact,) = clinical(told).rows(named=True)
    assert fact["time"] == fact["known_at"]
    assert told.problems["a result without a time of its own: dated by its message"] == 1
    silent = reading(tmp_path, "hl7v2", message("ORU^R01", "OBR|1|||2524-7^Lactate^LN", obx("4.1"), sent=""))
    assert (silent.events.height, silent.tally.quarantined) == (0, {"MSH-7 says no time of sending": 1})


@pytest.mark.parametrize(
    ("letter", "status"), [("F", "final"), ("P", "final"), ("C", "corrected"), ("D", "retracted"), ("W", "retracted")]
)
def test_the_result_status_of_table_0085_is_the_status_of_the_event(tmp_path, letter, status):
    assert clinical(reading(tmp_path, "hl7v2", message("ORU^R01", OBR, obx("4.1", status=letter))))["status"].to_list() == [status]


def test_a_result_that_cannot_be_had_gives_no_event(tmp_path):
    found = reading(tmp_path, "hl7v2", message("ORU^R01", OBR, obx("", status="X")))
    assert found.tally.ignored == {"no result yet, or none that is a value or text": 1}


def test_lines_of_one_text_are_one_fact(tmp_path):
    lines = [f"OBX|{n}|TX|18782-3^Report^LN||line {n}||||||F" for n in (1, 2, 3)]
    assert clinical(reading(tmp_path, "hl7v2", message("ORU^R01", OBR, *lines)))["text_value"].to_list() == [
        "line 1\nline 2\nline 3"
    ]


@pytest.mark.parametrize(
    ("kind", "segments", "code", "dose"),
    [
        ("RDE^O11", ["ORC|NW|1|||||||20260308100000+0000", "RXE||161^Acetaminophen^RXNORM|650||mg"], "RXNORM//161//ordered", 650.0),
        ("OMP^O09", ["ORC|NW|1|||||||20260308100000+0000", "RXO|161^Acetaminophen^RXNORM|650||mg"], "RXNORM//161//ordered", 650.0),
        (
            "RAS^O17",
            ["ORC|RE|1", "RXA|0|1|20260308100000+0000||161^Acetaminophen^RXNORM|650|mg"],
            "RXNORM//161//administered",
            650.0,
        ),
        ("RDS^O13", ["ORC|RE|1", "RXD|1|161^Acetaminophen^RXNORM|20260308100000+0000|650|mg"], "RXNORM//161//dispensed", 650.0),
        ("VXU^V04", ["ORC|RE|1", "RXA|0|1|20260308100000+0000||150^Influenza^CVX|999"], "CVX//150//administered", None),
        ("ORM^O01", ["ORC|NW|1|||||||20260308100000+0000", "OBR|1|1||2823-3^Potassium^LN"], "LOINC//2823-3//ordered", None),
    ],
)
def test_orders_dispenses_and_administrations_say_their_sense(tmp_path, kind, segments, code, dose):
    found = clinical(reading(tmp_path, "hl7v2", message(kind, *segments)))
    assert found.select("code", "numeric_value").rows() == [(code, dose)]
    assert found["time"].to_physical().to_list() == [us("2026-03-08T10:00:00Z")]


def test_an_order_that_is_cancelled_or_a_dose_that_is_refused_gives_no_event(tmp_path):
    cancelled = message("RDE^O11", "ORC|CA|1", "RXE||161^Acetaminophen^RXNORM|650||mg")
    refused = message("RAS^O17", "RXA|0|1|20260308100000+0000||161^A^RXNORM|650|mg|||||||||||||RE", number="2")
    found = reading(tmp_path, "hl7v2", cancelled + refused)
    assert (found.tally.ignored, codes(found)) == (
        {"only orders that were cancelled, discontinued or held": 1, "nothing was given": 1},
        [],
    )


def test_a_document_message_gives_a_note_with_its_text(tmp_path):
    segments = ["TXA|1|HP|TX|20260308100000+0000||||||||D77", "OBX|1|TX|x^Text^L||Seen today.||||||F"]
    found = reading(tmp_path, "hl7v2", message("MDM^T02", VISIT, *segments))
    (note,) = found.notes
    assert (note.note_id, note.code, note.text, note.encounter_id) == ("D77", "NOTE//hp", "Seen today.", "V7")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("SIU^S12", "no reader for SIU^S12"),
        ("ADT^A05", "planned or pending: not a fact yet"),
        ("ADT^A40", "a merge of patients, applied when subjects were named"),
        ("Mary Canary^A01", "no reader for a type that HL7 does not have^A01"),
    ],
)
def test_a_message_that_is_not_read_is_counted_by_its_type(tmp_path, kind, reason):
    found = reading(tmp_path, "hl7v2", message(kind, VISIT))
    assert (found.tally.ignored, found.tally.read) == ({reason: 1}, 1)


def test_a_message_sent_twice_is_told_once(tmp_path):
    one = message("ORU^R01", OBR, obx("4.1"))
    found = reading(tmp_path, "hl7v2", one + one)
    assert (found.tally.written, found.tally.merged) == (1, {"the same record again, byte for byte": 1})
    assert clinical(found).height == 1


@pytest.mark.parametrize(
    "damage",
    [
        message("ORU^R01", OBR.replace("+0000", ""), obx("4.1")),
        message("ORU^R01", OBR, obx("4.1")).replace(b"P000000000017^^^H^MR", b""),
        message("ORU^R01", OBR, obx("4.1"), sent=""),
        message("ADT^A01", "EVN|A01|20260308080100+0000"),
        b"hello\r",
    ],
)
def test_a_broken_message_is_quarantined_and_the_next_one_is_read(tmp_path, damage):
    found = reading(tmp_path, "hl7v2", damage + message("ORU^R01", OBR, obx("4.1"), number="2"))
    assert (sum(found.tally.quarantined.values()), found.tally.written, len(found.rejects)) == (1, 1, 1)
    assert found.tally.reconciles


def test_a_time_without_zone_takes_the_sources_zone(tmp_path):
    data = message("ORU^R01", OBR.replace("+0000", ""), obx("4.1"))
    found = clinical(reading(tmp_path, "hl7v2", data, timezone="America/New_York"))
    assert found["time"].to_physical().to_list() == [us("2026-03-08T10:00:00-04:00")]


def test_the_same_fact_through_fhir_and_hl7_is_the_same_row(tmp_path):
    fhir = reading(
        tmp_path,
        "fhir",
        ndjson(
            observation(),
            observation(
                id="o2",
                valueQuantity=None,
                valueCodeableConcept={"coding": [{"system": "http://snomed.info/sct", "code": "1", "display": "Alert"}]},
            ),
            {"resourceType": "Patient", "id": "P000000000017", "gender": "female", "birthDate": "1950-01-02"},
            {
                "resourceType": "Encounter",
                "id": "V7",
                "class": {"code": "IMP"},
                "subject": {"reference": "Patient/P000000000017"},
                "period": {"start": "2026-03-08T08:00:00Z"},
                "location": [{"location": {"display": "ICU"}, "physicalType": {"coding": [{"code": "ICU"}]}}],
            },
            {
                "resourceType": "MedicationRequest",
                "subject": {"reference": "Patient/P000000000017"},
                "authoredOn": "2026-03-08T10:00:00Z",
                "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "161"}]},
                "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 650, "code": "mg"}}]}],
            },
        ),
    )
    results = [
        line.format("8867-4^Heart rate^LN")
        for line in ("OBX|1|NM|{}||88|/min|||||F|||20260308120000+0200", "OBX|2|CWE|{}||1^Alert^SCT||||||F|||20260308120000+0200")
    ]
    hl7 = reading(
        tmp_path,
        "hl7v2",
        message("ADT^A01", "EVN|A01|20260308080100+0000", VISIT)
        + message("ORU^R01", "OBR|1", *results, number="2")
        + message("RDE^O11", "ORC|NW|1|||||||20260308100000+0000", "RXE||161^Acetaminophen^RXNORM|650||mg", number="3"),
    )
    key = ["subject_id", "time", "code", "numeric_value", "text_value"]
    assert fhir.events.select(key).sort(key).equals(hl7.events.select(key).sort(key))
    assert fhir.events.filter(pl.col("numeric_value").is_not_null())["unit"].to_list() == ["/min", "mg"]


def test_a_message_about_several_patients_is_quarantined(tmp_path):
    other = "PID|2||P000000000018^^^H^MR"
    found = reading(tmp_path, "hl7v2", message("ORU^R01", OBR, obx("4.1"), other, OBR, obx("9.9")))
    assert found.tally.quarantined == {"a message about several patients": 1}
    same = reading(tmp_path, "hl7v2", message("ORU^R01", OBR, obx("4.1"), other.replace("18", "17"), OBR, obx("9.9")))
    assert clinical(same)["lexeme"].to_list() == ["4.1", "9.9"]


@pytest.mark.parametrize(("action", "status"), [("A", "final"), ("D", "retracted")])
def test_an_allergy_of_an_update_message_is_read(tmp_path, action, status):
    allergy = f"IAM|1|DA|7980^Penicillin^RXNORM|SV|Rash|{action}|||||20260101"
    found = clinical(reading(tmp_path, "hl7v2", message("ADT^A60", "PV1|1|I", allergy)))
    assert found.select("code", "status").row(0) == ("RXNORM//7980//allergy", status)


@pytest.mark.parametrize(("status", "fate"), [("F", "quarantined"), ("C", "quarantined"), ("I", "ignored"), ("", "ignored")])
def test_a_message_that_ends_before_the_results_it_announces_is_broken_and_a_pending_one_is_not(tmp_path, status, fate):
    cut = message("ORU^R01", OBR + "|||" + status)
    tally = reading(tmp_path, "hl7v2", cut).tally
    assert sum(getattr(tally, fate).values()) == 1
    assert tally.reconciles
