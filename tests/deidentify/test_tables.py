"""Tables: identifiers in any column survive nowhere, what stays is the same to the bit, and a frame changes as fast as its different values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.errors import Malformed
from bedside.core.time import UNSTATED
from bedside.deidentify.desk import Desk
from bedside.deidentify.keyring import Keyring
from bedside.deidentify.policy import Policy, policy
from bedside.deidentify.profile import as_mapping, profile, proposal
from bedside.deidentify.survey import survey
from bedside.deidentify.table_columns import iso_text
from bedside.deidentify.tables import change_frame
from bedside.deidentify.transform import transform
from bedside.formats.chunks import chunks
from bedside.formats.files import RawFile

ZONE = "America/New_York"
PEOPLE = (
    'mrn,patient_name,phone,street,birth_date,visit,seen\n70707071,"Quillfeather, Zebulon",212-555-0147,14 Kestrel Mews,1932-05-17,V1,2026-01-13\n'
    '80808081,"Vandersnoot, Ottoline",646-555-0156,9 Plover Gate,1980-02-03,V2,2025-06-01\n'
)
MAPPING: dict[str, Any] = {"tables": {"people": {"files": ["people.csv"], "subject": "mrn", "roles": {
    "mrn": "subject", "patient_name": "name", "phone": "phone", "street": "address", "birth_date": "birth_date", "visit": "encounter", "seen": "date"}}}}  # fmt: skip
KNOWN = ("Quillfeather", "Zebulon", "70707071", "212-555-0147", "2125550147", "14 Kestrel Mews", "Quillfeather, Zebulon")


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    root = tmp_path_factory.mktemp("tables")
    (root / "people.csv").write_text(PEOPLE)
    made = Keyring.create(root / "k", seed=b"tables", made=True)
    survey([RawFile("t", "tables", root / "people.csv", "people.csv", "people.csv")], made, mappings={"t": MAPPING}, timezones={"t": ZONE})
    return made


Changed = Callable[..., pl.DataFrame]


@pytest.fixture(scope="module")
def out(ring: Keyring) -> Changed:
    """A frame of the first patient's rows, changed; the fault of a row is raised."""

    def changed(columns: dict[str, Any], roles: dict[str, str], *, rules: Policy | None = None, timezone: str | None = ZONE, **more: Any) -> pl.DataFrame:
        frame = pl.DataFrame(columns)
        frame = frame.with_columns(pl.lit("70707071").alias("mrn")) if "mrn" not in frame.columns else frame
        rule = {"files": ["x.csv"], "subject": "mrn", "roles": {"mrn": "subject", **roles}} | more
        desk = Desk(ring, rules or policy("expert-determination"))
        new, faults = change_frame(frame, desk, mapping=None, rule=rule, timezone=timezone, source="t")
        if faults:
            raise Malformed(faults[0][1], where=str([row for row, _ in faults]), do="")
        return new

    return changed


def _clock(ring: Keyring, name: str = "expert-determination") -> Any:
    return Desk(ring, policy(name)).person(ring.map.subjects[0]).clock


# --- roles ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "value", "kept"),
    [
        ("age", "93", "90"),
        ("age", "89", "89"),
        ("age", "93 years", "90 years"),
        ("age", "11 months", "11 months"),
        ("age", "90+", "90+"),
        ("zip", "02139-1234", "021"),
        ("zip", "03601", "000"),
        ("text", "told Zebulon", "told [NAME]"),
        ("keep", "3.70", "3.70"),
        ("keep", " 5", " 5"),
        ("keep", "QUILLFEATHER", "[NAME]"),
        ("year", "2026", None),
        ("uid", "1.2.840.10008.1.2", "1.2.840.10008.1.2"),
    ],
)
def test_a_cell_changes_by_its_role(out, role, value, kept):
    done = out({"x": [value, value]}, {"x": role})["x"].to_list()
    assert done[0] == done[1]
    assert done[0] == kept if kept is not None else done[0] != value or len(done[0]) == 4


@pytest.mark.parametrize("role", ["name", "given", "family", "phone", "email", "address", "ssn", "ip", "url", "city", "drop"])
def test_columns_that_only_identify_are_removed(out, role):
    assert out({"x": ["Zebulon"]}, {"x": role}).columns == ["mrn"]


def test_cities_stay_in_a_limited_data_set_and_names_may_be_surrogates(out):
    assert out({"x": ["Boston"]}, {"x": "city"}, rules=policy("limited-data-set"))["x"].to_list() == ["Boston"]
    rules = msgspec.structs.replace(policy("expert-determination"), names="surrogate")
    done = out({"x": ["Quillfeather, Zebulon"]}, {"x": "name"}, rules=rules)["x"].to_list()[0]
    assert done
    assert not {"Quillfeather", "Zebulon"} & set(done.replace(",", "").split())


def test_a_number_of_one_person_has_one_pseudonym_in_text_and_typed_columns(out):
    text, typed = out({"x": ["8123456"]}, {"x": "identifier"}), out({"x": [8123456]}, {"x": "identifier"})
    assert text["x"].to_list() == typed["x"].to_list()
    assert out({"x": ["a"], "mrn": [70707071]}, {"x": "keep"})["mrn"].to_list() == out({"x": ["a"]}, {"x": "keep"})["mrn"].to_list()


def test_rows_of_nobody_known_are_at_fault_and_told_by_number(ring):
    frame = pl.DataFrame({"mrn": ["70707071", "99999999", None, "80808081"], "x": ["a", "b", "c", "d"]})
    rule = {"subject": "mrn", "roles": {"mrn": "subject", "x": "keep"}}
    new, faults = change_frame(frame, Desk(ring, policy("expert-determination")), mapping=None, rule=rule, timezone=None, source="t")
    assert [row for row, _ in faults] == [1, 2]
    assert new["x"].to_list() == ["a", "d"]


def test_a_table_about_nobody_in_particular_keeps_years_and_scrubs_texts(out):
    done = out({"x": ["2021-03-04"], "y": ["call (212) 555-0199"], "z": ["5"]}, {"x": "date", "y": "text", "z": "keep", "mrn": "drop"}, subject="@nobody")
    assert (done["x"].to_list(), done["y"].to_list(), done["z"].to_list()) == (["2021"], ["call [PHONE]"], ["5"])


# --- times ------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    moments=st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=1, max_size=8),
    form=st.sampled_from(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S-04:00", "%Y-%m", "%Y"]),
    name=st.sampled_from(["expert-determination", "limited-data-set", "safe-harbor"]),
    zone=st.sampled_from([ZONE, UNSTATED]),
)
def test_the_column_moves_as_the_clock_moves_each_cell(out, ring, moments, form, name, zone):
    said = [moment.strftime(form) for moment in moments]
    want = [_clock(ring, name).iso(text, where="x", timezone=zone) for text in said]
    assert out({"x": said}, {"x": "datetime"}, rules=policy(name), timezone=zone)["x"].to_list() == want


def test_hours_that_clocks_skip_or_show_twice_move_as_in_other_formats(out, ring):
    said = ["2026-03-08 02:30:00", "2026-11-01 01:30:00"]
    assert out({"x": said}, {"x": "datetime"})["x"].to_list() == [_clock(ring).iso(text, where="x", timezone=ZONE) for text in said]


@pytest.mark.parametrize("text", ["2026-02-30", "soon", "2026-01-13 25:00:00", "9-9-9"])
def test_a_date_that_is_none_puts_its_row_at_fault_without_a_word_of_it(out, text):
    with pytest.raises(Malformed) as told:
        out({"x": [text]}, {"x": "datetime"})
    assert text not in str(told.value)


def test_a_time_without_zone_is_at_fault_unless_no_zone_is_stated_for_the_source(out, ring):
    with pytest.raises(Malformed, match="without a zone"):
        out({"x": ["2026-01-13 10:00:00"]}, {"x": "datetime"}, timezone=None)
    moved = _clock(ring).iso("2026-01-13", where="x", timezone=None)
    done = out({"x": ["2026-01-13 10:00:00"], "y": [dt.datetime(2026, 1, 13, 10)]}, {"x": "datetime", "y": "datetime"}, timezone=UNSTATED)
    assert done["x"].to_list() == [f"{moved}T10:00:00"]
    assert done["y"].to_list() == [dt.datetime.fromisoformat(f"{moved}T10:00:00")]


def test_declared_formats_are_read_and_packed_digits_not_mistaken():
    assert iso_text("01/13/2026", ["%m/%d/%Y"]) == "2026-01-13"
    assert iso_text("202601130905", ["%Y%m%d%H%M%S", "%Y%m%d%H%M"]) == "2026-01-13T09:05:00"


# --- typed columns ----------------------------------------------------------------------------------------


def test_typed_dates_and_times_stay_typed_and_move_alike(out, ring):
    day, moment = dt.date(2026, 1, 13), dt.datetime(2026, 1, 13, 10, 0, 0)
    frame = {"d": [day], "m": [moment], "z": pl.Series([moment]).dt.replace_time_zone("UTC"), "t": [dt.time(10)], "s": ["2026-01-13"]}
    done = out(frame, {"d": "date", "m": "datetime", "z": "datetime", "t": "keep", "s": "date"})
    days = dt.timedelta(days=_clock(ring).days)
    assert done.schema["d"] == pl.Date
    assert str(done["d"][0]) == done["s"][0] == str(day + days)
    assert done.schema["m"] == pl.Datetime("us", ZONE)
    assert done["m"].dt.epoch("us")[0] - pl.Series([moment]).dt.replace_time_zone(ZONE).dt.epoch("us")[0] == days // dt.timedelta(microseconds=1)
    assert done["z"][0] - pl.Series([moment]).dt.replace_time_zone("UTC")[0] == days
    assert done["t"][0] == dt.time(10)


def test_a_typed_birth_date_is_capped_and_cut_as_a_written_one(out):
    for name in ("expert-determination", "safe-harbor"):
        done = out({"a": [dt.date(1932, 5, 17)], "b": ["1932-05-17"]}, {"a": "birth_date", "b": "birth_date"}, rules=policy(name))
        assert done["a"].to_list() == done["b"].to_list()
        assert done["a"][0] != "1932-05-17"


def test_typed_numbers_stay_typed_and_the_patients_own_become_null(out):
    columns = {"i": [5, 70707071], "f": [0.1, 0.2], "a": [93, 40], "b": [True, False], "mrn": ["70707071"] * 2}
    done = out(columns, {"i": "keep", "f": "keep", "a": "age", "b": "keep"})
    assert done.schema["i"] == pl.Int64
    assert done["i"].to_list() == [5, None]
    assert done["f"].to_list() == [0.1, 0.2]
    assert done["a"].to_list() == [90, 40]
    assert done["b"].to_list() == [True, False]


def test_decimals_and_categories(out):
    done = out({"d": pl.Series(["1.50"]).cast(pl.Decimal(10, 2)), "c": pl.Series(["Zebulon"]).cast(pl.Categorical)}, {"d": "keep", "c": "keep"})
    assert str(done["d"][0]) == "1.50"
    assert done["c"].to_list() == ["[NAME]"]


def test_lists_of_numbers_stay_lists_of_texts_are_scrubbed_and_records_go(out):
    columns = {"n": [[1.5, 2.5]], "t": [["told Zebulon", "fine"]], "r": [{"name": "Zebulon"}], "b": [b"Zebulon"], "l": [[{"name": "Zebulon"}]]}
    done = out(columns, dict.fromkeys("ntrbl", "keep"))
    assert done.columns == ["n", "t", "mrn"]
    assert done["n"].to_list() == [[1.5, 2.5]]
    assert done["t"].to_list() == [["told [NAME]", "fine"]]


# --- headers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Zebulon Quillfeather", "quillfeather_result", "MRN 70707071", "212-555-0147"])
def test_a_header_that_tells_a_person_is_replaced(out, name):
    done = out({name: ["1"]}, {name: "keep"}, proposed=True)
    assert done.columns == ["column_1", "mrn"]


def test_headers_of_data_stay_and_so_does_what_the_author_of_a_mapping_wrote(out):
    names = ["icd10_1", "PAT_ENC_CSN_ID", "Heart rate", "long name", "Zebulon"]
    assert out({name: ["1"] for name in names[:4]}, dict.fromkeys(names, "keep"), proposed=True).columns[:4] == names[:4]
    assert out({"Zebulon": ["1"]}, {"Zebulon": "keep"}).columns[0] == "Zebulon"


# --- properties -------------------------------------------------------------------------------------------

_SAFE = st.sampled_from(["3.70", "Positive", "E11.9", "8867-4", "mg/dL", "", "5", "no change", "-1e-3", "A/B"])
_CELL = st.one_of(_SAFE, st.tuples(_SAFE, st.sampled_from(KNOWN), _SAFE).map(" ".join).map(str.strip), st.sampled_from(KNOWN))
_ROLE = st.sampled_from(["keep", "text", "identifier", "encounter", "plan", "drop", "name", "phone", "age", "zip", "uid", "email"])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(_ROLE, st.lists(_CELL, min_size=3, max_size=3)), min_size=1, max_size=6))
def test_identifiers_planted_in_any_column_survive_in_none_that_is_not_dropped(out, columns):
    named = {f"c{at}": (role, cells) for at, (role, cells) in enumerate(columns)}
    done = out({name: cells for name, (_, cells) in named.items()}, {name: role for name, (role, _) in named.items()})
    text = done.write_csv().lower()
    assert [one for one in KNOWN if one.lower() in text] == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), _SAFE, st.decimals(-999, 999, places=3).map(str), st.just("  "), st.just("ä é")), min_size=1, max_size=20))
def test_a_kept_column_is_the_same_to_the_bit(out, cells):
    column = pl.Series("x", cells, dtype=pl.String)
    assert out({"x": column, "mrn": ["70707071"] * len(cells)}, {"x": "keep"})["x"].equals(column, null_equal=True)


@settings(max_examples=20, deadline=None)
@given(st.permutations(["mrn", "patient_name", "phone", "street", "seen", "note", "value"]), st.integers(1, 4))
def test_a_table_without_a_mapping_is_made_safe_by_its_profile(ring, order, rows):
    made = {"mrn": "70707071", "patient_name": "Quillfeather, Zebulon", "phone": "212-555-0147", "street": "14 Kestrel Mews", "seen": "01/13/2026", "value": "3.7",
            "note": "Zebulon was seen on 01/13/2026 and called 212-555-0147 in the evening"}  # fmt: skip
    frame = pl.DataFrame({name: [made[name]] * rows for name in order})
    mapping = as_mapping(profile(frame), files="x.csv")
    new, faults = change_frame(frame, Desk(ring, policy("expert-determination")), mapping=mapping, rule=mapping["tables"]["table"], timezone=UNSTATED, source="t")
    text = new.write_csv()
    assert not faults
    assert {"mrn", "seen", "note", "value"} <= set(new.columns)
    assert [one for one in (*KNOWN, "01/13/2026", "2026-01-13") if one in text] == []


def test_the_same_frame_gives_the_same_frame_cut_into_batches(ring):
    frame = pl.DataFrame({"mrn": ["70707071", "80808081"] * 20, "x": [f"2026-01-{1 + at % 28:02d} 10:00:00" for at in range(40)], "y": ["told Ottoline", "told Zebulon"] * 20})
    rule = {"subject": "mrn", "roles": {"mrn": "subject", "x": "datetime", "y": "text"}}
    desk = Desk(ring, policy("expert-determination"))
    whole, _ = change_frame(frame, desk, mapping=None, rule=rule, timezone=ZONE, source="t")
    parts = [change_frame(frame[at : at + 7], desk, mapping=None, rule=rule, timezone=ZONE, source="t")[0] for at in range(0, 40, 7)]
    assert pl.concat(parts).equals(whole)


def test_faults_of_text_tables_are_quarantined_and_the_rest_is_made_safe_without_a_mapping(empty):
    good = '70707071,"Quillfeather, Zebulon",212-555-0147,01/13/2026,"Told Zebulon, ""who"" laughed,\r\nand left at noon on 01/13/2026",3.7\r\n'
    bad = "70707071,Quillfeather\r\n" + "70707071,x,y,z\0,n,1,2,3\r\n"
    data = b"\xef\xbb\xbf" + ("mrn,patient_name,phone,seen,note,value\r\n" + good * 3 + bad + good).encode()
    file = empty.put("tables", "export.csv", data)
    mapping = proposal([file])
    survey([file], empty.keyring, mappings={"tables": mapping}, timezones={"tables": UNSTATED})
    done = transform(file, policy=policy("expert-determination"), keyring=empty.keyring, mapping=mapping, timezone=UNSTATED)
    assert (done.tally.written, sum(done.tally.quarantined.values()), done.tally.reconciles) == (4, 2, True)
    assert done.data.startswith(b"\xef\xbb\xbfmrn,seen,note,value\r\n")
    assert not re.search("quillfeather|zebulon|555|70707071|01/13/2026", done.data.decode() + repr(done.rejects), re.IGNORECASE)
    assert '""who"" laughed' in done.data.decode()


# --- whatever a table holds ---------------------------------------------------------------------------------


def test_years_stay_years_of_their_type(out, ring):
    typed = out({"born": [1932], "seen": [2026]}, {"born": "birth_date", "seen": "year"})
    text = out({"born": ["1932"], "seen": ["2026"]}, {"born": "birth_date", "seen": "year"})
    assert typed.schema["born"] == typed.schema["seen"] == pl.Int64
    assert [str(typed[name][0]) for name in ("born", "seen")] == [text[name][0] for name in ("born", "seen")]
    assert text["born"][0] == _clock(ring).birth("1932", where="x")[:4]


def test_a_year_of_nobody_that_may_be_a_birth_above_the_cap_goes(out):
    roles = {"x": "birth_date", "y": "date", "mrn": "drop"}
    done = out({"x": ["1931-02-03", "1980-02-03"], "y": ["1929-01-01", "2021-05-06"]}, roles, subject="@nobody")
    assert (done["x"].to_list(), done["y"].to_list()) == ([None, "1980"], [None, "2021"])


@pytest.mark.parametrize(("name", "kept"), [("visit_1_2019-03-04", False), ("Springfield_bp", False), ("v70707071", False), ("hb_20190304", False), ("PatientAge", True), ("hadm_id", True), ("pat_enc_csn_id", True)])
def test_a_header_that_tells_a_date_a_name_or_a_number_is_replaced_by_its_place(out, name, kept):
    done = out({"a": ["1"], name: ["5"]}, {"a": "keep", name: "keep"}, proposed=True)
    assert done.columns[1] == (name if kept else "column_2")


def _whole(tmp_path, ring, name: str) -> Any:
    file = RawFile("t", "tables", tmp_path / name, name, name)
    mapping = proposal([file])
    return transform(file, policy=policy("expert-determination"), keyring=ring, mapping=mapping, timezone=UNSTATED)


def test_a_table_without_a_header_loses_no_record_and_tells_none_as_its_names(tmp_path, ring):
    rows = [f"{name},8000000{at},19{at + 40}-01-02,{at + 10}.5" for at, name in enumerate(("Ottilie Harkonnen", "Orlo Pottlesworth", "Ned Long", "Ida Umberton"))]
    (tmp_path / "x.csv").write_text("\n".join(rows) + "\n")
    made = _whole(tmp_path, ring, "x.csv")
    assert made.tally.written == len(rows)
    assert made.data.decode().splitlines() == ["column_3,column_4", *(f"19{at + 40},{at + 10}.5" for at in range(len(rows)))]


def test_parts_of_a_table_without_a_header_are_one_table(tmp_path, ring):
    lines = [f"Zebulon Quillfeather,{70000000 + at},2021-01-{1 + at % 28:02d},{at}.5" for at in range(3000)]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    file = RawFile("t", "tables", tmp_path / "x.csv", "x.csv", "x.csv")
    mapping = proposal([file])
    parts = [transform(part, policy=policy("expert-determination"), keyring=ring, mapping=mapping, timezone=UNSTATED) for part in chunks(file, part=20_000)]
    whole = transform(file, policy=policy("expert-determination"), keyring=ring, mapping=mapping, timezone=UNSTATED)
    assert len(parts) > 3
    assert b"".join(part.data or b"" for part in parts) == whole.data
    assert sum(part.tally.written for part in parts) == len(lines)


def test_columns_of_any_parquet_type_are_changed_or_removed_and_never_stop_a_run(tmp_path):
    from decimal import Decimal

    frame = pl.DataFrame(
        {
            "mrn": ["70707071", "80808081"], "name": ["Quillfeather, Zebulon", "Long, Ned"], "tags": [["a", "Quillfeather"], ["b", "Long"]], "codes": [[1, 2], [3]], "kin": [{"n": "Quillfeather"}, {"n": "Long"}],
            "deep": [[["Quillfeather"]], [["Long"]]], "blob": [b"Quillfeather", b"Long"], "price": [Decimal("1.10"), Decimal("2.20")], "took": [dt.timedelta(hours=1)] * 2, "at": [dt.time(8, 30)] * 2, "none": [None, None],
            "born": [dt.date(1950, 1, 1)] * 2, "seen": [dt.datetime(2021, 1, 1, 8)] * 2, "note": [["seen today with Zebulon"], ["told Ned Long to come"]],
        }
    )  # fmt: skip
    frame.write_parquet(tmp_path / "x.parquet")
    made = Keyring.create(tmp_path / "k", seed=b"types", made=True)
    file = RawFile("t", "tables", tmp_path / "x.parquet", "x.parquet", "x.parquet")
    mapping = proposal([file])
    survey([file], made, mappings={"t": mapping}, timezones={"t": UNSTATED})
    done = transform(file, policy=policy("expert-determination"), keyring=made, mapping=mapping, timezone=UNSTATED)
    (tmp_path / "y.parquet").write_bytes(done.data)
    new = pl.read_parquet(tmp_path / "y.parquet")
    assert {"mrn", "codes", "price", "seen", "born"} <= set(new.columns)
    assert not {"name", "kin", "deep", "blob", "tags"} & set(new.columns)
    assert not [word for word in ("Quillfeather", "Zebulon", "Long", "Ned") if word in repr(new.rows())]


def test_a_table_of_which_nothing_may_stay_is_set_aside_with_the_reason(tmp_path, ring):
    (tmp_path / "x.csv").write_text("a,b\nHarkonnen,Umberton\nPottlesworth,Whistlecraft\n")
    made = _whole(tmp_path, ring, "x.csv")
    assert (made.data, made.tally.written, [reject.reason for reject in made.rejects]) == (None, 0, ["no column of this table may stay"])


def test_a_name_in_one_row_of_a_column_of_codes_goes_and_the_codes_stay(out):
    said = ["final", "Type 2 diabetes", "mm[Hg]", "0.5", "ICU", "Unfallchirurgie", "EW EMER."] * 40
    done = out({"x": [*said, "Harkonnen called", "moved to Springfield", *["per Umberton"] * 9]}, {"x": "keep"}, proposed=True)["x"].to_list()
    assert done == [*said, "[NAME] called", "moved to [NAME]", *["per [NAME]"] * 9]
    assert out({"x": ["Zoloft", "Farxuvia", "Quintrexo"] * 9}, {"x": "keep"}, proposed=True)["x"].to_list() == ["Zoloft", "Farxuvia", "Quintrexo"] * 9
    assert out({"x": ["per Umberton"]}, {"x": "keep"})["x"].to_list() == ["per Umberton"]


def test_a_name_that_stands_for_the_number_of_a_patient_is_known_in_the_texts_beside_it(tmp_path):
    (tmp_path / "x.psv").write_text("patient|comment|qty\nPottlesworth^Orlo|asked Orlo Pottlesworth to come back on Monday|30\nUmberton^Ida|spoke with Ida; umberton knows|60\n")
    made = Keyring.create(tmp_path / "k", seed=b"named", made=True)
    file = RawFile("t", "tables", tmp_path / "x.psv", "x.psv", "x.psv")
    mapping = proposal([file])
    survey([file], made, mappings={"t": mapping}, timezones={"t": UNSTATED})
    done = transform(file, policy=policy("expert-determination"), keyring=made, mapping=mapping, timezone=UNSTATED).data.decode()
    assert done.splitlines()[0] == "patient|comment|qty"
    assert not [word for word in ("Orlo", "Pottlesworth", "Ida", "mberton") if word in done]
