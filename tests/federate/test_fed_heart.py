"""Four real hospitals (UCI Heart Disease) through the whole spine: the published split, and FedAvg beside the pooled fit."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from benchmarks import fed_heart

from bedside.bundle.store import Bundle
from bedside.study.federate import federate

pytestmark = pytest.mark.slow
TRAIN, TEST = {"cleveland": 199, "hungarian": 172, "switzerland": 30, "va": 84}, {"cleveland": 104, "hungarian": 89, "switzerland": 16, "va": 45}


def test_fedavg_is_within_one_percent_of_the_pooled_fit_on_the_published_split(shared_data, tmp_path):
    fed_heart.prepare(shared_data / "evidence" / "fed-heart", tmp_path, 43, fed_heart._FITS["FedAvg"], tell=False)
    done = federate(tmp_path / "study.toml", [tmp_path / "sites" / site for site in fed_heart.SITES], out=tmp_path / "out", pool_test=True, quiet=True)
    # one training patient of the published 85 in Long Beach is a test patient once more, which the cohort step refuses
    assert {one.site: one.rows for one in done.run.sites} == TRAIN
    tested = {site: pl.read_parquet(tmp_path / "sites" / site / "federated/predictions.parquet").filter(output="risk").height for site in TEST}
    assert tested == TEST

    ours = fed_heart.risks(tmp_path)
    pooled, _ = fed_heart.alone(tmp_path, list(fed_heart.SITES))
    _, outcome, _ = fed_heart.tests(tmp_path, Bundle.open(done.out / "bundles/model").names)
    accuracy = [fed_heart.accuracy(outcome, risk) for risk in (ours, pooled)]
    assert accuracy[1] == pytest.approx(0.7953, abs=1e-4)  # FLamby, pooled training
    assert abs(accuracy[0] - accuracy[1]) <= 0.01
    assert done.pooled is not None
    assert np.isclose(done.pooled.outputs[0].auroc.value, 0.878, atol=0.005)

    silent = next(one for one in done.run.sites if one.site == "switzerland")
    assert silent.counts == {}  # one patient there is without the disease: no figure of so few leaves
