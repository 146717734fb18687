"""Units that are no persons are divided by what they are, and what stays together stays together."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.cohort.divide import divide, largest_first
from bedside.cohort.splits import assign
from bedside.core.errors import Misconfigured, Unusable
from bedside.core.events import Event, frame
from bedside.core.split import Split

THIRDS = Split("random", test_fraction=0.3, tune_fraction=0.2)


def units(n: int, **columns: list) -> pl.DataFrame:
    return pl.DataFrame({"unit_id": [str(i) for i in range(n)], "subject_id": list(range(n)), **columns})


def by(name: str, **given) -> Split:
    return Split(name, **{"test_fraction": 0.3, "tune_fraction": 0.2, **given})


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=50), st.sampled_from(["site", "random", "scaffold", "cluster"]), st.sampled_from([0, 3]))
def test_a_group_lies_in_one_split(groups, name, folds):
    column = {"site": "site", "random": "group_id", "scaffold": "scaffold_group", "cluster": "cluster_group"}[name]
    told = divide(units(len(groups), **{column: groups}), by(name, folds=folds))
    assert told.group_by(column).agg(pl.col("split").n_unique())["split"].max() == 1
    assert told["unit_id"].to_list() == [str(i) for i in range(len(groups))]


def test_by_subject_is_what_it_always_was():
    assert divide(units(200), by("subject"))["split"].equals(assign(units(200), by("subject"))["split"])


def test_at_random_a_unit_stays_where_it_is_when_others_come():
    few, more = divide(units(50), THIRDS), divide(units(500), THIRDS)
    assert more[:50]["split"].equals(few["split"])
    shares = dict(divide(units(20_000), THIRDS)["split"].value_counts(normalize=True).iter_rows())
    assert shares == pytest.approx({"test": 0.3, "tune": 0.2, "train": 0.5}, abs=0.01)


@given(st.lists(st.sampled_from("abcdefghij"), min_size=5, max_size=80))
def test_the_largest_groups_develop_and_the_share_of_training_is_never_exceeded(groups):
    told = largest_first(groups, by("scaffold"))
    assert told.count("train") <= 0.5 * len(groups) + 1e-9
    train = [groups.count(group) for group, name in zip(groups, told, strict=True) if name == "train"]
    later = [groups.count(group) for group, name in zip(groups, told, strict=True) if name == "test"]
    assert not train or not later or max(later) <= max(train) or max(later) > 0.5 * len(groups) - len(train)


def test_by_time_the_latest_test_and_a_day_is_never_divided():
    days = [datetime(2020, 1, 1) + timedelta(days=i // 2) for i in range(20)]
    told = divide(units(20, time=days), by("time"))
    latest = told.group_by("split").agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"), pl.len()).sort("first")
    assert latest["split"].to_list() == ["train", "tune", "test"]
    assert latest["len"].to_list() == [10, 4, 6]
    assert told.group_by("time").agg(pl.col("split").n_unique())["split"].max() == 1


def test_what_has_no_time_cannot_be_split_by_it():
    with pytest.raises(Unusable, match="1 of 2 units have no time"):
        divide(units(2, time=[datetime(2020, 1, 1), None]), by("time"))
    with pytest.raises(Misconfigured, match="has no folds"):
        divide(units(2, time=[datetime(2020, 1, 1)] * 2), by("time", folds=3))


def said(*names: tuple[int, str]) -> pl.DataFrame:
    return frame([Event(subject, None, f"SPLIT//{name}", source="f#1") for subject, name in names])


def test_a_declared_split_is_that_of_the_data():
    told = divide(units(3), by("declared"), events=said((0, "train"), (1, "tune"), (2, "test"), (2, "test")))
    assert told["split"].to_list() == ["train", "tune", "test"]


def test_a_split_that_is_missing_doubled_or_misnamed_is_counted():
    with pytest.raises(Unusable, match="of 4 units 1 declare no split, 1 more than one, and 1 one that is not train, tune or test"):
        divide(units(4), by("declared"), events=said((0, "train"), (1, "test"), (1, "train"), (2, "valid")))
    with pytest.raises(Unusable, match="2 declare no split"):
        divide(units(2), by("declared"))


def test_units_without_what_the_split_goes_by_are_told():
    with pytest.raises(Misconfigured, match="no site to split by"):
        divide(units(2), by("site"))
    with pytest.raises(Unusable, match="1 of 2 units have no scaffold_group"):
        divide(units(2, scaffold_group=["a", None]), by("scaffold"))
