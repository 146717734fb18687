"""Free text: what identifies goes, what heals stays."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.time import DAY_US
from bedside.deidentify import dates
from bedside.deidentify.clock import Clock
from bedside.deidentify.patients import KnownIdentifiers, Name
from bedside.deidentify.spans import KINDS, Span, joined
from bedside.deidentify.text import scrub, spans_of

WEEK = Clock(shift_us=7 * DAY_US)
KNOWN = KnownIdentifiers(
    names={Name(("Anna", "Maria"), "O'Neil")},
    phones={"(212) 555-0134"},
    records={"40012345", "C-001234"},
    streets={"14 Kestrel Mews"},
    cities={"Fernhollow"},
    emails={"a.oneil@x.example"},
    numbers={"V0001112223"},
)


@pytest.mark.parametrize(
    "text",
    [
        "Anna O'Neil",
        "O'NEIL, ANNA",
        "o'neil, anna maria",
        "A. O'Neil",
        "Anna M. O'Neil",
        "ONEIL ANNA",
        "O'Neil^Anna^Maria",
        "pt O'Neil's leg",
        "told Maria that",
        "40012345",
        "MRN40012345 C001234",
        "C-001234",
        "c 001234",
        "212.555.0134",
        "+1 212 555 0134",
        "2125550134",
        "14 kestrel mews",
        "Fernhollow",
        "A.ONEIL@X.EXAMPLE",
        "visit V0001112223.",
    ],
)
def test_what_the_structure_knows_is_found_in_any_writing(text):
    left = scrub(f"Seen: {text} today", known=KNOWN).text.lower()
    assert not re.search(r"neil|anna|maria|400|1234|555|0134|kestrel|fernhollow|111", left), left


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("call 212-555-0134 now", "PHONE"),
        ("SSN 123-45-6789", "SSN"),
        ("write to a@b.example", "EMAIL"),
        ("see https://x.example/me?id=1", "URL"),
        ("from 192.168.10.1", "IP"),
        ("MRN: CC-789654", "ID"),
        ("Account #99887", "ID"),
        ("insurance policy # is ABC-987654", "ID"),
        ("serial 4456-AB-99812", "ID"),
        ("lives at 32 Lambert Mews, Apt 4", "ADDRESS"),
        ("lives in zip code 94103", "ZIP"),
        ("moved to Fakeville, OH", "CITY"),
        ("seen by Dr. Okonkwo", "NAME"),
        ("Dictated by Catherine Zamora", "NAME"),
        ("Priya Raman, MD", "NAME"),
        ("his daughter Quilla", "NAME"),
        ("treated at Cedar Falls Medical Center", "HOSPITAL"),
        ("Sarah P. called", "NAME"),
        ("a 93-year-old man", "AGE"),
        ("aged 101", "AGE"),
        ("on 01/13/2026", "DATE"),
        ("May 5th, 2024", "DATE"),
    ],
)
def test_patterns_find(text, kind):
    assert kind in {span.kind for span in spans_of(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Parkinson disease and Crohn's disease",
        "Foley catheter placed",
        "Babinski sign negative",
        "lisinopril 10 mg daily",
        "BP 128/76, HR 88, SpO2 97%",
        "grade 3/6 systolic murmur",
        "strength 5/5",
        "diagnosed back in 2021",
        "a 67-year-old woman",
        "ICD-10 E11.9, LOINC 2524-7",
        "potassium 3.70 mmol/L (3.5-5.0)",
        "COVID-19 and SARS-CoV-2",
        "T 37.6 C, WBC 12.4 x10^3/uL",
        "platelets 239,000",
        "Glasgow Coma Scale 15",
        "Review of systems: negative",
        "ACE inhibitor, MRI, CT",
        "may walk; will return",
        "furosemide 40 mg IV q12h",
        "pH 7.31, lactate 4.2",
        "vancomycin 1000 mg every 12 hours",
        "NCT01234567",
        "changed from Metoprolol ER to Toprol",
        "seen in the Coumadin clinic and at our Hepatology office",
        "admitted to MICU, transferred to CVICU, then to LTACH",
        "the Foley site; Hepatitis B, vaccinated; Vitamin D, calcium",
        "MediCare and TriCare",
        "Child-Pugh C, cirrhosis",
    ],
)
def test_clinical_content_stays(text):
    assert scrub(text, known=KNOWN, clock=WEEK).text == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("visited our Brookhollow office", "visited our [CITY] office"),
        ("Julia K. from Brookhollow, treated", "[NAME] from [CITY], treated"),
        ("admitted to QVMC on a Monday", "admitted to [HOSPITAL] on a Monday"),
        ("seen at Brookhollow Med Cntr", "seen at [HOSPITAL]"),
        ("admitted to General Hospital", "admitted to [HOSPITAL]"),
        ("at NY-Presbyterian and BrookCare", "at [HOSPITAL] and [HOSPITAL]"),
        ("lives on Ashgrove Avenue", "lives on [ADDRESS]"),
        ("pt Brandt J., seen", "pt [NAME], seen"),
        ("for Anne-Marie B. today", "for [NAME] today"),
        ("HBN 789-456-123, insurance ID: ABC123", "HBN [ID], insurance ID: [ID]"),
    ],
)
def test_a_place_or_person_is_known_by_the_company_it_keeps(text, left):
    assert scrub(text).text == left


@pytest.mark.parametrize("unit", ["Ab-", "Aa.", "ID:", "a@", "St. ", "1-", "Ab "])
def test_a_chain_without_end_costs_its_length_and_not_the_square_of_it(unit):
    assert scrub(f"At NY, 9 {unit * 20_000} Med @ http://").counts.keys() <= {"ID", "URL", "EMAIL", "HOSPITAL", "CITY", "NAME", "ADDRESS"}


def test_a_name_that_is_a_word_goes_only_where_it_is_a_name():
    known = KnownIdentifiers(names={Name(("Dawn",), "Long")})
    text = scrub("Long history of pain. Mrs. Long slept long. LONG-TERM CARE. Dawn Long agreed.", known=known).text
    assert text == "Long history of pain. Mrs. [NAME] slept long. LONG-TERM CARE. [NAME] agreed."


def test_an_eponym_is_no_patient_even_when_the_patient_bears_it():
    known = KnownIdentifiers(names={Name(("James",), "Parkinson")})
    assert scrub("Mr. Parkinson has Parkinson disease.", known=known).text == "Mr. [NAME] has Parkinson disease."


def test_without_a_clock_a_date_is_removed_and_a_limited_data_set_keeps_it():
    assert scrub("seen 01/13/2026").text == "seen [DATE]"
    assert scrub("seen 01/13/2026, aged 95", keep_dates=True, age_cap=None).text == "seen 01/13/2026, aged 95"


def test_counts_say_how_many_and_never_which():
    done = scrub("Mr. Smith, 212-555-0134, Mrs. Jones")
    assert done.counts == {"NAME": 2, "PHONE": 1}


def test_a_detector_handed_in_is_heard():
    class Found:
        def find(self, text: str, found=()):
            return [Span(0, 6, "NAME")]

    assert scrub("xylqua walked", detectors=[Found()]).text == "[NAME] walked"


WRITINGS = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%m/%d/%y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%Y%m%d",
    "%Y/%m/%d",
    "%m-%d-%Y",
    "%d.%m.%Y",
)


@pytest.mark.parametrize("writing", WRITINGS)
@given(true=st.dates(date(1935, 1, 1), date(2026, 12, 31)), weeks=st.integers(-104, 104))
def test_a_date_is_moved_and_written_as_it_was(writing, true, weeks):
    new = true + timedelta(days=7 * weeks)
    if writing == "%d.%m.%Y" and (
        true.day <= 12 or new.day <= 12
    ):  # read with the month first: right, but not what strftime writes
        return
    said = scrub(f"Seen {true.strftime(writing)} here", clock=Clock(shift_us=7 * weeks * DAY_US)).text
    wanted = f"Seen {new.strftime(writing)} here"
    if (
        "%B" in writing or "%b" in writing
    ):  # beside a month's name a two-digit day does not say whether days are padded; May is no sign either
        said, wanted = (re.sub(r"\b0(\d)\b", r"\1", text) for text in (said, wanted))
        said, wanted = (re.sub(r"([A-Z][a-z]{2})[a-z]*", r"\1", text) for text in (said, wanted))
    assert said == wanted


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("Jan 28th, 2026", "Feb 4th, 2026"),
        ("3/4/26", "3/11/26"),
        ("03-04-2026", "03-11-2026"),
        ("MARCH 28, 2026", "APRIL 4, 2026"),
        ("28 Sept 2026", "5 Oct 2026"),
        ("2026-01-13T10:00:00", "2026-01-20T10:00:00"),
        ("April 12th '23", "April 19th '23"),
    ],
)
def test_dates_in_the_ways_of_notes(text, moved):
    assert scrub(f"on {text}", clock=WEEK).text == f"on {moved}"


def test_a_date_that_is_none_stays_as_no_date():
    assert list(dates.find("13/32/2026 and 99/99/99")) == []


@given(st.text(max_size=300))
def test_any_text_is_scrubbed_without_an_error(text):
    done = scrub(text, known=KNOWN, clock=WEEK)
    assert sum(done.counts.values()) >= 0
    assert set(done.counts) <= set(KINDS)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), st.sampled_from(KINDS))))
def test_joined_spans_never_overlap_and_cover_the_same(raw):
    spans = [Span(start, start + length, kind) for start, length, kind in raw]
    whole = joined(spans)
    assert all(a.end <= b.start for a, b in itertools.pairwise(whole))
    assert {at for s in whole for at in range(s.start, s.end)} == {at for s in spans for at in range(s.start, s.end)}


@given(st.text("abc XYZ 0123456789-()./,", max_size=120))
def test_a_known_phone_never_survives_in_any_surroundings(noise):
    left = scrub(f"{noise} 212-555-0134 {noise}", known=KNOWN).text
    assert "555-0134" not in left


def _recall(documents: list[dict]) -> tuple[float, float]:
    whole = spans = mine = both = 0
    for document in documents:
        text = document["text"]
        covered = {at for span in spans_of(text) for at in range(span.start, span.end) if text[at].isalnum()}
        gold = {at for start, end, _ in document["spans"] for at in range(start, end) if text[at].isalnum()}
        mine, both = mine + len(covered), both + len(covered & gold)
        spans += len(document["spans"])
        whole += sum({at for at in range(s, e) if text[at].isalnum()} <= covered for s, e, _ in document["spans"])
    return whole / spans, both / mine


@pytest.mark.parametrize(
    ("corpus", "recall", "precision"), [("asq-phi/asq_spans.jsonl", 0.90, 0.98), ("planted-notes/planted.jsonl", 0.98, 0.95)]
)
def test_recall_and_precision_on_open_corpora_do_not_fall(shared_data, corpus, recall, precision):
    documents = [json.loads(line) for line in (shared_data / "deid" / corpus).read_text("utf-8").splitlines()]
    found = _recall(documents[::3])
    assert found >= (recall, 0.0), found
    assert found[1] >= precision, found


TEN_WEEKS = Clock(shift_us=70 * DAY_US)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("05-May-60", "14-Jul-60"),
        ("10-Mar-25", "19-May-25"),
        ("05.05.60", "07.14.60"),
        ("9.3.25", "11.12.25"),
        ("60-05-05", "60-07-14"),
        ("25-03-10", "25-05-19"),
        ("28-Dec-99", "07-Mar-00"),
        ("Mon 3/10", "Mon 5/19"),
        ("chest pain on 3/10", "chest pain on 5/19"),
        ("admitted 3/10", "admitted 5/19"),
        ("seen 3/10-3/14 and 3/16", "seen 5/19-5/23 and 5/25"),
        ("3/10 07:00", "5/19 07:00"),
        ("3/10: febrile", "5/19: febrile"),
        ("5 May 60", "14 July 60"),
        ("born May 5, 60", "born July 14, 60"),
        ("March '25", "May '25"),
        ("Mar-25", "May-25"),
        ("DOB 5/60", "DOB 7/60"),
        ("DOB: 050560", "DOB: 071460"),
        ("since 5/98", "since 7/98"),
        ("3/2025", "5/2025"),
        ("2025-03", "2025-05"),
        ("05/May/60", "14/Jul/60"),
        ("05MAY60", "14JUL60"),
        ("DOB 05 05 60", "DOB 07 14 60"),
        ("5 / 5 / 60", "7 / 14 / 60"),
        ("05.1960", "07.1960"),
        ("Labs (3/10): Na 140", "Labs (5/19): Na 140"),
        ("CT 3/10", "CT 5/19"),
        ("3/10 0700 vitals", "5/19 0700 vitals"),
        ("20250310T0700", "20250519T0700"),
    ],
)
def test_a_date_in_few_digits_moves_year_and_all_in_the_width_it_had(text, moved):
    assert scrub(text, clock=TEN_WEEKS, year=2025).text == moved


@pytest.mark.parametrize(
    "text",
    [
        "1/2 tab",
        "BP 120/80",
        "v3.5.1",
        "version 3.5.12",
        "version 3.5.1",
        "pH 5.05",
        "pain 3/10",
        "pain went from 8/10 to 3/10",
        "on 3/10 pain",
        "strength 5/5",
        "INR 2.0-3.0",
        "WBC 3.5-10.5",
        "potassium 3.5-5.1, sodium 135-145",
        "ratio 3/10",
        "1/2-1 tab",
        "visual acuity 20/25",
        "10.5.2 cm",
        "gauge 18.5.3",
        "titre 1/320",
        "May 10 mg be given",
        "section 2.1.10",
        "5-10 mg",
        "started on 1/2 NS",
        "cultures 2/2 bottles positive",
        "labs 3/3 negative",
        "reduced by 1/2",
    ],
)
def test_what_only_looks_like_a_date_stays(text):
    assert scrub(text, clock=TEN_WEEKS, year=2025).text == text


def _us(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_US


def test_a_birth_date_in_text_tells_no_age_above_the_cap():
    old = Clock(shift_us=70 * DAY_US, cap=89, last_us=_us(date(2025, 3, 10)))
    assert scrub("born 05/17/32", clock=old, year=2025).text == scrub("born 05/17/1930", clock=old, year=2025).text.replace("/1934", "/34")


def test_a_birth_date_in_text_is_its_year_where_the_policy_keeps_no_more():
    relative = Clock(shift_us=-9125 * DAY_US, relative=True, birth_year_only=True, births=frozenset({"1960-05-05"}))
    assert scrub("DOB 05-May-60, seen 03/10/2025", clock=relative, year=2025).text == "DOB 1935, seen 03/16/2000"


def test_a_weekday_moves_with_its_date_where_the_clock_moves_by_days():
    relative = Clock(shift_us=-9125 * DAY_US, relative=True)
    assert scrub("Mon 3/10/25, then Friday, 03/14/2025", clock=relative, year=2025).text == "Thu 3/16/00, then Monday, 03/20/2000"
    assert date(2000, 3, 16).strftime("%a") == "Thu"


def test_a_two_digit_year_is_read_by_the_last_known_event_and_not_by_the_first():
    long = Clock(shift_us=70 * DAY_US, cap=89, last_us=_us(date(2025, 6, 1)))
    assert scrub("seen 03/10/25", clock=long, year=2015).text == "seen 05/19/25"


MARKED = KnownIdentifiers(
    names={Name(("Łucja", "Bjørg"), "Ångströmqvist"), Name((), "Weiß-Ærøskjold"), Name(("Jürgen",), "Quämüller")},
    cities={"Ørnfjellvik"},
)


@pytest.mark.parametrize(
    "said",
    ["Ångströmqvist", "Angstromqvist", "ANGSTROMQVIST", "ÅNGSTRÖMQVIST", "A\u030angstro\u0308mqvist", "Aangstroemqvist", "Lucja", "Łucja", "BJORG",
     "Weiss-Aeroskjold", "WEISS-ÆRØSKJOLD", "Weiß-Ærøskjold", "Quaemueller", "Quamuller", "Ornfjellvik", "Ang\u00adstrom\u200bqvist"],
)  # fmt: skip
def test_a_name_is_known_with_and_without_its_marks_and_nothing_beside_it_is_taken(said):
    assert re.fullmatch(r"état ß: \[(NAME|CITY)\], fièvre à 39 °C", scrub(f"état ß: {said}, fièvre à 39 °C", known=MARKED).text)


@given(st.text("aåßøæŁ\u0301\u200b Ą", max_size=12), st.text("aåßøæŁ\u0301\u200b Ą", max_size=12))
def test_letters_around_a_name_stay_whatever_they_fold_to(before, after):
    left = scrub(f"{before} ; Ångströmqvist ; {after}", known=MARKED).text
    assert left == f"{before} ; [NAME] ; {after}"


@pytest.mark.parametrize(
    "said",
    ["07911 555731", "0121 496 0000", "020 7946 0018", "02 9876 5432", "(02) 9876 5432", "(01632) 960123", "06 12 34 56 78", "+33 6 12 34 56 78",
     "+44 (0)7911 555731"],
)  # fmt: skip
def test_a_phone_of_nobody_known_goes_whole_in_the_groupings_of_many_countries(said):
    assert scrub(f"his number {said}, he says").text == "his number [PHONE], he says"


@pytest.mark.parametrize("said", ["07911 555731", "555.0199", "9876 5432", "0203 12 34 567"])
def test_a_phone_with_a_label_goes_whole(said):
    assert scrub(f"mobile: {said}, he says").text == "mobile: [PHONE], he says"


@pytest.mark.parametrize("text", ["doses at 0800 1400 2000", "0600 1200 1800", "0.5 1234 5678", "BP 120 80 76 64", "RR 18 20 22 24 26"])
def test_times_and_readings_in_a_row_are_no_phone(text):
    assert scrub(text).text == text


PHONES = KnownIdentifiers(phones={"+44 7911 555731", "(02) 9876 5432", "(212) 555-0199", "06 12 34 56 78"})


@pytest.mark.parametrize(
    "said",
    ["07911 555731", "07911 555 731", "+44 7911 555731", "+44 (0)7911 55 57 31", "0044-7911-555731", "(02) 9876 5432", "9876 5432", "+61 2 9876 5432",
     "555.0199", "555-0199", "212 5550199", "1-212-555-0199", "06.12.34.56.78", "+33 6 12 34 56 78", "0612345678"],
)  # fmt: skip
def test_a_known_phone_goes_whatever_its_grouping(said):
    assert scrub(f"reached on {said} today", known=PHONES).text == "reached on [PHONE] today"
