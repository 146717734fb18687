"""A mapping is a declaration: what it says wrongly is told before any data is read, all of it at once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Misconfigured
from bedside.readers import mapping, phrases

SHIPPED = sorted(path.stem for path in mapping.SHIPPED.glob("*.toml"))

FAULTY = """
schema = "bedside.mapping/1"
name = "faulty"
timezone = "Mars/Olympus"

[tables.labs]
fils = ["labs.csv"]
files = ["labs.csv"]
subject = "mrn"

[[tables.labs.events]]
code = "LOINC//{loinc"
time = "collected plus one hour"
value = "value"
ucum = "mmol/L"
unit = "unit"
when = "SELECT 1"

[tables.empty]
files = []
subject = "mrn"
events = []
"""


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mapping_is_sound(name: str) -> None:
    assert mapping.rules(mapping.load(name, Path("/nowhere"))).name == name


def test_mappings_are_shipped() -> None:
    assert {"made-hospital", "mimic-iv", "moleculenet", "physionet-2019", "tdc"} <= set(SHIPPED)


def test_rows_without_an_id_are_subjects_of_their_own_in_every_file(tmp_path: Path) -> None:
    from bedside.formats.files import RawFile
    from bedside.readers.tables import read

    (tmp_path / "one").mkdir()
    found = set[int]()
    for relative in ("train_val.csv", "test.csv", "one/test.csv"):
        (tmp_path / relative).write_text("Drug_ID,Drug,Y\nx,CCO,1\nx,CCC,0\n")
        reading = read(RawFile("s", "tables", tmp_path / relative, relative, relative), mapping=mapping.load("tdc", tmp_path))
        assert (reading.tally.read, reading.tally.written) == (2, 2)
        found |= set(reading.events["subject_id"])
    assert len(found) == 6


def test_a_misspelt_key_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "faulty.toml").write_text(FAULTY)
    with pytest.raises(Misconfigured, match=r"tables.labs.fils: no such key \(did you mean 'files'\?\)"):
        mapping.load("faulty.toml", tmp_path)


def test_all_faults_of_meaning_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "faulty.toml").write_text(FAULTY.replace('fils = ["labs.csv"]\n', ""))
    with pytest.raises(Misconfigured) as caught:
        mapping.load("faulty.toml", tmp_path)
    for key in ("timezone", "events[0].code", "events[0].time", "events[0].unit", "events[0].when", "tables.empty.files"):
        assert key in caught.value.what


def test_an_unknown_mapping_is_told_with_the_nearest_name() -> None:
    with pytest.raises(Misconfigured, match="did you mean 'mimic-iv'"):
        mapping.load("mimic-4", Path("/nowhere"))


def test_a_mapping_that_is_not_toml_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_bytes(b"\xff\xfe[tables")
    with pytest.raises(Misconfigured, match="not TOML"):
        mapping.load("broken.toml", tmp_path)


def test_a_column_that_deidentification_drops_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("""
schema = "bedside.mapping/1"
name = "m"
[tables.labs]
files = ["labs.csv"]
subject = "mrn"
roles = { mrn = "subject", loinc = "keep" }
[[tables.labs.events]]
code = "LOINC//{loinc}"
time = "collected"
""")
    with pytest.raises(Misconfigured, match="column 'collected' is read, and de-identification drops it"):
        mapping.load("m.toml", tmp_path)


def test_the_made_hospital_declares_a_role_for_every_column_that_it_reads() -> None:
    for table in mapping.rules(mapping.load("made-hospital", Path("/nowhere"))).tables.values():
        assert mapping.needed(table) <= {name for name, role in table.roles.items() if role != "drop"}


def test_no_role_is_given_to_the_names_of_staff() -> None:
    tables = mapping.load("made-hospital", Path("/nowhere"))["tables"]
    assert {
        tables["labs"]["roles"]["performed_by"],
        tables["pharmacy"]["roles"]["prescriber"],
        tables["claims"]["roles"]["provider"],
    } == {"drop"}


def test_a_condition_may_not_reach_beyond_its_row() -> None:
    for text in ("(SELECT 1) = 1", "1 = 1", "status = "):
        with pytest.raises(Misconfigured):
            phrases.condition(text)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in ("base", "year"))


@given(st.lists(st.one_of(NAMES.map(lambda name: "{" + name + "}"), st.text("ABC//-. ", min_size=1, max_size=4)), max_size=6))
def test_a_template_names_the_columns_between_its_braces(parts: list[str]) -> None:
    assert phrases.template("".join(parts)).columns == [part[1:-1] for part in parts if part.startswith("{")]


@given(
    NAMES,
    st.lists(st.tuples(st.sampled_from("+-"), st.integers(0, 999), st.sampled_from(["second", "minute", "hour", "day", "week"]))),
)
def test_a_time_phrase_adds_up_its_steps(name: str, steps: list[tuple[str, int, str]]) -> None:
    us = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
    parsed = phrases.time(name + "".join(f" {sign} {count} {unit}s" for sign, count, unit in steps))
    assert parsed.columns == [name]
    assert sum(sign * amount * unit for sign, amount, unit in parsed.steps) == sum(
        (1 if s == "+" else -1) * n * us[u] * 10**6 for s, n, u in steps
    )


@given(st.text(max_size=30))
def test_any_text_is_a_phrase_or_one_clear_error(text: str) -> None:
    for parse in (phrases.template, phrases.time):
        with suppress(Misconfigured):
            assert isinstance(parse(text).columns, list)
