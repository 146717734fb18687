"""What the rules read: medications, measurements, problems with codes, and the fields of a pathology report, each part at its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.codes.drugs import by_name, drugs
from bedside.codes.icd10cm import titles
from bedside.pillars.text.fact import Fact
from bedside.pillars.text.rules import RuleExtractor
from bedside.pillars.text.rules.terms import rows

RULES = RuleExtractor()


def only(text: str, kind: str) -> Fact:
    (fact,) = [fact for fact in RULES.extract(text) if fact.kind == kind]
    return fact


def parts(fact: Fact) -> dict[str, str]:
    return {name: part.text for name, part in fact.attributes.items()}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Lisinopril 20 mg PO daily", {"dose": "20 mg", "route": "PO", "frequency": "daily"}),
        ("Albuterol 2 puffs inhaled q4-6h prn wheezing", {"dose": "2 puffs", "route": "inhaled", "frequency": "q4-6h prn", "prn": "prn"}),
        ("amoxicillin 500 mg by mouth three times a day for 10 days", {"dose": "500 mg", "route": "by mouth", "frequency": "three times a day", "duration": "for 10 days"}),
        ("Tylenol 650 mg p.o. q.6h. p.r.n.", {"dose": "650 mg", "route": "p.o.", "frequency": "q.6h. p.r.n.", "prn": "p.r.n."}),
        ("metoprolol 50 BID", {"dose": "50", "frequency": "BID"}),
        ("insulin glargine 18 units SC qHS", {"dose": "18 units", "route": "SC", "frequency": "qHS"}),
        ("vancomycin 15 mg/kg IV every 12 hours", {"dose": "15 mg/kg", "route": "IV", "frequency": "every 12 hours"}),
        ("Metformin 1,000 mg BID with meals", {"dose": "1,000 mg", "frequency": "BID with meals"}),
    ],
)
def test_a_drug_has_its_dose_route_and_frequency(text: str, wanted: dict[str, str]) -> None:
    assert parts(only(text, "medication")) == wanted


def test_doses_and_frequencies_have_one_spelling() -> None:
    fact = only("Metformin 1,000 mg twice a day", "medication")
    dose, often = fact.attributes["dose"], fact.attributes["frequency"]
    assert (dose.number, dose.unit, often.normal, fact.code) == (1000.0, "mg", "BID", "RXNORM//6809")


def test_a_dose_belongs_to_the_drug_before_it() -> None:
    first, second = (fact for fact in RULES.extract("aspirin 81 mg daily, atorvastatin 40 mg nightly") if fact.kind == "medication")
    assert (parts(first)["dose"], parts(second)["dose"]) == ("81 mg", "40 mg")


@pytest.mark.parametrize("text", ["ALLERGIES: penicillin, codeine.", "She is allergic to penicillin."])
def test_what_a_person_is_allergic_to_is_not_taken(text: str) -> None:
    assert [fact for fact in RULES.extract(text) if fact.kind == "medication"] == []


def test_a_stopped_drug_says_so() -> None:
    assert only("Lisinopril was stopped.", "medication").attributes["status"].normal == "stopped"


@pytest.mark.parametrize(
    ("text", "code", "number", "unit", "flag"),
    [
        ("Creatinine 1.4 mg/dL (H)", "LOINC//2160-0", 1.4, "mg/dL", "H"),
        ("K 3.3", "LOINC//2823-3", 3.3, None, None),
        ("WBC was elevated at 14.2 K/uL", "LOINC//6690-2", 14.2, "10*3/uL", None),
        ("eGFR >90", "LOINC//33914-3", 90.0, None, None),
        ("Platelets 1,200", "LOINC//777-3", 1200.0, None, None),
        ("hemoglobin A1c of 7.1%", "LOINC//4548-4", 7.1, "%", None),
    ],
)
def test_a_laboratory_result_has_value_unit_and_flag(text: str, code: str, number: float, unit: str | None, flag: str | None) -> None:
    fact = only(text, "lab")
    value, said = fact.attributes["value"], fact.attributes.get("flag")
    assert (fact.code, value.number, value.unit, said.normal if said else None) == (code, number, unit, flag)


def test_a_test_that_is_only_named_is_no_result() -> None:
    assert [fact for fact in RULES.extract("Check potassium and creatinine tomorrow. INR on 3/4.") if fact.kind == "lab"] == []


def test_vital_signs_of_one_line_are_told_apart() -> None:
    found = [fact for fact in RULES.extract("VS: T 101.2 HR 98 BP 164/92 RR 20 SpO2 96% RA") if fact.kind == "vital"]
    assert [fact.name for fact in found] == ["temperature", "heart rate", "blood pressure", "respiratory rate", "oxygen saturation"]
    assert (found[0].attributes["value"].unit, parts(found[2])) == ("[degF]", {"systolic": "164", "diastolic": "92"})


def test_vital_signs_without_a_blank_are_read() -> None:
    found = {fact.text: fact.attributes for fact in RULES.extract("BP138/85 HR79 RR20 T36.8, T12 fracture, p53 positive") if fact.kind == "vital"}
    assert found["BP"]["systolic"].number == 138
    assert {name: found[name]["value"].number for name in ("HR", "RR", "T")} == {"HR": 79, "RR": 20, "T": 36.8}
    assert len(found) == 4


def test_no_value_is_made_of_what_is_none() -> None:
    found = RULES.extract("BP 999/10. Pulse 5000. Temp 3.")
    assert [fact for fact in found if fact.kind == "vital"] == []


@pytest.mark.parametrize(
    ("text", "kind", "surface", "wanted"),
    [
        ("Stage pT2 pN1a(sn) M0.", "stage", "pT2 pN1a(sn) M0", {"t": "pT2", "n": "pN1a(sn)", "m": "M0"}),
        ("ypT3 ypN2, residual carcinoma", "stage", "ypT3 ypN2", {"t": "ypT3", "n": "ypN2"}),
        ("Stage IIIA lung cancer", "stage", "Stage IIIA", {"group": "IIIA"}),
        ("Adenocarcinoma, Gleason score 3+4=7.", "grade", "Gleason score 3+4=7", {"value": "3+4=7"}),
        ("Carcinoma, Nottingham grade 2.", "grade", "Nottingham grade 2", {"value": "2"}),
        ("Carcinoma: margins are negative.", "margin", "margins are negative", {"value": "negative"}),
        ("Carcinoma; deep margin involved.", "margin", "deep margin involved", {"value": "involved"}),
        ("Carcinoma. Two of fifteen lymph nodes positive.", "lymph-nodes", "Two of fifteen lymph nodes positive", {"positive": "Two", "examined": "fifteen"}),
        ("Tumor size: 2.3 cm.", "tumour-size", "2.3 cm", {"value": "2.3 cm"}),
    ],
)
def test_what_a_pathologist_writes_has_its_parts(text: str, kind: str, surface: str, wanted: dict[str, str]) -> None:
    fact = only(text, kind)
    assert (fact.text, parts(fact)) == (surface, wanted)


def test_a_spine_has_no_tumour_stage() -> None:
    text = "CKD stage 3. T2 weighted images, T12 fracture, N2 pressure, stage 2 pressure ulcer. No cancer."
    assert [fact for fact in RULES.extract(text) if fact.kind == "stage"] == []


def test_biomarkers_have_values() -> None:
    text = "BIOMARKERS\nEstrogen receptor: positive (95%)\nHER2: negative (IHC 1+)\nKi-67: 18%\nPD-L1 TPS 60%\nKRAS G12C mutation detected"
    found = {fact.name: fact.attributes["value"].normal for fact in RULES.extract(text) if fact.kind == "biomarker"}
    assert found == {"er": "positive", "her2": "negative", "ki-67": "18%", "pd-l1": "60%", "kras": "detected"}


@pytest.mark.parametrize(
    ("text", "normal"),
    [("Seen 3/14/2019.", "2019-03-14"), ("Seen on March 3rd, 2019.", "2019-03-03"), ("In 2014.", "2014"), ("Fell two weeks ago.", "relative"), ("BP 120/80/70", None)],
)
def test_dates_are_absolute_or_kept_as_said(text: str, normal: str | None) -> None:
    found = [fact.attributes["value"].normal for fact in RULES.extract(text) if fact.kind == "date"]
    assert found == ([normal] if normal else [])


def test_every_code_of_ours_is_one_that_ships() -> None:
    codes = {code for code, _ in rows("problems") if code}
    assert codes <= titles().keys()
    assert len(drugs()) >= 250
    assert all(drug.rxnorm.isdigit() or not drug.rxnorm for drug in drugs())
    assert by_name()["metformin"].atc == ("A10BA02",)


def test_titles_of_the_classification_are_found_in_text() -> None:
    assert only("Takotsubo syndrome last week.", "problem").code == "ICD10CM//I51.81"


def test_the_name_of_a_test_is_no_infection() -> None:
    assert [fact for fact in RULES.extract("HIV, RPR and ANA were sent.") if fact.kind == "problem"] == []
    assert only("HIV positive since 2004.", "problem").code == "ICD10CM//Z21"


def test_the_words_of_a_person_come_first() -> None:
    rules = RuleExtractor([("frozen shoulder", "problem", "adhesive capsulitis", "SNOMED//399114005")])
    (fact,) = [fact for fact in rules.extract("Frozen shoulder.") if fact.kind == "problem"]
    assert (fact.code, rules.name != RULES.name) == ("SNOMED//399114005", True)


SHORTHAND = st.lists(
    st.sampled_from(["no ", "denies ", "fever", "BP 120/80", "aspirin 81 mg", ".", "\n", "; ", "(", ")", "pT2N0", "K 4.1", "\u0130", "ß", "🩺", "Ⅳ", "1. ", "MEDS: ", "7", "/", "\u2028", "\x85"]),
    max_size=40,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.text(max_size=200), SHORTHAND))
def test_every_place_slices_back_to_its_text(text: str) -> None:
    for fact in RULES.extract(text):
        assert 0 <= fact.start < fact.end <= len(text)
        assert text[fact.start : fact.end] == fact.text
        assert all(text[part.start : part.end] == part.text for part in fact.attributes.values())
        assert fact.sentence is not None
        assert fact.sentence[0] <= fact.start


@pytest.mark.parametrize("unit", [" ", ".", "\n", "1", "(", "1,", "aspirin ", "K 1.1 ", "T1N0 ", "margin ", ":", "A:", "no fever, ", "1 of 2 ", "'", "Gleason 3+", " -fever", "no ", "x) ", "lymph nodes ", "three nodes ", "HER2 of "])
def test_a_note_of_one_thing_over_and_over_comes_to_an_end(unit: str) -> None:
    """A pattern whose work grew with the square of a note's length would hold this test up for minutes; benchmarks/text_speed.py times it."""
    text = unit * (30_000 // len(unit))
    assert all(text[fact.start : fact.end] == fact.text for fact in RULES.extract(text))


def test_the_same_text_gives_the_same_facts() -> None:
    text = "No fever. Lisinopril 20 mg daily. K 4.1."
    assert RULES.extract(text) == RuleExtractor().extract(text)
