"""Learned risk: nothing is chosen on a subject that taught, the same study gives the same bytes, and the rules do what they say."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bedside.bundle.store import Bundle
from bedside.cohort.features import FeatureSet
from bedside.core import predictions as contract
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.split import Split
from bedside.core.task import Features, Outcome, Signal, Task
from bedside.evaluate import utility
from bedside.pillars.guidance.features import SCORES
from bedside.pillars.risk.columns import chosen
from bedside.pillars.risk.crossfit import deal
from bedside.pillars.risk.fit import Developed, develop, predict
from bedside.pillars.risk.options import ModelOptions, options
from bedside.pillars.risk.thresholds import Rows, rule, threshold

SIGNALS = [Signal("heart_rate", ["LOINC//8867-4"]), Signal("lactate", ["LOINC//2524-7"], kind="workup")]
FEATURES = Features(SIGNALS, windows_hours=[6], summaries=["last", "age", "count", "mean"])
NAMES = FeatureSet(FEATURES).names
TASK = Task("made", Outcome("sepsis", ["X"]), FEATURES, split=Split(folds=3))
FAST = ModelOptions(trees=8, rows_in_leaf=20, folds=3, thresholds={"alert": "youden", "calm": "sensitivity=0.5"})
HOURS = 24


def cohort(
    subjects: int = 90, *, splits: tuple[str, ...] = ("fold-0", "fold-1", "fold-2"), seed: int = 1
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A third of the subjects turn septic at hour 12, and their heart races from hour 8."""
    source = np.random.default_rng(seed)
    start = datetime(2026, 1, 1)
    rows, table = [], source.normal(80, 12, (subjects * HOURS, len(NAMES))).astype(np.float32)
    for subject in range(subjects):
        for hour in range(HOURS):
            sick = subject % 3 == 0
            at = subject * HOURS + hour
            table[at, NAMES.index("heart_rate.last")] += 35 * (sick and hour >= 8)
            table[at, NAMES.index("clock.hours")] = hour + 1
            rows.append(
                (
                    f"e{subject}@{hour}",
                    subject,
                    f"e{subject}",
                    start,
                    start + timedelta(hours=hour + 1),
                    sick and hour >= 12,
                    None,
                    "female",
                    "65-79",
                    "unknown",
                    "unknown",
                    splits[(subject // 3) % len(splits)],
                )
            )
    names = [
        "unit_id",
        "subject_id",
        "encounter_id",
        "encounter_start",
        "prediction_time",
        "label",
        "event_time",
        "sex",
        "age_band",
        "race",
        "ethnicity",
        "split",
    ]
    decisions = pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("event_time").cast(pl.Datetime("us")))
    features = pl.DataFrame(table, schema=list(NAMES)).with_columns(pl.Series("unit_id", decisions["unit_id"]))
    return features.select("unit_id", *NAMES), decisions


def made(out: Path, *, told: ModelOptions = FAST, **changes: object) -> Developed:
    features, decisions = cohort(**changes)  # type: ignore[arg-type]
    return develop(TASK, features, decisions, options=told, out=out, seed=1, made=True, training={"x": "0" * 64}, scores=SCORES)


@pytest.fixture(scope="module")
def developed(tmp_path_factory: pytest.TempPathFactory) -> Developed:
    return made(tmp_path_factory.mktemp("risk") / "model")


def auroc(frame: pl.DataFrame, output: str) -> float:
    from sklearn.metrics import roc_auc_score

    rows = frame.filter(pl.col("output") == output)
    return float(roc_auc_score(rows["label"].to_numpy(), rows["value"].to_numpy()))


def test_predictions_keep_the_contract_and_every_output_stands_beside_the_model(developed: Developed) -> None:
    contract.check(developed.predictions, where="made")
    assert set(developed.predictions["output"]) == {"risk", "logistic", "physiology", "workup", "clock", "news2", "qsofa"}
    assert set(developed.predictions.filter(pl.col("output") == "risk")["split"]) == {"fold-0", "fold-1", "fold-2"}
    assert set(developed.predictions["bundle"]) == {developed.digest} == {Bundle.open(developed.bundle).digest}


def test_the_model_finds_the_racing_heart_that_the_workup_cannot_know(developed: Developed) -> None:
    found = developed.predictions
    assert auroc(found, "risk") > 0.9
    assert auroc(found, "physiology") > 0.85
    assert 0.4 < auroc(found, "workup") < 0.6
    assert auroc(found, "clock") > 0.6


def test_the_same_study_gives_the_same_bytes_and_predictions(developed: Developed, tmp_path: Path) -> None:
    again = made(tmp_path / "model")
    assert again.digest == developed.digest
    assert again.predictions.equals(developed.predictions)
    assert again.fold_thresholds == developed.fold_thresholds


def test_rows_in_another_order_give_the_same_bundle(developed: Developed, tmp_path: Path) -> None:
    features, decisions = cohort()
    mixed = develop(
        TASK,
        features.sample(fraction=1, shuffle=True, seed=3),
        decisions.sample(fraction=1, shuffle=True, seed=4),
        options=FAST,
        out=tmp_path / "model",
        seed=1,
        made=True,
        training={"x": "0" * 64},
    )
    assert mixed.digest == developed.digest


def test_outcomes_of_a_fold_touch_neither_its_risks_nor_its_thresholds(developed: Developed, tmp_path: Path) -> None:
    features, decisions = cohort()
    own = pl.col("split") == "fold-0"
    turned = decisions.with_columns(pl.when(own).then(~pl.col("label")).otherwise("label").alias("label"))
    other = develop(TASK, features, turned, options=FAST, out=tmp_path / "model", seed=1, made=True, training={"x": "0" * 64})
    for name in ("risk", "logistic", "clock"):
        rows = [
            frame.filter(own, pl.col("output") == name)["value"].to_list() for frame in (developed.predictions, other.predictions)
        ]
        assert rows[0] == rows[1]
        told = [d.fold_thresholds[name]["alert"] for d in (developed, other)]
        assert told[0]["fold-0"] == told[1]["fold-0"]
        assert told[0]["fold-1"] != told[1]["fold-1"]


def test_a_sealed_bundle_scores_new_rows_like_its_scorers_and_open_labels_are_not_needed(developed: Developed) -> None:
    features, decisions = cohort(12, seed=5)
    bundle = Bundle.open(developed.bundle)
    found = predict(bundle, features, decisions.with_columns(pl.lit("test").alias("split")), scores=SCORES)
    contract.check(found, where="made")
    risk = found.filter(pl.col("output") == "risk").sort("subject_id", "prediction_time")
    told = decisions.sort("subject_id", "encounter_start", "prediction_time")["unit_id"]
    assert risk["unit_id"].to_list() == told.to_list()
    rows = features.drop("unit_id").rows()
    assert risk["value"].to_list() == [bundle.predict_one(row) for row in rows]
    assert auroc(found, "risk") > 0.9


def test_with_one_development_split_the_risks_are_out_of_fold_and_test_rows_stay_untouched(tmp_path: Path) -> None:
    found = made(tmp_path / "model", splits=("train", "tune", "test"))
    assert set(found.predictions["split"]) == {"train", "tune"}
    assert found.fold_thresholds == {}
    assert found.thresholds["risk"] == Bundle.open(found.bundle).thresholds


def test_labels_drawn_at_random_cannot_be_predicted_out_of_fold(tmp_path: Path) -> None:
    features, decisions = cohort()
    drawn = np.random.default_rng(9).random(90) < 0.4
    labels = pl.Series("label", drawn[decisions["subject_id"].to_numpy()])
    told = ModelOptions(trees=30, rows_in_leaf=1, leaves=31, folds=3, variants=[], thresholds={"alert": "youden"})
    found = develop(
        TASK, features, decisions.with_columns(labels), options=told, out=tmp_path / "m", seed=1, made=True, training={}
    )
    assert 0.35 < auroc(found.predictions, "risk") < 0.65


def test_a_model_may_be_a_logistic_regression_weighted_by_utility(tmp_path: Path) -> None:
    told = ModelOptions(
        kind="logistic", weights="utility", folds=3, calibration="isotonic", thresholds={"alert": "utility"}, variants=["clock"]
    )
    found = made(tmp_path / "model", told=told)
    assert Bundle.open(found.bundle).manifest.runner == "logistic"
    rows = found.predictions.filter(pl.col("output") == "risk").sort("subject_id", "prediction_time")
    worth = utility.rows(rows["parent_unit"].to_numpy(), rows["label"].to_numpy())
    cut = rows["split"].replace_strict(found.fold_thresholds["risk"]["alert"], return_dtype=pl.Float64)
    assert utility.score(utility.totals(worth, rows["value"].to_numpy() >= cut.to_numpy())) > 0.5


def test_a_fold_without_events_is_named() -> None:
    features, decisions = cohort()
    calm = decisions.with_columns(pl.when(pl.col("split") != "fold-1").then("label").otherwise(False).alias("label"))
    with pytest.raises(Unusable, match="1 of 3 folds"):
        develop(TASK, features, calm, options=FAST, out=Path("nowhere"), seed=1, made=True, training={})


def test_features_of_another_task_are_named() -> None:
    features, decisions = cohort()
    with pytest.raises(Unusable, match=r"heart_rate\.last"):
        develop(
            TASK, features.drop("heart_rate.last"), decisions, options=FAST, out=Path("nowhere"), seed=1, made=True, training={}
        )


# --- rules ------------------------------------------------------------------------------------------

RISK = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
HAPPENED = np.array([1, 1, 0, 0, 1, 0, 0, 1, 0, 0], dtype=bool)


@pytest.mark.parametrize(("text", "cut"), [
    ("risk=0.25", 0.25), ("sensitivity=0.5", 0.8), ("sensitivity=0.75", 0.5), ("sensitivity=0.99", 0.2), ("youden", 0.5),
    ("alerts_per_100_patient_days=720", 0.8), ("alerts_per_100_patient_days=719", 0.9), ("alerts_per_100_patient_days=2400", 0.05),
])  # fmt: skip
def test_each_threshold_rule_by_hand(text: str, cut: float) -> None:
    assert threshold(rule(text), RISK, Rows(np.zeros(10, np.int64), HAPPENED, 1.0)) == cut


def test_no_alert_at_all_when_the_budget_does_not_reach_the_first() -> None:
    cut = threshold(rule("alerts_per_100_patient_days=1"), RISK, Rows(np.zeros(10, np.int64), HAPPENED, 1.0))
    assert not (cut <= RISK).any()


@pytest.mark.parametrize(
    "text", ["", "best", "risk", "risk=2", "sensitivity=0", "sensitivity=x", "youden=1", "alerts_per_100_patient_days=-1"]
)
def test_a_rule_that_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Misconfigured, match="not a threshold rule"):
        rule(text)


@pytest.mark.parametrize(("model", "named"), [
    ({"kind": "forest"}, "forest"), ({"tree": 5}, "tree"), ({"trees": 0, "row_share": 1.5}, "trees must be at least 1; row_share"),
    ({"thresholds": {"alert": "loud"}}, "loud"), ({"thresholds": {}}, "no threshold"), ({"variants": ["clock", "clock"]}, "twice"),
])  # fmt: skip
def test_faults_of_the_model_table_are_named(model: dict[str, object], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        options(model)


def test_both_kinds_of_subject_are_dealt_evenly() -> None:
    subject = np.repeat(np.arange(100), 3)
    outcome = np.isin(subject, np.arange(20))
    fold = deal(subject, outcome, 5, seed=1)
    assert [len(np.unique(subject[(fold == k) & outcome])) for k in range(5)] == [4] * 5
    assert [len(np.unique(subject[fold == k])) for k in range(5)] == [20] * 5
    assert all(len(np.unique(fold[subject == s])) == 1 for s in range(100))


# --- the shipped task --------------------------------------------------------------------------------


def test_the_shipped_sepsis_task_is_a_study_with_every_signal_of_the_challenge() -> None:
    text = (files("bedside.study") / "templates" / "sepsis2019.toml").read_text(encoding="utf-8")

    from bedside.cohort.leakage import refuse
    from bedside.study import config

    study = config.decode(text)
    refuse(study.task)
    codes = {code for signal in study.task.features.signals for code in signal.codes}
    assert len(codes) == 34
    assert len(FeatureSet(study.task.features).names) == 192
    assert options(study.model).weights == "utility"
    physiology, workup = (chosen(variant, study.task) for variant in ("physiology", "workup"))
    assert not set(physiology) & set(workup)
    assert not {"lactate.last", "clock.hours", "hospital_hours_before"} & {*physiology, *workup}


def test_every_output_has_a_utility_threshold_that_its_own_fold_did_not_choose(tmp_path: Path) -> None:
    told = ModelOptions(kind="logistic", folds=3, thresholds={"alert": "utility"}, variants=["clock"])
    found = made(tmp_path / "model", told=told)
    assert set(found.utility) == {"risk", "clock", "news2", "qsofa"}
    assert found.utility["risk"] == found.fold_thresholds["risk"]["alert"]
    rows = found.predictions.filter(pl.col("output") == "news2", pl.col("split") != "fold-0").sort("subject_id", "prediction_time")
    worth = utility.rows(rows["parent_unit"].to_numpy(), rows["label"].to_numpy())
    assert found.utility["news2"]["fold-0"] == utility.best_threshold(worth, rows["value"].to_numpy())


def test_without_a_rule_of_utility_no_output_has_a_threshold_for_it(developed: Developed) -> None:
    assert developed.utility == {}


@pytest.mark.parametrize(("kept", "why"), [(0, "the outcome never happens"), (2, "needs at least 3 subjects with the outcome")])
def test_too_few_subjects_with_the_outcome_are_told_with_what_to_do(kept: int, why: str) -> None:
    features, decisions = cohort()
    struck = decisions.filter(pl.col("label"))["subject_id"].unique().sort().to_list()[:kept]
    few = decisions.with_columns(pl.col("label") & pl.col("subject_id").is_in(struck))
    with pytest.raises(Unusable, match=why):
        develop(TASK, features, few, options=FAST, out=Path("nowhere"), seed=1, made=True, training={})
