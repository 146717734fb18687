"""The whole test as one record."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest

from bedside.core import canonical
from bedside.core.errors import Misconfigured, Unusable
from bedside.evaluate.evaluation import Evaluation, evaluate, figures
from bedside.evaluate.figures import difference_name, name

_AT = {"alert": 0.2}


@pytest.fixture(scope="session")
def made() -> Callable[..., pl.DataFrame]:
    """Maker of prediction frames."""
    return runpy.run_path(str(Path(__file__).with_name("made.py")))["predictions"]


@pytest.fixture(scope="session")
def evaluation(made: Callable[..., pl.DataFrame]) -> Evaluation:
    """One evaluation of made predictions."""
    return evaluate(made(), thresholds={"alert": 0.2, "urgent": 0.5}, seed=11, patient_days=40.0, resamples=200)


def test_the_record_is_json_and_comes_back_the_same(evaluation):
    assert evaluation.schema == "bedside.evaluation/1"
    assert msgspec.json.decode(canonical.dumps(evaluation), type=Evaluation) == evaluation


def test_an_output_that_there_is_none_of_is_answered_with_those_there_are(evaluation):
    with pytest.raises(Unusable, match="risk, clock, logistic, news2"):
        evaluation.row("sofa")


def test_the_main_output_comes_first_and_the_others_stand_beside_it(evaluation):
    assert [row.output for row in evaluation.outputs] == ["risk", "clock", "logistic", "news2"]
    assert {row.output for row in evaluation.outputs if row.probability} == {"risk", "logistic"}
    assert [gap.other for gap in evaluation.differences] == ["clock", "logistic", "news2"]


def test_every_estimate_has_an_interval_an_n_and_a_method(evaluation):
    numbers = [figure for figure in figures(evaluation) if figure.low is not None]
    assert len(numbers) > 100
    assert all(figure.low <= figure.value + 1e-9 and figure.value <= figure.high + 1e-9 for figure in numbers)
    assert all(
        figure.n is not None and figure.method for figure in figures(evaluation) if isinstance(figure.value, float) and figure.low
    )


def test_hourly_rows_of_a_patient_are_said_to_hang_together(evaluation):
    row = evaluation.row("risk")
    assert evaluation.clustered
    assert "bootstrap over subjects" in row.auroc.method
    assert row.auroc.value == pytest.approx(row.auroc_delong.value)
    assert row.auroc.high - row.auroc.low > row.auroc_delong.high - row.auroc_delong.low


def test_the_worth_beyond_the_clock_is_the_difference_and_the_area_at_equal_hours(evaluation):
    gap = next(gap for gap in evaluation.differences if gap.other == "clock")
    assert evaluation.worth.auroc == gap.auroc
    assert 0.5 < evaluation.worth.within_hour.low < evaluation.worth.within_hour.value


def test_equal_hours_are_those_of_the_encounter_where_it_is_known(made):
    frame = made(subjects=60).with_columns(pl.col("subject_id").cast(pl.String).alias("parent_unit"))
    blind = frame.with_columns(pl.when(pl.col("output") == "clock").then(0.5).otherwise(pl.col("value")).alias("value"))
    seen, unseen = (evaluate(one, thresholds={}, seed=1, resamples=30).worth.within_hour for one in (frame, blind))
    assert seen == unseen
    assert (
        seen.value
        != evaluate(
            blind.with_columns(pl.lit(None, pl.String).alias("parent_unit")), thresholds={}, seed=1, resamples=30
        ).worth.within_hour.value
    )


def test_whoever_is_not_recorded_is_a_row_too(evaluation):
    levels = {
        column: [row.level for row in evaluation.subgroups if row.column == column]
        for column in ("sex", "race", "age_band", "ethnicity")
    }
    assert levels["sex"] == ["female", "male", "unknown"]
    assert levels["race"][-1] == "unknown"
    assert levels["age_band"] == ["18-44", "45-64", "65-79"]
    assert sum(row.counts.predictions for row in evaluation.subgroups if row.column == "sex") == evaluation.counts.predictions


def test_a_subgroup_that_is_too_small_shows_its_counts_and_no_estimate(made):
    found = evaluate(made(subjects=30), thresholds=_AT, seed=1, resamples=50, smallest_subgroup=12)
    small = [row for row in found.subgroups if row.counts.subjects < 12]
    assert small
    assert all(row.auroc.value is None and row.operating == [] and row.note == "fewer than 12 subjects" for row in small)


def test_rows_in_another_order_give_the_same_record(made):
    frame = made(subjects=40)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=4)
    assert evaluate(frame, thresholds=_AT, seed=5, resamples=40) == evaluate(shuffled, thresholds=_AT, seed=5, resamples=40)


def test_only_held_out_rows_count_and_development_rows_are_named_as_such(made):
    frame = made(subjects=60).with_columns(
        pl.when(pl.col("subject_id") < 30).then(pl.lit("train")).otherwise(pl.col("split")).alias("split")
    )
    found = evaluate(frame, thresholds=_AT, seed=1, resamples=40)
    assert found.counts.subjects == 30
    assert {row.split: row.held_out for row in found.splits} == {"test": True, "train": False}


def test_without_a_held_out_split_there_is_no_test(made):
    with pytest.raises(Unusable, match="no split is held out"):
        evaluate(made().with_columns(pl.lit("tune").alias("split")), thresholds=_AT, seed=1)


def test_each_fold_may_have_the_threshold_that_its_training_part_chose(made):
    frame = made(folds=2)
    lines = {"chosen": {"fold-0": 0.1, "fold-1": 0.4}}
    point = evaluate(frame, thresholds={}, fold_thresholds=lines, seed=1, resamples=20).row("risk").operating[0]
    ours = frame.filter(pl.col("output") == "risk")
    alerts = ours.filter(pl.col("value") >= pl.when(pl.col("split") == "fold-0").then(0.1).otherwise(0.4)).height
    assert (point.threshold, point.by_split, point.alerts) == (None, lines["chosen"], alerts)


def test_a_fold_without_threshold_is_refused(made):
    with pytest.raises(Misconfigured, match="fold-1"):
        evaluate(made(folds=2), thresholds={}, fold_thresholds={"chosen": {"fold-0": 0.1}}, seed=1, resamples=20)


def test_an_output_that_was_silent_for_some_is_compared_where_both_spoke(made):
    frame = made(subjects=50)
    silent = (pl.col("output") == "news2") & (pl.col("subject_id") < 20)
    found = evaluate(frame.filter(~silent), thresholds=_AT, seed=1, resamples=40)
    assert found.row("news2").counts.subjects == 30
    assert next(gap for gap in found.differences if gap.other == "news2").auroc.n == 30 * 12
    assert found.row("risk").counts.subjects == 50


def test_unknown_outcomes_are_left_out_and_counted(made):
    frame = made(subjects=50).with_columns(pl.when(pl.col("subject_id") == 3).then(None).otherwise(pl.col("label")).alias("label"))
    found = evaluate(frame, thresholds=_AT, seed=1, resamples=20)
    assert found.left_out["outcome not known"] == 12
    assert found.counts.predictions == 49 * 12


def test_a_subject_on_both_sides_is_a_breach(made):
    frame = made().with_columns(pl.when(pl.col("unit_id") == "u0").then(pl.lit("train")).otherwise(pl.col("split")).alias("split"))
    found = {check.name: check.breaches for check in evaluate(frame, thresholds=_AT, seed=1, resamples=20).leakage}
    assert found == {"subjects": 1, "time": 0, "labels": 0, "units": 0}


def test_an_event_before_its_prediction_is_a_breach(made):
    frame = made().with_columns((pl.col("prediction_time") - pl.duration(hours=1)).alias("event_time"))
    found = {check.name: check.breaches for check in evaluate(frame, thresholds=_AT, seed=1, resamples=20).leakage}
    assert found["time"] == frame.filter(pl.col("output") == "risk")["label"].sum()


def test_one_prediction_a_subject_needs_no_bootstrap_for_shares(made):
    found = evaluate(made(subjects=300, hours=1), thresholds=_AT, seed=1, resamples=40)
    assert not found.clustered
    assert found.row("risk").operating[0].sensitivity.method == "Wilson"


def test_published_scores_are_judged_at_their_published_thresholds(evaluation):
    assert [point.name for point in evaluation.row("news2").operating] == ["5 or more", "7 or more"]


def test_figures_have_one_name_each_and_the_name_that_reports_use(evaluation):
    names = [figure.name for figure in figures(evaluation)]
    assert len(names) == len(set(names))
    assert {name("risk", "auroc"), difference_name("risk", "news2", "auroc"), "test/risk/by/sex/unknown/auroc"} <= set(names)
    assert "test/risk/at/alert/ppv" in names


def test_a_frame_that_breaks_its_contract_is_named_not_judged(made):
    with pytest.raises(Unusable, match="a unit, target and output occur twice"):
        evaluate(pl.concat([made(), made()]), thresholds=_AT, seed=1)


def test_a_main_output_that_is_not_there_is_named_with_those_that_are(made):
    with pytest.raises(Unusable, match="clock, logistic, news2, risk"):
        evaluate(made(), main="risc", thresholds=_AT, seed=1)


@pytest.mark.parametrize("wrong", [{"level": 1.0}, {"resamples": 0}])
def test_arguments_that_make_no_sense_are_refused(made, wrong):
    with pytest.raises(Misconfigured):
        evaluate(made(), thresholds=_AT, seed=1, **wrong)


def test_a_model_too_timid_has_a_slope_above_one(made):
    found = evaluate(made(subjects=300, sure=0.5), thresholds=_AT, seed=1, resamples=40).row("risk").calibration
    assert found.slope.low > 1
