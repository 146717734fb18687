"""Who gets a prediction, when, and with which label."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from tests.cohort.chart import HEART, START, at, chart, fact, stay, task

from bedside.cohort.decisions import COLUMNS, cohort, decisions
from bedside.cohort.plan import BIRTH
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.ids import pseudonym
from bedside.core.task import Features, Outcome, Prediction, Signal

ICU, YEAR_H = "LOCATION//ICU", 8765.82
HOURLY = Prediction()


def hours(rows: pl.DataFrame) -> list[float]:
    return [(us - START) / 3_600_000_000 for us in rows["prediction_time"].to_physical()]


def test_a_stay_of_four_hours_has_a_decision_at_each_hour_and_at_its_end():
    rows = decisions(chart(*stay("E1", 0, 4)), task())
    assert tuple(rows.columns) == COLUMNS
    assert rows["unit_id"].to_list() == ["E1@1", "E1@2", "E1@3", "E1@4"]
    assert hours(rows) == [1, 2, 3, 4]
    assert rows["label"].to_list() == [False] * 4


def test_a_stay_that_ends_off_the_grid_stops_before_its_end():
    assert hours(decisions(chart(*stay("E1", 0, 2.99)), task())) == [1, 2]


def test_first_every_and_last_hours_shape_the_grid():
    prediction = Prediction(first_hours=4, every_hours=6, last_hours=16)
    assert hours(decisions(chart(*stay("E1", 0, 40)), task(prediction=prediction))) == [4, 10, 16]


def test_an_admission_is_predicted_once():
    rows = decisions(chart(*stay("E1", 0, 40), *stay("E2", 100, 101)), task(prediction=Prediction(unit="admission", first_hours=2)))
    assert rows["unit_id"].to_list() == ["E1@1"]


def test_an_open_stay_lasts_until_its_last_event():
    told = chart(*stay("E1", 0, None), fact(HEART, 3, 80, encounter="E1"), fact(HEART, 90, 80, encounter="clinic"))
    assert hours(decisions(told, task())) == [1, 2, 3]
    assert cohort(told, task())[1].open_encounters == 1


def test_an_open_stay_without_a_number_lasts_until_the_next_begins():
    start = fact("ENCOUNTER_START//IMP", 0)
    rows = decisions(chart(start, fact(HEART, 2, 80), fact("ENCOUNTER_START//IMP", 50), fact("ENCOUNTER_END//IMP", 51)), task())
    assert rows["unit_id"].to_list() == [f"{pseudonym(1)}@1", f"{pseudonym(1)}@2", f"{pseudonym(1)}-2@1"]


def test_a_start_told_twice_is_one_stay_with_its_earliest_start_and_latest_end():
    told = [*stay("E1", 0.5, 2), *stay("E1", 0, 3)]
    assert hours(decisions(chart(*told), task())) == [1, 2, 3]


def test_a_retracted_admission_is_none():
    told = [
        *stay("E1", 0, 3),
        fact("ENCOUNTER_START//IMP", 50, encounter="E2"),
        fact("ENCOUNTER_START//IMP", 50, status="retracted", known=60),
    ]
    assert set(decisions(chart(*told), task())["encounter_id"]) == {"E1"}


def test_a_number_used_for_two_subjects_names_both():
    rows = decisions(chart(*stay("E1", 0, 1), *stay("E1", 0, 1, subject=2)), task())
    assert rows["unit_id"].to_list() == [f"{pseudonym(1)}/E1@1", f"{pseudonym(2)}/E1@1"]


def test_the_label_is_an_outcome_from_now_until_just_before_the_horizon():
    outcome = Outcome("icu", [ICU], from_hours=0, to_hours=2, stop_at_first=False)
    rows = decisions(chart(*stay("E1", 0, 6), fact(ICU, 4)), task(outcome=outcome))
    assert dict(zip(hours(rows), rows["label"], strict=True)) == {1: False, 2: False, 3: True, 4: True, 5: False, 6: False}
    assert set(rows["event_time"]) == {datetime(2026, 1, 1, 4)}


def test_a_gap_before_the_horizon_leaves_out_what_comes_too_soon_to_help():
    outcome = Outcome("icu", [ICU], from_hours=1, to_hours=3)
    rows = decisions(chart(*stay("E1", 0, 6), fact(ICU, 4.5)), task(outcome=outcome))
    assert dict(zip(hours(rows), rows["label"], strict=True)) == {1: False, 2: True, 3: True, 4: False}


def test_nobody_is_warned_at_or_after_the_first_outcome():
    rows = decisions(chart(*stay("E1", 0, 6), fact(ICU, 3), fact(ICU, 5)), task())
    assert hours(rows) == [1, 2]
    assert rows["label"].to_list() == [True, True]


def test_an_outcome_of_an_earlier_stay_does_not_silence_a_later_one():
    rows = decisions(chart(*stay("E1", 0, 3), fact(ICU, 2), *stay("E2", 50, 52)), task())
    assert rows["unit_id"].to_list() == ["E1@1", "E2@1", "E2@2"]
    assert rows["event_time"].to_list() == [datetime(2026, 1, 1, 2), None, None]


def test_only_values_at_or_above_the_threshold_are_outcomes():
    outcome = Outcome("lactate", ["LOINC//2524-7"], at_least=4.0)
    rows = decisions(
        chart(*stay("E1", 0, 4), fact("LOINC//2524-7", 2.5, 3.9), fact("LOINC//2524-7", 3.5, 4.0)), task(outcome=outcome)
    )
    assert hours(rows) == [1, 2, 3]
    assert rows["label"].all()


def test_a_retracted_outcome_did_not_happen():
    told = [*stay("E1", 0, 2), fact(ICU, 1.5), fact(ICU, 1.5, known=9, status="retracted")]
    assert not decisions(chart(*told), task())["label"].any()


def test_the_label_of_a_challenge_that_looks_back_is_the_row_of_that_hour():
    """PhysioNet 2019: row k covers [k - 1, k) h and is judged at k h."""
    outcome = Outcome("sepsis", ["CINC2019//SEPSIS_LABEL"], from_hours=-1, to_hours=0, stop_at_first=False)
    told = chart(*stay("p1", 0, 5, kind="ICU"), *(fact("CINC2019//SEPSIS_LABEL", h, 1.0) for h in (3, 4)))
    rows = decisions(
        told, task(outcome=outcome, prediction=Prediction(start_codes=["ENCOUNTER_START//ICU"], end_codes=["ENCOUNTER_END//ICU"]))
    )
    assert rows["label"].to_list() == [False, False, False, True, True]


def test_children_are_left_out_and_unknown_ages_stay_in():
    told = [*stay("E1", 0, 1), *stay("E2", 0, 1, subject=2), *stay("E3", 0, 1, subject=3)]
    told += [fact(BIRTH, -17.9 * YEAR_H), fact(BIRTH, -18.1 * YEAR_H, subject=2)]
    rows, flow = cohort(chart(*told), task(exclude_ages_below=18))
    assert rows["encounter_id"].to_list() == ["E2", "E3"]
    assert rows["age_band"].to_list() == ["18-39", "unknown"]
    assert (flow.encounters, flow.too_young, flow.age_unknown, flow.kept_encounters) == (3, 1, 1, 2)


@pytest.mark.parametrize(
    ("years", "band"), [(39.9, "18-39"), (40.1, "40-64"), (64.9, "40-64"), (79.9, "65-79"), (80.1, "80+"), (17.0, "0-17")]
)
def test_age_bands_end_where_the_next_begin(years, band):
    assert decisions(chart(*stay("E1", 0, 1), fact(BIRTH, -years * YEAR_H)), task())["age_band"].item() == band


def test_a_told_age_gives_the_band_where_there_is_no_birth_date():
    features = Features([Signal("heart_rate", [HEART])], static_codes={"age_years": "CINC2019//AGE"})
    told = chart(*stay("E1", 0, 1), fact("CINC2019//AGE", None, 83.1))
    assert decisions(told, task(features=features, exclude_ages_below=18))["age_band"].item() == "80+"


def test_subgroups_come_from_the_record_and_are_unknown_otherwise():
    told = [*stay("E1", 0, 1), *stay("E2", 0, 1, subject=2)]
    told += [
        fact("SEX//female", None),
        fact("RACE//White", None),
        fact("RACE//Asian", None),
        fact("ETHNICITY//Hispanic or Latino", None),
    ]
    rows = decisions(chart(*told), task())
    assert rows.select("sex", "race", "ethnicity").rows() == [("female", "several", "Hispanic or Latino"), ("unknown",) * 3]


def test_the_flow_adds_up():
    told = [
        *stay("short", 0, 0.5),
        *stay("early", 0, 5, subject=2),
        fact(ICU, 0.5, subject=2),
        *stay("ill", 0, 5, subject=3),
        fact(ICU, 2.5, subject=3),
    ]
    rows, flow = cohort(chart(*told), task())
    assert flow.encounters == flow.too_young + flow.too_short + flow.outcome_before_first + flow.kept_encounters == 3
    assert (flow.decisions, flow.positive, flow.subjects_with_outcome) == (rows.height, 2, 1)


def test_no_encounter_and_no_decision_are_errors_that_say_what_to_do():
    with pytest.raises(Unusable, match="no encounter starts"):
        decisions(chart(fact(HEART, 1, 80)), task())
    with pytest.raises(Unusable, match="no decision is left"):
        decisions(chart(*stay("E1", 0, 0.5)), task())


def test_impossible_times_are_told_all_at_once():
    wrong = task(prediction=Prediction(every_hours=0, first_hours=-1), outcome=Outcome("x", [], from_hours=3, to_hours=3))
    with pytest.raises(Misconfigured) as told:
        decisions(chart(*stay("E1", 0, 5)), wrong)
    assert told.value.what.count(";") == 3


def test_rows_do_not_depend_on_the_order_of_the_events():
    told = [*stay("E1", 0, 4), *stay("E2", 5, 9, subject=2), fact(ICU, 3), fact(BIRTH, -50 * YEAR_H)]
    assert decisions(chart(*told), task()).equals(decisions(chart(*reversed(told)), task()))
    assert at(1) > START
