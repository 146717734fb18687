"""A site that vanishes, differs, is too small or sends poison: refused, quarantined or counted, and always told."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.federate import made

from bedside.core.errors import Malformed, Misconfigured, Refused, Unusable
from bedside.federate.channel import Array, Message, floats
from bedside.federate.plan import plan
from bedside.federate.transport import InProcess

GO_ON = {"on_vanished": "go-on", "quorum": 0.5}


class Losing(InProcess):
    """A wire that loses what a site answers, when `lost` says so."""

    def __init__(self, sites, lost):
        super().__init__(sites)
        self._lost = lost

    def ask(self, questions, *, timeout_s):
        answers = super().ask(questions, timeout_s=timeout_s)
        kinds = {name: msgspec.msgpack.decode(data, type=Message) for name, data in questions.items()}
        return {name: data for name, data in answers.items() if not self._lost(name, kinds[name].kind, kinds[name].number)}


class Poisoning(InProcess):
    """A wire on which one site's updates are altered."""

    def __init__(self, sites, name, alter):
        super().__init__(sites)
        self._name, self._alter = name, alter

    def ask(self, questions, *, timeout_s):
        answers = super().ask(questions, timeout_s=timeout_s)
        data = answers.get(self._name)
        if data and (message := msgspec.msgpack.decode(data, type=Message)).kind == "update":
            answers[self._name] = self._alter(message)
        return answers


def altered(name, change):
    """An update with one array changed, as bytes."""
    def alter(message):
        array = change(floats(message.arrays[name]))
        packed = Array(list(array.shape), array.astype("<f8").tobytes())
        return msgspec.msgpack.encode(msgspec.structs.replace(message, arrays={**message.arrays, name: packed}))
    return alter


def mid_round(name, kind, number):
    return (name, kind, number) == ("valley", "update", 2)


def test_a_site_that_vanishes_stops_the_run_with_its_name_and_the_round():
    agreed = made.planned()
    with pytest.raises(Unusable, match=r"valley did not answer") as told:
        made.run(agreed, Losing(made.sites(agreed), mid_round))
    assert "round 3 of 5" in told.value.where


def test_with_a_quorum_the_round_goes_on_and_the_absence_is_told():
    agreed = made.planned(federated=GO_ON)
    found = made.run(agreed, Losing(made.sites(agreed), mid_round))
    assert [one.vanished for one in found.rounds] == [[], [], ["valley"], [], []]
    assert {one.site: one.vanished for one in found.sites} == {"harbour": [], "north": [], "valley": ["round 3"]}


def test_a_site_that_never_joins_is_told_and_takes_no_part():
    agreed = made.planned(federated=GO_ON)
    found = made.run(agreed, Losing(made.sites(agreed), lambda name, kind, number: name == "valley"))
    assert (found.absent, [one.site for one in found.sites]) == (["valley"], ["harbour", "north"])
    assert {tuple(one.asked) for one in found.rounds} == {("harbour", "north")}


def test_below_the_quorum_it_stops():
    agreed = made.planned(federated={**GO_ON, "quorum": 0.9})
    with pytest.raises(Unusable, match="2 of 3 sites can be used"):
        made.run(agreed, Losing(made.sites(agreed), mid_round))


def test_a_folder_that_goes_away_is_a_site_that_vanished():
    agreed = made.planned()
    sites = made.sites(agreed)
    def gone(data):
        raise FileNotFoundError
    sites[0].answer = gone
    with pytest.raises(Unusable, match="north did not answer"):
        made.run(agreed, InProcess(sites))


def test_a_site_that_vanishes_before_its_test_gets_no_figures_and_no_signature():
    agreed = made.planned(federated=GO_ON)
    found = made.run(agreed, Losing(made.sites(agreed), lambda name, kind, number: name == "valley" and kind in ("test", "receipt")))
    valley = next(one for one in found.sites if one.site == "valley")
    assert (valley.figures, valley.signed, valley.vanished) == ({}, None, ["test", "receipt"])


@pytest.mark.parametrize(("change", "why"), [
    (lambda a: a * np.nan, "not a finite number"), (lambda a: a + np.inf, "not a finite number"), (lambda a: a + 1e9, "larger than largest_update"),
    (lambda a: a[:, :-1], "the message breaks its rules"), (lambda a: np.zeros((10_000, 7)), "the message breaks its rules"),
])  # fmt: skip
def test_a_poisoned_update_is_quarantined_and_the_rest_goes_on(change, why):
    agreed = made.planned()
    found = made.run(agreed, Poisoning(made.sites(agreed), "valley", altered("risk/weights", change)))
    assert all(why in one.quarantined["valley"] for one in found.rounds)
    assert np.isfinite(found.state["risk/weights"]).all()


def test_what_is_quarantined_leaves_no_trace_in_the_weights():
    agreed = made.planned(federated=GO_ON)
    poisoned = made.run(agreed, Poisoning(made.sites(agreed), "valley", altered("risk/weights", lambda a: a * np.nan)))
    absent = made.run(agreed, Losing(made.sites(agreed), lambda name, kind, number: name == "valley" and kind == "update"))
    assert poisoned.state == absent.state


def test_bytes_that_are_no_message_are_quarantined():
    agreed = made.planned()
    found = made.run(agreed, Poisoning(made.sites(agreed), "valley", lambda message: b"\xc1 not a message"))
    assert all("not a message" in one.quarantined["valley"] for one in found.rounds)


def test_an_old_answer_is_not_taken_for_a_new_one():
    agreed = made.planned()
    found = made.run(agreed, Poisoning(made.sites(agreed), "valley", lambda message: msgspec.msgpack.encode(msgspec.structs.replace(message, number=0))))
    assert [list(one.quarantined) for one in found.rounds] == [[], *[["valley"]] * 4]


@pytest.mark.parametrize("spoil", [
    lambda a: np.where(np.arange(6)[:, None] == 0, 99.0, a), lambda a: np.where(np.arange(6)[:, None] == 1, 64.0, a),
    lambda a: np.where(np.arange(6)[:, None] == 3, 0.0, a), lambda a: a + 0.5,
])  # fmt: skip
def test_trees_that_are_none_are_quarantined(spoil):
    agreed = made.planned(model={"kind": "lightgbm", "rows_in_leaf": 10, "trees": 10})
    found = made.run(agreed, Poisoning(made.sites(agreed), "valley", altered("risk/splits", spoil)))
    assert all("not trees" in one.quarantined["valley"] for one in found.rounds)


def test_a_round_without_one_good_update_stops_the_run():
    agreed = made.planned()
    sites = made.sites(agreed, {"valley": 90})
    with pytest.raises(Unusable, match="no update of this round can be used"):
        made.run(agreed, Poisoning(sites, "valley", altered("risk/weights", lambda a: a * np.nan)))


def test_a_site_with_another_task_is_refused():
    agreed, other = made.planned(), made.planned(model={"penalty": 11.0})
    sites = [*made.sites(agreed, {"north": 220}), made.site("valley", other, made.rows(other, 90, 2))]
    with pytest.raises(Refused, match=r"valley: its study\.toml asks another task"):
        made.run(agreed, InProcess(sites))


def test_a_site_with_other_features_is_refused():
    agreed = made.planned()
    own = made.rows(agreed, 90, 2)
    swapped = own._replace(names=own.names[::-1])
    with pytest.raises(Refused, match="valley: its cohort has other features"):
        made.run(agreed, InProcess([*made.sites(agreed, {"north": 220}), made.site("valley", agreed, swapped)]))


def test_a_site_with_too_few_patients_sends_nothing():
    agreed, sent = made.planned(), []
    small = made.site("valley", agreed, made.rows(agreed, 19, 2), tap=lambda direction, data: sent.append((direction, data)))
    with pytest.raises(Refused, match="valley: it has fewer development subjects"):
        made.run(agreed, InProcess([*made.sites(agreed, {"north": 220}), small]))
    assert [msgspec.msgpack.decode(data, type=Message).told for direction, data in sent if direction == "from"] == [{"reason": "too-few"}]


def test_many_stays_of_few_patients_are_few_patients():
    agreed = made.planned()
    with pytest.raises(Refused, match="fewer development subjects"):
        made.run(agreed, InProcess([*made.sites(agreed, {"north": 220}), made.site("valley", agreed, made.rows(agreed, 180, 2, stays=10))]))


def test_a_site_answers_one_run_only():
    agreed = made.planned()
    sites = made.sites(agreed)
    made.run(agreed, InProcess(sites))
    with pytest.raises(Refused, match="the run has ended"):
        made.run(agreed, InProcess(sites))


def test_a_summary_is_given_once():
    """Two summaries with other edges would differ by few patients."""
    agreed = made.planned()
    sites, twice = made.sites(agreed), []

    class Asking(InProcess):
        def ask(self, questions, *, timeout_s):
            answers = super().ask(questions, timeout_s=timeout_s)
            if msgspec.msgpack.decode(questions["valley"], type=Message).kind == "summary":
                twice.append(msgspec.msgpack.decode(sites[2].answer(questions["valley"]), type=Message))
            return answers

    made.run(agreed, Asking(sites))
    assert [one.told for one in twice] == [{"reason": "closed"}]


def test_a_forged_receipt_stops_the_run():
    agreed = made.planned()
    sites = made.sites(agreed)
    forged = made.NoStudy("valley")
    forged.sign = lambda receipt: made.sign(msgspec.structs.replace(receipt, bundle="0" * 64), b"x" * 32)
    sites[2]._desk = forged
    with pytest.raises(Refused, match="the receipt of valley is not genuine"):
        made.run(agreed, InProcess(sites))


def test_a_column_in_another_unit_is_pointed_at():
    agreed = made.planned()
    own = made.rows(agreed, 90, 2)
    own.matrix[:, 2] *= 60  # per second, where the others count per minute
    found = made.run(agreed, InProcess([*made.sites(agreed, {"north": 220, "harbour": 140}), made.site("valley", agreed, own)]))
    assert next(one for one in found.sites if one.site == "valley").apart == [own.names[2]]


def test_a_question_that_is_no_message_is_malformed():
    agreed = made.planned()
    with pytest.raises(Malformed):
        made.sites(agreed)[0].answer(b"row 7")


def test_a_model_that_is_not_federable_is_refused_and_never_pooled():
    agreed = made.planned()
    with pytest.raises(Refused, match="rows are never pooled instead"):
        plan("molecule", agreed.task, {}, 1)


@pytest.mark.parametrize(("model", "federated", "error", "words"), [
    ({"weights": "utility"}, {}, Refused, "utility"), ({"negatives": 0.5}, {}, Refused, "draw rows"), ({"calibration": "isotonic"}, {}, Refused, "isotonic"),
    ({}, {"folds": 0}, Refused, "only a rule such as risk"), ({}, {"folds": 1}, Misconfigured, "folds"), ({}, {"quorum": 0.0}, Misconfigured, "quorum"),
    ({}, {"rounds": 0}, Misconfigured, "rounds"), ({}, {"method": "bagging"}, Misconfigured, "goes over sites by"), ({}, {"method": "fedprox"}, Misconfigured, "proximal"),
    ({}, {"proximal": 1.0}, Misconfigured, "fedprox"), ({}, {"speed": 1}, Misconfigured, "speed"),
])  # fmt: skip
def test_what_cannot_go_over_sites_is_said_before_anything_runs(model, federated, error, words):
    with pytest.raises(error, match=words):
        made.planned(model=model, federated=federated)
