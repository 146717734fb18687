"""Names that are words, in any case and any form of a note; the same person again; hospitals in any case."""

import pytest

from bedside.deidentify.text import scrub, spans_of


def _said(text: str) -> str:
    return scrub(text).text


@pytest.mark.parametrize(
    ("note", "name"),
    [
        ("PCP Field aware of the result.", "Field"),
        ("PCP FIELD AWARE OF THE RESULT.", "FIELD"),
        ("rn violet winters at bedside, no complaints.", "violet winters"),
        ("per Bloom, hold warfarin tonight.", "Bloom"),
        ("Reviewed w/ E. Woods before discharge.", "E. Woods"),
        ("follow up with harriet lark, md next week", "harriet lark"),
        ("history obtained from april, the neighbor.", "april"),
        ("The team met. Thank you, Dolores Denies fever.", "Dolores"),
        ("ASSISTANT: B. STRONG\nANESTHESIA: GENERAL", "B. STRONG"),
        ("REF PHYS: K. Wells\nCOMPARISON: none", "K. Wells"),
        ('The container is labeled "Sharp" and holds a gallbladder.', "Sharp"),
        ("Her daughter Penny Banks holds the proxy.", "Penny Banks"),
        ("HIS AUNT RUBY POOLE FOUND HIM ON THE FLOOR.", "RUBY POOLE"),
        ("Son-in-law (Prudence Alderfen) drove him home.", "Prudence Alderfen"),
        ("<p><b>Patient:</b> Rosa de los Angeles de la Vega</p>", "Rosa de los Angeles de la Vega"),
        ("PatientName=olive banks;Sex=F", "olive banks"),
        ("1|Marsh^Olive^T|F|x|y", "Marsh^Olive^T"),
        ("8812|F|Olive Banks|x|y", "Olive Banks"),
        ("Pt. R.K. c/o headache.", "R.K."),
        ("TRIAGE NOTE\nOLIVE BANKS 44F ARRIVED ON FOOT", "OLIVE BANKS"),
        ("Marsh, Olive arrived by ambulance.", "Marsh, Olive"),
        ("G. Banks signed the form.", "G. Banks"),
        ("pt yusuf ibn harun presented with fever", "yusuf ibn harun"),
    ],
)
def test_a_name_that_is_a_word_goes_where_both_sides_say_so(note, name):
    left = _said(note)
    assert name not in left
    assert "[NAME]" in left


@pytest.mark.parametrize(
    "note",
    [
        "PT HAND SWELLING, LONG HISTORY OF PAIN.",
        "pt will continue lasix, may ambulate, long term goals unchanged",
        "Patient Health Questionnaire scored. Patient Care Technician present.",
        "packs per day, per protocol, per surgeon, seen per week",
        "the patient's back was prepped; her twin sister is well",
        "Diet tolerated. Skin signed off by wound team. Pain presented again.",
        "Dear Colleague, thank you for the referral. Thank you, please call.",
        "Interpreter services used; nurse practitioner note; RN at bedside.",
        "Follow up with Pain clinic; referred to acute rehab; at pain clinic",
        "TRANSFERRED TO ACUTE REHAB FROM OUTSIDE HOSPITAL. SEEN AT WOUND CLINIC.",
        "discharged to skilled nursing facility; lives near a university hospital",
        "25 mg 2 f/u 14 m walk; 6 y of smoking, then none",
    ],
)
def test_words_of_a_clinic_stay(note):
    assert spans_of(note) == []


def test_a_person_named_in_full_is_found_wherever_a_part_stands_alone():
    note = "Patient: Olive Marsh\nMarsh was seen. O. Marsh agrees; today Olive walked. Marsh fever is not a name. Olive says so."
    left = _said(note)
    assert "Marsh was" not in left
    assert "Olive" not in left


def test_a_part_that_is_a_word_stays_where_it_is_one():
    left = _said("Mrs. Violet Rivers came. Rivers and streams; a violet rash; Rivers says it itches.")
    assert "Rivers and streams" in left
    assert "violet rash" in left
    assert "Rivers says" not in left


@pytest.mark.parametrize(
    ("note", "name"),
    [
        ("transferred from foxglove vale hospital on monday", "foxglove vale"),
        ("FACILITY: THE LARCHES NURSING HOME\nHPI: WELL", "LARCHES"),
        ("seen at st. aldhelm's infirmary", "aldhelm"),
        ("Referred by the team of Foxglove Rehab, tel unknown", "Foxglove"),
        ("Transferred from Ashen Combe\nSkilled Nursing Facility today", "Ashen"),
        ("Kreisklinikum Moosach\nPatient: unbekannt", "Moosach"),
        ("our lady of sorrows hospital called", "sorrows"),
    ],
)
def test_a_hospital_goes_in_any_case_and_over_a_line_end(note, name):
    assert name not in _said(note)
