"""Everything that crosses from a site is looked at: no row, no identifier, nothing as long as the cohort."""

from __future__ import annotations

import struct

import msgspec
import numpy as np
import pytest
from tests.federate import made

from bedside.federate.channel import Message, floats
from bedside.federate.transport import InProcess

CANARY = 123.456789
KINDS = {"join": "statistics", "update": "update", "summary": "summary", "test": "figures", "receipt": "receipt"}
FITS = {
    "logistic": {},
    "trees": {"kind": "lightgbm", "rows_in_leaf": 10, "trees": 10},
    "cyclic": {"kind": "lightgbm", "rows_in_leaf": 10, "trees": 10, "federated": {"method": "cyclic"}},
}


def crossing(fit, size=90, canary=None):
    """All bytes that leave a site in a run, with the site's rows."""
    told = dict(FITS[fit])
    agreed = made.planned(model={name: value for name, value in told.items() if name != "federated"}, federated=told.get("federated"))
    out: list[bytes] = []
    own = made.rows(agreed, size, 2)
    if canary is not None:
        own.matrix[5, :] = canary
    tapped = made.site("valley", agreed, own, tap=lambda direction, data: out.append(data) if direction == "from" else None)
    made.run(agreed, InProcess([*made.sites(agreed, {"north": 220, "harbour": 140}), tapped]))
    return agreed, own, out


@pytest.mark.parametrize("fit", FITS)
def test_what_leaves_has_names_from_the_list_and_sizes_that_do_not_depend_on_the_rows(fit):
    small, large = crossing(fit, 90), crossing(fit, 400)
    rules = small[0].from_site()
    for data in small[2]:
        message = msgspec.msgpack.decode(data, type=Message)
        assert message.arrays.keys() <= rules[message.kind].arrays.keys()
        assert all(tuple(one.dims) == rules[message.kind].arrays[name].dims for name, one in message.arrays.items())
        assert 90 not in {size for one in message.arrays.values() for size in one.dims}
    sizes = [[len(data) for data in told[:-1]] for _, _, told in (small, large)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("fit", FITS)
def test_no_value_of_a_patient_is_among_the_numbers(fit):
    _, own, out = crossing(fit)
    numbers = np.concatenate([floats(one).ravel() for data in out for one in msgspec.msgpack.decode(data, type=Message).arrays.values()])
    values = own.matrix[np.isfinite(own.matrix) & (own.matrix != np.round(own.matrix))].astype(np.float64)
    assert not np.isin(values, numbers).any()
    assert not np.isin(np.sort(values)[[0, -1]].astype(np.float32), numbers.astype(np.float32)).any()


@pytest.mark.parametrize("fit", FITS)
def test_a_planted_value_is_in_no_byte(fit):
    _, _, out = crossing(fit, canary=CANARY)
    forms = [struct.pack(f"{order}{kind}", CANARY) for order in "<>" for kind in "df"] + [struct.pack("<d", float(np.float32(CANARY))), b"123.45"]
    assert not any(form in data for data in out for form in forms)


def test_every_group_of_rows_that_is_told_has_at_least_least_cell_rows():
    agreed, _, out = crossing("logistic")
    told = next(message for data in out if (message := msgspec.msgpack.decode(data, type=Message)).kind == "summary")
    for name, array in told.arrays.items():
        counts = floats(array)[:, 0] if name.endswith("groups") else floats(array)
        assert (counts[counts > 0] >= agreed.options.least_cell).all()


def test_a_column_that_few_patients_have_is_not_summed():
    agreed = made.planned()
    own = made.rows(agreed, 90, 2)
    own.matrix[:, 3] = np.nan
    own.matrix[:4, 3] = CANARY
    told = agreed.fits["risk"].summarise(own)
    assert told["known"][3] == told["total"][3] == told["squares"][3] == 0


def test_a_site_with_few_outcomes_tells_no_number_of_them_and_no_figure():
    agreed = made.planned(federated={"folds": 0}, model={"thresholds": {"alert": "risk=0.5"}})
    own = made.rows(agreed, 90, 2)
    own.outcome[:] = np.arange(90) < 3
    desk = made.NoStudy("valley")
    desk.test = lambda bundle, files: made.Tested({"test/risk/auroc": (0.9, 0.8, 1.0, 90.0)}, {"alert": (1, 1, 1, 1)}, 90, 3)
    found = made.run(agreed, InProcess([*made.sites(agreed, {"north": 220}), made.site("valley", agreed, own, desk=desk)]))
    valley = next(one for one in found.sites if one.site == "valley")
    assert valley.counts == {}
    assert all(value == (None,) * 4 for value in valley.figures.values())


def test_trees_split_at_shared_steps_and_tell_no_extreme_of_a_column():
    _, own, out = crossing("trees")
    updates = [message for data in out if (message := msgspec.msgpack.decode(data, type=Message)).kind == "update"]
    split_at = np.concatenate([floats(one.arrays["risk/splits"])[:, :, 1].ravel() for one in updates])
    assert set(split_at) <= set(range(64))
    assert len(np.unique(split_at)) > 3
    assert np.nanmax(own.matrix) not in split_at
