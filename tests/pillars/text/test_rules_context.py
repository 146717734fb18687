"""Negation, doubt, time and whose it is: what a cue reaches, and where it ends."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

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
    ],
)
def test_a_cue_says_no_more_than_it_says(text: str, word: str, axes: str) -> None:
    assert said(text, word) == axes


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
