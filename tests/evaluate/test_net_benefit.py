"""Net benefit against dcurves (R, df_binary, MIT; read at test time)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bedside.evaluate.cluster import Bootstrap
from bedside.evaluate.net_benefit import decision_curve, net_benefit, usual_thresholds


@pytest.fixture(scope="module")
def cancer(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    with (shared_data / "evidence/dcurves/dcurves_df_binary.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return np.array([row["cancer"] == "TRUE" for row in rows]), np.array([float(row["cancerpredmarker"]) for row in rows])


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0.05, 0.105543860), (0.10, 0.087407407), (0.20, 0.067333333), (0.35, 0.050153846)]
)
def test_the_marker_is_worth_what_the_published_curve_says(cancer, threshold, expected):
    assert net_benefit(*cancer, threshold) == pytest.approx(expected, abs=1e-9)


def test_a_whole_curve_agrees_with_dcurves_for_the_marker_and_for_treating_all(cancer, shared_data: Path):
    rows = json.loads((shared_data / "evidence/refs/misc_ref.json").read_text())["dca_binary"]
    of = {
        kind: {row["threshold"]: row["net_benefit"] for row in rows if row["variable"] == kind}
        for kind in ("cancerpredmarker", "all")
    }
    at = np.array(sorted(t for t in of["all"] if t > 0))
    curve = decision_curve(*cancer, np.arange(750), subjects=750, bootstrap=Bootstrap(50, 2), thresholds=at)
    assert [point.net_benefit.value for point in curve] == pytest.approx([of["cancerpredmarker"][t] for t in at], abs=1e-12)
    assert [point.treat_all for point in curve] == pytest.approx([of["all"][t] for t in at], abs=1e-12)
    assert all(point.net_benefit.low <= point.net_benefit.value <= point.net_benefit.high for point in curve)


@pytest.mark.parametrize("base_rate", [0.0, 0.0005, 0.02, 0.3, 1.0])
def test_thresholds_lie_where_somebody_might_act(base_rate):
    at = usual_thresholds(base_rate)
    assert ((at > 0) & (at < 1)).all()
    assert (np.diff(at) > 0).all()
