"""Roles of columns are proposed from names and values: what identifies is found under any name, what measures stays, what cannot be told goes."""

from __future__ import annotations

import random
from collections.abc import Callable

import polars as pl
import pytest

from bedside.deidentify.patients import KnownIdentifiers, Name
from bedside.deidentify.profile import ColumnRole, as_mapping, profile
from bedside.deidentify.profile_names import plain
from bedside.deidentify.profile_shapes import FORMATS, date_format

ROWS = 240
GIVEN = ["Anna", "James", "Maria", "Robert", "Linda", "Michael", "Susan", "David", "Karen", "Thomas", "Nancy", "Daniel", "Betty", "Mark", "Helen", "Paul", "Sandra", "Steven", "Carol", "Kevin"]
FAMILY = ["Smith", "Johnson", "Williams", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez", "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Taylor", "Nguyen", "Jackson", "Lee", "Perez"]
CITIES = ["Boston", "Springfield", "Albany", "Rochester", "Denver", "Portland", "Austin", "Memphis", "Tucson", "Omaha", "Buffalo", "Fresno"]
DRUGS = ["lisinopril 10 MG Oral Tablet", "metformin 500 MG", "warfarin 5 MG", "atorvastatin 20 MG", "amoxicillin 250 MG"]
NOTES = ["Patient tolerated the procedure well and was sent home.", "Seen with daughter, who will call on Monday about the results.", "Refused the second dose."]


def _made(draw: Callable[[random.Random, int], object], seed: int) -> list[str]:
    dice = random.Random(seed)
    return [str(draw(dice, row)) for row in range(ROWS)]


def _date(form: str) -> Callable[[random.Random, int], str]:
    import datetime

    return lambda dice, row: (datetime.datetime(2015, 1, 1) + datetime.timedelta(minutes=dice.randrange(5_000_000))).strftime(form)


def _person(dice: random.Random) -> str:
    return f"{dice.choice(FAMILY)}, {dice.choice(GIVEN)}"


MAKERS: dict[str, Callable[[random.Random, int], object]] = {
    "mrn": lambda d, row: 40_000_000 + row // 3 * 7919, "csn": lambda d, row: f"V{900_000_000 + row * 13}", "id": lambda d, row: f"A{d.randrange(10**9):09d}",
    "uuid": lambda d, row: f"{d.randrange(16**8):08x}-1111-4222-8333-{d.randrange(16**12):012x}", "name": lambda d, row: _person(d),
    "given": lambda d, row: d.choice(GIVEN), "family": lambda d, row: d.choice(FAMILY), "phone": lambda d, row: f"({d.randrange(201, 989)}) 555-{d.randrange(100, 199):04d}",
    "email": lambda d, row: f"{d.choice(FAMILY).lower()}{row}@mail.example", "ssn": lambda d, row: f"{d.randrange(100, 899)}-{d.randrange(10, 99)}-{d.randrange(1000, 9999)}",
    "street": lambda d, row: f"{d.randrange(1, 999)} {d.choice(['Oak', 'Birchwood', 'Kestrel'])} {d.choice(['Street', 'Ave', 'Lane'])}", "city": lambda d, row: d.choice(CITIES),
    "zip": lambda d, row: f"{d.randrange(10001, 99950):05d}", "state": lambda d, row: d.choice(["NY", "MA", "CA", "TX"]), "us_date": _date("%m/%d/%Y"), "iso": _date("%Y-%m-%d"),
    "moment": _date("%Y-%m-%d %H:%M:%S"), "us_moment": _date("%m/%d/%Y %H:%M"), "packed": _date("%Y%m%d"), "age": lambda d, row: d.randrange(0, 97), "sex": lambda d, row: d.choice("MF"),
    "loinc": lambda d, row: d.choice(["2160-0", "1963-8", "8867-4"]), "icd": lambda d, row: d.choice(["E11.9", "I10", "F32.1", "J45.909"]), "number": lambda d, row: f"{d.uniform(0, 300):.1f}",
    "unit": lambda d, row: d.choice(["mg/dL", "mmol/L", "%"]), "note": lambda d, row: d.choice(NOTES) + f" Call {d.choice(FAMILY)}.", "drug": lambda d, row: d.choice(DRUGS),
    "ip": lambda d, row: f"10.{d.randrange(255)}.{d.randrange(255)}.{d.randrange(255)}", "url": lambda d, row: f"https://x.example/{row}", "year": lambda d, row: d.randrange(1990, 2026),
    "uid": lambda d, row: f"1.2.840.113619.2.55.{d.randrange(10**9)}.{row}", "flag": lambda d, row: d.choice(["H", "L", "N", ""]), "npi": lambda d, row: 1_000_000_000 + d.randrange(20) * 7,
    "count": lambda d, row: d.randrange(1, 90), "money": lambda d, row: f"{d.uniform(5, 9000):.2f}", "blank": lambda d, row: "", "mixed": lambda d, row: d.choice(["x1", "??", "Zq " + str(row)]),
}  # fmt: skip
# Column, what it is made of, and the roles that are right for it.
TABLES: dict[str, list[tuple[str, str, set[str]]]] = {
    "ehr": [("PAT_MRN_ID", "mrn", {"subject"}), ("PatientName", "name", {"name"}), ("PAT_FIRST_NAME", "given", {"given"}), ("LAST_NM", "family", {"family"}),
            ("Birth Date", "us_date", {"birth_date"}), ("SEX", "sex", {"keep"}), ("ADD_LINE_1", "street", {"address"}), ("CITY", "city", {"city"}), ("STATE_C", "state", {"keep"}),
            ("ZIP", "zip", {"zip"}), ("HOME_PHONE", "phone", {"phone"}), ("EMAIL_ADDRESS", "email", {"email"}), ("SSN", "ssn", {"ssn"}), ("PAT_ENC_CSN_ID", "csn", {"encounter"}),
            ("HOSP_ADMSN_TIME", "us_moment", {"datetime"}), ("AGE_AT_VISIT", "age", {"age"}), ("NOTE_TEXT", "note", {"text"}), ("AttendingProvider", "name", {"drop", "name"}),
            ("IP_ADDRESS", "ip", {"ip"}), ("PORTAL_URL", "url", {"url"}), ("BMI", "number", {"keep"}), ("x17", "mixed", {"drop", "text"})],
    "claims": [("desynpuf_id", "uuid", {"subject"}), ("clm_no", "id", {"identifier"}), ("member_number", "id", {"plan"}), ("svc_from_dt", "packed", {"date"}), ("paid_date", "iso", {"date"}),
               ("icd10_dx_1", "icd", {"keep"}), ("paid_amt", "money", {"keep"}), ("provider_npi", "npi", {"identifier", "drop"}), ("bene_birth_year", "year", {"birth_date"}),
               ("county_cd", "count", {"drop"}), ("dx_date", "iso", {"date"}), ("subscriber_name", "name", {"name"})],
    "pharmacy": [("ptid", "mrn", {"subject"}), ("rx_number", "id", {"identifier"}), ("drug_name", "drug", {"keep", "text"}), ("days_supply", "count", {"keep"}), ("fill_date", "iso", {"date"}),
                 ("prescriber", "name", {"drop", "name"}), ("pharmacy_phone", "phone", {"phone"}), ("sig", "note", {"text"}), ("quantity", "number", {"keep"})],
    "labs": [("SubjectID", "mrn", {"subject"}), ("accession", "id", {"identifier"}), ("collected", "moment", {"datetime"}), ("loinc", "loinc", {"keep"}), ("result_value", "number", {"keep"}),
             ("units", "unit", {"keep"}), ("abnormal_flag", "flag", {"keep"}), ("study_instance_uid", "uid", {"uid"}), ("performed_by", "name", {"drop", "name"}), ("comment", "note", {"text"}),
             ("spare", "blank", {"drop"})],
    "nameless": [("c1", "name", {"name"}), ("c2", "phone", {"phone"}), ("c3", "email", {"email"}), ("c4", "ssn", {"ssn"}), ("c5", "street", {"address"}), ("c6", "us_date", {"date"}),
                 ("c7", "note", {"text"}), ("c8", "uuid", {"identifier"}), ("c9", "number", {"keep"}), ("c10", "uid", {"uid"}), ("c11", "family", {"family", "drop"}), ("c12", "ip", {"ip"}),
                 ("c13", "mrn", {"drop", "identifier"}), ("c14", "moment", {"datetime"})],
}  # fmt: skip
HARMLESS = {"keep", "text"}


def _table(name: str) -> pl.DataFrame:
    return pl.DataFrame({column: _made(MAKERS[kind], at) for at, (column, kind, _) in enumerate(TABLES[name])})


@pytest.mark.parametrize("name", sorted(TABLES))
def test_each_column_gets_a_role_that_is_right_for_it(name):
    found = {one.column: one for one in profile(_table(name))}
    wrong = [(column, found[column].role, found[column].reason) for column, _, right in TABLES[name] if found[column].role not in right]
    assert len(wrong) <= len(TABLES[name]) // 10, wrong


def test_over_all_tables_no_identifying_column_stays_and_nine_in_ten_useful_ones_do():
    kept_wrongly, kept, useful, right, total = [], 0, 0, 0, 0
    for name, columns in TABLES.items():
        found = {one.column: one.role for one in profile(_table(name))}
        for column, _, good in columns:
            total, right = total + 1, right + (found[column] in good)
            kept_wrongly += [f"{name}.{column}"] if not good & HARMLESS and found[column] in HARMLESS else []
            useful, kept = useful + ("keep" in good), kept + ("keep" in good and found[column] in HARMLESS)
    assert len({kind for columns in TABLES.values() for _, kind, _ in columns}) >= 25
    assert kept_wrongly == []
    assert kept >= 0.9 * useful
    assert right >= 0.95 * total


def test_reasons_hold_words_and_counts_and_no_value():
    for name in TABLES:
        frame = _table(name)
        for one in profile(frame):
            values = {value for value in frame[one.column].to_list() if len(value) > 5}
            assert not [value for value in values if value in one.reason and value.lower() not in one.column.lower()]
            assert 0 < one.confidence <= 1


def test_what_is_known_of_patients_tells_a_column_whatever_its_name():
    known = KnownIdentifiers(names={Name(("Zebulon", "Q"), "Quillfeather"), Name(("Ottoline",), "Vandersnoot")}, records={"70-707-071", "70707072"}, phones={"212-555-0147"})
    frame = pl.DataFrame({"v1": ["70707071", "70707072"], "v2": ["Quillfeather, Zebulon", "OTTOLINE VANDERSNOOT"], "v3": ["Quillfeather", "Vandersnoot"], "v4": ["(212) 555-0147", "x"]})
    assert [one.role for one in profile(frame, known=[known])] == ["subject", "name", "family", "phone"]


def test_only_one_column_names_the_patient():
    frame = pl.DataFrame({"mrn": ["40000001", "40000002"], "patient_id": ["9000001", "9000002"]})
    assert sorted(one.role for one in profile(frame)) == ["identifier", "subject"]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_dates_is_recognised_and_not_mistaken(form):
    import datetime

    days = [datetime.datetime(2021, 1, 30, 9, 5, 0) + datetime.timedelta(days=37 * at, hours=at) for at in range(12)]
    found, timed = date_format([day.strftime(form) for day in days])
    assert [datetime.datetime.strptime(day.strftime(form), found) for day in days] == [datetime.datetime.strptime(day.strftime(form), form) for day in days]
    assert timed == ("%H" in form or "%I" in form)


@pytest.mark.parametrize(
    ("frame", "role"),
    [
        (pl.DataFrame({"x": [[1, 2], [3]]}), "keep"),
        (pl.DataFrame({"x": [["a"], ["b"]]}), "text"),
        (pl.DataFrame({"x": [{"name": "a"}]}), "drop"),
        (pl.DataFrame({"x": [b"a"]}), "drop"),
        (pl.DataFrame({"x": [True, False]}), "keep"),
        (pl.DataFrame({"mrn": [40000001, 40000002]}), "subject"),
        (pl.DataFrame({"admit_date": ["2021-01-01"]}).select(pl.col("admit_date").str.to_date()), "date"),
        (pl.DataFrame({"x": []}, schema={"x": pl.String}), "drop"),
    ],
)
def test_typed_columns_are_profiled_by_their_type(frame, role):
    assert profile(frame)[0].role == role


def test_the_proposal_is_a_mapping_that_names_formats_and_subject():
    roles = profile(_table("ehr"))
    rule = as_mapping(roles, files="ehr.csv", timezone="America/New_York")["tables"]["table"]
    assert (rule["subject"], rule["encounter"], rule["timezone"], rule["files"]) == ("PAT_MRN_ID", "PAT_ENC_CSN_ID", "America/New_York", ["ehr.csv"])
    assert rule["time_formats"] == ["%m/%d/%Y %H:%M", "%m/%d/%Y"]
    assert as_mapping([ColumnRole("a", "keep", 1.0, "x")], files="a.csv")["tables"]["table"]["subject"] == "@nobody"


def test_names_of_columns_are_cut_into_words():
    assert [plain(one) for one in ("PATIENT LAST NAME", "patientLastName", "pt.last-name", "ICD10Code")] == ["patient last name", "patient last name", "pt last name", "icd10 code"]
