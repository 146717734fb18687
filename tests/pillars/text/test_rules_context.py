"""Negation, doubt, time and whose it is: what a cue reaches, and where it ends."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.pillars.text.rules import RuleExtractor

RULES = RuleExtractor()
NEGEX = Path(__file__).parents[4] / "shared/data/text/negex/negex_reports_1-60.tsv"


def said(text: str, word: str) -> str:
    """The axes of the first fact whose text is `word`, in one word each."""
    fact = next(fact for fact in RULES.extract(text) if fact.text.lower() == word)
    axes = [name for name in ("negated", "uncertain") if getattr(fact, name)]
    axes += [fact.temporality] * (fact.temporality != "current") + [fact.experiencer] * (fact.experiencer != "patient")
    return " ".join(axes) or "present"


@pytest.mark.parametrize("word", ["fever", "chills", "cough"])
def test_a_denial_reaches_every_item_of_its_list(word: str) -> None:
    assert said("She denies fever, chills, or cough.", word) == "negated"


@pytest.mark.parametrize(
    ("text", "word", "axes"),
    [
        ("No fever but cough is worse.", "cough", "present"),
        ("No chest pain. Dyspnea on exertion.", "dyspnea on exertion", "present"),
        ("No edema secondary to heart failure.", "heart failure", "present"),
        ("There is no increase in pleural effusion.", "pleural effusion", "present"),
        ("Gram negative bacteremia.", "bacteremia", "present"),
        ("Pneumonia was ruled out.", "pneumonia", "negated"),
        ("Hepatomegaly: none.", "hepatomegaly", "negated"),
        ("ROS is -ve for anemia.", "anemia", "negated"),
        ("+SOB -fever", "fever", "negated"),
        ("- Pneumonia\n- Anemia", "pneumonia", "present"),
        ("Pulmonary embolism cannot be excluded.", "pulmonary embolism", "uncertain"),
        ("?pneumonia", "pneumonia", "uncertain"),
        ("Findings suspicious for lung cancer.", "lung cancer", "uncertain"),
        ("History of stroke.", "stroke", "historical"),
        ("History of hypertension.", "hypertension", "present"),
        ("Asthma as a child.", "asthma", "historical"),
        ("Atrial fibrillation has resolved.", "atrial fibrillation", "historical"),
        ("Three week history of cough.", "cough", "present"),
        ("Appendicitis as a child.", "appendicitis", "historical"),
        ("TIA 2014, no deficit.", "tia", "historical"),
        ("Return if fever or vomiting.", "vomiting", "hypothetical"),
        ("Ondansetron as needed for nausea.", "nausea", "hypothetical"),
        ("Tylenol prn pain, lisinopril 20 mg daily.", "lisinopril", "present"),
        ("She has had fever for three days.", "fever", "present"),
        ("A previously healthy 40 years old man with pneumonia.", "pneumonia", "present"),
        ("Mother had breast cancer.", "breast cancer", "family"),
        ("No family history of colon cancer.", "colon cancer", "negated family"),
        ("FAMILY HISTORY: diabetes and gout.", "gout", "family"),
        ("Accompanied by mother. Asthma is stable.", "asthma", "present"),
        ("No history of seizures.", "seizures", "negated historical"),
        ("No pneumothorax; moderate pleural effusion.", "pleural effusion", "present"),
        ("No pneumothorax or consolidation is seen; cardiomegaly is noted.", "cardiomegaly", "present"),
        ("Denies fever; has cough.", "cough", "present"),
        ("No DVT, has PE.", "pe", "present"),
        ("Pneumonia; PE ruled out.", "pneumonia", "present"),
        ("Likely gout; edema.", "edema", "present"),
        ("Negative for fever; or vomiting.", "vomiting", "negated"),
        ("Denies fever, chills; nausea or vomiting.", "nausea", "negated"),
        ("Denies: fever; chills; cough.", "cough", "negated"),
        ("Denies fever; chills; cough.", "cough", "negated"),
        ("Denies fever; chills; cough; has dyspnea.", "dyspnea", "present"),
        ("No pneumothorax; cardiomegaly; edema.", "edema", "present"),
        ("Risks to include but not be limited to bleeding; infection; sepsis.", "sepsis", "hypothetical"),
        ("Mother had breast cancer; patient has hypertension.", "hypertension", "present"),
        ("Mother had breast cancer and patient has hypertension.", "hypertension", "present"),
        ("There is no evidence that she has pneumonia.", "pneumonia", "negated"),
        ("Without significant improvement of his heart failure.", "heart failure", "present"),
        ("Pneumonia, DVT prophylaxis with heparin.", "pneumonia", "present"),
        ("Pneumonia, DVT prophylaxis with heparin.", "dvt", "hypothetical"),
    ],
)
def test_a_cue_says_no_more_than_it_says(text: str, word: str, axes: str) -> None:
    assert said(text, word) == axes


@pytest.mark.parametrize(
    ("text", "word", "axes"),
    [
        ("Edema: no.", "edema", "negated"),
        ("Diabetes - no", "diabetes", "negated"),
        ("Diabetes: N", "diabetes", "negated"),
        ("Diabetes: N/A", "diabetes", "present"),
        ("Edema: no, fever: no, cough: yes, rash", "cough", "present"),
        ("Edema: no, rash", "rash", "present"),
        ("Edema: no Rash: no Cough: yes", "rash", "negated"),
        ("Rash: no history of eczema.", "rash", "present"),
        ("Nausea or vomiting: no", "nausea", "negated"),
        ("| Diabetes | no |", "diabetes", "negated"),
        ("Diabetes........ no", "diabetes", "negated"),
        ("Diabetes\tNo\tAsthma\tYes", "diabetes", "negated"),
        ("Diabetes\tNo\tAsthma\tYes", "asthma", "present"),
        ("Edema: No edema.", "edema", "negated"),
        ("Any chest pain? No.", "chest pain", "negated"),
        ("Any chest pain, cough or dyspnea? No. Rash? Yes.", "chest pain", "negated"),
        ("Any chest pain, cough or dyspnea? No. Rash? Yes.", "rash", "present"),
        ("Fever? No cough.", "fever", "present"),
        ("Chest pain (-), dyspnea (+).", "chest pain", "negated"),
        ("Chest pain (-), dyspnea (+).", "dyspnea", "present"),
        ("fever -ve, cough +ve", "fever", "negated"),
        ("fever -ve, cough +ve", "cough", "present"),
        ("fever -ve cough", "cough", "present"),
        ("-ve fever, chills.", "chills", "negated"),
        ("No fever, cough present.", "cough", "present"),
        ("[ ] Diabetes [x] Hypertension", "diabetes", "negated"),
        ("[ ] Diabetes [x] Hypertension", "hypertension", "present"),
        ("☐ Asthma ☑ Gout", "asthma", "negated"),
        ("Diabetes [x]  Asthma [ ]", "asthma", "negated"),
        ("Diabetes [x]  Asthma [ ]", "diabetes", "present"),
        ("Diabetes: [ ] yes [x] no", "diabetes", "negated"),
        ("Diabetes: [x] yes [ ] no", "diabetes", "present"),
        ("[ ] Follow up pneumonia with a film", "pneumonia", "present"),
        ("[ ] Diabetes\nAsthma is stable.", "asthma", "present"),
    ],
)
def test_an_answer_a_sign_and_a_box_say_what_they_say_of_their_own_item(text: str, word: str, axes: str) -> None:
    assert said(text, word) == axes


@pytest.mark.parametrize(
    "text", ["Pneumonia vaccine given.", "Influenza and pneumonia vaccines given.", "Immunized against hepatitis B.", "Seen in the heart failure clinic.", "Admitted to the stroke unit."]
)
def test_what_is_called_after_a_problem_is_no_problem(text: str) -> None:
    assert [fact.text for fact in RULES.extract(text) if fact.kind == "problem"] == []


@given(st.lists(st.sampled_from(["fever", "Edema", ":", "; ", ", ", "no", "[ ]", "[x] ", "☐", "yes", "?", " - ", "-ve", "+ve", "(-)", "\n", ". ", "has", "or", " "]), max_size=40).map("".join))
def test_no_form_however_filled_in_breaks_a_note_or_moves_a_span(text: str) -> None:
    assert all(text[fact.start : fact.end] == fact.text for fact in RULES.extract(text))


def test_a_cue_inside_a_phrase_is_part_of_its_name() -> None:
    (fact,) = [fact for fact in RULES.extract("Seen for non-small cell lung cancer.") if fact.kind == "problem"]
    assert (fact.text, fact.negated) == ("non-small cell lung cancer", False)


def test_a_bracket_holds_what_is_denied_in_it() -> None:
    assert said("Rash (no fever) and cough.", "cough") == "present"
    assert said("Rash (no fever) and cough.", "fever") == "negated"


def test_results_of_tests_are_values_and_no_denials() -> None:
    lab, marker = RULES.extract("Troponin negative.")[0], RULES.extract("SPECIMENS: breast biopsy.\nHER2: negative.")[-1]
    assert (lab.negated, lab.attributes["value"].normal) == (False, "negative")
    assert (marker.kind, marker.negated, marker.attributes["value"].normal) == ("biomarker", False, "negative")


@pytest.mark.skipif(not NEGEX.is_file(), reason="../shared/data/text/negex is not here")
def test_negation_on_the_negex_reports_is_at_least_as_good_as_its_peers() -> None:
    from benchmarks.negex import f1, rows

    with NEGEX.open(encoding="utf-8") as file:
        assert sum(1 for _ in csv.DictReader(file, delimiter="\t")) == 1194
    assert f1(rows(NEGEX))[0] >= 0.955
