"""Trees cross as arrays: the same trees as LightGBM's, on steps that every site shares."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from tests.federate import made

from bedside.bundle.runners.lightgbm import LightGBM
from bedside.core.federable import Turn
from bedside.pillars.risk.federable_trees import STEPS, steps
from bedside.pillars.risk.tree_text import Grown, grown, text

MODEL = {"kind": "lightgbm", "rows_in_leaf": 10, "trees": 20, "leaves": 6}


def site():
    agreed = made.planned(model=MODEL)
    fit, own = agreed.fits["risk"], made.rows(agreed, 300, 5)
    members = np.array([300.0, *(300.0 - (own.fold == fold).sum() for fold in range(5))])
    state = fit.initial({"a": {**fit.summarise(own), "members": members, "size": np.array([300, 300, own.outcome.sum(), own.outcome.sum(), 1.0])}})
    return fit, own, state


def test_what_was_grown_on_steps_answers_the_same_on_the_columns_own_scale():
    _, own, state = site()
    stepped = steps(own.matrix, state)
    data = lightgbm.Dataset(stepped, own.outcome.astype(float), params={"max_bin": STEPS + 1, "min_data_in_bin": 1, "verbosity": -1})
    told = lightgbm.train({"objective": "binary", "num_leaves": 6, "verbosity": -1, "num_threads": 1, "boost_from_average": False}, data, 8)
    trees = grown(told.model_to_string(), 8, 6)
    edges = state["centre"][:, None] + (np.arange(1, STEPS + 1) - STEPS / 2) / 8 * state["scale"][:, None]
    runner = LightGBM({"member-00.txt": text(trees, own.names, np.nextafter(edges, -np.inf), base=0.25).encode()}, where="test")
    known = ~np.isnan(own.matrix).any(axis=1)
    assert np.allclose(runner.margins(own.matrix)[known] - 0.25, told.predict(stepped, raw_score=True)[known], atol=1e-12)


def test_one_row_and_many_rows_and_their_explanation_agree():
    fit, own, state = site()
    for number in range(3):
        update = fit.update(state, own, Turn(number, "a"))
        state = fit.aggregate(state, {"a": update}, {"a": np.full(6, 300.0)})
    runner = LightGBM(fit.finish(state).weights, where="test")
    rows = own.matrix[:20]
    assert np.array_equal(runner.margins(rows), [runner.margin(row.tolist()) for row in rows])
    shares = np.array([runner.contributions(row.tolist()) for row in rows])
    rest = runner.margins(rows) - shares.sum(axis=1)
    assert np.allclose(rest, rest[0], atol=1e-5)  # what is left is the average, the same for every row


def test_no_column_tells_its_least_or_largest_value():
    fit, own, state = site()
    state = fit.aggregate(state, {"a": fit.update(state, own, Turn(0, "a"))}, {"a": np.full(6, 300.0)})
    told = fit.finish(state).weights["member-00.txt"].decode()
    assert "feature_infos=" + " ".join(["[-inf:inf]"] * 6) in told
    assert not [value for value in np.nanmax(own.matrix, axis=0) if f"{value:.5f}"[:7] in told]


def test_a_leaf_rests_on_at_least_least_cell_rows():
    agreed = made.planned(model={**MODEL, "rows_in_leaf": 1}, federated={"least_cell": 15})
    fit, own, state = agreed.fits["risk"], made.rows(agreed, 300, 5), site()[2]
    update = fit.update(state, own, Turn(0, "a"))
    shares = update["leaves"][:, 0, 1]
    assert (shares[shares > 0] * 300 >= 15 * 0.69).all()  # each tree is grown on a draw of row_share = 0.7


def test_a_site_where_everybody_has_the_outcome_grows_nothing():
    fit, own, state = site()
    update = fit.update(state, own._replace(outcome=np.ones(300, dtype=bool)), Turn(0, "a"))
    assert not update["sizes"].any()
    assert fit.faults(update) == ""


@pytest.mark.parametrize("many", [0, 3])
def test_a_model_without_a_split_is_its_base(many):
    empty = Grown(np.zeros((many, 6, 3)), np.zeros((many, 2, 4)), np.zeros(many))
    runner = LightGBM({"member-00.txt": text(empty, ("a", "b"), np.zeros((2, STEPS)), base=-1.5).encode()}, where="test")
    assert runner.margins(np.zeros((2, 2), np.float32)).tolist() == [-1.5, -1.5]
