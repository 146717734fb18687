"""Fixtures for every room: the real data sets, when they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as bedside.core.lazy does: a test that imports onnxruntime by itself reports nothing either
settings.register_profile("bedside", deadline=None)  # a property is judged by what it says, not by how busy the machine was
settings.load_profile("bedside")
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of openly licensed data sets: BEDSIDE_DATA, else ../shared/data beside the checkout."""
    found = Path(os.environ.get("BEDSIDE_DATA", _BESIDE))
    if not found.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the shared data sets must be there in CI")
        pytest.skip("the shared data sets are not here: set BEDSIDE_DATA to their folder")
    return found

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
