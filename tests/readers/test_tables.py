"""Rows of tables become events by a mapping, and no row is lost on the way."""

from __future__ import annotations

import csv
import gzip
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.core.events import check
from bedside.core.ids import subject_number
from bedside.core.time import HOUR_US, MINUTE_US, iso_instant
from bedside.formats.files import RawFile
from bedside.readers import columns, mapping, tables
from bedside.readers.reading import Reading
from bedside.readers.times import end_of

BASE = iso_instant("2000-01-01T00:00:00Z", where="test").us
MAPPING = """
schema = "bedside.mapping/1"
name = "test"
[units]
"mEq/L" = "meq/L"
[tables.labs]
files = ["labs*.csv*"]
subject = "mrn"
encounter = "visit"
[[tables.labs.events]]
code = ["LOINC//{loinc}", "LOCAL//{test|slug}"]
label = "{test}"
time = "collected"
known_at = ["resulted", "collected"]
value = "value"
unit = "unit"
needs_value = true
[tables.words]
files = ["words.csv"]
ignore = "dictionary table"
"""
HEADER = "mrn,visit,loinc,test,collected,resulted,value,unit\n"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Write a file and read it by a mapping."""

    def one(text: str | bytes, name: str = "labs.csv", told: str = MAPPING, timezone: str | None = "UTC") -> Reading:
        (tmp_path / "m.toml").write_text(told)
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        reading = tables.read(file(tmp_path / name, name), mapping=mapping.load("m.toml", tmp_path), timezone=timezone)
        assert reading.tally.reconciles
        assert sum(reading.tally.quarantined.values()) == len(reading.rejects) or len(reading.rejects) == 1
        check(reading.events, where=name)
        return reading

    return one


def file(path: Path, relative: str) -> RawFile:
    return RawFile("source", "tables", path, relative, relative)


def only(reading: Reading) -> dict[str, Any]:
    return reading.events.row(0, named=True)


def test_a_result_is_dated_by_its_specimen_and_known_when_it_was_reported(read: Callable[..., Reading]) -> None:
    event = only(read(HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,2026-01-05 10:45:00,2.10,mmol/L\n"))
    assert (event["subject_id"], event["code"], event["encounter_id"], event["unit"]) == (7, "LOINC//2524-7", "V1", "mmol/L")
    assert (event["numeric_value"], event["lexeme"], event["text_value"]) == (pytest.approx(2.1), "2.10", None)
    assert (event["known_at"] - event["time"]).total_seconds() == 45 * 60


def test_a_test_without_a_loinc_code_gets_a_local_one(read: Callable[..., Reading]) -> None:
    reading = read(HEADER + "7,V1,,Anti-Xa (LMWH),2026-01-05 10:00:00,,0.3,U/mL\n")
    assert only(reading)["code"] == "LOCAL//anti-xa-lmwh"
    assert reading.labels == {"LOCAL//anti-xa-lmwh": "Anti-Xa (LMWH)"}


def test_a_missing_report_time_is_stood_in_for_and_counted(read: Callable[..., Reading]) -> None:
    reading = read(HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,,2,mmol/L\n")
    assert only(reading)["known_at"] == only(reading)["time"]
    assert reading.problems == {"resulted is empty or unreadable: known at collected": 1}


def test_a_result_reported_before_its_specimen_was_taken_is_not_known_before_it(read: Callable[..., Reading]) -> None:
    reading = read(HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,2026-01-05 09:00:00,2,mmol/L\n")
    assert only(reading)["known_at"] == only(reading)["time"]
    assert reading.problems == {"resulted lies before the fact: known at its own time": 1}


def test_an_order_may_be_known_before_it_starts(read: Callable[..., Reading]) -> None:
    told = MAPPING.replace('value = "value"', 'ahead = true\nvalue = "value"')
    event = only(read(HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,2026-01-05 09:00:00,2,mmol/L\n", told=told))
    assert event["known_at"] < event["time"]


def test_what_is_known_on_a_date_is_known_when_that_day_is_over(read: Callable[..., Reading]) -> None:
    event = only(read(HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,2026-01-06,2,mmol/L\n"))
    assert event["known_at"].isoformat() == "2026-01-07T12:00:00"


@pytest.mark.parametrize(("sent", "number"), [(">15", 15.0), ("< 0.5", 0.5), (">=.5", 0.5), ("≤3", 3.0)])
def test_a_number_with_a_comparator_is_that_number_and_keeps_its_text(read: Callable[..., Reading], sent: str, number: float) -> None:
    reading = read(HEADER + f"7,V1,2524-7,Lactate,2026-01-05 10:00:00,2026-01-05 10:45:00,{sent},mmol/L\n")
    assert (only(reading)["numeric_value"], only(reading)["text_value"], only(reading)["lexeme"]) == (number, sent, sent)
    assert reading.problems == {}


def test_a_value_that_is_no_number_is_kept_as_text(read: Callable[..., Reading]) -> None:
    reading = read(HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,2026-01-05 10:45:00,hemolysed,mmol/L\n")
    assert (only(reading)["numeric_value"], only(reading)["text_value"], only(reading)["lexeme"]) == (None, "hemolysed", None)
    assert reading.problems == {"value is no number: kept as text": 1}


@pytest.mark.parametrize("value", ["inf", "NaN", "1e99", "-Infinity"])
def test_no_infinity_enters_the_lake(read: Callable[..., Reading], value: str) -> None:
    event = only(read(HEADER + f"7,V1,2524-7,Lactate,2026-01-05 10:00:00,2026-01-05 10:45:00,{value},mmol/L\n"))
    assert (event["numeric_value"], event["text_value"]) == (None, value)


def test_a_unit_is_respelt_but_never_converted(read: Callable[..., Reading]) -> None:
    event = only(read(HEADER + "7,V1,2823-3,Potassium,2026-01-05 10:00:00,2026-01-05 10:45:00,4.1,mEq/L\n"))
    assert (event["unit"], event["lexeme"]) == ("meq/L", "4.1")


def test_an_unknown_unit_stays_as_it_was_sent_and_is_counted(read: Callable[..., Reading]) -> None:
    found = read(HEADER + "7,V1,2823-3,K,2026-01-05 10:00:00,2026-01-05 10:45:00,4.1,furlong\n")
    assert only(found)["unit"] == "furlong"
    assert found.problems == {"a unit that UCUM does not have, kept": 1}


def test_each_broken_row_is_quarantined_with_its_line_and_the_rest_is_read(read: Callable[..., Reading]) -> None:
    reading = read(
        HEADER
        + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,,2,mmol/L\n"
        + ",V1,2524-7,Lactate,2026-01-05 11:00:00,,2,mmol/L\n"
        + "7,V1,2524-7,Lactate,soon,,2,mmol/L\n"
        + "7,V1,2524-7,Lactate,,,2,mmol/L\n"
        + "7,V1,2524-7\n"
        + "7,V1,2524-7,Lactate,2026-01-05 12:00:00,,,mmol/L\n"
    )
    assert (reading.tally.read, reading.tally.written) == (6, 1)
    assert reading.tally.ignored == {"no value in any mapped column": 1}
    assert {(reject.place, reject.reason.split(",")[0]) for reject in reading.rejects} == {
        ("line 3", "the row names no subject"), ("line 4", "a time that cannot be read"),
        ("line 5", "no time where the mapping reads one"), ("line 6", "row has 3 fields"),
    }  # fmt: skip


def test_a_reject_never_shows_what_the_row_held(read: Callable[..., Reading]) -> None:
    reading = read(HEADER + ",Zebulon,Canary,1931-02-03,04 May,555-0199,,\n")
    assert not {"Zebulon", "Canary", "1931", "555"} & {
        word for r in reading.rejects for word in (r.reason + r.place + r.digest).split()
    }


def test_a_file_that_lacks_a_column_is_quarantined_whole_with_one_reason(read: Callable[..., Reading]) -> None:
    reading = read("mrn,visit,loinc,test,collected,value,unit\n" + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,2,mmol/L\n" * 3)
    assert reading.tally.written == 3, "resulted has a stand-in"
    reading = read("visit,loinc,test,collected,value,unit\n" + "V1,2524-7,Lactate,2026-01-05 10:00:00,2,mmol/L\n" * 3)
    assert reading.tally.quarantined == {"the file lacks the column mrn": 3}
    assert [reject.place for reject in reading.rejects] == ["file"]


def test_a_time_without_a_zone_is_quarantined_when_no_zone_is_declared(read: Callable[..., Reading]) -> None:
    row = HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,,2,mmol/L\n"
    assert read(row, timezone=None).tally.quarantined == {"a time that cannot be read": 1}
    assert only(read(row, timezone="America/New_York"))["utc_offset_min"] == -300


def test_an_explicit_offset_goes_before_the_declared_zone(read: Callable[..., Reading]) -> None:
    event = only(read(HEADER + "7,V1,2524-7,Lactate,2026-01-05T10:00:00+09:00,,2,mmol/L\n", timezone="America/New_York"))
    assert (event["utc_offset_min"], event["time"].hour) == (540, 1)


def test_unmapped_tables_dictionaries_and_other_files_are_counted(read: Callable[..., Reading]) -> None:
    assert read("a,b\n1,2\n3,4\n", "strange.csv").tally.ignored == {"table not mapped": 2}
    assert read("word,meaning\nx,y\n", "words.csv").tally.ignored == {"dictionary table": 1}
    assert read("Read me first.\n", "README.txt").tally.ignored == {"not a table": 1}


def test_a_gzip_that_breaks_off_is_one_quarantined_record(read: Callable[..., Reading]) -> None:
    reading = read(gzip.compress((HEADER + "7,V1,2524-7,L,2026-01-05 10:00:00,,2,x\n" * 50).encode())[:-20], "labs.csv.gz")
    assert reading.tally.quarantined == {"gzip stream is truncated or damaged": 1}


def test_a_joined_dictionary_gives_labels_and_a_missing_one_quarantines_the_file(
    read: Callable[..., Reading], tmp_path: Path
) -> None:
    told = MAPPING.replace(
        'visit"\n[[', 'visit"\n[[tables.labs.join]]\nfiles = ["d_tests.csv"]\non.test = "id"\ntake.name = "name"\n[[', 1
    )
    told = told.replace('label = "{test}"', 'label = "{name}"')
    row = HEADER + "7,V1,2524-7,50813,2026-01-05 10:00:00,,2,mmol/L\n"
    assert "a table that its rows need is not among the files: d_tests.csv" in read(row, told=told).tally.quarantined
    (tmp_path / "d_tests.csv").write_text("id,name\n50813,Lactate\n50813,Again\n")
    assert read(row, told=told).labels == {"LOINC//2524-7": "Lactate"}


def test_a_row_that_is_not_utf_8_costs_only_itself(read: Callable[..., Reading]) -> None:
    good = b"7,V1,2524-7,Lactate,2026-01-05 10:00:00,,2,mmol/L\n"
    reading = read(HEADER.encode() + good + good.replace(b"Lactate", b"Lact\xe9") + good)
    assert (reading.tally.written, sum(reading.tally.quarantined.values())) == (2, 1)


def test_a_table_in_another_encoding_is_one_clear_reject(read: Callable[..., Reading]) -> None:
    reading = read((HEADER + "7,V1,2524-7,Lactate,2026-01-05 10:00:00,,2,mmol/L\n").encode("utf-16"))
    assert (reading.tally.read, reading.tally.written, len(reading.rejects)) == (1, 0, 1)


CELL = st.one_of(
    st.sampled_from(["", "7", "V1", "2524-7", "Lactate", "2026-01-05 10:00:00", "2026-01-05", "2.5", "mmol/L", "NaN", "x"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=8, max_size=8), max_size=5))
def test_every_row_whatever_it_holds_is_counted_once(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.getbasetemp() / "labs.csv"
    with place.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([HEADER.strip().split(","), *rows])
    reading = tables.read(file(place, "labs.csv"), mapping=tomllib.loads(MAPPING), timezone="UTC")
    assert reading.tally.reconciles
    assert reading.tally.read == len(rows)
    assert reading.events.height == reading.tally.written
    assert len(reading.rejects) == sum(reading.tally.quarantined.values())


def test_the_same_rows_give_the_same_events_byte_for_byte(read: Callable[..., Reading]) -> None:
    text = HEADER + "".join(f"{n % 7},V{n},2524-7,Lactate,2026-01-05 10:{n:02}:00,,{n}.5,mmol/L\n" for n in range(40))
    assert read(text).events.equals(read(text).events)


# --- PhysioNet 2019 -------------------------------------------------------------------------------

PSV = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|EtCO2|BaseExcess|HCO3|FiO2|pH|PaCO2|SaO2|AST|BUN|Alkalinephos|Calcium|Chloride|Creatinine|\
Bilirubin_direct|Glucose|Lactate|Magnesium|Phosphate|Potassium|Bilirubin_total|TroponinI|Hct|Hgb|PTT|WBC|Fibrinogen|Platelets|\
Age|Gender|Unit1|Unit2|HospAdmTime|ICULOS|SepsisLabel\n"


def hour(number: int, *, heart_rate: str = "NaN", sepsis: int = 0) -> str:
    return "|".join([heart_rate, *["NaN"] * 33, "73", "1", "1", "0", "-214.64", str(number), str(sepsis)]) + "\n"


@pytest.fixture
def stay(tmp_path: Path) -> Reading:
    (tmp_path / "p100001.psv").write_text(PSV + hour(1, heart_rate="88") + hour(2) + hour(3, heart_rate="93", sepsis=1))
    return tables.read(
        file(tmp_path / "p100001.psv", "p100001.psv"), mapping=mapping.load("physionet-2019", tmp_path), timezone=None
    )


def times(stay: Reading, code: str, column: str = "time") -> list[float]:
    return [(us - BASE) / HOUR_US for us in stay.events.filter(pl.col("code") == code)[column].to_physical()]


def test_hour_k_is_measured_at_its_start_and_known_one_minute_before_its_end(stay: Reading) -> None:
    assert times(stay, "LOINC//8867-4") == [0, 2]
    assert times(stay, "LOINC//8867-4", "known_at") == [1 - MINUTE_US / HOUR_US, 3 - MINUTE_US / HOUR_US]


def test_a_stay_starts_with_its_first_hour_and_ends_after_its_last(stay: Reading) -> None:
    assert (times(stay, "ENCOUNTER_START//ICU"), times(stay, "ENCOUNTER_END//ICU")) == ([0], [3])


def test_facts_of_the_whole_stay_are_said_once_and_without_a_time(stay: Reading) -> None:
    static = stay.events.filter(pl.col("time").is_null())
    assert static["code"].to_list() == [
        "CINC2019//AGE",
        "CINC2019//HOSP_ADM_HOURS",
        "CINC2019//UNIT1",
        "CINC2019//UNIT2",
        "SEX//male",
    ]
    assert stay.tally.ignored == {"says only what an earlier row said": 1}


def test_the_sepsis_label_is_an_event_of_the_hours_that_carry_it(stay: Reading) -> None:
    assert times(stay, "CINC2019//SEPSIS_LABEL") == [2]


def test_a_stay_is_named_for_its_file(stay: Reading) -> None:
    assert set(stay.events["subject_id"]) == {subject_number("p100001")}
    assert set(stay.events["encounter_id"]) == {"p100001"}


def test_every_row_of_the_collected_parquet_is_accounted_for(shared_data: Path) -> None:
    path = shared_data / "cds" / "sepsis2019" / "setB_7499.parquet"
    whole = tables.read(file(path, path.name), mapping=mapping.load("physionet-2019", path.parent))
    assert whole.tally.reconciles
    assert (whole.tally.read, whole.tally.quarantined, whole.problems) == (284_827, {}, {})
    codes = dict(whole.events["code"].value_counts().iter_rows())
    assert (codes["ENCOUNTER_START//ICU"], codes["ENCOUNTER_END//ICU"], codes["CINC2019//AGE"]) == (7_499, 7_499, 7_499)
    assert whole.events.filter(pl.col("code") == "CINC2019//SEPSIS_LABEL")["subject_id"].n_unique() == 411


def test_the_collected_parquet_and_the_raw_files_say_the_same(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "cds" / "sepsis2019"
    told = mapping.load("physionet-2019", folder)
    raw = sorted((folder / "psv_sample").glob("*.psv"))[:20]
    stays = pl.read_parquet(folder / "setB_7499.parquet").filter(pl.col("pid").is_in([path.stem for path in raw]))
    stays.write_parquet(tmp_path / "some.parquet")
    key = ["subject_id", "encounter_id", "time", "known_at", "code", "numeric_value", "unit"]
    singly = pl.concat(tables.read(file(path, path.name), mapping=told).events.select(key) for path in raw)
    whole = tables.read(file(tmp_path / "some.parquet", "some.parquet"), mapping=told).events.select(key)
    assert singly.sort(key).equals(whole.sort(key))


# --- times by column ------------------------------------------------------------------------------

ZONES = st.sampled_from([None, "UTC", "America/New_York", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kolkata"])
TIMES = st.one_of(
    st.datetimes(min_value=datetime(1900, 1, 1)).map(lambda t: t.replace(microsecond=0).isoformat()),
    st.from_regex(r"20[0-4]\d-(03|10|11)-[0-3]\d[T ]0[0-3]:[0-5]\d:[0-6]\d(Z|[+-](0\d|1[0-5]):?[03]0)?", fullmatch=True),
    st.from_regex(
        r"(19|20|21)\d\d(-[01]\d(-[0-3]\d([T ][0-2]\d:[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?", fullmatch=True
    ),
    st.text(max_size=12),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TIMES, max_size=6), ZONES)
@example(["2026-03-08 02:30:00", "2026-11-01 01:30:00", "2026-03-29T02:15:00"], "America/New_York")
@example(["2026-03-29 02:30:00", "2026-10-25 02:30:00"], "Europe/Paris")
@example(["2026-04-05 01:45:00", "2026-10-04 02:15:00"], "Australia/Lord_Howe")
def test_times_by_column_are_the_times_one_by_one(texts: list[str], zone: str | None) -> None:
    found = columns.instants(pl.Series("t", texts, dtype=pl.String), zone)
    for text, us, offset, end, bad in zip(texts, found.us, found.offset_min, found.end_us, found.unreadable, strict=True):
        try:
            alone = iso_instant(text, where="test", timezone=zone)
        except Malformed:
            assert bad
        else:
            assert (us, offset, end, bad) == (alone.us, alone.offset_min, end_of(alone), False)


def test_a_declared_format_is_tried_where_iso_fails() -> None:
    found = columns.instants(pl.Series(["01/31/2026 14:05", "01/31/2026"]), "UTC", ("%m/%d/%Y %H:%M", "%m/%d/%Y"))
    assert found.us.cast(pl.Datetime("us")).dt.to_string().to_list() == ["2026-01-31 14:05:00.000000", "2026-01-31 00:00:00.000000"]
    assert found.slack_us.to_list() == [0, 36 * HOUR_US]


@given(st.lists(st.one_of(st.none(), st.floats().map(repr), st.text("0123456789.e+-<> ", max_size=8)), max_size=20))
def test_a_cell_is_a_finite_number_or_a_text_and_both_only_with_a_comparator(cells: list[str | None]) -> None:
    found = columns.numbers(pl.Series("v", cells, dtype=pl.String))
    for cell, value, lexeme, other in zip(cells, found.value, found.lexeme, found.other, strict=True):
        assert (value is None) == (lexeme is None)
        compared = value is not None and cell is not None and any(sign in cell for sign in "<>")
        assert [lexeme, other].count(cell) == (2 if cell is None or compared else 1)
        assert value is None or abs(value) < 3.5e38


OFFSETS = """
schema = "bedside.mapping/1"
name = "test"
[tables.labs]
files = ["labs.csv"]
subject = "mrn"
base = "2000-01-01T00:00:00Z"
[[tables.labs.events]]
code = "LOINC//2524-7"
time = "base + offset hours"
value = "value"
"""


@pytest.mark.parametrize("hours", ["99999999", "-99999999", "1e300"])
def test_a_time_that_no_calendar_holds_is_quarantined(read: Callable[..., Reading], hours: str) -> None:
    found = read(f"mrn,offset,value\n7,1,2.1\n7,{hours},2.1\n7,,2.1\n", told=OFFSETS)
    assert (found.tally.written, sum(found.tally.quarantined.values())) == (1, 2)
    assert found.tally.quarantined["no time where the mapping reads one"] == (2 if hours == "1e300" else 1)
