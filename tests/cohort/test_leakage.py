"""What a model must not know is refused from the declaration, and looked for in the data."""

from __future__ import annotations

import polars as pl
import pytest
from tests.cohort.chart import HEART, LACTATE, chart, fact, stay, task

from bedside.cohort.decisions import decisions
from bedside.cohort.features import FeatureSet
from bedside.cohort.leakage import audit, refuse
from bedside.cohort.splits import FEWEST, assign
from bedside.core import canonical
from bedside.core.errors import Refused
from bedside.core.task import Features, Outcome, Signal

SEPSIS = Outcome("sepsis", ["ICD10CM//A41.9//diagnosis"])


def with_signal(name: str, code: str, outcome: Outcome = SEPSIS):
    return task(features=Features([Signal("heart_rate", [HEART]), Signal(name, [code])]), outcome=outcome)


def test_an_honest_task_is_not_refused():
    refuse(with_signal("lactate", LACTATE), policy="safe-harbor")


@pytest.mark.parametrize("code", ["ICD10CM//A41.9//diagnosis", "ICD10CM//A41.9//claim"])
def test_the_outcome_may_not_be_a_feature_in_any_sense_of_its_code(code):
    with pytest.raises(Refused, match="'code_a41' carries"):
        refuse(with_signal("code_a41", code))


def test_the_outcome_may_not_hide_among_static_facts():
    with pytest.raises(Refused, match="'label'"):
        refuse(task(features=Features([], static_codes={"label": SEPSIS.codes[0]}), outcome=SEPSIS))


def test_a_quantity_may_be_predicted_from_its_own_past_and_only_from_that():
    refuse(with_signal("lactate", LACTATE, Outcome("shock", [LACTATE], at_least=4)))
    for leaky in (
        Outcome("shock", [LACTATE], at_least=4, from_hours=-1),
        Outcome("shock", [LACTATE], at_least=4, stop_at_first=False),
    ):
        with pytest.raises(Refused):
            refuse(with_signal("lactate", LACTATE, leaky))


def test_death_is_not_a_feature():
    with pytest.raises(Refused, match="MEDS_DEATH"):
        refuse(with_signal("dead", "MEDS_DEATH"))


@pytest.mark.parametrize(("name", "code"), [("weekday", "LOCAL//x"), ("Month", "LOCAL//x"), ("busy", "CALENDAR//weekday")])
def test_the_calendar_is_refused_under_safe_harbor_only(name, code):
    refuse(with_signal(name, code), policy="expert-determination")
    with pytest.raises(Refused, match="calendar"):
        refuse(with_signal(name, code), policy="safe-harbor")


def test_all_breaches_are_told_at_once():
    features = Features([Signal("dead", ["MEDS_DEATH"]), Signal("month", ["LOCAL//x"]), Signal("label", SEPSIS.codes)])
    with pytest.raises(Refused) as told:
        refuse(task(features=features, outcome=SEPSIS), policy="safe-harbor")
    assert told.value.what.count(";") == 2


def charts() -> pl.DataFrame:
    told = [event for subject in range(1, 9) for event in stay(f"E{subject}", 0, 6, subject=subject)]
    told += [fact(HEART, h, 60 + 3 * s + h, known=h + 0.4, subject=s) for s in range(1, 9) for h in range(6)]
    return chart(*told, fact(HEART, 2, 99, known=1.5))


def test_an_honest_study_passes_and_says_what_was_checked():
    events, asked = charts(), task()
    rows = assign(decisions(events, asked), asked.split, events=events)
    report = audit(FeatureSet(asked.features).columnar(events, rows), rows, events, asked, sample=20)
    assert (report.subjects, report.decisions, report.sampled_decisions, report.known_before_time) == (8, rows.height, 20, 1)
    assert report.sampled_facts > 0
    assert report.sampled_facts_withheld > 0
    assert canonical.dumps(report)


def test_features_that_saw_the_future_are_found():
    events, asked = charts(), task()
    rows = decisions(events, asked)
    early = events.with_columns(pl.col("known_at") - pl.duration(minutes=30), pl.col("time") - pl.duration(minutes=30))
    with pytest.raises(Refused, match=r"heart_rate\."):
        audit(FeatureSet(asked.features).columnar(early, rows), rows, events, asked)


def test_a_subject_in_two_splits_is_found():
    events, asked = charts(), task()
    rows = decisions(events, asked)
    torn = rows.with_columns(pl.Series("split", ["train", "test"] * (rows.height // 2)))
    with pytest.raises(Refused, match="8 subjects"):
        audit(FeatureSet(asked.features).columnar(events, rows), torn, events, asked)


def test_a_copy_of_a_subject_in_another_split_is_found():
    told = [
        event
        for s in (1, 2)
        for event in [*stay("E", 0, 20, subject=s), *(fact(HEART, h, 60.0 + h, subject=s) for h in range(FEWEST))]
    ]
    events, asked = chart(*told), task()
    rows = decisions(events, asked)
    torn = rows.with_columns(pl.when(pl.col("subject_id") == 1).then(pl.lit("train")).otherwise(pl.lit("test")).alias("split"))
    with pytest.raises(Refused, match="1 subjects, or copies"):
        audit(FeatureSet(asked.features).columnar(events, rows), torn, events, asked)
