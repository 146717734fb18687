"""Retina grading: an ordinal grade and a yes-no about it, from colour photographs to the report."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.pillars.imaging.made_planes import eyes, of_test, study

from bedside import Study
from bedside.core.errors import Misconfigured
from bedside.pillars.imaging.planes import beside, nets
from bedside.pillars.imaging.planes.learn import steady
from bedside.pillars.imaging.planes.options import options

TASK = """
[task]
kind = "image"
name = "retina"
question = "grade"
unit = "image"
modalities = ["OP"]
asks = [{ name = "icdr", kind = "grade" }, { name = "referable", kind = "yes-no" }]
codes = { icdr = "ICDR//GRADE", referable = "ICDR//GRADE" }
at_least = { referable = 2 }
[task.split]
test_fraction = 0.4
[model]
network = "resnet"
width = 8
size = 48
channels = 3
epochs = 10
changes = ["flip-left-right", "flip-up-down", "shift"]
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Study:
    made = study(tmp_path_factory.mktemp("retina") / "study", TASK, eyes(60), mapping="eyes.toml", policy="as-received")
    made.run(quiet=True)
    return made


def test_grades_are_nearer_the_truth_than_the_middle_grade_and_brightness(graded):
    rows = of_test(graded).filter(pl.col("target") == "icdr")
    error = {output: float((own["value"] - own["truth"]).abs().mean()) for (output,), own in rows.group_by("output")}
    assert error["model"] < error["intensity"] < error["base-rate"]
    assert set(rows["value"].filter(rows["output"] == "model")) <= {0.0, 1.0, 2.0, 3.0}


def test_a_referable_eye_is_one_of_grade_two_or_more(graded):
    rows = of_test(graded).filter(pl.col("output") == "model")
    grade, referable = (rows.filter(pl.col("target") == name).sort("unit_id") for name in ("icdr", "referable"))
    assert (referable["label"] == (grade["truth"] >= 2)).all()
    assert ((referable["value"] >= 0.5) == (grade["value"] >= 2)).all()


def test_both_eyes_of_a_patient_are_in_one_split_and_labels_met_images_by_uid_after_de_identification(tmp_path):
    made = study(tmp_path / "study", TASK, eyes(20), mapping="eyes.toml")
    made.run(["deidentify", "read", "cohort"], quiet=True)
    decisions = pl.read_parquet(made.root / "cohort" / "decisions.parquet")
    assert decisions["unit_id"].n_unique() == 40
    assert decisions.group_by("subject_id").agg(pl.col("split").n_unique())["split"].max() == 1


def test_the_report_judges_grade_and_yes_no_each_in_its_way(graded):
    told = msgspec.json.decode((graded.root / "reports" / "evaluation.json").read_bytes())
    assert {section["target"]["name"]: section["result"]["kind"] for section in told["sections"]} == {"icdr": "grade", "referable": "yes-no"}


def test_the_chance_of_a_higher_grade_never_exceeds_that_of_a_lower_one():
    with steady(3, 1) as torch:
        net = nets.ordinal(options({"network": "resnet", "size": 32, "width": 8}), 4)
        with torch.no_grad():
            net.gaps.copy_(torch.tensor([-5.0, 0.0, 3.0]))
            logits = net(torch.randn(6, 1, 32, 32)).numpy()
    assert (np.diff(logits, axis=1) < 0).all()


@pytest.mark.parametrize(("old", "new", "words"), [
    ("at_least = { referable = 2 }", "", "does not say from which grade on referable is a yes"),
    ('referable = "ICDR//GRADE"', 'referable = "OTHER"', "no question about the code"),
    ('"grade" }, {', '"yes-no" }, {', "wants one target of kind grade"),
])  # fmt: skip
def test_questions_about_a_grade_must_be_about_that_grade(tmp_path, old, new, words):
    with pytest.raises(Misconfigured, match=words):
        study(tmp_path / "study", TASK.replace(old, new), eyes(2), mapping="eyes.toml").run(quiet=True)


def test_the_regression_beside_the_model_is_the_ridge_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(1)
    x = draw.standard_normal((200, 4)) * (1, 10, 0.1, 3)
    outcome = x[:, 0] + 0.2 * x[:, 1] + draw.standard_normal(200) > 0.3
    told = beside.fit_logistic(x, outcome)
    standard = np.clip((x - x.mean(0)) / x.std(0), -5, 5)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(standard, outcome)
    np.testing.assert_allclose(told.coefficient, theirs.coef_[0], atol=1e-5)
    np.testing.assert_allclose(beside.margins(told, x), theirs.decision_function(standard), atol=1e-5)


def test_the_regression_says_the_share_when_all_have_it():
    told = beside.fit_logistic(np.arange(8.0)[:, None], np.ones(8, dtype=np.bool_))
    assert told.coefficient == [0.0]
    assert told.intercept == pytest.approx(np.log(9))
