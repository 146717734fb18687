"""A torch network goes over sites by the same rounds as a regression."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.federate import made

from bedside.core.federable import Federated, Fitted, Privacy
from bedside.federate import plan as plans
from bedside.federate.transport import InProcess

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


COLUMNS = made.planned().fits["risk"].columns


def net(privacy=None, **more):
    from bedside.federate.nets import FederatedNet

    def tensors(rows):
        return torch.nan_to_num(torch.tensor((rows.matrix - np.linspace(20, 90, 6)) / np.linspace(3, 14, 6))).float(), torch.tensor(rows.outcome, dtype=torch.float32)

    return FederatedNet(
        COLUMNS, Federated(folds=0, local_steps=2, privacy=privacy, **more), seed=3, tensors=tensors, step=0.2,
        make=lambda: torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)),
        loss=lambda said, truth: torch.nn.functional.binary_cross_entropy_with_logits(said[:, 0], truth),
        save=lambda module: Fitted("net", {"weights": b"".join(one.numpy().tobytes() for one in module.state_dict().values())}),
    )  # fmt: skip


def fitted(own, fit, rounds=12, noise=None):
    """State after some rounds over rows in memory."""
    from bedside.core.federable import Turn

    state = fit.initial({})
    for number in range(rounds):
        updates = {name: fit.update(state, rows, Turn(number, name, noise)) for name, rows in own.items()}
        state = fit.aggregate(state, updates, {name: np.array([float(len(rows.outcome))]) for name, rows in own.items()})
    return state


@pytest.fixture(scope="module")
def own():
    agreed = made.planned(federated={"folds": 0}, model=made.PRIVATE)
    return {name: made.rows(agreed, n, place, shift=0.3 * place) for place, (name, n) in enumerate(made.SIZES.items())}


def test_a_network_learns_from_sites_that_it_never_sees(own):
    fit = net()
    state = fitted(own, fit)
    test = made.rows(made.planned(federated={"folds": 0}, model=made.PRIVATE), 400, 99)
    risk = fit.margins(state, test)
    assert (risk[test.outcome][:, None] > risk[~test.outcome][None, :]).mean() > 0.7


def test_the_same_rows_give_the_same_bits(own):
    first, second = (fitted(own, net(), rounds=2) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_one_site_with_all_the_weight_is_training_there(own):
    from bedside.core.federable import Turn

    fit = net()
    start = fit.initial({})
    alone = fit.update(start, own["north"], Turn(0, "north"))
    assert all(np.array_equal(fit.aggregate(start, {"north": alone}, {"north": np.array([7.0])})[name], alone[name]) for name in alone)


def test_fedprox_holds_a_network_back(own):
    moved = [fitted({"north": own["north"]}, net(**more), rounds=1) for more in ({}, {"method": "fedprox", "proximal": 5.0})]
    start = net().initial({})
    away = [sum(np.abs(one[name] - start[name]).sum() for name in start) for one in moved]
    assert away[1] < away[0]


def test_a_networks_update_can_be_clipped_and_noised(own):
    fit = net(privacy=Privacy("site", noise=1.0, clip=0.1))
    state = fitted({"north": own["north"]}, fit, rounds=1, noise=lambda shape: np.zeros(shape))
    start = fit.initial({})
    assert np.sqrt(sum(((state[name] - start[name]) ** 2).sum() for name in start)) <= 0.1 * (1 + 1e-9)


def test_a_network_crosses_by_the_same_door(own, monkeypatch):
    """The coordinator and the sites walk a network as they walk the pillar's own fits; only the sealing is the pillar's."""
    pillar = SimpleNamespace(extra="imaging", options=lambda model: Federated(folds=0, rounds=3, local_steps=1), fits=lambda task, model, seed: {"net": net()},
                             histograms=lambda summaries: np.zeros((6, 9)), seal=lambda task, model, sealing, out: (out.mkdir(), "sealed")[1])  # fmt: skip
    monkeypatch.setattr(plans.PILLARS, "get", lambda name: pillar)
    agreed = plans.plan("risk", made.planned(federated={"folds": 0}, model=made.PRIVATE).task, {}, 1)
    found = made.run(agreed, InProcess([made.site(name, agreed, rows) for name, rows in own.items()]))
    assert {len(one.crossings) for one in found.sites} == {2 * 7}
    assert found.state["net/0.weight"] != net().initial({})["0.weight"].ravel().tolist()
