"""Identifiers as they are written where nobody took care: in capitals and small letters, behind markup and signs, in records, abroad."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bedside.deidentify.dates import moved
from bedside.deidentify.text import scrub

# What is said, and what of it must not be left.
WRITTEN = {
    "numbers": [
        ("Hosp. number = 4471902", "4471902"), ("<b>Acct</b>:&nbsp;77120934", "77120934"), ("<td>MRN</td><td>301-44-18</td>", "301 44 18"), ("Patientennummer: 99120456", "99120456"),
        ("Fallnr.: k04-88213", "k04 88213"), ("HCN: 447190213-02", "447190213 02"), ("hcn: 30411987k", "30411987k"), ("Hospital No: 448812", "448812"), ("patientid=yk448812", "yk448812"),
        ("Member ID K7731 20447, group", "K7731 20447"), ("Medicare beneficiary number 2AB3-CD4-EF56", "2AB3 CD4 EF56"), ("valve serial number QRT-88213-K", "QRT 88213 K"),
        ("mesh lot TTV-10238-L", "TTV 10238 L"), ("Specimen T19-40417", "T19 40417"), ("ACCESSION: 2022-PA-118342", "2022 PA 118342"),
    ],
    "plates": [("licence plate KXR 4821", "KXR 4821"), ("vehicle plate m-kl 4471", "m kl 4471"), ("number plate LB07 KRT", "LB07 KRT"), ("VEHICLE PLATE IS 7GHK212", "7GHK212")],
    "phones": [("tel. 611/440-9921", "611 440 9921"), ("fax (611)\n440-9921", "611 440 9921"), ("fax (611)/440-9921", "611 440 9921")],
    "dates": [
        ("seen am 3.11., then", "3 11"), ("vom 7.12. bis 9.12.;", "7 12 9"), ("last seen 4.7.; next", "4 7"), ("colonoscopy 23.4. normal", "23 4"), ("specimen received 9/4", "9/4"),
        ("comparison: 11/23", "11/23"), ("SEEN FEBRUARY 3RD, 2011", "FEBRUARY 3RD 2011"), ("ON THE 14TH OF MAY", "14TH MAY"), ("the 5th of october", "5th october"), ("on tuesday, june 9", "june 9"),
        ("ADMITTED NOV 12", "NOV 12"), ("seen jan 14", "jan 14"), ("BirthDate=March 4, 1951;", "March 4 1951"), ("implanted dec 9", "dec 9"),
    ],
    "addresses": [
        ("lives at Flat 9, 212 Cobalt Mews, Thistledown, WV 25443", "Flat 9 212 Cobalt Mews Thistledown 25443"), ("RESIDES AT 77 OLD FORGE TRACE UNIT 4.", "77 OLD FORGE TRACE UNIT 4"),
        ("RR 4 Box 118, Hartsville, TN 37074", "RR 4 118 Hartsville 37074"), ("Address: 612\nHighway 14 North", "612 Highway 14"), ("of 88 Pkwy West, York YO1 7HH", "88 Pkwy West York YO1 7HH"),
        ("of 2205-C Gravel Lane", "2205 Gravel"), ("lives at 4410 Birch.", "4410 Birch"), ("of 310 Avenue of the Elms", "310 Elms"), ("of 5120 County Road 44", "5120 44"),
        ("17 fenwick road, harrogate hg1 2ab", "17 fenwick harrogate hg1 2ab"), ("9 W 88TH ST, READING, NEW JERSEY 08865", "9 88TH READING 08865"), ("of Normal, North Dakota 58201", "Normal 58201"),
        ("Harrogate HG1\n2AB", "HG1 2AB"), ("trail, b.c. v1r 4k2", "v1r 4k2"),
    ],
    "abroad": [
        ("wohnhaft Ahornweg 17b, 38640 Goslar", "Ahornweg 17b 38640 Goslar"), ("WOHNHAFT AHORNWEG 17B, 38640 GOSLAR", "AHORNWEG 17B 38640 GOSLAR"), ("demeurant 14 rue des Lilas, 69003 Lyon", "14 Lilas 69003 Lyon"),
        ("vive en Calle Mayor 5, 28013 Madrid", "Mayor 5 28013 Madrid"), ("woont Kerkstraat 12, 1017 Amsterdam", "Kerkstraat 12 1017 Amsterdam"), ("residente in via Garibaldi 8, 20121 Milano", "Garibaldi 8 20121 Milano"),
        ("resides at 212 camino del rio,", "212 rio"), ("wohnhaft 9 Elm, 04401 La Mesa", "9 Elm 04401 La Mesa"),
    ],
    "towns": [
        ("BORN 4 MAR 1950 IN KALAMAZOO", "KALAMAZOO"), ("born 3/4/1950 in kalamazoo", "kalamazoo"), ("MOVED HERE FROM SIOUX CITY LAST YEAR", "SIOUX"), ("moved here from red deer", "red deer"),
        ("works at the school in Reading", "Reading"), ("works at the mill in Barrowcombe", "Barrowcombe"), ("Seen in Normal ED", "Normal"), ("SCHOOL IN BARROWCOMBE", "BARROWCOMBE"), ("lives in mobile", "mobile"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("said", "secret"), [pair for pairs in WRITTEN.values() for pair in pairs])
def test_an_identifier_written_otherwise_is_not_left_in_a_note(said, secret):
    left = set(re.findall(r"[^\W_]+", scrub(f"Note: {said}\nBP 120/80.").text))
    assert not set(re.findall(r"[^\W_]+", secret)) & left, left
    assert {"BP", "120", "80"} <= left


@pytest.mark.parametrize(
    "said",
    [
        "INR went from 2.5 to 3.1. Plan", "K on admission 4.1. Stable", "Ca 8.9. Mg 1.7.", "strength 5/5, acuity 20/40, pain from 3/10 to 6/10", "1/2 tab at noon", "in 1-2 weeks", "v2.5.1",
        "may 2 tabs, dec 5 mg", "in mar 5 doses", "bone plate and 6 screws; plate count 350", "lives at home with 2 dogs", "lives on 4 acres", "lives at 2 different homes", "Rm 412-B, bed 12",
        "WBC|11.2|Hgb|9.8|Plt|210000|Na|138", "after a 2 hour drive; 30 minute road test", "seen in rheumatology clinic", "soak in epsom salts", "lives in florida", "BORN IN KENYA",
        "values in normal limits; read in bed", "KRAS G12D", "seen in recovery", "on 2 L NC", "he lives in fear", "sister in college", "school in session, a friend on parole", "seen in triage ER", "from surgery last year",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_stays(said):
    assert scrub(f"Note: {said}").text == f"Note: {said}"


def test_a_field_of_a_record_of_a_person_goes_by_what_fills_it():
    said = "448812|Doe^Jane^Q|1950-01-02|F|77 Birch|Sioux City|555-0199|4412-2290-1187|Mar 19|3.11.|glucose 5.5\n"
    assert scrub(said).text == "[ID]|[NAME]|[DATE]|F|[ADDRESS]|[CITY]|[PHONE]|[ID]|[DATE]|[DATE]|glucose 5.5\n"
    table = "drug|dose|form|days|note\nmetoprolol|25 mg|4 tablets|daily|448812\n"
    assert scrub(table).text == table


@pytest.mark.parametrize(
    ("said", "later"),
    [("AUGUST 2ND", "AUGUST 9TH"), ("17TH OF DECEMBER", "24TH OF DECEMBER"), ("june 16", "june 23"), ("7th of december", "14th of december"), ("NOV 11", "NOV 18"), ("5.11.", "12.11.")],
)
def test_a_date_written_otherwise_is_moved_in_its_own_writing(said, later):
    assert moved(said, lambda true: true + timedelta(days=7), year=2026) == later
