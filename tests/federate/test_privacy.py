"""Differential privacy: the accountant against Google's, the noise, what one patient can move, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.federate import made

from bedside.core.errors import Misconfigured, Refused
from bedside.core.federable import Privacy, Rows, Turn, shielded
from bedside.federate.accountant import ORDERS, epsilon, renyi
from bedside.federate.noise import Secret
from bedside.federate.transport import InProcess

PATIENT = {"unit": "patient", "noise": 1.2, "clip": 1.0, "share": 0.5}
SITE = {"unit": "site", "noise": 1.0, "clip": 0.5}


def private(privacy, **more):
    return made.planned(model=made.PRIVATE, federated={"folds": 0, "privacy": privacy, "learning_rate": 0.5, **more})


def google(noise, share, steps, delta, orders=None):
    """What dp-accounting's Renyi accountant says, for adding or removing one."""
    from dp_accounting import NeighboringRelation, dp_event
    from dp_accounting.rdp import RdpAccountant

    gaussian = dp_event.GaussianDpEvent(noise)
    theirs = RdpAccountant(orders=orders, neighboring_relation=NeighboringRelation.ADD_OR_REMOVE_ONE)
    return theirs.compose(dp_event.PoissonSampledDpEvent(share, gaussian) if share < 1 else gaussian, steps).get_epsilon(delta)


WHOLE = (2, 3, 5, 8, 16, 64, 256)


@pytest.mark.parametrize("noise", [0.05, 0.3, 0.6, 1.1, 4.0, 20.0, 200.0])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize(("steps", "delta"), [(1, 1e-5), (3000, 1e-5), (60, 1e-8)])
def test_the_accountant_says_what_dp_accounting_says_and_never_less(noise, share, steps, delta):
    ours, theirs = epsilon(noise=noise, share=share, steps=steps, delta=delta), google(noise, share, steps, delta)
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)
    assert ours >= theirs - 1e-9 * max(1.0, theirs)
    assert epsilon(noise=noise, share=share, steps=steps, delta=delta, orders=WHOLE) == pytest.approx(google(noise, share, steps, delta, WHOLE), rel=1e-6, abs=1e-6)


def test_the_orders_are_those_of_dp_accounting():
    from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS

    assert pytest.approx(DEFAULT_RDP_ORDERS) == ORDERS


@pytest.mark.parametrize("order", [1.1, 1.5, 2, 2.3, 7.7, 10.9])
@pytest.mark.parametrize(("noise", "share"), [(0.3, 0.1), (1.1, 0.01), (20.0, 0.1), (2.0, 0.6)])
def test_a_divergence_is_the_integral_that_defines_it_or_more(order, noise, share):
    """Of the density with one patient more to that without, to the order, by the trapezoidal rule."""
    x = np.linspace(-40 * noise, 40 * noise + 20, 2_000_001)
    ratio = np.logaddexp(np.log1p(-share), np.log(share) + (2 * x - 1) / (2 * noise**2))
    integral = np.trapezoid(np.exp(order * ratio - x**2 / (2 * noise**2)), x) / np.sqrt(2 * np.pi * noise**2)
    exact = np.log(integral) / (order - 1)
    assert renyi(order, noise=noise, share=share) >= exact - 1e-9 * max(1, exact)
    if order == 2 or order > 7:  # between, the sum without signs is looser
        assert renyi(order, noise=noise, share=share) == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("privacy", [{"noise": 0.0}, {"noise": 1e-200}, {"noise": float("nan")}, {"noise": float("inf")}, {"share": float("nan")}, {"delta": float("nan")}])
def test_no_epsilon_is_told_of_what_is_no_number(privacy):
    with pytest.raises(Misconfigured):
        epsilon(**{"noise": 1.0, "share": 0.5, "steps": 10, "delta": 1e-5} | privacy)


def test_one_gaussian_step_has_the_divergence_of_its_formula():
    assert renyi(8, noise=2.0, share=1.0) == 8 / (2 * 2.0**2)


def test_more_noise_fewer_steps_and_a_smaller_share_cost_less():
    base = epsilon(noise=1.0, share=0.1, steps=100, delta=1e-5)
    assert epsilon(noise=2.0, share=0.1, steps=100, delta=1e-5) < base
    assert epsilon(noise=1.0, share=0.1, steps=50, delta=1e-5) < base
    assert epsilon(noise=1.0, share=0.05, steps=100, delta=1e-5) < base


def test_noise_is_normal_and_only_the_key_repeats_it():
    told = Secret(b"k" * 32, "run")((200_000,))
    assert abs(told.mean()) < 0.01
    assert abs(told.std() - 1) < 0.01
    assert abs((told**4).mean() - 3) < 0.1
    assert np.array_equal(told, Secret(b"k" * 32, "run")((200_000,)))
    assert not np.isclose(told[:1000], Secret(b"j" * 32, "run")((1000,))).any()
    assert not np.isclose(told[:1000], Secret(b"k" * 32, "other cohort")((1000,))).any()


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.1, 3.0), st.integers(1, 5))
def test_no_patient_moves_the_clipped_sum_by_more_than_the_clip(seed, clip, stays):
    """With the noise taken away, and the division by the number of patients undone: the sensitivity that the accountant assumes."""
    draw = np.random.default_rng(seed)
    agreed = private({**PATIENT, "clip": clip, "share": 1.0}, local_steps=1)
    fit = agreed.fits["risk"]
    state = fit.initial({"a": {"members": np.array([1e12]), "size": np.zeros(5)}})
    state = {**state, "weights": draw.normal(0, 1, state["weights"].shape), "step": np.array([1.0])}
    own = made.rows(agreed, 40 * stays, seed, stays=stays)
    without = Rows(own.matrix[stays:], own.names, own.outcome[stays:], own.subject[stays:], own.fold[stays:])
    silent = Turn(0, "a", lambda shape: np.zeros(shape))
    sums = [(state["weights"] - fit.update(state, rows, silent)["weights"]) * len(np.unique(rows.subject)) for rows in (own, without)]
    assert np.linalg.norm(sums[0] - sums[1]) <= clip * (1 + 1e-6) + 1e-6


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_a_sites_whole_change_is_no_longer_than_the_clip_before_the_noise(seed, scale):
    change = np.random.default_rng(seed).normal(0, scale, (3, 5))
    kept = shielded(change, Privacy("site", noise=1.0, clip=0.5), lambda shape: np.zeros(shape))
    assert np.linalg.norm(kept) <= 0.5 * (1 + 1e-12)


def test_the_noise_has_the_size_that_was_asked_for():
    noisy = shielded(np.zeros(100_000), Privacy("site", noise=2.0, clip=0.5), Secret(b"k" * 32, "size"))
    assert noisy.std() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("privacy", [PATIENT, SITE])
def test_a_private_run_says_what_it_cost_and_sends_no_sums(privacy):
    found = made.run(private(privacy))
    steps = 5 * (2 if privacy["unit"] == "patient" else 1)
    for one in found.sites:
        receipt = one.signed.told
        assert receipt.epsilon == epsilon(noise=privacy["noise"], share=privacy.get("share", 1.0), steps=steps, delta=1e-5)
        assert {"patient": "one patient of this site", "site": "against sending nothing"}[privacy["unit"]] in receipt.privacy
    centres = dict(zip(private(privacy).fits["risk"].columns, found.state["risk/centre"], strict=True))
    assert (centres["heart_rate.last"], centres["age_years"]) == (157.5, 44.5)  # the middle of what the task declares, not of the rows


def test_another_cohort_or_another_key_has_other_noise():
    agreed = private(PATIENT, rounds=1)
    runs = [made.run(agreed, InProcess(made.sites(agreed, **more))).state for more in ({}, {}, {"cohort": "another"}, {"key": b"j" * 32})]
    assert runs[0] == runs[1]
    assert len({str(one) for one in runs}) == 3


def test_a_site_answers_no_more_rounds_than_its_privacy_allows():
    agreed = private(PATIENT, rounds=3)
    with pytest.raises(Refused, match="the rounds that its privacy allows are used up"):
        made.run(agreed, rounds=4)


def test_trees_claim_no_privacy():
    with pytest.raises(Refused, match="cannot keep a guarantee"):
        made.planned(model={**made.PRIVATE, "kind": "lightgbm"}, federated={"folds": 0, "privacy": PATIENT})


@pytest.mark.parametrize(("privacy", "words"), [
    ({**PATIENT, "noise": 0.0}, "noise"), ({**PATIENT, "share": 0.0}, "share"), ({**SITE, "share": 0.5}, "unit patient only"), ({**SITE, "delta": 1.0}, "delta"),
    ({**SITE, "clip": 0.0}, "clip"), ({**PATIENT, "noise": float("nan")}, "noise"), ({**PATIENT, "noise": float("inf")}, "noise"),
    ({**PATIENT, "clip": float("nan")}, "clip"), ({**PATIENT, "delta": float("nan")}, "delta"), ({**PATIENT, "share": float("nan")}, "share"),
])  # fmt: skip
def test_privacy_that_would_be_none_is_refused(privacy, words):
    with pytest.raises(Misconfigured, match=words):
        private(privacy)


def test_calibration_by_folds_is_not_paid_for():
    with pytest.raises(Misconfigured, match="folds must be 0"):
        made.planned(federated={"privacy": SITE})


@pytest.mark.parametrize(("options", "words"), [({name: value}, name) for name in ("learning_rate", "timeout_s", "largest_update", "quorum", "proximal")
                                                for value in (float("nan"), float("inf"), -1.0)] + [({"rounds": 10**12}, "rounds"), ({"folds": -1}, "folds")])  # fmt: skip
def test_no_option_of_a_run_is_beyond_sense(options, words):
    with pytest.raises(Misconfigured, match=words):
        made.planned(federated=options)
