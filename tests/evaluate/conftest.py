"""Fixtures of the evaluation's tests."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from bedside.evaluate.evaluation import Evaluation, evaluate


@pytest.fixture(scope="session")
def made() -> Callable[..., pl.DataFrame]:
    """Maker of prediction frames."""
    return runpy.run_path(str(Path(__file__).with_name("made.py")))["predictions"]


@pytest.fixture(scope="session")
def evaluation(made: Callable[..., pl.DataFrame]) -> Evaluation:
    """One evaluation of made predictions."""
    return evaluate(made(), thresholds={"alert": 0.2, "urgent": 0.5}, seed=11, patient_days=40.0, resamples=200)
