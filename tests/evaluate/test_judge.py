"""Every kind of target in one record, by the kind of its answer."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import polars as pl
import pytest

from bedside.core import canonical
from bedside.core.errors import Malformed, Misconfigured, Unusable
from bedside.core.pillar import Lines
from bedside.core.target import Target
from bedside.evaluate.evaluation import evaluate
from bedside.evaluate.figures import figures
from bedside.evaluate.judge import judge
from bedside.evaluate.judged import Test, Unjudged
from bedside.evaluate.stored import as_test, read

_HERE = Path(__file__).parent
_TARGETS = [Target("solubility", "number", "mol/L"), Target("retinopathy", "grade"), Target("lesion", "found"),
            Target("hippocampus", "region", label="the hippocampus"), Target("pneumonia", "yes-no")]  # fmt: skip
_LINES = {"lesion": Lines(serving={"screening": 0.3}), "solubility": Lines(promised=0.8)}
_QUICK = {"main": "model", "resamples": 60, "unit": "image"}


@pytest.fixture(scope="module")
def kinds() -> SimpleNamespace:
    """Makers of frames of each kind."""
    return SimpleNamespace(**runpy.run_path(str(_HERE / "kinds.py")))


@pytest.fixture(scope="module")
def frames(kinds) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Decisions, predictions and measures of five targets together."""
    parts = [kinds.number(), kinds.grade(), kinds.found(), kinds.region(), kinds.finding()]
    return pl.concat([part[0] for part in parts], how="diagonal_relaxed"), pl.concat([part[1] for part in parts]), parts[3][2]


@pytest.fixture(scope="module")
def test(frames) -> Test:
    """One test of all five."""
    return judge(_TARGETS, *frames, lines=_LINES, **_QUICK)


def test_the_record_is_json_and_comes_back_the_same(test):
    stored = canonical.dumps(test)
    assert b'"schema":"bedside.evaluation/2"' in stored
    assert read(stored) == test


def test_every_target_has_its_section_in_the_order_of_the_task(test):
    assert [section.target for section in test.sections] == _TARGETS
    assert test.section("hippocampus").called == "the hippocampus"
    with pytest.raises(Unusable, match="solubility, retinopathy"):
        test.section("oedema")


def test_every_figure_has_a_name_of_its_own_that_begins_with_its_target(test):
    names = [figure.name for figure in figures(test)]
    assert len(names) == len(set(names)) > 400
    assert {name.split("/")[1] for name in names} == {target.name for target in _TARGETS}
    assert {"test/solubility/model/mae", "test/hippocampus/model/dice/median", "test/lesion/model/froc/at/0.5", "test/pneumonia/model/auroc",
            "test/retinopathy/model-majority/kappa", "test/lesion/model/at/screening/ppv", "test/hippocampus/model/by/site/north/dice/mean"} <= set(names)  # fmt: skip


def test_of_a_single_target_the_names_do_without_it(kinds):
    names = {figure.name for figure in figures(judge(_TARGETS[:1], *kinds.number(), **_QUICK))}
    assert {"test/units", "test/model/mae", "test/model-mean/mae", "test/model/by/sex/female/mae"} <= names


def test_every_interval_holds_its_value_and_says_its_n_and_method(test):
    told = [figure for figure in figures(test) if figure.low is not None]
    assert len(told) > 150
    loose = [figure.name for figure in told if not figure.low - 1e-6 <= figure.value <= figure.high + 1e-6]
    assert [name for name in loose if not name.endswith("mean/r2")] == []  # R2 of the mean is 0, and less in every resample
    assert all(figure.n and figure.method for figure in told)


def test_a_yes_no_target_says_what_evaluate_says_to_the_last_bit(kinds):
    rows, said = kinds.finding()
    whole = said.join(rows.select("unit_id", "label", "subject_id", "sex", "site"), on="unit_id", suffix="_known").with_columns(
        *(pl.col(f"{name}_known").alias(name) for name in ("label", "subject_id", "sex", "site"))).select(said.columns)  # fmt: skip
    lines = Lines(serving={"alert": 0.4})
    judged = judge([Target("pneumonia", "yes-no")], rows, said, lines={"pneumonia": lines}, **_QUICK).only.result
    plain = evaluate(whole, main="model", thresholds=lines.serving, resamples=60, outcome="pneumonia", unit="image")
    assert judged == plain


def test_rows_in_another_order_give_the_same_record(frames, test):
    again = [frame.sample(fraction=1.0, shuffle=True, seed=9) for frame in frames]
    assert canonical.dumps(judge(_TARGETS, *again, lines=_LINES, **_QUICK)) == canonical.dumps(test)


def test_the_truth_is_that_of_the_decisions_and_another_one_is_refused(kinds):
    rows, said = kinds.number()
    own = said.with_columns(pl.lit(3.0).alias("truth"))
    with pytest.raises(Unusable, match="another truth than the decisions"):
        judge(_TARGETS[:1], rows, own, **_QUICK)


def test_decisions_that_the_model_said_nothing_of_are_counted(kinds):
    for maker, target in ((kinds.number, _TARGETS[0]), (kinds.grade, _TARGETS[1]), (kinds.finding, _TARGETS[4])):
        rows, said = maker()
        less = said.filter(~pl.col("unit_id").is_in(["u0", "u1", "u2"]))
        assert 3 in judge([target], rows, less, **_QUICK).only.result.left_out.values()


def test_decisions_whose_truth_is_not_known_are_left_out_and_counted(kinds):
    rows, said = kinds.number()
    some = rows.with_columns(pl.when(pl.col("unit_id") == "u4").then(None).otherwise(pl.col("truth")).alias("truth"))
    found = judge(_TARGETS[:1], some, said, **_QUICK).only.result
    assert (found.left_out, found.counts.units) == ({"truth not known": 1}, 89)


def test_a_target_that_cannot_be_judged_says_why_and_the_others_go_on(frames):
    decisions, predictions, measures = frames
    mute = predictions.filter(pl.col("target") != "retinopathy")
    found = judge(_TARGETS, decisions, mute, measures, **_QUICK)
    lost = found.section("retinopathy").result
    assert isinstance(lost, Unjudged)
    assert "no held-out prediction" in lost.why
    assert not isinstance(found.section("solubility").result, Unjudged)


def test_a_study_without_any_judged_target_is_no_test(frames):
    decisions, predictions, _ = frames
    with pytest.raises(Unusable, match="no target can be judged"):
        judge(_TARGETS, decisions, predictions.clear(), None, **_QUICK)
    with pytest.raises(Unusable, match="no decision is held out"):
        judge(_TARGETS[:1], decisions.with_columns(pl.lit("tune").alias("split")), predictions, **_QUICK)


def test_a_unit_decided_on_twice_is_refused(kinds):
    rows, said = kinds.number()
    with pytest.raises(Unusable, match="decided on twice"):
        judge(_TARGETS[:1], pl.concat([rows, rows.head(1)]), said, **_QUICK)


@pytest.mark.parametrize("targets", [[], [Target("Pleural effusion", "yes-no"), Target("pleural_effusion", "yes-no")]])
def test_targets_that_figures_could_not_tell_apart_are_refused(frames, targets):
    with pytest.raises(Misconfigured):
        judge(targets, *frames, **_QUICK)


def test_what_belongs_to_one_subject_is_resampled_together(kinds):
    apart, together = (judge(_TARGETS[:1], *kinds.number(per_subject=n), **_QUICK).only.result for n in (1, 6))
    assert (apart.counts.clusters, together.counts.clusters) == (90, 15)
    assert apart.outputs[0].measures["mae"].value == pytest.approx(together.outputs[0].measures["mae"].value)
    assert "over subjects" in together.outputs[0].measures["mae"].method


def test_without_subjects_groups_are_resampled_and_without_groups_the_units(kinds):
    rows, said = kinds.number(subjects=False)
    grouped = rows.with_columns(pl.concat_str(pl.lit("scaffold-"), pl.int_range(pl.len()) // 9).alias("group_id"))
    alone, groups = (judge(_TARGETS[:1], one, said, **_QUICK).only.result for one in (rows, grouped))
    assert (alone.clusters, alone.counts.clusters) == ("units", 90)
    assert (groups.clusters, groups.counts.clusters) == ("groups", 10)
    assert "over groups" in groups.outputs[0].measures["mae"].method
    assert not {row.column for row in alone.subgroups} & {"sex", "race"}


def test_a_scaffold_that_is_a_group_by_itself_is_judged_by_its_molecules(kinds):
    rows, said = kinds.number(subjects=False)
    scaffold = pl.concat_str(pl.lit("s"), pl.int_range(pl.len()) // 30)
    found = judge(_TARGETS[:1], rows.with_columns(scaffold.alias("group_id"), scaffold.alias("scaffold")), said, **_QUICK).only.result
    own = [row for row in found.subgroups if row.column == "scaffold"]
    assert [row.counts.units for row in own] == [30, 30, 30]
    assert all(row.measures["mae"].low is not None for row in own)
    assert all("over the units of one group" in row.measures["mae"].method for row in own)


def test_hundreds_of_scaffolds_are_the_largest_by_name_and_the_rest_together(kinds):
    rows, said = kinds.number(300, subjects=False)
    many = rows.with_columns(pl.concat_str(pl.lit("s"), (pl.int_range(pl.len()) ** 0.7).cast(pl.Int64)).alias("scaffold"))
    found = judge(_TARGETS[:1], many, said, **_QUICK).only.result
    own = [row for row in found.subgroups if row.column == "scaffold"]
    assert len(own) == 21
    assert sum(row.counts.units for row in own) == 300


def test_a_small_group_shows_its_counts_and_no_estimate(test):
    few = [row for section in test.sections[:4] for row in section.result.subgroups if row.counts.clusters < 10]
    assert all(row.measures == {} and row.note == "fewer than 10 subjects" for row in few)


def test_each_fold_stands_by_itself(kinds):
    rows, said = kinds.number(folds=3)
    found = judge(_TARGETS[:1], rows, said, **_QUICK).only.result
    assert [part.split for part in found.splits] == ["fold-0", "fold-1", "fold-2"]
    assert sum(part.counts.units for part in found.splits) == found.counts.units


def test_a_subject_on_both_sides_is_a_breach(kinds):
    rows, said = kinds.number(per_subject=2)
    developed = said.filter(pl.col("unit_id") == "u1").with_columns(pl.lit("train").alias("split"), pl.lit("u-other").alias("unit_id"), pl.lit(0).cast(pl.Int64).alias("subject_id"))
    found = judge(_TARGETS[:1], rows, pl.concat([said, developed]), **_QUICK).only.result
    assert {check.name: check.breaches for check in found.leakage}["subjects"] == 1


def test_an_evaluation_of_before_is_read_as_a_test_of_one_target(kinds):
    rows, said = kinds.finding()
    old = judge([_TARGETS[4]], rows, said, **_QUICK).only.result
    stored = msgspec.to_builtins(old)
    for new in ("kind", "scope", "clusters"):
        stored.pop(new)
    assert read(msgspec.json.encode(stored)).only.result == old
    assert as_test(old).only.called == "pneumonia"


@pytest.mark.parametrize("stored", [b"{", b'{"schema":"bedside.evaluation/9"}', b'{"schema":"bedside.evaluation/2"}'])
def test_what_is_no_evaluation_is_told(stored):
    with pytest.raises(Malformed, match="evaluation"):
        read(stored)


def test_an_infinite_value_is_refused_by_name(kinds):
    rows, said = kinds.number()
    wrong = said.with_columns(pl.when(pl.col("unit_id") == "u3").then(np.inf).otherwise(pl.col("value")).alias("value"))
    with pytest.raises(Unusable, match="infinite"):
        judge(_TARGETS[:1], rows, wrong, **_QUICK)


def test_what_was_recorded_of_nobody_is_named_and_makes_no_rows(kinds):
    rows, said = kinds.number()
    found = judge(_TARGETS[:1], rows, said, **_QUICK).only.result
    assert found.unrecorded == ["age_band", "race", "ethnicity"]
    assert {row.column for row in found.subgroups} == {"sex", "site"}
    assert judge(_TARGETS[:1], *kinds.number(subjects=False), **_QUICK).only.result.unrecorded == []
