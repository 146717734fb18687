"""Ranking against pROC 1.18.0 (aSAH: Turck et al. 2010, read at test time), scikit-learn, and its own definition."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside.core.errors import Unusable
from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.discrimination import (
    Ranking,
    auroc,
    average_precision,
    delong,
    delong_covariance,
    delong_difference,
    precision_recall_curve,
    roc_curve,
)  # fmt: skip


@pytest.fixture(scope="module")
def asah(shared_data: Path) -> dict[str, np.ndarray]:
    with (shared_data / "evidence/copyleft-gpl3/aSAH.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return {"poor": np.array([row["outcome"] == "Poor" for row in rows]),
            **{name: np.array([float(row[name]) for row in rows]) for name in ("wfns", "s100b", "ndka")}}  # fmt: skip


@pytest.fixture(scope="module")
def proc(shared_data: Path) -> dict:
    return json.loads((shared_data / "evidence/refs/pROC_aSAH_ref.json").read_text())


def test_s100b_has_the_area_and_interval_of_the_published_package(asah):
    found = delong(asah["poor"], asah["s100b"])
    assert found.value == pytest.approx(0.731368563685637, abs=1e-14)
    assert (found.low, found.high) == pytest.approx((0.630118211761623, 0.832618915609651), abs=1e-12)
    assert found.n == 113


@pytest.mark.parametrize("marker", ["s100b", "ndka", "wfns"])
def test_every_marker_agrees_in_area_interval_and_variance(asah, proc, marker):
    found, (_, covariance) = delong(asah["poor"], asah[marker]), delong_covariance(asah["poor"], asah[marker][None, :])
    assert [found.low, found.value, found.high] == pytest.approx(proc[marker]["ci_delong"], abs=1e-12)
    assert covariance[0, 0] == pytest.approx(proc[marker]["var_delong"], abs=1e-14)


@pytest.mark.parametrize(("other", "key"), [("wfns", "test_s100b_wfns"), ("ndka", "test_s100b_ndka")])
def test_two_markers_of_the_same_patients_are_compared_paired(asah, proc, other, key):
    gap, z, p = delong_difference(asah["poor"], asah["s100b"], asah[other])
    assert z == pytest.approx(proc[key]["statistic"], abs=1e-10)
    assert p == pytest.approx(proc[key]["p"], abs=1e-12)
    assert (gap.low, gap.high) == pytest.approx(proc[key]["conf"], abs=1e-12)


def test_the_paired_statistic_is_the_one_written_down(asah):
    assert delong_difference(asah["poor"], asah["s100b"], asah["wfns"])[1] == pytest.approx(-2.20898359144091, abs=1e-12)


def test_a_score_that_ranks_the_wrong_way_is_not_turned_round(asah):
    assert delong(asah["poor"], -asah["s100b"]).value == pytest.approx(1 - 0.731368563685637)


def test_half_a_million_rows_do_not_overflow():
    random = np.random.default_rng(5)
    outcome = random.random(500_000) < 0.3
    found = delong(outcome, random.normal(0, 1, 500_000) + outcome)
    assert 0.7 < found.low < found.value < found.high < 0.8
    assert found.high - found.low < 0.004


def test_single_precision_scores_give_double_precision_areas():
    outcome = np.array([False, True] * 50)
    assert delong(outcome, outcome.astype(np.float32)).value == 1.0


@pytest.mark.parametrize("outcome", [[True, True], [False, False]])
def test_one_outcome_alone_cannot_be_ranked(outcome):
    assert delong(np.array(outcome), np.array([0.1, 0.2])).value is None
    with pytest.raises(Unusable, match="2 predictions"):
        delong_covariance(np.array(outcome), np.array([[0.1, 0.2]]))


def test_both_measures_agree_with_scikit_learn_weights_and_ties_included():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(2)
    codes, outcome = random.integers(0, 40, 900), random.random(900) < 0.2
    score = np.round(random.normal(0, 1, 900) + outcome, 1)
    drawn = np.stack([np.bincount(random.integers(0, 40, 40), minlength=40) for _ in range(5)]).astype(float)
    both = (metrics.roc_auc_score, metrics.average_precision_score)
    expected = [[measure(outcome, score, sample_weight=row[codes]) for measure in both]
                for row in drawn]  # fmt: skip
    assert Ranking(outcome, score, codes)(drawn) == pytest.approx(np.array(expected), abs=1e-12)


def test_steps_of_score_move_an_interval_by_less_than_a_tenth_of_its_error():
    random = np.random.default_rng(4)
    codes, outcome = np.repeat(np.arange(200), 30), random.random(6000) < 0.15
    score, bootstrap = random.normal(0, 1, 6000) + 0.7 * outcome, Bootstrap(60, 9)
    ranking = Ranking(outcome, score, codes)
    exact = np.array(
        [ranking._exact(row[ranking._negative], row[ranking._positive]) for block in bootstrap.draws(200) for row in block]
    )
    assert (np.abs(bootstrap.spread(ranking, 200) - exact).max(axis=0) < 0.1 * exact.std(axis=0)).all()


def test_within_a_stratum_the_stratum_itself_is_worth_nothing():
    random = np.random.default_rng(6)
    hour, outcome = random.integers(0, 12, 4000), np.zeros(4000, dtype=bool)
    outcome[random.random(4000) < hour / 20] = True
    clock, codes = hour.astype(float), np.arange(4000)
    assert auroc(outcome, clock) > 0.6
    assert Ranking(outcome, clock, codes, strata=hour).plain()[0] == 0.5


def test_within_strata_the_area_is_the_pairwise_definition():
    random = np.random.default_rng(7)
    layer, outcome, score = random.integers(0, 4, 200), random.random(200) < 0.3, np.round(random.normal(0, 1, 200), 1)
    pairs = [(score[i] > score[j]) + 0.5 * (score[i] == score[j])
             for i in np.flatnonzero(outcome) for j in np.flatnonzero(~outcome) if layer[i] == layer[j]]  # fmt: skip
    assert Ranking(outcome, score, np.arange(200), strata=layer).plain()[0] == pytest.approx(np.mean(pairs))


_ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(y for y, _ in rows) < len(rows)
)


@given(_ROWS)
def test_the_area_is_the_share_of_pairs_in_the_right_order(rows):
    outcome, score = np.array([y for y, _ in rows]), np.array([s for _, s in rows], dtype=float)
    pairs = [(a > b) + 0.5 * (a == b) for a in score[outcome] for b in score[~outcome]]
    assert auroc(outcome, score) == pytest.approx(np.mean(pairs))
    assert delong(outcome, score).value == pytest.approx(np.mean(pairs))


@given(_ROWS)
@settings(max_examples=50)
def test_the_areas_only_know_the_order_of_scores(rows):
    outcome, score = np.array([y for y, _ in rows]), np.array([s for _, s in rows], dtype=float)
    assert auroc(outcome, np.exp(score)) == pytest.approx(auroc(outcome, score))
    assert average_precision(outcome, 3 * score + 1) == pytest.approx(average_precision(outcome, score))
    assert (delong(outcome, score).low or 0.0) >= 0


@given(_ROWS)
@settings(max_examples=50)
def test_curves_end_where_curves_end_and_hold_their_areas(rows):
    outcome, score = np.array([y for y, _ in rows]), np.array([s for _, s in rows], dtype=float)
    roc, recall = roc_curve(outcome, score), precision_recall_curve(outcome, score)
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert recall.x[-1] == 1
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(auroc(outcome, score), abs=1e-4)


def test_a_curve_of_many_rows_is_thinned_and_keeps_its_area():
    random = np.random.default_rng(8)
    outcome = random.random(50_000) < 0.1
    score = random.normal(0, 1, 50_000) + outcome
    roc = roc_curve(outcome, score)
    assert len(roc.x) <= 202
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(auroc(outcome, score), abs=1e-3)
