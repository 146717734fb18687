"""Bedside scores against their published charts: every edge of every band, and nothing missing taken for normal.

Sources: NEWS2, Royal College of Physicians 2017, chart 1 (parameters) and chart 2 (clinical risk); qSOFA, Singer et al.,
JAMA 2016;315:801, box 4; SIRS, Bone et al., Chest 1992;101:1644, table 1. The rows below are typed from the charts.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.core.errors import Misconfigured
from bedside.pillars.guidance.features import SCORES, column_from_features, from_features
from bedside.pillars.guidance.news2 import INPUTS, band, news2, news2_column
from bedside.pillars.guidance.qsofa import qsofa, qsofa_column
from bedside.pillars.guidance.sirs import sirs, sirs_column

WELL = {"respiratory_rate": 16, "oxygen_saturation": 97, "supplemental_oxygen": 0, "systolic_bp": 120, "heart_rate": 70,
        "consciousness": 0, "temperature": 37.0}  # fmt: skip
CHART = {
    "respiratory_rate": [(8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3)],
    "oxygen_saturation": [(91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0), (100, 0)],
    "supplemental_oxygen": [(0, 0), (1, 2)],
    "systolic_bp": [(90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3)],
    "heart_rate": [(40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)],
    "consciousness": [(0, 0), (1, 3)],
    "temperature": [(35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)],
}
SCALE_2 = [(83, 0, 3), (83, 1, 3), (84, 0, 2), (85, 1, 2), (86, 0, 1), (87, 1, 1), (88, 0, 0), (92, 1, 0), (93, 0, 0), (93, 1, 1),
           (94, 1, 1), (95, 1, 2), (96, 1, 2), (97, 1, 3), (97, 0, 0), (100, 1, 3)]  # fmt: skip


@pytest.mark.parametrize(("part", "value", "points"), [(part, *edge) for part, edges in CHART.items() for edge in edges])
def test_every_edge_of_the_news2_chart(part: str, value: float, points: int) -> None:
    assert news2(WELL | {part: value}).parts[part] == points
    assert news2(WELL | {part: value}).total == points


@pytest.mark.parametrize(("saturation", "oxygen", "points"), SCALE_2)
def test_every_edge_of_saturation_scale_2(saturation: int, oxygen: int, points: int) -> None:
    patient = WELL | {"oxygen_saturation": saturation, "supplemental_oxygen": oxygen}
    assert news2(patient, scale=2).parts["oxygen_saturation"] == points


def test_scale_2_at_93_and_above_says_nothing_when_oxygen_is_unknown() -> None:
    patient = {name: value for name, value in WELL.items() if name != "supplemental_oxygen"}
    told = news2(patient | {"oxygen_saturation": 95}, scale=2)
    assert sorted(told.missing) == ["oxygen_saturation", "supplemental_oxygen"]
    assert news2(patient | {"oxygen_saturation": 88}, scale=2).missing == ["supplemental_oxygen"]


@pytest.mark.parametrize(
    ("total", "worst", "risk"),
    [
        (0, 0, "low"),
        (4, 2, "low"),
        (3, 3, "low-medium"),
        (4, 3, "low-medium"),
        (5, 2, "medium"),
        (6, 3, "medium"),
        (7, 2, "high"),
        (20, 3, "high"),
    ],
)
def test_the_clinical_risk_of_chart_2(total: int, worst: int, risk: str) -> None:
    assert band(total, worst) == risk


def test_a_missing_sign_is_listed_and_not_taken_for_normal() -> None:
    told = news2({"heart_rate": 120})
    assert told.total == 2
    assert told.missing == [name for name in INPUTS if name != "heart_rate"]
    assert not told.complete


@pytest.mark.parametrize("value", [-1, 400, math.inf])
def test_an_impossible_value_is_called_implausible_and_scores_nothing(value: float) -> None:
    told = news2(WELL | {"heart_rate": value})
    assert told.implausible == ["heart_rate"]
    assert "heart_rate" not in told.parts


def test_a_temperature_between_two_tenths_is_rounded_half_up() -> None:
    assert [news2(WELL | {"temperature": t}).total for t in (35.04, 35.06, 38.04, 38.06)] == [3, 1, 0, 1]


@pytest.mark.parametrize(
    ("signs", "total"),
    [
        ({"respiratory_rate": 21, "systolic_bp": 101, "consciousness": 0}, 0),
        ({"respiratory_rate": 22, "systolic_bp": 101, "consciousness": 0}, 1),
        ({"respiratory_rate": 21, "systolic_bp": 100, "consciousness": 0}, 1),
        ({"respiratory_rate": 22, "systolic_bp": 100, "consciousness": 1}, 3),
    ],
)
def test_qsofa_at_its_three_edges(signs: dict[str, float], total: int) -> None:
    told = qsofa(signs)
    assert told.total == total
    assert told.band == ("positive" if total >= 2 else "negative")


@pytest.mark.parametrize(
    ("part", "value", "points"),
    [
        ("temperature", 35.9, 1),
        ("temperature", 36.0, 0),
        ("temperature", 38.0, 0),
        ("temperature", 38.1, 1),
        ("heart_rate", 90, 0),
        ("heart_rate", 91, 1),
        ("respiratory_rate", 20, 0),
        ("respiratory_rate", 21, 1),
        ("white_cells", 3.9, 1),
        ("white_cells", 4.0, 0),
        ("white_cells", 12.0, 0),
        ("white_cells", 12.1, 1),
        ("paco2", 31, 1),
        ("paco2", 32, 0),
    ],
)
def test_sirs_at_every_edge(part: str, value: float, points: int) -> None:
    assert sirs({part: value}).total == points


def test_breathing_counts_once_in_sirs() -> None:
    assert sirs({"respiratory_rate": 30, "paco2": 25}).parts == {"respiration": 1}
    assert sirs({"respiratory_rate": 12, "paco2": 25}).total == 1
    assert sirs({}).missing == ["temperature", "heart_rate", "white_cells", "respiration"]


_SIGNS = [
    "respiratory_rate",
    "oxygen_saturation",
    "supplemental_oxygen",
    "systolic_bp",
    "heart_rate",
    "consciousness",
    "temperature",
    "white_cells",
    "paco2",
]
_VALUE = st.one_of(st.just(math.nan), st.sampled_from([0.0, 1.0, 0.5]), st.floats(-10, 400, width=32))


@given(st.lists(st.tuples(*[_VALUE] * len(_SIGNS)), min_size=1, max_size=8))
def test_one_patient_and_a_column_of_patients_score_alike(rows: list[tuple[float, ...]]) -> None:
    table = np.array(rows)
    column = {name: table[:, place] for place, name in enumerate(_SIGNS)}
    patients = [dict(zip(_SIGNS, row, strict=True)) for row in rows]
    for one, many in ((news2, news2_column), (qsofa, qsofa_column), (sirs, sirs_column)):
        told = many(column)
        assert told.total.tolist() == [one(patient).total for patient in patients]
        assert told.unknown.tolist() == [len(told.parts) - len(one(patient).parts) for patient in patients]
    scale_2 = news2_column(column, scale=2)
    assert scale_2.total.tolist() == [news2(patient, scale=2).total for patient in patients]


def test_features_of_a_patient_give_the_score_of_their_last_values() -> None:
    told = from_features("news2", {f"{name}.last": value for name, value in WELL.items()} | {"heart_rate.last": 131.0})
    assert (told.total, told.complete) == (3, True)


def test_a_signal_that_the_study_does_not_have_is_missing_in_every_row() -> None:
    table = pl.DataFrame(
        {"heart_rate.last": [120.0, None], "temperature.last": [38.1, 39.1]}, schema_overrides={"temperature.last": pl.Float32}
    )
    told = column_from_features("news2", table)
    assert told.total.tolist() == [3.0, 2.0]
    assert told.unknown.tolist() == [5, 6]


def test_a_float32_feature_scores_as_the_decimal_that_was_charted() -> None:
    table = pl.DataFrame({"temperature.last": [35.05, 38.05, 39.05]}, schema={"temperature.last": pl.Float32})
    assert column_from_features("news2", table).total.tolist() == [
        float(from_features("news2", {"temperature.last": value}).total) for value in table["temperature.last"].to_list()
    ]


def test_the_baselines_always_shown_are_news2_and_qsofa() -> None:
    table = pl.DataFrame({"respiratory_rate.last": [25.0], "systolic_bp.last": [90.0]})
    assert {name: score(table).tolist() for name, score in SCORES.items()} == {"news2": [6.0], "qsofa": [2.0]}


def test_an_unknown_score_is_named() -> None:
    with pytest.raises(Misconfigured, match="apache"):
        from_features("apache", {})
