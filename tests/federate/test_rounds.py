"""A fit over sites is the fit that the rows together would have had, as far as its method promises."""

from __future__ import annotations

import numpy as np
import pytest
from tests.federate import made

from bedside.bundle.runners.table import RUNNERS
from bedside.bundle.store import Bundle
from bedside.core.federable import averaged
from bedside.federate.transport import InProcess
from bedside.pillars.risk.learners import Lesson, logistic_member
from bedside.pillars.risk.options import options


def pooled_margins(agreed, own):
    """Margins of all rows by Newton's method on the rows together."""
    matrix, outcome = np.vstack([one.matrix for one in own]), np.concatenate([one.outcome for one in own])
    lesson = Lesson(matrix, outcome.astype(np.float32), np.ones(len(outcome), np.float32), own[0].names, 1)
    told = logistic_member(lesson, options(dict(agreed.model)))
    return matrix, RUNNERS.get("logistic")({"member-00.json": told}, where="pooled").margins(matrix)


def of_sites(agreed):
    return [made.rows(agreed, n, place, shift=0.3 * place) for place, n in enumerate(made.SIZES.values())]


def served(agreed, tmp_path, **more):
    found = made.run(agreed, out=tmp_path, **more)
    return found, Bundle.open(tmp_path / "model")


def test_one_local_step_a_round_leads_to_the_pooled_fit(tmp_path):
    agreed = made.planned(federated={"local_steps": 1, "rounds": 150})
    _, bundle = served(agreed, tmp_path)
    matrix, pooled = pooled_margins(agreed, of_sites(agreed))
    assert np.abs(bundle.scorer.margins(matrix) - pooled).max() < 1e-5


def test_several_local_steps_come_close_to_it(tmp_path):
    agreed = made.planned(federated={"local_steps": 5, "rounds": 40})
    _, bundle = served(agreed, tmp_path)
    matrix, pooled = pooled_margins(agreed, of_sites(agreed))
    assert np.abs(bundle.scorer.margins(matrix) - pooled).max() < 0.3


def test_columns_are_standardised_as_if_the_rows_lay_together():
    agreed = made.planned()
    own = of_sites(agreed)
    fit = agreed.fits["risk"]
    sums = [{**fit.summarise(one), "members": np.full(6, 1.0), "size": np.zeros(5)} for one in own]
    state = fit.initial(dict(zip("abc", sums, strict=True)))
    together = np.vstack([one.matrix for one in own]).astype(np.float64)
    assert np.allclose(state["centre"], np.nanmean(together, axis=0), rtol=1e-12)
    assert np.allclose(state["scale"], np.nanstd(together, axis=0), rtol=1e-9)


def test_the_same_run_gives_the_same_bits(tmp_path):
    first, second = (made.run(made.planned(federated={"batch_rows": 32})) for _ in range(2))
    assert first.state == second.state
    assert first.bundle == second.bundle


def test_the_order_of_the_sites_does_not_matter():
    agreed = made.planned()
    assert made.run(agreed, InProcess(made.sites(agreed))).state == made.run(agreed, InProcess(made.sites(agreed)[::-1])).state


def test_fedprox_stays_closer_to_the_shared_weights():
    agreed = [made.planned(federated={"local_steps": 20, "rounds": 1, **more}) for more in ({}, {"method": "fedprox", "proximal": 5.0})]
    norms = [np.linalg.norm(made.run(one).state["risk/weights"]) for one in agreed]
    assert norms[1] < 0.9 * norms[0]


def test_a_site_weighs_as_much_as_it_has_rows():
    told = averaged({"a": np.array([1.0]), "b": np.array([4.0])}, {"a": 30.0, "b": 10.0})
    assert told.tolist() == [1.75]


@pytest.mark.parametrize("method", ["bagging", "cyclic"])
def test_trees_of_all_sites_make_one_model_that_ranks(method, tmp_path):
    agreed = made.planned(model={"kind": "lightgbm", "rows_in_leaf": 10, "trees": 24}, federated={"method": method, "rounds": 8})
    found, bundle = served(agreed, tmp_path)
    own = made.rows(agreed, 400, 99)
    risk = bundle.predict(own.matrix)
    ranked = (risk[own.outcome][:, None] > risk[~own.outcome][None, :]).mean()
    assert ranked > 0.65
    assert [len(one.asked) for one in found.rounds] == [1 if method == "cyclic" else 3] * 8


def test_calibration_and_thresholds_come_from_rows_that_the_member_did_not_learn_from(tmp_path):
    agreed = made.planned(federated={"rounds": 20})
    _, bundle = served(agreed, tmp_path)
    own = [made.rows(agreed, n, 50 + place, shift=0.3 * place) for place, n in enumerate(made.SIZES.values())]
    risk, outcome = np.concatenate([bundle.predict(one.matrix) for one in own]), np.concatenate([one.outcome for one in own])
    caught = (risk[outcome] >= bundle.thresholds["alert"]).mean()
    assert 0.65 < caught < 0.93  # asked for: 0.8, on other rows
    assert abs(risk.mean() - outcome.mean()) < 0.06


def test_what_stands_beside_the_model_is_fitted_in_the_same_rounds(tmp_path):
    agreed = made.planned(model={"variants": ["physiology", "workup"]})
    _, bundle = served(agreed, tmp_path)
    assert set(bundle.beside) == {"physiology"}  # no column of the task counts measurements
    assert "lactate.last" not in bundle.beside["physiology"].columns


def test_the_card_and_the_sketch_know_all_sites(tmp_path):
    agreed = made.planned()
    _, bundle = served(agreed, tmp_path)
    assert bundle.card["development"]["rows"] == sum(made.SIZES.values())
    assert bundle.card["federated"]["sites"] == 3
    sketch = bundle.reference.sketches["heart_rate.last"]
    assert sum(sketch.counts) + sketch.missing == sum(made.SIZES.values())
