"""Every summary against numbers worked out by hand, in both back ends."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cohort.chart import HEART, LACTATE, START, TEMPERATURE, at, chart, decisions_at, fact

from bedside.cohort.features import FeatureSet
from bedside.cohort.plan import BIRTH
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.events import Event
from bedside.core.task import Features, Signal

ALL = ["last", "age", "count", "mean", "min", "max", "range", "delta"]
DAY_H, YEAR_H = 24, 8765.82


def both(features: Features, events: list[Event], hours: float) -> dict[str, float | None]:
    """The features of subject 1 at an hour, from both back ends, which must agree."""
    made = FeatureSet(features)
    row = made.columnar(chart(*events), decisions_at(hours)).drop("unit_id").row(0, named=True)
    live = made.live(events, prediction_time=at(hours), encounter_start=START)
    assert dict(zip(made.names, (None if math.isnan(v) else v for v in live), strict=True)) == row
    return row


def pulse(**options: object) -> Features:
    told: dict[str, object] = {"windows_hours": [6], "summaries": ALL, "static": [], "clock": False, **options}
    return Features([Signal("heart_rate", [HEART])], **told)  # type: ignore[arg-type]


def test_every_summary_of_four_pulses_is_what_one_gets_on_paper():
    pulses = [fact(HEART, h, v) for h, v in ((-1, 70), (2, 80), (4, 100), (7.5, 95))]
    assert both(pulse(), pulses, 8) == {
        "heart_rate.last": 95,
        "heart_rate.age": 0.5,
        "heart_rate.count_6h": 3,
        "heart_rate.mean_6h": pytest.approx(275 / 3, rel=1e-7),
        "heart_rate.min_6h": 80,
        "heart_rate.max_6h": 100,
        "heart_rate.range_6h": 20,
        "heart_rate.delta_6h": 15,
    }


def test_without_a_value_the_count_is_zero_and_the_rest_is_missing():
    row = both(pulse(), [], 8)
    assert row.pop("heart_rate.count_6h") == 0
    assert set(row.values()) == {None}


def test_the_window_holds_both_of_its_ends_and_nothing_beyond():
    pulses = [fact(HEART, 2, 80), fact(HEART, 2 - 1e-6, 10), fact(HEART, 8, 100, known=7.9), fact(HEART, 8 + 1e-6, 200, known=7)]
    row = both(pulse(), pulses, 8)
    assert (row["heart_rate.min_6h"], row["heart_rate.max_6h"]) == (80, 100)


def test_a_fact_known_at_the_very_instant_is_not_known_before_it():
    assert both(pulse(), [fact(HEART, 3, 80, known=8)], 8)["heart_rate.count_6h"] == 0
    assert both(pulse(), [fact(HEART, 3, 80, known=8 - 1e-6)], 8)["heart_rate.count_6h"] == 1


def test_a_laboratory_value_counts_from_when_it_was_drawn_but_only_once_it_is_reported():
    lactate = Features([Signal("lactate", [LACTATE])], summaries=["last", "age"], static=[], clock=False)
    drawn = [fact(LACTATE, 1, 2.1, known=1.5), fact(LACTATE, 3, 4.4, known=9)]
    assert both(lactate, drawn, 8) == {"lactate.last": pytest.approx(2.1, rel=1e-7), "lactate.age": 7}
    assert both(lactate, drawn, 10) == {"lactate.last": pytest.approx(4.4, rel=1e-7), "lactate.age": 7}


def test_without_known_at_a_fact_is_known_at_its_time():
    event = Event(1, at(8), HEART, 80.0)
    assert both(pulse(), [event], 8)["heart_rate.count_6h"] == 0
    assert both(pulse(), [event], 8.1)["heart_rate.count_6h"] == 1


def test_last_forgets_what_is_older_than_the_look_back():
    row = both(pulse(lookback_hours=4, windows_hours=[24]), [fact(HEART, 1, 80)], 8)
    assert (row["heart_rate.last"], row["heart_rate.count_24h"], row["heart_rate.delta_24h"]) == (None, 1, 0)


def test_of_values_at_one_time_the_one_known_later_is_last_and_then_the_greater():
    pulses = [fact(HEART, 5, 90, known=6), fact(HEART, 5, 120, known=5), fact(HEART, 5, 70, known=6)]
    row = both(pulse(), pulses, 8)
    assert (row["heart_rate.last"], row["heart_rate.delta_6h"]) == (90, 90 - 120)


def test_equal_values_are_all_counted_since_merging_feeds_is_the_lakes_work():
    assert both(pulse(), [fact(HEART, 5, 90)] * 3, 8)["heart_rate.count_6h"] == 3


def test_a_correction_replaces_the_value_once_it_is_known():
    pulses = [fact(HEART, 5, 190), fact(HEART, 5, 90, known=7, status="corrected")]
    assert both(pulse(), pulses, 6.5)["heart_rate.max_6h"] == 190
    assert both(pulse(), pulses, 7)["heart_rate.max_6h"] == 190
    row = both(pulse(), pulses, 7.5)
    assert (row["heart_rate.count_6h"], row["heart_rate.max_6h"]) == (1, 90)


def test_a_retraction_takes_the_value_away_and_a_later_statement_brings_one_back():
    told = [fact(HEART, 5, 190), fact(HEART, 5, known=7, status="retracted"), fact(HEART, 5, 88, known=9)]
    assert both(pulse(), told, 8)["heart_rate.count_6h"] == 0
    assert both(pulse(), told, 10)["heart_rate.last"] == 88


def test_a_correction_of_another_time_or_code_or_subject_changes_nothing():
    told = [fact(HEART, 5, 80), fact(HEART, 5.1, 81, status="corrected"), fact(LACTATE, 5, 9, status="corrected")]
    assert both(pulse(), told, 8)["heart_rate.count_6h"] == 2
    other = FeatureSet(pulse()).columnar(
        chart(fact(HEART, 5, 80), fact(HEART, 5, known=6, status="retracted", subject=2)), decisions_at(8)
    )
    assert other["heart_rate.count_6h"].item() == 1


def test_fahrenheit_becomes_celsius_and_a_unit_without_a_way_is_left_out():
    warmth = Features(
        [Signal("temperature", [TEMPERATURE], unit="Cel")], summaries=["count", "max"], windows_hours=[6], static=[], clock=False
    )
    told = [
        fact(TEMPERATURE, 5, 36.5, unit="Cel"),
        fact(TEMPERATURE, 6, 100.4, unit="[degF]"),
        fact(TEMPERATURE, 7, 99, unit="mm[Hg]"),
    ]
    assert both(warmth, told, 8) == {"temperature.count_6h": 2, "temperature.max_6h": 38}
    counts = FeatureSet(warmth).left_out(chart(*told))
    assert counts.filter(reason="unit").rows() == [("temperature", "mm[Hg]", "unit", 1)]
    assert counts["events"].sum() == 3


def test_an_implausible_value_is_left_out_and_the_ends_of_the_range_are_in():
    signal = Signal("heart_rate", [HEART], low=20, high=91.3)
    told = [fact(HEART, h, v) for h, v in ((3, 19.9), (4, 20), (5, 91.3), (6, 91.4), (7, math.nan), (7.5, 1e30))]
    features = Features([signal], summaries=["count"], windows_hours=[6], static=[], clock=False)
    assert both(features, told, 8) == {"heart_rate.count_6h": 2}
    reasons = FeatureSet(features).left_out(chart(*told))
    assert dict(reasons.select("reason", "events").iter_rows()) == {"used": 2, "implausible": 3, "no value": 1}


def test_words_and_mere_happenings_become_numbers_by_declaration():
    alert = Signal("consciousness", ["LOINC//67775-7"], values={"A": 0, "V": 1})
    fluids = Signal("bolus", ["RXNORM//313002//administered"], values={"RXNORM//313002//administered": 1})
    told = [
        fact("LOINC//67775-7", 5, text="V"),
        fact("LOINC//67775-7", 6, text="unknown"),
        fact("RXNORM//313002//administered", 7, 500.0),
    ]
    row = both(Features([alert, fluids], summaries=["count", "max"], windows_hours=[6], static=[], clock=False), told, 8)
    assert row == {"consciousness.count_6h": 1, "consciousness.max_6h": 1, "bolus.count_6h": 1, "bolus.max_6h": 1}


def test_a_signal_may_have_its_own_windows_summaries_and_codes():
    pressure = Signal("sbp", ["LOINC//8480-6", "LOINC//76534-7"], windows_hours=[2, 4], summaries=["min", "last"])
    told = [fact("LOINC//8480-6", 5, 110), fact("LOINC//76534-7", 7, 90)]
    row = both(Features([pressure], static=[], clock=False), told, 8)
    assert row == {"sbp.last": 90, "sbp.min_2h": 90, "sbp.min_4h": 90}
    assert list(row) == ["sbp.last", "sbp.min_2h", "sbp.min_4h"]


def test_values_of_an_earlier_encounter_count_when_they_lie_in_the_window():
    before = fact(HEART, -2, 66, encounter="E0")
    assert both(pulse(), [before, fact(HEART, 1, 70, encounter="E1")], 2)["heart_rate.count_6h"] == 2


def still(**options: object) -> Features:
    return Features([], clock=True, **options)  # type: ignore[arg-type]


def test_age_is_in_whole_years_and_capped():
    birth = fact(BIRTH, -50 * YEAR_H + 12)
    static = both(still(), [Event(1, birth.time, BIRTH), fact("SEX//female", None)], 6)
    assert static == {"age_years": 49, "sex_male": 0, "clock.hours": 6}
    assert both(still(), [Event(1, birth.time, BIRTH)], 12)["age_years"] == 50
    assert both(still(), [fact(BIRTH, -95 * YEAR_H)], 1)["age_years"] == 89
    assert both(still(age_cap_years=None), [fact(BIRTH, -95 * YEAR_H)], 1)["age_years"] == 95
    assert both(still(), [fact(BIRTH, 40)], 1)["age_years"] is None


@given(weeks=st.integers(-2000, 2000), years=st.floats(0, 100), hours=st.integers(0, 10_000))
def test_age_does_not_change_when_a_whole_record_is_shifted(weeks, years, hours):
    made = FeatureSet(Features([], static=["age_years"], age_cap_years=None, clock=False))
    ages = {
        made.live([Event(1, at(shift - years * YEAR_H), BIRTH)], prediction_time=at(hours + shift), encounter_start=None)[0]
        for shift in (0, weeks * 7 * DAY_H)
    }
    assert len(ages) == 1


def test_a_told_age_stands_in_for_a_birth_date():
    told = still(static_codes={"age_years": "CINC2019//AGE", "hours_in_hospital": "CINC2019//HOSP_ADM_HOURS"})
    row = both(
        told, [fact("CINC2019//AGE", None, 83.14), fact("CINC2019//HOSP_ADM_HOURS", None, -4.25), fact("SEX//male", None)], 2
    )
    assert row == {"age_years": 83, "sex_male": 1, "hours_in_hospital": -4.25, "clock.hours": 2}
    assert both(told, [fact("CINC2019//AGE", None, 100.0), fact(BIRTH, -30.5 * YEAR_H)], 2)["age_years"] == 30


def test_of_two_static_facts_the_one_known_last_before_the_prediction_counts():
    weight = still(static=[], static_codes={"weight": "LOINC//29463-7"})
    told = [
        fact("LOINC//29463-7", None, 70.0),
        Event(1, None, "LOINC//29463-7", 80.0, known_at=at(3)),
        fact("LOINC//29463-7", 1, 99.0),
    ]
    assert both(weight, told, 3)["weight"] == 70
    assert both(weight, told, 4)["weight"] == 80


def test_rows_come_back_in_the_order_of_the_decisions_with_their_names():
    order = pl.concat([decisions_at(9, 3), decisions_at(4, subject=7), decisions_at(1)])
    made = FeatureSet(pulse(clock=True)).columnar(
        chart(fact(HEART, 0.5, 60), fact(HEART, 2, 70), fact(HEART, 3, 99, subject=7)), order
    )
    assert made["unit_id"].to_list() == ["1@9", "1@3", "7@4", "1@1"]
    assert made["heart_rate.last"].to_list() == [70, 70, 99, 60]
    assert made["clock.hours"].to_list() == [9, 3, 4, 1]
    assert set(made.schema.values()) == {pl.String(), pl.Float32()}


def test_no_decision_gives_no_row_but_every_column():
    made = FeatureSet(pulse())
    assert made.columnar(chart(fact(HEART, 1, 60)), decisions_at()).columns == ["unit_id", *made.names]


def test_a_faulty_definition_is_told_all_at_once():
    with pytest.raises(Misconfigured) as told:
        FeatureSet(Features([Signal("hr", []), Signal("hr", [HEART], low=3, high=1)], windows_hours=[0], lookback_hours=-1))
    for part in ("two signals are called 'hr'", "has no codes", "low above high", "windows_hours", "lookback_hours"):
        assert part in told.value.what


def test_a_sum_that_no_64_bits_hold_is_an_error_and_not_a_number():
    huge = [fact(HEART, 1, 1.12e9)] * 8400
    with pytest.raises(Unusable, match="64 bits"):
        FeatureSet(pulse()).columnar(chart(*huge), decisions_at(2))


def test_the_facts_behind_last_can_be_shown_with_their_times():
    told = [fact(HEART, 1, 60), fact(HEART, 5, 90.5), fact(HEART, 6, 99, known=9)]
    assert FeatureSet(pulse()).latest(told, prediction_time=at(8)) == {"heart_rate": (at(5), 90.5)}
    assert FeatureSet(pulse(lookback_hours=2)).latest(told, prediction_time=at(8)) == {}


def test_kinds_tell_physiology_from_workup():
    features = Features(
        [Signal("heart_rate", [HEART]), Signal("lactate", [LACTATE], kind="workup")], summaries=["last"], windows_hours=[]
    )
    assert FeatureSet(features).kinds == {
        "heart_rate.last": "physiology",
        "lactate.last": "workup",
        "age_years": "static",
        "sex_male": "static",
        "clock.hours": "clock",
    }
