"""The one door of a site lets out what is declared, and nothing else."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Malformed, Refused
from bedside.core.federable import Shape
from bedside.federate.channel import Channel, Rules, floats

RULES = {"update": Rules({"weights": Shape((2, 3))}), "no": Rules(told={"reason": 20}), "receipt": Rules(told={"receipt": 5})}


def pack(arrays, **more):
    return Channel("a").pack("update", "run", RULES["update"], arrays=arrays, direction="from", **more)


def test_what_was_packed_is_unpacked_bit_for_bit():
    weights = np.array([[1 / 3, -0.0, 1e300], [np.nan, np.inf, 5e-324]])
    message = Channel("b").unpack(pack({"weights": weights}), RULES, direction="from")
    assert floats(message.arrays["weights"]).tobytes() == weights.tobytes()


@pytest.mark.parametrize("arrays", [
    {"weights": np.zeros((2, 3)), "rows": np.zeros(3)}, {"weights": np.zeros((200, 3))}, {"weights": np.zeros(6)}, {},
])  # fmt: skip
def test_an_array_that_is_not_declared_cannot_leave(arrays):
    with pytest.raises(Refused, match="may not cross"):
        pack(arrays)


@pytest.mark.parametrize("more", [{"told": {"name": "Ada"}}, {"files": {"row.csv": b"1"}}])
def test_neither_words_nor_files_leave_beside_an_update(more):
    with pytest.raises(Refused, match="may not cross"):
        pack({"weights": np.zeros((2, 3))}, **more)


def test_a_refusal_gives_one_of_the_known_reasons():
    with pytest.raises(Refused, match="without a known reason"):
        Channel("a").pack("no", "run", RULES["no"], told={"reason": "Ada was here"}, direction="from")


def test_a_text_has_a_longest_length():
    with pytest.raises(Refused, match="too long"):
        Channel("a").pack("receipt", "run", RULES["receipt"], told={"receipt": "123456"}, direction="from")


def test_a_message_that_breaks_its_rules_is_not_taken_in():
    loose = Rules({"weights": Shape((9, 9))})
    data = Channel("a").pack("update", "run", loose, arrays={"weights": np.zeros((9, 9))}, direction="from")
    with pytest.raises(Malformed, match="breaks its rules"):
        Channel("b").unpack(data, RULES, direction="from")


def test_bytes_and_dimensions_that_do_not_agree_are_malformed():
    plain = msgspec.msgpack.decode(pack({"weights": np.zeros((2, 3))}))
    plain["arrays"]["weights"]["data"] = b"1234"
    with pytest.raises(Malformed):
        Channel("b").unpack(msgspec.msgpack.encode(plain), RULES, direction="from")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data):
    with pytest.raises(Malformed):
        Channel("b").unpack(data, RULES, direction="from")


def test_every_crossing_stands_in_the_journal_with_its_digest():
    seen = []
    door = Channel("a", lambda direction, data: seen.append((direction, len(data))))
    data = door.pack("update", "run", RULES["update"], arrays={"weights": np.zeros((2, 3))}, number=4, direction="from")
    assert [(one.kind, one.number, one.size) for one in door.journal] == [("update", 4, len(data))]
    assert seen == [("from", len(data))]
