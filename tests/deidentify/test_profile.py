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
        (pl.DataFrame({"x": [["seen today"], ["refused the second dose"]]}), "text"),
        (pl.DataFrame({"x": [["a", "Quillfeather"], ["b", "Vandersnoot"]]}), "drop"),
        (pl.DataFrame({"x": [["a"], [{"x": 1}]]}, schema={"x": pl.Object}), "drop"),
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


UNHEARD = ["Harkonnen", "Pottlesworth", "Whistlecraft", "Umberton"]
NAMED = {
    "family": (["ln", "lnm", "Nachname", "nom", "apellido1", "apellidos", "cognome", "pat_last_nm", "name.0.family"], UNHEARD),
    "given": (["fn", "fnm", "mi", "Vorname", "prénom", "nombre", "name.0.given.0"], ["Ottilie", "Zebulon", "Q", "Orlo"]),
    "birth_date": (["bd", "Geburtsdatum", "geb_dat", "date_naissance", "fecha_nacimiento", "birthDate", "pt_dob", "brth_dt"], ["1931-01-02", "1942-03-04", "1953-05-06", "1964-07-08"]),
    "zip": (["zp", "PLZ", "code_postal", "codigo postal", "bill_zip", "postcode", "c5"], ["00501", "10001", "99999", "60614"]),
    "address": (["PatientAddress1", "address_1", "address.0.line.0", "ad1", "Straße", "adresse", "calle", "rue", "direccion", "addr_line1", "x9"], ["Hauptstr. 3", "12 rue Hugo", "Calle Mayor 5", "Lindenweg 7"]),
    "city": (["Ort", "ville", "ciudad", "cty", "Wohnort", "municipio"], ["Berlin", "Lyon", "Sevilla", "Springfield"]),
    "phone": (["Telefon", "tel1", "handy", "telefono", "nok_ph"], ["030 5551200", "030 5551201", "030 5551202", "030 5551203"]),
    "subject": (["pid", "patnr", "NHC", "IPP", "Patientennummer", "usubjid", "person_id", "pt_id", "patient_code"], ["80000011", "80000012", "80000013", "80000014"]),
    "encounter": (["Fallnummer", "visit_occurrence_id", "hadm_id", "csn"], ["80000011", "80000012", "80000013", "80000014"]),
    "date": (["visit_start_date", "order_date", "Aufnahmedatum", "fecha_ingreso", "drug_exposure_start_date", "note_date"], ["2021-01-02", "2021-03-04", "2021-05-06", "2022-07-08"]),
    "drop": (["x1", "care_site_name", "Hospital", "c1", "performing_lab"], ["Kenmore", "Harkonnen House", "Umberton", "Issaquah"]),
}  # fmt: skip
USEFUL = {
    "condition_concept_id": ["201826", "4329847", "320128", "312327"], "ndc": ["00093721401", "00378180501", "00093-7214-01", "55111068305"], "icd10_code": ["E119", "I10", "J45909", "Z794"],
    "cpt": ["99213", "36415", "0001A", "G0008"], "snomed_code": ["44054006", "38341003", "195967001", "73211009"], "itemid": ["220045", "220210", "51221", "50912"], "race": ["White", "Black", "Asian", "Other"],
    "Geschlecht": ["m", "w", "m", "d"], "sexe": ["F", "H", "F", "F"], "smk": ["never", "former", "current", "never"], "Gewicht_kg": ["70.5", "81.0", "66.2", "90.1"], "a1c": ["5.6", "7.1", "8.0", "6.3"],
    "domain_id": ["Condition", "Drug", "Measurement", "Condition"], "patient_sex": ["F", "M", "M", "F"], "claim_type": ["inpatient", "outpatient", "outpatient", "inpatient"], "rxcui": ["860975", "314076", "197361", "617314"],
    "hospital_expire_flag": ["0", "1", "0", "0"], "RefRange": ["70-99", "0.5-1.2", "3.5-5.1", "12-16"], "Wert": ["1,5", "2,75", "10,0", "1.234,5"], "Diagnose": ["E11.9", "I10.90", "J45.9", "C50.9"], "valueuom": ["mg/dL", "mmol/L", "mg/dL", "%"], "order_status": ["final", "cancelled", "final", "final"],
}  # fmt: skip


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, (names, _) in NAMED.items() for name in names])
def test_what_identifies_is_known_by_its_abbreviated_and_foreign_names_too(role, name):
    assert profile(pl.DataFrame({name: NAMED[role][1]}))[0].role == role


@pytest.mark.parametrize("name", sorted(USEFUL))
def test_published_codes_measurements_and_words_of_a_closed_list_stay(name):
    assert profile(pl.DataFrame({name: USEFUL[name] * 5}))[0].role == "keep"


@pytest.mark.parametrize(
    "values",
    [
        UNHEARD, ["Brown", "King", "Cook", "Rose"], ["Springfield", "Kenmore", "Boston", "Salem"], ["A123456", "B123457", "C123458", "D123459"], ["48213", "48214", "48215", "48216"], ["7041", "7042", "7043", "7044"],
        ["42.36012", "-71.05891", "40.71281", "-74.00601"], ["SW1A 1AA", "EC1A 1BB", "W1A 0AX", "M1 1AE"], ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"], ["umberton", "harkonnen", "whistlecraft"],
        ["Hauptstraße 4", "Kerkstraat 9", "Via Roma 3", "Avenida Sol 12"], ["Acme Kenmore Works", "Umberton & Sons"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("times", [1, 30])
def test_under_a_name_that_says_nothing_no_word_or_number_of_anybody_stays(values, times):
    assert profile(pl.DataFrame({"x7": values * times}))[0].role not in HARMLESS


def test_years_under_any_name_move_as_years():
    assert profile(pl.DataFrame({"x7": ["1950", "1961", "1972", "1983"]}))[0].role == "year"
    assert profile(pl.DataFrame({"year_of_birth": [1950, 1961, 1972, 1983]}))[0].role == "birth_date"


def test_where_no_column_says_so_a_member_or_the_id_of_a_table_of_people_is_the_patient():
    claims = pl.DataFrame({"PatientControlNumber": ["PCN0000001", "PCN0000002"], "MemberID": ["W000000991", "W000000992"], "ServiceDate": ["20210101", "20210203"]})
    people = pl.DataFrame({"id": ["a0674e7a90cb3087", "812e90c094b3e65a"], "name.0.family": ["Harkonnen", "Umberton"], "address.0.state": ["MA", "NY"], "birthDate": ["1950-01-02", "1961-03-04"]})
    assert {one.column: one.role for one in profile(claims)} == {"PatientControlNumber": "identifier", "MemberID": "subject", "ServiceDate": "date"}
    assert {one.column: one.role for one in profile(people)} == {"id": "subject", "name.0.family": "family", "address.0.state": "keep", "birthDate": "birth_date"}


def test_keys_that_join_tables_are_pseudonyms_in_all_of_them():
    for values in (["4"] * 40, [str(at) for at in range(40)]):
        assert profile(pl.DataFrame({"provider_id": values}))[0].role == "identifier"


@pytest.mark.parametrize("name", ["note_id", "TotalClaimChargeAmount", "drug_source_value", "measurement_time", "admission_location", "Fachabteilung", "route"])
def test_what_a_name_ends_in_says_what_it_holds(name):
    values = {"note_id": ["18", "19"], "TotalClaimChargeAmount": ["180.37", "656.44"], "drug_source_value": ["00093721410", "55111068305"], "measurement_time": ["01:02:03", "11:12:13"],
              "admission_location": ["EMERGENCY ROOM", "TRANSFER FROM HOSPITAL"], "Fachabteilung": ["Chirurgie", "Innere Medizin"], "route": ["oral", "intravenous"]}  # fmt: skip
    assert profile(pl.DataFrame({name: values[name] * 10}))[0].role == ("identifier" if name == "note_id" else "keep")


@pytest.mark.parametrize("name", ["source", "service", "dept", "test", "site", "type", "status", "flag", "state", "st", "region", "unit", "result", "value", "category", "class", "comment", "note", "language", "item_id"])
@pytest.mark.parametrize("values", [UNHEARD, [word.upper() for word in UNHEARD], ["Smith", "Garcia", "Nguyen", "Miller"], ["Springfield", "Kenmore", "Boston", "Salem"], ["Ottilie Harkonnen", "Ned Umberton"]])
def test_no_name_of_a_column_lets_a_column_of_names_or_places_stay(name, values):
    for times in (1, 3, 40):
        assert profile(pl.DataFrame({name: values * times}))[0].role not in HARMLESS


def test_postal_codes_under_the_name_of_a_code_are_postal_codes():
    assert profile(pl.DataFrame({"code": ["00501", "10001", "60614", "98029"] * 20}))[0].role == "zip"


def test_words_of_another_language_stay_where_names_of_people_are_not_to_be_expected():
    assert profile(pl.DataFrame({"Fachabteilung": ["Unfallchirurgie", "Gastroenterologie"] * 20}))[0].role == "keep"
    assert profile(pl.DataFrame({"state": ["New York", "Massachusetts", "Texas", "Ohio"]}))[0].role == "keep"


@pytest.mark.parametrize("name", ["status", "type", "ward", "unit", "source", "category"])
@pytest.mark.parametrize("values", [["10.0.0.1", "10.1.1.2"], ["7ABC123", "8XYZ999"], ["501", "10001", "99999"], ["MR12345", "MR12346"], ["d41d8cd98f00b204e9800998ecf8427e"]])
def test_numbers_of_somebody_under_the_name_of_a_code_do_not_stay(name, values):
    for times in (1, 3, 40):
        assert profile(pl.DataFrame({name: values * times}))[0].role not in HARMLESS
