"""Units have one spelling, and convert only where a rule is declared."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.codes import analytes
from bedside.codes.ucum import unit
from bedside.codes.units import factor, spelling

_UNITS = st.sampled_from(["mg/dL", "g/L", "mmol/L", "umol/L", "meq/L", "Cel", "[degF]", "K", "mm[Hg]", "kPa", "/min", "Hz",
"10*3/uL",
                          "10*9/L", "U/L", "%", "1", "kg", "[lb_av]", "mL/h", "L/min", "cm", "[in_i]", "furlong",
                          "ng/mL"])  # fmt: skip
_CODES = st.none() | st.sampled_from([f"LOINC//{code}" for code in analytes._BY_CODE])


@pytest.mark.parametrize(("written", "ucum"), [
    ("K/uL", "10*3/uL"), ("x10E3/uL", "10*3/uL"), ("10^3/uL", "10*3/uL"), ("Thousand/uL", "10*3/uL"), ("m/uL", "10*6/uL"),
    ("mm Hg", "mm[Hg]"), ("mmHg", "mm[Hg]"), ("bpm", "/min"), ("breaths/min", "/min"), ("insp/min", "/min"), ("°C", "Cel"),
    ("F", "[degF]"),
    ("mEq/L", "meq/L"), ("IU/L", "[iU]/L"), ("uIU/mL", "u[iU]/mL"), ("mcg/dL", "ug/dL"), ("µg/L", "ug/L"), ("μmol/L", "umol/L"),
    ("MG/DL", "mg/dL"), ("mm/hr", "mm/h"), ("sec", "s"), ("hrs", "h"), ("mL/min/1.73m2", "mL/min/{1.73_m2}"), ("mOsm/kg",
    "mosm/kg"),
    ("#/hpf", "/[HPF]"), (" mg/dL ", "mg/dL"), ("percent", "%"), ("mg/dl", "mg/dL"), ("mmol/l", "mmol/L"), ("K/UL", "10*3/uL"),
    ("x10(3)/mcL", "10*3/uL"), ("10 9/L", "10*9/L"), ("10\u00b3/\u00b5L", "10*3/uL"), ("10\u2079/L", "10*9/L"), ("\u2103", "Cel"),
    ("\u2109", "[degF]"), ("\u00baC", "Cel"), ("degF", "[degF]"), ("deg C", "Cel"), ("gm/dL", "g/dL"), ("mcmol/L", "umol/L"),
    ("MIU/ML", "m[iU]/mL"), ("U/ML", "U/mL"), ("ML", "mL"), ("iu/l", "[iU]/L"), ("THOUS/MCL", "10*3/uL"), ("bpm.", "/min"), ("/min.", "/min"),
    ("cmH20", "cm[H2O]"), ("units/hr", "[iU]/h"), ("kg/m\u00b2", "kg/m2"), ("mg/24h", "mg/d"),
])  # fmt: skip
def test_habits_of_spelling_become_ucum(written: str, ucum: str) -> None:
    assert spelling(written) == ucum
    assert unit(ucum) is not None


@given(st.text(max_size=12))
def test_no_text_crashes_the_spelling_and_spelling_twice_is_spelling_once(text: str) -> None:
    once = spelling(text)
    assert spelling(once) == once
    factor(text, "mg/dL")


@pytest.mark.parametrize(("code", "before", "after", "scale", "digits"), [
    # AMA Manual of Style, SI conversion factors: conventional to SI
    ("2345-7", "mg/dL", "mmol/L", 0.0555, 4), ("2160-0", "mg/dL", "umol/L", 88.4, 1), ("1975-2", "mg/dL", "umol/L", 17.104, 3),
    ("3094-0", "mg/dL", "mmol/L", 0.357, 3), ("2524-7", "mg/dL", "mmol/L", 0.111, 3), ("17861-6", "mg/dL", "mmol/L", 0.25, 2),
    ("19123-9", "mg/dL", "mmol/L", 0.411, 3), ("2777-1", "mg/dL", "mmol/L", 0.323, 3), ("2093-3", "mg/dL", "mmol/L", 0.0259, 4),
    ("2571-8", "mg/dL", "mmol/L", 0.0113, 4), ("3084-1", "mg/dL", "umol/L", 59.485, 1), ("2498-4", "ug/dL", "umol/L", 0.179, 3),
    ("2951-2", "meq/L", "mmol/L", 1.0, 3), ("17861-6", "meq/L", "mmol/L", 0.5, 3), ("1963-8", "mEq/L", "mmol/L", 1.0, 3),
    ("19123-9", "meq/L", "mg/dL", 1.215, 2),
])  # fmt: skip
def test_substance_and_mass_convert_as_the_tables_of_si_factors_say(
    code: str, before: str, after: str, scale: float, digits: int
) -> None:
    found = factor(before, after, f"LOINC//{code}")
    assert found is not None
    assert found[0] == pytest.approx(scale, abs=0.6 * 10**-digits)
    assert found[1] == 0


@pytest.mark.parametrize(("before", "after", "scale"), [
    ("kPa", "mm[Hg]", 7.50064), ("K/uL", "10*9/L", 1.0), ("g/dL", "g/L", 10.0), ("ng/mL", "ug/L", 1.0), ("lbs", "kg", 0.45359237),
    ("inches", "cm", 2.54), ("mL/h", "L/min", 1 / 60000), ("%", "1", 0.01), ("U/L", "ukat/L", 1 / 60), ("{beats}/min", "bpm", 1.0),
    ("cells/uL", "10*9/L", 0.001), ("10*6/uL", "10*12/L", 1.0), ("mg/kg/h", "ug/kg/min", 1000 / 60),
])  # fmt: skip
def test_units_of_one_dimension_convert_without_a_code(before: str, after: str, scale: float) -> None:
    found = factor(before, after)
    assert found is not None
    assert found[0] == pytest.approx(scale, rel=1e-5)


@pytest.mark.parametrize(("fahrenheit", "celsius"), [(32.0, 0.0), (98.6, 37.0), (212.0, 100.0), (-40.0, -40.0)])
def test_a_temperature_is_moved_as_well_as_scaled(fahrenheit: float, celsius: float) -> None:
    scale, offset = factor("F", "°C") or (math.nan, math.nan)
    assert fahrenheit * scale + offset == pytest.approx(celsius, abs=1e-9)


def test_hba1c_converts_by_the_master_equation_and_only_for_its_code() -> None:
    scale, offset = factor("mmol/mol", "%", "LOINC//4548-4") or (math.nan, math.nan)
    assert 53 * scale + offset == pytest.approx(7.0, abs=0.01)
    assert factor("mmol/mol", "%", "LOINC//718-7") == (0.1, 0.0)


@pytest.mark.parametrize(("before", "after", "code"), [
    ("mg/dL", "mmol/L", None), ("mg/dL", "mmol/L", "LOINC//8867-4"), ("mg/dL", "mmol/L", "LOCAL//glucose"), ("mg/dL", "Cel", None),
    ("furlong", "m", None), ("mg/dL", "/min", "LOINC//2345-7"), ("mmol/L", "mg/dL", "LOINC//1963-8"), ("N/A", "mg/dL", None),
    ("", "1", None),
    ("ng/mL FEU", "ng/mL", None),
])  # fmt: skip
def test_what_nobody_declared_is_not_converted(before: str, after: str, code: str | None) -> None:
    assert factor(before, after, code) is None


@given(_UNITS, _UNITS, _CODES, st.floats(0.5, 500))
def test_there_and_back_is_the_same_value(before: str, after: str, code: str | None, value: float) -> None:
    there, back = factor(before, after, code), factor(after, before, code)
    assert (there is None) == (back is None)
    if there and back:
        assert (value * there[0] + there[1]) * back[0] + back[1] == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(_UNITS, _CODES)
def test_a_unit_is_itself(text: str, code: str | None) -> None:
    assert factor(text, text, code) == (1.0, 0.0)


def test_a_slash_turns_only_what_follows_it() -> None:
    assert unit("mg/kg.h") != unit("mg/kg/h")
    assert unit("m.s-1") == unit("m/s")


def test_every_common_unit_of_the_mimic_demo_is_understood(shared_data: Path) -> None:
    path = shared_data / "dataeng" / "mimic-iv-demo-2.2" / "hosp" / "labevents.csv.gz"
    units = pl.read_csv(path, columns=["valueuom"], infer_schema=False)["valueuom"].drop_nulls().value_counts()
    known = {text: unit(spelling(text)) is not None for text in units["valueuom"].to_list()}
    told = sum(count for text, count in units.rows() if known[text])
    left = {"N/A", " ", "+/-", "GPL", "MPL", "U/g/Hb", "ng/mL FEU", "log10 IU/mL", "log10 copies/mL", "log10 cop/mL"}
    assert {text for text, is_known in known.items() if not is_known} <= left
    assert told > 0.96 * sum(count for _, count in units.rows())
